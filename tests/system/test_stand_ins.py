"""Stand-ins: what a sandbox has instead of a value, and where it becomes one."""
import base64
import json
import os
import signal

import pytest

from lab import ws
from lab.client import Client, Responses, read_all, read_response
from lab.h2 import connect
from lab.h2origin import H2Origin
from lab.run import Run
from lab.wait import until

CANARY = "ghp_CANARYcanary0123456789abcdefgh"
ODD = 'c4nary/with+odd ones="&?%\\' + "x" * 20
OWN = "c4nary-of-"

POLICY = """\
credentials:
  github:
    source: {file: FOLDER/token}
    environment: [GH_TOKEN, GITHUB_TOKEN]
    swap:
      - {host: "**.api.test", in: [header, query, path]}
      - {host: "**.head.test"}
      - {host: "**.plain.test", port: 80, plaintext: true}
  odd:
    source: {file: FOLDER/odd}
    swap: {host: "**.api.test", in: [header, query, path]}
  own:
    source: {file: "FOLDER/own-${sandbox}"}
    swap: {host: "**.api.test"}
  none:
    source: {file: FOLDER/none}
    environment: NO_TOKEN
    swap: {host: "**.api.test"}
  set:
    source: {file: FOLDER/token}
    environment: SET_TOKEN
    inject: {host: "**.api.test", header: X-Set}
policies:
  agent:
    allow:
      - {host: ["**.api.test", "**.head.test", "**.other.test"], port: [80, 443]}
      - {host: "**.plain.test", port: 80}
    credentials: [github, odd, own, none, set]
  looking:
    audit: true
    allow:
      - {host: ["**.api.test", "**.head.test", "**.plain.test", "**.other.test"],
         path: "/allowed/**"}
    credentials: [github, set]
sandboxes:
  s1: {interface: v1, address: 10.77.1.2, policy: agent}
  s2: {interface: v2, address: 10.77.2.2, policy: agent}
  s3: {interface: v3, address: 10.77.3.2, policy: looking}
"""


class World:
    """A lab with three sandboxes; files hold what credentials are."""

    def __init__(self, stage, folder):
        self.stage, self.folder = stage, folder
        stage.lab.add_sandbox()
        stage.lab.add_sandbox()
        for name, text in (("token", CANARY), ("odd", ODD),
                           ("own-s1", OWN + "s1"), ("own-s2", OWN + "s2")):
            self.write(name, text)
        self.d = stage.netd(POLICY.replace("FOLDER", str(folder)), settings="workers: 1\n")
        self.clients = {f"s{n}": Client(s).trust(self.d, f"s{n}")
                        for n, s in enumerate(stage.lab.sandboxes, 1)}
        self.client = self.clients["s1"]

    def write(self, name, text):
        new = self.folder / (name + ".new")
        new.write_text(text)
        new.chmod(0o600)
        new.rename(self.folder / name)

    def origin(self, under="api.test", **more):
        return self.stage.origin(f"o{next(self.stage.numbers)}.{under}", **more)

    def stand_ins(self, sandbox="s1"):
        out = self.d.ctl("--json", "sandbox", "env", sandbox).stdout
        return json.loads(out)["stand_ins"]

    def curl(self, o, path="/", *options, sandbox="s1", scheme="https"):
        return self.clients[sandbox].curl(f"{scheme}://{o.name}{path}", *options)

    def decision(self, o, **want):
        return self.d.wait_record(event="decision", kind="request", host=o.name, **want)

    def refused(self, o, answer, credential):
        """403, nothing at the origin, and no word of the stand-in anywhere."""
        assert answer.status == 403, answer
        said = json.loads(answer.body)
        assert said["error"] == "credential_wrong_host"
        assert f'"{credential}"' in said["reason"] and o.name in said["reason"]
        assert "swap" in said["hint"]
        r = self.decision(o, reason="credential_wrong_host")
        assert r["verdict"] == "denied" and r["status"] == 403
        assert f'"{credential}"' in r["detail"] and "injected" not in r
        assert o.requests == []

    def silent(self):
        """Nowhere that people look is a value or a stand-in, but in the path that the
        sandbox sent, which is on record as it was."""
        d = self.d
        records = [{**r, "path": ""} for r in d.lines()]
        shown = d.log() + str(records) + "".join(d.ctl(*words).stdout for words in (
            ["status"], ["--json", "status"], ["sandbox", "show", "s1"],
            ["--json", "sandbox", "ls"], ["--json", "secret", "ls"], ["policy", "show", "agent"]))
        texts = [CANARY, ODD, OWN]
        for sandbox in ("s1", "s2", "s3"):
            texts += self.stand_ins(sandbox).values()
        for text in texts:
            assert text not in shown
        assert CANARY not in str(d.lines())


@pytest.fixture(scope="module")
def world(stage, tmp_path_factory):
    w = World(stage, tmp_path_factory.mktemp("values"))
    yield w
    w.silent()


def test_what_a_sandbox_is_given(world):
    given = world.stand_ins()
    assert set(given) == {"github", "odd", "own", "none", "set"}
    assert given["github"].startswith("ghp_") and len(given["github"]) == len(CANARY)
    assert len(given["odd"]) == len(ODD) and len(given["none"]) == 40
    assert CANARY not in given.values()
    lines = world.d.ctl("sandbox", "env", "s1").stdout.splitlines()
    assert sorted(lines) == sorted([
        f"GH_TOKEN={given['github']}", f"GITHUB_TOKEN={given['github']}",
        f"NO_TOKEN={given['none']}", f"SET_TOKEN={given['set']}"])
    gone = world.d.ctl("sandbox", "env", "nobody", check=False)
    assert gone.returncode == 1 and "no such sandbox" in gone.stderr


@pytest.mark.parametrize("form", ["{}", "Bearer {}", "token={}; a=b", "{0}{0}"])
def test_a_header(world, form):
    o, s = world.origin(), world.stand_ins()["github"]
    answer = world.curl(o, "/", "-H", "X-Any: " + form.format(s), "-H", "X-More: " + s)
    assert answer.status == 200
    r = o.requests[0]
    assert r.headers["x-any"] == form.format(CANARY) and r.headers["x-more"] == CANARY
    assert world.decision(o)["injected"] == "set,github"
    assert s not in str(r.fields) and s.encode() not in o.raw


def test_basic(world):
    o, s = world.origin(), world.stand_ins()
    for user, value in ((f"me:{s['github']}", f"me:{CANARY}"),
                        (f"{s['odd']}:{s['github']}", f"{ODD}:{CANARY}")):
        assert world.curl(o, "/", "-u", user).status == 200
        scheme, text = o.requests[-1].headers["authorization"].split(" ")
        assert scheme == "Basic" and base64.b64decode(text).decode() == value


def test_query_and_path(world):
    o, s = world.origin(), world.stand_ins()
    path = f"/bot{s['github']}/x-{s['odd']}"
    assert world.curl(o, f"{path}?key={s['odd']}&again={s['github']}").status == 200
    quoted = "c4nary%2Fwith%2Bodd%20ones%3D%22%26%3F%25%5C" + "x" * 20
    assert o.requests[0].target == f"/bot{CANARY}/x-{quoted}?key={quoted}&again={CANARY}"
    r = world.decision(o)
    assert r["path"] == path, "the record has what the sandbox sent"
    assert r["injected"] == "set,github,odd"


def test_over_http2(world):
    seen = []

    def answer2(s):
        seen.append([s.never_indexed(n) for n in (":path", "x-key", "authorization")])
        s.wait_end()
        s.respond(200, body=b"hello\n")

    o, s = world.origin(kind=H2Origin, answer2=answer2, alpn=("h2",)), world.stand_ins()
    c = connect(world.client, o.name, o.address)
    # Many clients send `authorization` never-indexed by themselves.
    first = c.get(f"/{s['github']}", ("x-key", s["github"]),
                  ("authorization", f"Bearer {s['github']}", 0x10), authority=o.name)
    second = c.get("/", ("x-key", "nothing"), authority=o.name)
    assert first.status == second.status == 200
    assert o.streams[0].target == f"/{CANARY}"
    assert o.streams[0].all("x-key") == [CANARY]
    assert o.streams[0].all("authorization") == [f"Bearer {CANARY}"]
    assert o.streams[1].all("x-key") == ["nothing"]
    # Other credentials, other connections; and no table holds a value.
    assert seen == [[True] * 3, [False] * 3] and len(o.sessions) == 2


def test_a_websocket_is_opened_with_it(world):
    o, s = world.origin(answer=ws.echo_origin()), world.stand_ins()["github"]
    t = world.client.tls(o.name, o.address)
    t.sendall(ws.opening(o.name, f"/chat?token={s}"))
    assert Responses(t)._line().split(" ")[1] == "101"
    assert o.requests[0].target == f"/chat?token={CANARY}"
    assert world.decision(o)["injected"] == "set,github"


@pytest.mark.parametrize("place, options", [
    ("/", ["-H", "X-Any: Bearer {}"]),
    ("/", ["-u", "me:{}"]),
    ("/", ["-H", "Authorization: bearer {}"]),
    ("/", ["-H", "X-Forwarded-For: {}"]),  # goes nowhere, but is where it must not be
    ("/?key={}", []),
    ("/bot{}/x", []),
    ("/", ["-H", "Cookie: a={}", "-d", "body"]),
])
def test_threat_32_at_a_host_that_it_is_not_for(world, place, options):
    o, s = world.origin("other.test"), world.stand_ins()["github"]
    answer = world.curl(o, place.format(s), *[x.format(s) for x in options])
    world.refused(o, answer, "github")


def test_threat_32_over_http2_the_other_streams_go_on(world):
    o, s = world.origin("other.test", kind=H2Origin, alpn=("h2",)), world.stand_ins()["github"]
    c = connect(world.client, o.name, o.address)
    bad = c.get("/", ("x-key", s), authority=o.name)
    good = c.get("/", ("x-key", "nothing"), authority=o.name)
    assert (bad.status, good.status) == (403, 200)
    assert b"credential_wrong_host" in bytes(bad.body) and s.encode() not in bytes(bad.body)
    assert [r.all("x-key") for r in o.streams] == [["nothing"]]


def test_threat_32_in_the_opening_of_a_websocket(world):
    o, s = world.origin("other.test", answer=ws.echo_origin()), world.stand_ins()["github"]
    t = world.client.tls(o.name, o.address)
    t.sendall(ws.opening(o.name, f"/chat?token={s}"))
    assert Responses(t)._line().split(" ")[1] == "403"
    assert world.decision(o)["reason"] == "credential_wrong_host" and o.requests == []


def test_threat_32_in_trailers(world):
    """Nothing of a value goes there, and at a wrong host not even the stand-in."""
    s = world.stand_ins()["github"]
    for under, status in (("api.test", 200), ("other.test", 403)):
        o = world.origin(under, kind=H2Origin, alpn=("h2",))
        c = connect(world.client, o.name, o.address)
        r = c.request("/", method="POST", authority=o.name, body=b"data", end=False)
        until("the request to be at the origin", lambda: o.streams)
        r.send_head([("x-late", s)], True)
        r.wait_end()
        assert r.status == status, bytes(r.body)
        if status == 200:
            assert o.streams[0].trailers == [("x-late", s)]
        else:
            assert b"credential_wrong_host" in bytes(r.body)
            until("the origin's stream to be reset", lambda: o.streams[0].reset is not None)
            asked = world.decision(o)
            ended = world.d.wait_record(event="outcome", id=asked["id"])
            assert ended["reason"] == "credential_wrong_host" and "github" in ended["detail"]


def test_threat_32_audit_does_not_let_it_pass(world):
    o = world.origin("other.test")
    s = world.stand_ins("s3")["github"]
    world.refused(o, world.curl(o, "/", "-H", f"X-Any: {s}", sandbox="s3"), "github")


def test_what_only_passes_gets_nothing(world):
    o, s = world.origin(), world.stand_ins("s3")["github"]
    assert world.curl(o, "/", "-H", f"X-Any: {s}", sandbox="s3").status == 200
    assert o.requests[0].headers["x-any"] == s
    r = world.decision(o, verdict="audited")
    assert r["skipped"] == "github" and "injected" not in r


def test_a_place_that_was_not_chosen(world):
    o, s = world.origin("head.test"), world.stand_ins()["github"]
    assert world.curl(o, f"/{s}?k={s}", "-H", f"X-Any: {s}").status == 200
    r = o.requests[0]
    assert (r.target, r.headers["x-any"]) == (f"/{s}?k={s}", CANARY)
    r = world.decision(o)
    assert (r["injected"], r["skipped"]) == ("github", "github")


def test_no_value_now(world):
    o, s = world.origin(), world.stand_ins()["none"]
    assert world.curl(o, "/", "-H", f"X-Any: {s}").status == 200
    assert o.requests[0].headers["x-any"] == s
    assert world.decision(o)["skipped"] == "none"


def test_plain_http(world):
    given = world.stand_ins()["github"]
    for under, sent in (("plain.test", CANARY), ("api.test", given)):
        o = world.origin(under, port=80, tls=False)
        a = world.curl(o, "/", "-H", f"X-Any: {given}", scheme="http")
        assert a.status == (200 if under == "plain.test" else 403), a
        if a.status == 200:
            assert o.requests[0].headers["x-any"] == sent
        else:  # bound to port 443 alone
            world.refused(o, a, "github")


def test_inject_and_environment(world):
    """A program that insists on a key sends the stand-in where inject sets the field."""
    o, s = world.origin(), world.stand_ins()["set"]
    assert world.curl(o, "/", "-H", f"X-Set: {s}").status == 200
    assert o.requests[0].all("x-set") == [CANARY]
    r = world.decision(o)
    assert r["injected"] == "set" and "skipped" not in r
    other = world.origin("other.test")
    world.refused(other, world.curl(other, "/", "-H", f"X-Set: {s}"), "set")


def test_another_sandboxs_is_nothing(world):
    mine, others = world.stand_ins("s1"), world.stand_ins("s2")
    assert not set(mine.values()) & set(others.values())
    o = world.origin()
    for sandbox in ("s1", "s2"):
        a = world.curl(o, "/", "-H", f"X-Mine: {world.stand_ins(sandbox)['own']}",
                       "-H", f"X-Any: {others['github']}", sandbox=sandbox)
        assert a.status == 200
    assert [r.headers["x-any"] for r in o.requests] == [others["github"], CANARY]
    assert [r.headers["x-mine"] for r in o.requests] == [OWN + "s1", OWN + "s2"]
    # It is not even watched: to this sandbox it is a text like any other.
    other = world.origin("other.test")
    assert world.curl(other, "/", "-H", f"X-Any: {others['github']}").status == 200


def test_rotation_restart_and_revocation(world):
    o, s = world.origin(), world.stand_ins()["github"]
    t = world.client.tls(o.name, o.address)

    def ask():
        t.sendall(f"GET / HTTP/1.1\r\nHost: {o.name}\r\nX-Any: {s}\r\n\r\n".encode())
        status = read_response(t)[0].split(b" ")[1]
        # 502: it was withdrawn under this very request.
        assert status in (b"200", b"502")
        return o.requests[-1].headers["x-any"] if status == b"200" else None

    assert ask() == CANARY
    world.write("token", "c4nary-two")
    until("the new value on the wire", lambda: ask() == "c4nary-two")
    assert world.stand_ins()["github"] == s
    (world.folder / "token").unlink()
    until("none on the wire", lambda: ask() == s)
    world.write("token", CANARY)
    until("the first again", lambda: ask() == CANARY)

    before = {name: world.stand_ins(name) for name in ("s1", "s2")}
    world.d.close()
    world.d.start()
    assert {name: world.stand_ins(name) for name in before} == before
    for name, client in world.clients.items():
        client.trust(world.d, name)
    assert world.curl(o, "/", "-H", f"X-Any: {s}").status == 200
    assert o.requests[-1].headers["x-any"] == CANARY


def test_an_injected_value_is_not_searched(world):
    o, s = world.origin(), world.stand_ins()["odd"]

    def injected():
        assert world.curl(o, "/", "-H", f"X-Any: {s}").status == 200
        assert o.requests[-1].headers["x-any"] == ODD
        return o.requests[-1].headers["x-set"]

    world.write("token", s)
    until("the new value on the wire", lambda: injected() == s)
    world.write("token", CANARY)
    until("the first again", lambda: injected() == CANARY)


def test_a_worker_that_dies_is_told_again(world):
    o, s = world.origin(), world.stand_ins()["github"]
    (worker,) = world.d.workers()
    os.kill(worker, signal.SIGKILL)
    until("another worker", lambda: world.d.workers() not in ([], [worker]))
    until("the value on the wire", lambda: world.curl(
        o, "/", "-H", f"X-Any: {s}").status == 200)
    assert [r.headers["x-any"] for r in o.requests] == [CANARY]


def test_revocation_ends_what_uses_it(world):
    """As with an injected value: an answer that never ends is broken off."""
    def drip(request, connection):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nhalf")
        while connection.recv(1):
            pass

    o, s = world.origin(answer=drip), world.stand_ins()["odd"]
    t = world.client.tls(o.name, o.address)
    t.sendall(f"GET /{s} HTTP/1.1\r\nHost: {o.name}\r\n\r\n".encode())
    data = b""
    while b"half" not in data:
        data += t.recv(65536)
    (world.folder / "odd").unlink()
    assert read_all(t) == b""
    world.d.wait_record(event="outcome", reason="credential_revoked",
                        id=world.decision(o)["id"])
    world.write("odd", ODD)
    again = world.origin()

    def back():
        assert world.curl(again, f"/{s}").status == 200
        return again.requests[-1].target != f"/{s}"

    until("the value again", back)


def test_a_reload_gives_what_is_new_to_who_is_there(world):
    """On the connection that was there before, too; what was given stays."""
    o, before = world.origin(), world.stand_ins()
    t = world.client.tls(o.name, o.address)

    def ask(s):
        t.sendall(f"GET / HTTP/1.1\r\nHost: {o.name}\r\nX-Any: {s}\r\n\r\n".encode())
        assert read_response(t)[0].startswith(b"HTTP/1.1 200")
        return o.requests[-1].headers["x-any"]

    assert ask(before["github"]) == CANARY
    text = world.d.config.read_text()
    more = text.replace("policies:\n", f"""\
  late:
    source: {{file: {world.folder}/token}}
    environment: LATE
    swap: {{host: "**.api.test"}}
policies:
""").replace("[github, odd, own, none, set]", "[github, odd, own, none, set, late]")
    assert more != text and world.d.reload(more).returncode == 0
    after = world.stand_ins()
    assert after == {**before, "late": after["late"]}
    assert ask(after["late"]) == ask(after["github"]) == CANARY
    assert world.d.reload(text).returncode == 0
    # It is listed no more, and bound nowhere: now it is wrong everywhere.
    gone = world.origin()
    world.refused(gone, world.curl(gone, "/", "-H", f"X-Any: {after['late']}"), "late")


def test_a_sandbox_that_is_removed_leaves_nothing(world):
    kept = world.d.runtime / "stand-ins.d"
    world.d.ctl("sandbox", "add", "extra", "--interface", "sbx-none", "--address",
                "10.99.0.1", "--policy", "agent")
    first = world.stand_ins("extra")
    assert (kept / "extra.yaml").stat().st_mode & 0o777 == 0o600
    assert kept.stat().st_mode & 0o777 == 0o700
    world.d.ctl("sandbox", "rm", "extra")
    assert not (kept / "extra.yaml").exists()
    world.d.ctl("sandbox", "add", "extra", "--interface", "sbx-none", "--address",
                "10.99.0.1", "--policy", "agent")
    assert not set(world.stand_ins("extra").values()) & set(first.values())
    world.d.ctl("sandbox", "rm", "extra")


def test_explain_names_the_places(world):
    out = world.d.ctl("explain", "s1", "GET", "https://x.api.test/").stdout
    assert " github in header, query, path\n" in out and "  swaps  " in out
    a = json.loads(world.d.ctl("--json", "explain", "s1", "GET", "https://x.api.test/").stdout)
    assert a["swaps"] == {"github": ["header", "query", "path"], "own": ["header"],
                          "odd": ["header", "query", "path"]}
    assert set(a["credentials"]) == {"set", "github", "odd", "own"}
    assert "none" in a["skipped"]
    a = json.loads(world.d.ctl("--json", "explain", "s1", "GET", "https://x.other.test/").stdout)
    assert a["swaps"] == {} and a["credentials"] == []


RUN = """\
version: 1
resolver: [203.0.113.53]
workers: 1
upstream: {{ca_file: {ca}, allow_addresses: [203.0.113.0/24]}}
credentials:
  demo:
    source: {{env: DEMO_TOKEN}}
    environment: [DEMO_TOKEN, DEMO_KEY]
    swap: {{host: api.test}}
policies:
  agent: {{allow: [{{host: [api.test, other.test]}}], credentials: [demo]}}
"""


def test_run_puts_them_into_the_environment(lab, authority, names, origin, tmp_path):
    run = Run(lab, tmp_path, authority)
    run.config.write_text(RUN.format(ca=authority.path))
    api, other = origin("api.test"), origin("other.test", address="203.0.113.11")
    r = run("sh", "-c", 'echo "=$DEMO_TOKEN=$DEMO_KEY="; '
            'curl -sS -H "X-Key: $DEMO_TOKEN" https://api.test/; '
            'curl -sS -H "X-Key: $DEMO_TOKEN" https://other.test/; env', DEMO_TOKEN=CANARY)
    assert r.returncode == 0, r.stderr
    _, token, key, _ = r.stdout.split("\n")[0].split("=")
    assert token == key and token.startswith("ghp_") and len(token) == len(CANARY)
    assert [x.headers["x-key"] for x in api.requests] == [CANARY]
    assert other.requests == [] and "credential_wrong_host" in r.stdout
    assert CANARY not in r.stdout + r.stderr and token not in r.stderr
    run.wait_clean()
