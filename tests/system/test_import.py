"""Somebody else's document: printed as one of ours, and run as a policy."""
import os
import pathlib
import subprocess

import pytest

from lab.built import BIN
from lab.run import SECRET, Run

GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "golden" / "import"
SOURCES = [(d.name, f) for d in sorted(GOLDEN.iterdir())
           for f in sorted(d.glob("*.*")) if f.suffix in (".yaml", ".json")]
GOOD = [s for s in SOURCES if not s[1].name.startswith("bad-")]
BAD = [s for s in SOURCES if s[1].name.startswith("bad-")]


def names(sources):
    return [f"{dialect}/{path.name}" for dialect, path in sources]


def netctl(*words, **kw):
    return subprocess.run([str(BIN / "sbx-netctl"), "import", *map(str, words)],
                          text=True, capture_output=True, timeout=60, **kw)


@pytest.mark.parametrize("dialect, path", GOOD, ids=names(GOOD))
def test_what_is_printed_passes_the_check(tmp_path, dialect, path):
    said = netctl(dialect, path)
    assert said.returncode == 0, said.stderr
    document, notes = path.with_suffix(".txt").read_text().split("---\n")
    assert said.stdout == document.replace(path.name, str(path), 1)
    assert said.stderr == notes.replace(path.name + ":", f"{path}:")
    printed = tmp_path / "imported.yaml"
    printed.write_text(said.stdout)
    checked = subprocess.run(
        [str(BIN / "sbx-netd"), "--check", "--config", str(printed)],
        text=True, capture_output=True, timeout=60)
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize("dialect, path", BAD, ids=names(BAD))
def test_an_error_has_its_place_and_nothing_is_printed(dialect, path):
    said = netctl(dialect, path)
    assert (said.returncode, said.stdout) == (1, "")
    assert said.stderr.startswith(f"{path}:")
    assert said.stderr.replace(str(path), path.name) == \
        path.with_suffix(".err").read_text()


def test_standard_input_and_a_kits_folder(tmp_path):
    kit = (GOLDEN / "docker-kit" / "v2.yaml").read_text()
    (tmp_path / "spec.yaml").write_text(kit)
    printed = [netctl("docker-kit", "-", input=kit),
               netctl("docker-kit", tmp_path)]
    for said in printed:
        assert said.returncode == 0, said.stderr
    assert "# From standard input: " in printed[0].stdout
    assert f"# From {tmp_path}/spec.yaml: " in printed[1].stdout
    documents = [p.stdout.split("\n", 1)[1] for p in printed]
    assert documents[0] == documents[1]


@pytest.mark.parametrize("words, status, said", [
    ([], 2, "docker-kit\n  docker-proxy-config\n  cloudflare"),
    (["docker-kit"], 2, "usage"),
    (["helm", "x.yaml"], 2, "usage"),
    (["docker-kit", "x", "y"], 2, "usage"),
    (["cloudflare", "/nowhere.json"], 1, "/nowhere.json: No such file"),
    (["cloudflare", "/"], 1, "/: Is a directory"),
    (["docker-kit", "/nowhere"], 1, "/nowhere: No such file"),
    (["docker-kit", "/dev/zero"], 1, "/dev/zero: larger than 16 MiB"),
])
def test_what_cannot_be_read(words, status, said):
    got = netctl(*words)
    assert (got.returncode, got.stdout) == (status, "")
    assert said in got.stderr


# ---- run --kit --------------------------------------------------------------

KITS = {"v1": """\
schemaVersion: "1"
kind: mixin
name: demo
network:
  allowedDomains: [api.test]
  serviceDomains: {api.test: demo}
  serviceAuth:
    demo: {headerName: Authorization, valueFormat: "Bearer %s"}
credentials:
  sources:
    demo: {env: [DEMO_TOKEN]}
    other: {env: [OTHER_TOKEN]}
environment:
  proxyManaged: [DEMO_TOKEN]
""", "v2": """\
schemaVersion: "2"
kind: mixin
name: demo
permissions:
  network:
    allow: [api.test]
credentials:
  - service: demo
    apiKey:
      name: DEMO_TOKEN
      proxyManaged: true
      inject: [{domain: api.test, scheme: bearer}]
  - service: other
    apiKey:
      name: OTHER_TOKEN
      inject: [{domain: api.test, scheme: basic, username: x}]
"""}

# The host as one with a resolver and roots of its own: `run --kit` takes no
# settings.  The mounts are of this command alone.
HOST = """
mount --bind "$1" "$(realpath /etc/resolv.conf)" &&
mount --bind "$2" "$(realpath /etc/ssl/certs/ca-certificates.crt)" || exit 99
shift 2
exec "$@"
"""


class KitRun(Run):
    def __init__(self, lab, directory, authority):
        super().__init__(lab, directory, authority)
        self.kit = directory / "kit"
        self.kit.mkdir()
        self.resolv, self.bundle = directory / "resolv", authority.path
        self.resolv.write_text("nameserver 203.0.113.53\n")

    def words(self, *command, options=()):
        return ["sh", "-c", HOST, "sh", str(self.resolv), str(self.bundle),
                str(BIN / "sbx-netctl"), "run", "--kit", str(self.kit),
                "--allow-address", "203.0.113.0/24", *options, "--", *command]


@pytest.fixture
def run(lab, authority, names, tmp_path):
    r = KitRun(lab, tmp_path, authority)
    yield r
    r.wait_clean()


@pytest.mark.parametrize("version", KITS)
def test_a_kit_is_the_policy_and_has_its_credential(run, origin, version):
    api, evil = origin("api.test"), origin("evil.test", address="203.0.113.11")
    (run.kit / "spec.yaml").write_text(KITS[version])
    r = run("sh", "-c", "curl -sS -H \"Authorization: Bearer $DEMO_TOKEN\" "
            "https://api.test/x; curl -sS https://evil.test/; env",
            OTHER_TOKEN=SECRET + "-2")
    assert api.requests[0].headers["authorization"] == f"Bearer {SECRET}", \
        r.stderr
    assert evil.requests == []
    assert "DEMO_TOKEN=proxy-managed" in r.stdout.splitlines()
    assert SECRET not in r.stdout + r.stderr
    assert "OTHER_TOKEN" not in r.stdout, "a secret, though left out"
    assert f"{run.kit}/spec.yaml:1:1: note: Docker adds" in r.stderr
    assert "- {host: evil.test}" in r.stderr, "what would allow it"


def test_an_unset_variable_skips_the_credential(run, origin):
    api = origin("api.test")
    (run.kit / "spec.yaml").write_text(KITS["v1"])
    r = run("curl", "-sS", "--fail", "https://api.test/", DEMO_TOKEN="",
            options=["--quiet"])
    assert r.returncode == 0, r.stderr
    assert "authorization" not in api.requests[0].headers
    assert "note:" not in r.stderr


@pytest.mark.parametrize("kit, options, words", [
    ("schemaVersion: '1'\nname: x\nnetwork: {allowedDomains: ['a b']}\n", [],
     'spec.yaml:3:28: "allowedDomains" expects a host'),
    (None, [], "spec.yaml: No such file"),
    (KITS["v1"], ["--policy", "agent"], "--policy does not go with it"),
    (KITS["v1"], ["--policy", os.devnull], "--policy does not go with it"),
    (KITS["v1"], ["--config", os.devnull], "--kit does not go with it"),
])
def test_a_kit_that_cannot_be_used_is_125(run, kit, options, words):
    if kit is not None:
        (run.kit / "spec.yaml").write_text(kit)
    r = run("true", options=options)
    assert r.returncode == 125
    assert words in r.stderr
