"""Credentials: how their sources write them down, how long they hold."""
import json
import threading

import pytest

from lab.client import Client, read_all, read_response
from lab.h2 import connect
from lab.h2origin import H2Origin
from lab.origin import ok
from lab.wait import until

CANARY = "s3cret-canary-0816"
BESIDE = "an0ther-canary-4711"  # stands in the same document, and is as secret

POLICY = """\
credentials:
  api:
    source: SOURCE
    inject:
      - {host: api.test, header: Authorization, format: "Bearer ${value}"}
policies:
  agent:
    allow: [{host: [api.test, other.test]}]
    credentials: [api]
"""


class World:
    def __init__(self, netd, origin, client, folder, **more):
        self.api = origin("api.test", **more)
        self.netd, self.client, self.folder = netd, client, folder

    def file(self, text, name="token", mode=0o600):
        """Written beside it and moved there: never half of it is seen."""
        new, path = self.folder / f"{name}.new", self.folder / name
        new.write_text(text)
        new.chmod(mode)
        new.rename(path)
        return path

    def program(self, text, name="helper"):
        return self.file("#!/bin/sh\n" + text, name, 0o700)

    def start(self, source, policy=POLICY, **more):
        self.d = self.netd(policy.replace("SOURCE", source), **more)
        self.client.trust(self.d)
        return self.d

    def sent(self):
        """What the origin gets with a request that is made now."""
        assert self.client.curl("https://api.test/").status == 200
        return self.api.requests[-1].all("authorization")

    def until_sent(self, *values):
        expected = [f"Bearer {v}" for v in values]
        until(f"{expected} on the wire", lambda: self.sent() == expected)

    def secret(self, name="api"):
        """What `secret ls` says of it."""
        listed = json.loads(self.d.ctl("--json", "secret", "ls").stdout)
        return [c for c in listed if c["name"] == name][0]

    def silent(self, *canaries):
        """Nowhere that people look is there any of these."""
        d = self.d
        shown = d.log() + str(d.lines()) + "".join(
            d.ctl(*words, check=False).stdout for words in (
                ["status"], ["--json", "status"], ["doctor"], ["policy", "show", "agent"],
                ["secret", "ls"], ["--json", "secret", "ls"], ["secret", "refresh"]))
        for canary in canaries:
            assert canary not in shown


@pytest.fixture
def world(netd, origin, client, tmp_path):
    return World(netd, origin, client, tmp_path)


def aws(secret, token, **more):
    return json.dumps({"Version": 1, "AccessKeyId": "id", "SecretAccessKey": secret,
                       "SessionToken": token, **more})


@pytest.mark.parametrize("text,format", [
    (json.dumps({"data": {"keys": [BESIDE, CANARY]}}), "json, field: data.keys.1"),
    (f"username={BESIDE}\npassword={CANARY}\n", "git-credential"),
    (json.dumps({"ServerURL": "u", "Username": BESIDE, "Secret": CANARY}),
     "docker-credential"),
    (aws(BESIDE, CANARY, Expiration="2099-01-01T00:00:00Z"),
     "aws-process, field: SessionToken"),
])
def test_threat_36_a_field_of_a_document(world, text, format):
    world.start(f"{{file: {world.file(text)}, format: {format}}}")
    assert world.sent() == [f"Bearer {CANARY}"]
    world.silent(CANARY, BESIDE)


def test_a_helper_is_asked_as_git_asks_it(world):
    helper = world.program(
        'test "$1" = get || exit 1\n'
        'while read -r line; do case $line in host=*) host=${line#host=};; esac; done\n'
        f'echo username={BESIDE}; echo password={CANARY}-for-$host\n'
        f'echo {BESIDE} >&2\n')
    world.start(f'{{command: [{helper}, get], format: git-credential, '
                f'input: "protocol=https\\nhost=api.test\\n\\n"}}')
    world.until_sent(f"{CANARY}-for-api.test")
    world.silent(CANARY, BESIDE)


@pytest.mark.parametrize("text,format,reason", [
    (f'{{"a": "{CANARY}", "a": "{BESIDE}"}}', "json, field: a", 'has the key "a" twice'),
    (f'{{"a": "{CANARY}"', "json, field: a", "is no JSON"),
    (f"{CANARY}\n", "git-credential", 'has a line without "="'),
    (aws(CANARY, BESIDE, Expiration="2001-01-01T00:00:00Z"), "aws-process", "has expired"),
    (aws(CANARY, BESIDE, Expiration=CANARY), "aws-process",
     "has an Expiration that is no date"),
])
def test_threat_36_what_is_no_value_is_not_shown(world, text, format, reason):
    d = world.start(f"{{file: {world.file(text)}, format: {format}}}")
    assert world.sent() == []
    d.wait_record(host="api.test", event="decision", skipped="api")
    assert reason in d.ctl("status").stdout
    world.silent(CANARY, BESIDE)


def test_a_value_ends_when_its_source_says(world):
    helper = world.program(
        f"echo x >> {world.folder}/runs\n"
        f"echo password={CANARY}-$(wc -l < {world.folder}/runs)\n"
        "echo password_expiry_utc=$(($(date +%s) + 4))\n")
    world.start(f"{{command: [{helper}], format: git-credential, ttl: 1d}}")
    first = until("a value", world.sent)
    until("another one", lambda: world.sent() not in ([], first))


def get(path="/"):
    return f"GET {path} HTTP/1.1\r\nHost: api.test\r\n\r\n".encode()


def test_rotation_on_an_open_connection(world):
    """Neither the sandbox's connection nor an answer ends; old after new never comes."""
    world.start(f"{{file: {world.file('first')}}}")
    s = world.client.tls()

    def ask():
        s.sendall(get())
        assert read_response(s)[0].startswith(b"HTTP/1.1 200")
        return world.api.requests[-1].headers["authorization"]

    assert ask() == "Bearer first"
    world.file("second")
    until("the new value on the wire", lambda: ask() == "Bearer second")
    assert [ask() for _ in range(5)] == ["Bearer second"] * 5
    sent = [r.headers["authorization"] for r in world.api.requests]
    assert sent == sorted(sent)  # "first" is before "second"


def test_revocation_ends_what_uses_it(netd, origin, client, tmp_path):
    """An answer that never ends, and a connection that is idle: both are closed."""
    closed = threading.Event()

    def drip(request, connection):
        if request.target != "/drip":
            return ok(b"hello")
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nhalf")
        while connection.recv(1):
            pass
        closed.set()

    world = World(netd, origin, client, tmp_path, answer=drip)
    file = world.file(CANARY)
    world.start(f"{{file: {file}}}")
    s = client.tls()
    s.sendall(get("/drip"))
    data = b""
    while b"half" not in data:  # else it would be told, and not cut off
        data += s.recv(65536)
    file.unlink()
    assert read_all(s) == b""
    assert closed.wait(20), "the origin's connection to end"
    d = world.d
    d.wait_record(event="outcome", reason="credential_revoked", host="api.test")
    gone = d.wait_record(kind="control", reason="credential_revoked")
    assert "credential api has no value any more: file" in gone["detail"]
    assert "No such file" in d.log()
    # The next one goes without, and says so.
    assert world.sent() == []
    d.wait_record(host="api.test", event="decision", skipped="api")
    world.silent(CANARY)


def test_revocation_ends_streams(netd, origin, client, tmp_path):
    """One that waits is told, one whose answer has begun is reset; both are over."""
    def answer2(s):
        if s.target != "/wait":
            s.send_head([(":status", "200")])
            s.send_data(b"half")

    world = World(netd, origin, client, tmp_path, kind=H2Origin, answer2=answer2, alpn=("h2",))
    file = world.file(CANARY)
    d = world.start(f"{{file: {file}}}")
    c = connect(client, "api.test", world.api.address)
    waits, drips = c.request("/wait"), c.request("/drip")
    drips.wait_body(4)
    until("both at the origin", lambda: len(world.api.requests) == 2)
    assert world.api.connections == 1
    file.unlink()
    waits.wait_over()
    assert waits.status == 502 and b"credential_revoked" in bytes(waits.body)
    assert drips.wait_reset() is not None
    until("the origin's connection to end", lambda: world.api.ended == 1)
    for path in ("/wait", "/drip"):
        asked = d.wait_record(event="decision", host="api.test", path=path)
        assert d.wait_record(event="outcome", id=asked["id"])["reason"] == "credential_revoked"


def test_the_last_good_value_for_a_while(world):
    file = world.file(CANARY)
    world.start(f"{{file: {file}, failure_ttl: 1d}}")
    assert world.sent() == [f"Bearer {CANARY}"]
    file.unlink()
    until("the loss to be seen", lambda: "which fails now" in world.d.log())
    assert world.sent() == [f"Bearer {CANARY}"]
    world.file("next")
    world.until_sent("next")


REQUIRED = POLICY.replace("    source:", "    required: true\n    source:")


def test_what_is_required_is_missing(world):
    d = world.start(f"{{file: {world.file(CANARY)}}}", REQUIRED)
    none = world.folder / "none"
    r = d.reload(d.config.read_text().replace(str(world.folder / "token"), str(none)))
    assert r.returncode == 1
    said = r.stdout + r.stderr
    assert 'credential "api" is required and has no value: file' in said
    assert "sbx-netd.yaml:" in said and "No such file or directory" in said
    assert world.sent() == [f"Bearer {CANARY}"]
    world.silent(CANARY)
    world.file(CANARY + "-2", "none")
    assert d.reload().returncode == 0
    world.until_sent(CANARY + "-2")


def test_a_daemon_without_what_is_required_does_not_start(world, netd):
    with pytest.raises(AssertionError) as e:
        netd(REQUIRED.replace("SOURCE", "{env: SBX_TEST_NONE}"))
    assert "env SBX_TEST_NONE is not set" in str(e.value)


def test_secret_ls(world):
    helper = world.program(f"cat {world.folder}/token")
    world.file(CANARY)
    more = POLICY.replace("policies:\n", """\
  spare:
    source: {env: SBX_TEST_NONE}
    inject: [{host: "*.api.test", header: X-Key}]
  gone:
    source: [{file: /nonexistent/token}, {env: SBX_TEST_NONE}]
    inject: [{host: other.test, header: X-Key}]
policies:
""").replace("credentials: [api]", "credentials: [api, gone]")
    d = world.start(f"[{{env: SBX_TEST_NONE}}, {{command: [{helper}], ttl: 1h}}]", more)
    d.ctl("secret", "refresh", "api")
    api = world.secret()
    assert (api["state"], api["from"], api["required"]) == ("available", "command", False)
    assert 0 <= api["age"] <= 3600 and 0 < api["expires"] <= 3600
    assert (api["hosts"], api["policies"]) == (["api.test"], ["agent"])
    assert api["error"] == "env SBX_TEST_NONE is not set"
    assert world.secret("spare")["state"] == "unlisted"
    gone = world.secret("gone")
    assert (gone["state"], gone["age"], gone["expires"]) == ("none", None, None)
    table = d.ctl("secret", "ls").stdout
    assert "api.test / agent" in table and "/nonexistent/token: No such file" in table
    failed = d.ctl("secret", "refresh", check=False)
    assert failed.returncode == 1
    assert "credential gone: file /nonexistent/token" in failed.stderr
    nothing = d.ctl("secret", "refresh", "nothing", check=False)
    assert nothing.returncode == 1 and "no policy lists such a credential" in nothing.stderr
    world.silent(CANARY)


def test_secret_refresh_is_done_when_the_next_request_has_it(world):
    helper = world.program(f"cat {world.folder}/token")
    world.file("first")
    d = world.start(f"{{command: [{helper}], ttl: 7d}}")
    d.ctl("secret", "refresh")
    s = world.client.tls()
    for value in ("first", "second", "third"):
        world.file(value)
        assert d.ctl("secret", "refresh", "api").stdout == "refreshed\n"
        s.sendall(get())
        assert read_response(s)[0].startswith(b"HTTP/1.1 200")
        assert world.api.requests[-1].all("authorization") == [f"Bearer {value}"]


OWN = POLICY.replace("policies:\n", """\
  shared:
    source: {env: SBX_TEST_SHARED}
    inject: [{host: api.test, header: X-Shared}]
policies:
""").replace("credentials: [api]", "credentials: [api, shared]")
SANDBOXES = """\
sandboxes:
  s1: {interface: v1, address: 10.77.1.2, policy: agent, labels: {team: red}}
  s2: {interface: v2, address: 10.77.2.2, policy: agent, labels: {team: TEAM}}
"""


@pytest.fixture
def two(lab, netd, origin, client, tmp_path):
    """Two sandboxes in one worker, keys by label in files."""
    second = Client(lab.add_sandbox())
    world = World(netd, origin, client, tmp_path)
    for team in ("red", "blue"):
        world.file(f"{CANARY}-{team}", team)
    world.source = f"{{file: '{tmp_path}/${{label.team}}'}}"

    def start(team="blue"):
        d = world.start(world.source, OWN + SANDBOXES.replace("TEAM", team),
                        settings="workers: 1\n", environment={"SBX_TEST_SHARED": "both"})
        second.trust(d, "s2")
        return d

    world.begin, world.second = start, second
    return world


def test_threat_64_each_sandbox_has_its_own(two):
    """Interleaved over connections that stay open, on both legs."""
    d = two.begin()
    clients = [two.client.tls(), two.second.tls()]
    for i in range(20):
        for s, who in zip(clients, ("red", "blue")):
            s.sendall(get(f"/{who}/{i}"))
            assert read_response(s)[0].startswith(b"HTTP/1.1 200")
    for r in two.api.requests:
        who = r.target.split("/")[1]
        assert r.all("authorization") == [f"Bearer {CANARY}-{who}"]
        assert r.all("x-shared") == ["both"]
    assert len(two.api.requests) == 40 and two.api.connections == 2
    own = {c["sandbox"]: c["state"] for c in two.secret()["sandboxes"]}
    assert own == {"s1": "available", "s2": "available"}
    two.silent(CANARY)
    # One goes: the other's connection stays, and its value.
    (two.folder / "blue").unlink()
    d.wait_record(kind="control", reason="credential_revoked")
    # That was written down before the worker was told; what is done now comes
    # behind it, and is done when the worker has it.
    d.ctl("secret", "refresh", "shared")
    s = clients[1]
    s.sendall(get("/gone"))
    assert read_response(s)[0].startswith(b"HTTP/1.1 200")
    assert two.api.requests[-1].all("authorization") == []
    clients[0].sendall(get("/red/last"))
    assert read_response(clients[0])[0].startswith(b"HTTP/1.1 200")
    assert two.api.requests[-1].all("authorization") == [f"Bearer {CANARY}-red"]
    assert two.api.connections == 3


@pytest.mark.parametrize("team,why", [
    ("../red", "is not made of letters"), ("..", "is not made of letters"),
    ("red/../red", "is not made of letters"), ("none", "No such file")])
def test_a_label_is_no_way_to_another_value(two, team, why):
    d = two.begin(f'"{team}"')
    assert two.second.curl("https://api.test/").status == 200
    assert two.api.requests[-1].all("authorization") == []
    d.wait_record(sandbox="s2", event="decision", skipped="api")
    second = [c for c in two.secret()["sandboxes"] if c["sandbox"] == "s2"][0]
    assert second["state"] == "none" and why in second["error"]
    ask = ("explain", "GET", "https://api.test/")
    told = {s: json.loads(d.ctl("--json", ask[0], s, *ask[1:]).stdout) for s in ("s1", "s2")}
    assert told["s1"]["credentials"] == ["api", "shared"] and told["s1"]["skipped"] == {}
    assert told["s2"]["credentials"] == ["shared"] and why in told["s2"]["skipped"]["api"]
    assert two.sent() == [f"Bearer {CANARY}-red"]


def test_a_sandbox_that_comes_and_goes_has_its_own(lab, two):
    d = two.begin()
    third = Client(lab.add_sandbox())
    two.file(f"{CANARY}-green", "green")
    place = ["--interface", "v3", "--address", "10.77.3.2", "--policy", "agent"]
    for label, expected in (("team=green", [f"Bearer {CANARY}-green"]), ("other=x", [])):
        d.ctl("sandbox", "add", "late", *place, "--label", label)
        assert third.trust(d, "late").curl("https://api.test/").status == 200
        assert two.api.requests[-1].all("authorization") == expected
        d.ctl("sandbox", "rm", "late")
        assert "late" not in [c["sandbox"] for c in two.secret()["sandboxes"]]
        assert d.ctl("secret", "refresh").stdout == "refreshed\n"
        assert "late" not in d.ctl("status").stdout
    assert two.sent() == [f"Bearer {CANARY}-red"]
