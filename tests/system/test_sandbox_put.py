"""A sandbox that a caller has added is put again: it becomes what is said now."""
import json

import pytest

from lab.client import Client, read_response

POLICY = """\
policies:
  agent: {allow: [{host: api.test}]}
  narrow: {allow: [{host: api.test, path: /open}]}
"""


class World:
    def __init__(self, lab, daemon, origin):
        self.lab, self.daemon, self.origin = lab, daemon, origin
        self.box = lab.add_sandbox()
        self.client = Client(self.box)

    def put(self, *more, policy="agent", address=None, interface=None, name="late", check=True):
        return self.daemon.ctl(
            "sandbox", "add", name, "--interface", interface or self.box.interface,
            "--address", address or self.box.address4, "--policy", policy, *more, check=check)

    def show(self, name="late"):
        return json.loads(self.daemon.ctl("--json", "sandbox", "show", name).stdout)

    def let_through(self, address):
        return f'"{self.box.interface}" . {address}' in self.lab.host.run(
            "nft", "list", "ruleset").stdout


@pytest.fixture
def world(lab, netd, origin):
    w = World(lab, netd(POLICY), origin("api.test"))
    assert w.put().stdout == "added\n"
    w.client.trust(w.daemon, "late")
    return w


def ask(s, path):
    s.sendall(f"GET {path} HTTP/1.1\r\nHost: api.test\r\n\r\n".encode())
    return int(read_response(s)[0].split()[1])


def test_another_policy_holds_for_the_next_request(world):
    s = world.client.tls()
    assert ask(s, "/other") == 200
    authority = world.daemon.ctl("ca", "show", "late").stdout
    world.daemon.ctl("policy", "set", "late", "--deny", "evil.test")
    assert world.put("--label", "team=a", policy="narrow").stdout.startswith("added\n")
    assert ask(s, "/open") == 200
    assert ask(s, "/other") == 403
    record = world.daemon.wait_record(event="decision", verdict="denied", path="/other")
    assert record["labels"] == {"team": "a"} and record["policy"] == "narrow"
    assert world.daemon.ctl("ca", "show", "late").stdout == authority
    assert "evil.test" in world.show()["overlay"]


def test_the_same_again_changes_nothing(world):
    before = world.show()
    assert world.put().stdout == "added\n"
    assert world.show() == before
    assert world.client.curl("https://api.test/").status == 200


def test_new_means_that_it_is_not_there(world):
    r = world.put("--new", policy="narrow", check=False)
    assert r.returncode == 1 and "it is there already" in r.stderr
    assert world.show()["policy"] == "agent"
    world.daemon.ctl("sandbox", "rm", "late")
    assert world.put("--new").stdout == "added\n"


def test_another_place(world):
    assert world.let_through(world.box.address4)
    world.put(address="10.77.200.2")
    assert world.let_through("10.77.200.2") and not world.let_through(world.box.address4)
    world.put()
    assert world.let_through(world.box.address4) and not world.let_through("10.77.200.2")
    assert world.client.curl("https://api.test/").status == 200


@pytest.mark.parametrize("words, why", [
    ({"name": "s1"}, "it is declared in a file"),
    ({"policy": "none"}, "there is no policy"),
    ({"interface": "v1", "address": "10.77.1.2"}, "is already defined at"),
    ({"address": "10.77.200.9"}, "is that of sandbox other already"),
    ({"address": "10.77.1"}, "address"),
])
def test_what_cannot_be_changes_nothing(world, words, why):
    world.put(name="other", address="10.77.200.9")
    before = world.show(), world.show("s1")
    r = world.put(**words, check=False)
    assert r.returncode == 1 and why in r.stderr
    assert (world.show(), world.show("s1")) == before
    assert world.client.curl("https://api.test/").status == 200


def test_no_tag_is_taken(world):
    r = world.lab.host.run(
        "curl", "-sS", "--unix-socket", str(world.daemon.runtime / "control.sock"), "-X", "PUT",
        "-H", 'If-Match: "x"', "--data-binary", "{}", "http://localhost/v1/sandboxes/late")
    assert "If-None-Match: *" in r.stdout
