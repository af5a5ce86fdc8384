"""`sbx-netctl run` on the lab's host, and what it must not leave behind."""
import glob
import os
import subprocess

from .built import BIN
from .namespaces import sh
from .wait import until

CONFIG = """\
version: 1
resolver: [203.0.113.53]
workers: 1
upstream:
  ca_file: {ca}
  allow_addresses: [203.0.113.0/24]
credentials:
  demo:
    source: {{env: [DEMO_TOKEN, OTHER_TOKEN]}}
    inject:
      - {{host: api.test, header: Authorization, format: "Bearer ${{value}}"}}
policies:
  agent:
    default: deny
    allow:
      - {{host: api.test, method: [GET]}}
    credentials: [demo]
"""
SECRET = "canary-7f3a9c"


def runtime_dirs():
    return set(glob.glob("/run/sbx-net-run.*"))


class Run:
    """Commands in sandboxes; each run starts a daemon of its own."""

    def __init__(self, lab, directory, authority):
        self.lab, self.directory = lab, directory
        self.config = directory / "run.yaml"
        self.config.write_text(CONFIG.format(ca=authority.path))
        self.before = runtime_dirs()

    def words(self, *command, options=()):
        return [str(BIN / "sbx-netctl"), "run", "--config", str(self.config),
                *options, "--", *command]

    def environment(self, **more):
        return {**os.environ, "DEMO_TOKEN": SECRET, **more}

    def __call__(self, *command, options=(), check=False, **more):
        return self.lab.host.run(*self.words(*command, options=options),
                                 check=check, env=self.environment(**more),
                                 stdin=subprocess.DEVNULL, timeout=120)

    def start(self, *command, **kw):
        """Without waiting.  `ip netns exec` becomes sbx-netctl: same pid."""
        return self.lab.host.popen(*self.words(*command), text=True,
                                   env=self.environment(),
                                   stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, **kw)

    def sandbox_links(self):
        out = self.lab.host.ip("-o", "link").stdout
        return [line for line in out.splitlines() if ": sbx-" in line]

    def left(self):
        """Everything of a run that is there now, in words."""
        host = self.lab.host
        rules = host.ip("rule").stdout + host.ip("-6", "rule").stdout
        return ([f"interface {x}" for x in self.sandbox_links()] +
                [f"directory {x}" for x in runtime_dirs() - self.before] +
                [f"process {x}" for x in
                 sh("ip", "netns", "pids", host.name).stdout.split()] +
                [f"table {x}" for x in
                 host.run("nft", "list", "tables").stdout.splitlines()] +
                [f"rule {x}" for x in rules.splitlines()
                 if "sbx" in x or "fwmark" in x])

    def wait_clean(self):
        seen = []

        def clean():
            seen[:] = self.left()
            return not seen

        try:
            until("nothing to be left", clean)
        except AssertionError as e:
            raise AssertionError(f"{e}: {seen}") from None
