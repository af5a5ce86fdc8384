"""Behind the walls of its unit the keeper can do all of its work."""
import os
import pathlib
import signal
import sys

import pytest

from lab import unit_walls
from lab.wait import until

UNIT = (pathlib.Path(__file__).parents[2] / "scripts" / "systemd" /
        "sbx-netd.service")
WALLS = [sys.executable, unit_walls.__file__, str(UNIT)]
POLICY = """\
credentials:
  forge:
    source: {command: [/bin/echo, value-of-a-command]}
    inject: [{host: api.test, header: X-Name}]
policies:
  agent:
    credentials: [forge]
    allow: [{host: api.test%s}]
"""


def status(pid, key):
    with open(f"/proc/{pid}/status", encoding="utf-8") as f:
        (line,) = [line for line in f if line.startswith(key + ":")]
    return line.split()[1]


def bits(names):
    with open("/usr/include/linux/capability.h", encoding="utf-8") as f:
        numbers = {words[1]: words[2] for words in map(str.split, f)
                   if words[:1] == ["#define"] and len(words) == 3}
    return sum(1 << int(numbers[name]) for name in names)


@pytest.fixture
def behind(netd):
    return lambda documents: netd(documents, wrapper=WALLS)


def test_it_serves_reloads_repairs_and_replaces_workers(
        lab, behind, origin, client):
    api = origin("api.test")
    d = behind(POLICY % "")
    held = " ".join(unit_walls.settings(UNIT, "CapabilityBoundingSet"))
    assert int(status(d.process.pid, "CapEff"), 16) == bits(held.split())
    assert status(d.process.pid, "Seccomp") == "2"
    assert status(d.process.pid, "NoNewPrivs") == "1"

    client.trust(d)

    def has_credential():
        assert client.curl("https://api.test/").status == 200
        return api.requests[-1].headers.get("x-name") == "value-of-a-command"

    until("the command to have said the credential", has_credential)
    workers = d.children()
    for worker in workers:
        assert status(worker, "Uid") != "0"
        assert int(status(worker, "CapEff"), 16) == 0

    done = d.reload(d.config.read_text().replace(
        "host: api.test}", "host: api.test, method: [GET]}"))
    assert done.returncode == 0, done.stderr
    assert client.curl("https://api.test/", "-X", "PUT").status == 403

    lab.host.run("nft", "flush", "ruleset")
    until("the rules to be back", lambda: "sbx_net" in lab.host.run(
        "nft", "list", "tables").stdout)
    until("a request to go through",
          lambda: client.curl("https://api.test/").status == 200)

    for worker in workers:
        os.kill(worker, signal.SIGKILL)
    until("other workers", lambda: len(set(d.children()) - set(workers)) ==
          len(workers))
    until("a request to go through",
          lambda: client.curl("https://api.test/").status == 200)
    d.process.terminate()
    assert d.process.wait(timeout=30) == 0


def test_a_worker_that_hangs_is_killed_although_it_has_another_uid(behind):
    d = behind(POLICY % "")
    workers = d.children()
    for worker in workers:
        os.kill(worker, signal.SIGSTOP)
    d.process.terminate()
    assert d.process.wait(timeout=60) == 0
    for worker in workers:
        assert not os.path.exists(f"/proc/{worker}"), worker
