"""A policy that names a Docker kit: its rules and credentials, where they stand."""
import subprocess

import pytest

from lab.built import BIN

KIT = """\
schemaVersion: "2"
kind: sandbox
name: some-agent
credentials:
  - service: api
    apiKey:
      name: API_TOKEN
      inject:
        - {domain: api.test, scheme: bearer}
permissions:
  network:
    allow:
      - api.test
    deny:
      - bad.test
"""
POLICY = """\
version: 1
policies:
  agent:
    kit: ./kits/some/spec.yaml
    allow: [{host: own.test}, {host: bad.test}]
"""
MAIN = "policies: {idle: {}}\n"


def line_of(word):
    return next(i for i, line in enumerate(KIT.splitlines(), 1) if word in line)


class World:
    def __init__(self, tmp_path, netd, client):
        self.folder = tmp_path / "policies.d"
        self.kit = self.folder / "kits" / "some" / "spec.yaml"
        self.kit.parent.mkdir(parents=True)
        self.kit.write_text(KIT)
        self.document = self.folder / "agent.yaml"
        self.document.write_text(POLICY)
        self.daemon = netd(MAIN, environment={"API_TOKEN": "s3cr3t-of-kit"})
        self.client = client.trust(self.daemon)

    def check(self):
        return subprocess.run(
            [BIN / "sbx-netd", "--check", "--config", self.daemon.config,
             "--runtime-dir", self.daemon.runtime], text=True, capture_output=True)


@pytest.fixture
def world(lab, tmp_path, netd, origin, client):
    o = {}
    for n, name in enumerate(["api.test", "own.test", "bad.test", "new.test"], 60):
        lab.internet.ip("addr", "add", f"203.0.113.{n}/24", "dev", "eth0")
        o[name] = origin(name, address=f"203.0.113.{n}")
    w = World(tmp_path, netd, client)
    w.origins = o
    return w


def test_its_rules_and_credentials_hold(world):
    d, c = world.daemon, world.client
    assert c.curl("https://api.test/").status == 200
    assert world.origins["api.test"].requests[0].headers["authorization"] == "Bearer s3cr3t-of-kit"
    r = d.wait_record(host="api.test", kind="request", event="decision")
    assert (r["rule"], r["injected"]) == ("agent.kit.allow[0]", "agent.api")
    assert r["source"] == f"{world.kit}:{line_of('- api.test')}"
    # What it denies is denied, whatever the policy's own rules allow.
    assert c.curl("https://bad.test/").status in (0, 403)
    r = d.wait_record(host="bad.test", verdict="denied")
    assert r["source"] == f"{world.kit}:{line_of('- bad.test')}"
    assert c.curl("https://own.test/").status == 200
    assert d.wait_record(host="own.test", kind="request")["rule"] == "agent.allow[0]"
    assert "s3cr3t" not in d.log()


def test_everything_that_asks_sees_it(world, tmp_path):
    d = world.daemon
    said = d.ctl("explain", "s1", "GET", "https://api.test/").stdout
    assert f"agent.kit.allow[0] ({world.kit}:" in said and "agent.api" in said
    assert "api.test" in d.ctl("policy", "show", "agent").stdout
    assert "agent.api" in d.ctl("secret", "ls").stdout
    cases = tmp_path / "x.cases"
    cases.write_text("agent GET https://api.test/ allowed rule=agent.kit.allow[0] "
                     "credential=agent.api\nagent GET https://bad.test/ denied\n")
    for words in (["--policy-file", str(world.document)], ["--config", str(d.config)], []):
        d.ctl("policy", "test", str(cases), *words)
    checked = world.check()
    assert checked.returncode == 0
    assert f"{world.kit}:{line_of('name: API_TOKEN')}:" in checked.stderr and "note:" in checked.stderr


def test_a_host_that_it_has_a_credential_for_can_be_denied(world):
    d, c = world.daemon, world.client
    world.document.write_text(POLICY + "    deny: [{host: api.test}]\n")
    assert d.reload().returncode == 0
    assert c.curl("https://api.test/").status in (0, 403)
    r = d.wait_record(host="api.test", verdict="denied")
    assert (r["rule"], r["reason"]) == ("agent.deny[0]", "rule_deny")
    assert world.origins["api.test"].requests == []


def test_a_changed_kit_counts_at_reload(world):
    c = world.client
    world.kit.write_text(KIT.replace("- api.test", "- api.test\n      - new.test"))
    assert c.curl("https://new.test/").status in (0, 403)
    assert world.daemon.reload().returncode == 0
    assert c.curl("https://new.test/").status == 200


def test_what_is_wrong_with_it_has_its_place(world):
    d = world.daemon
    for text, want in [
            (KIT.replace("network:", "netwrok:"), f"{world.kit}:{line_of('network:')}:3:"),
            (KIT.replace('"2"', '"7"'), f"{world.kit}:1:16:"),
            ("[", f"{world.kit}:")]:
        world.kit.write_text(text)
        r = d.reload()
        assert r.returncode == 1 and want in r.stderr, r.stderr
        checked = world.check()
        assert checked.returncode == 1 and want in checked.stderr
    world.kit.unlink()
    r = d.reload()
    assert f"{world.document}:4:10: {world.folder}/kits/some/spec.yaml: No such file" in r.stderr
    assert "in files only" not in r.stderr
    world.document.write_text(world.document.read_text().replace(
        "./kits", "./" + 5000 * "k"))
    r = d.reload()
    assert f'{world.document}:4:10: "./kkk' in r.stderr
    assert "the path is too long" in r.stderr
    # What held, holds.
    assert world.client.curl("https://api.test/").status == 200


def test_a_folder_a_second_policy_and_no_other_way_in(world):
    d = world.daemon
    world.document.write_text(POLICY.replace("some/spec.yaml", "some")
                              + f"  second: {{kit: {world.kit}}}\n")
    assert d.reload().returncode == 0
    names = d.ctl("policy", "show", "second").stdout
    assert "api.test" in names and "own.test" not in names
    # Nobody else may say that something is a kit's.
    world.document.write_text("kit_of: agent\nallow: [{host: new.test}]\n")
    assert 'unknown key "kit_of"' in d.reload().stderr


def test_what_is_put_over_the_socket_names_no_kit_and_leaves_it_be(world, tmp_path):
    d = world.daemon
    entry = tmp_path / "entry.yaml"
    entry.write_text(f"kit: {world.kit}\n")
    r = d.ctl("policy", "add", "third", str(entry), check=False)
    assert r.returncode == 1 and "a kit can be named in files only" in r.stderr
    # What is put is compiled with the files as they were read.
    world.kit.write_text("[")
    entry.write_text("allow: [{host: new.test}]\n")
    d.ctl("policy", "add", "third", str(entry))
    assert world.client.curl("https://api.test/").status == 200
    assert "rule_allow" in d.ctl("explain", "s1", "GET", "https://api.test/").stdout
