"""Each stream is decided by itself; none may name another host than its connection."""
import json

import pytest

from lab.client import Client
from lab.h2 import connect
from lab.h2origin import H2Origin
from lab.origin import ok
from lab.wait import until

SECRET = "s3cret-canary-h2"
POLICY = """\
credentials:
  token:
    source: {env: API_TOKEN}
    inject:
      - {host: "**.cred.lab.test", header: Authorization, format: "Bearer ${value}", mode: if-absent}
      - {host: "**.always.lab.test", header: X-Api-Key, format: "${value}"}
policies:
  agent:
    allow:
      - host: "**.lab.test"
        port: [80, 443]
    deny:
      - {host: "**.lab.test", path: "/denied/**"}
      - host: denied.lab.test
    credentials: [token]
"""


@pytest.fixture(scope="module")
def world(stage):
    stage.lab.add_sandbox()
    # One worker for both sandboxes: nothing keeps them apart but the daemon.
    stage.netd(POLICY, environment={"API_TOKEN": SECRET},
               settings="workers: 1\nlimits: {connections_per_second: 10000}\n")
    stage.other = Client(stage.lab.sandboxes[1]).trust(stage.daemon, "s2")
    return stage


@pytest.fixture
def site(world):
    def make(under="lab.test", **options):
        options.setdefault("alpn", ("h2",))
        o = world.origin(f"l{next(world.numbers)}.{under}", kind=H2Origin, **options)
        o.open = lambda client=world.client, **k: connect(client, o.name, o.address, **k)
        return o

    return make


def over(stream):
    """What came of it: a status, or "reset"."""
    stream.wait_over()
    return stream.status if stream.ended else "reset"


# ---- the authority law


@pytest.mark.parametrize("authority, status", [
    ("other.lab.test", 421), ("denied.lab.test", 403), ("nobody.test", 403),
    ("OTHER.lab.test", 421), ("sub.@", 421), ("@.evil.test", 403), ("@:444", 403),
])
def test_threat_2_threat_3_another_authority_on_the_second_stream(world, site, authority, status):
    o = site()
    world.names.add("other.lab.test", o.address)
    c = o.open()
    assert c.get("/one", authority=o.name).status == 200
    s = c.request("/two", authority=authority.replace("@", o.name))
    assert over(s) == status
    if status == 403:
        assert json.loads(bytes(s.body))["error"]
    assert c.get("/three", authority=o.name).status == 200, "the connection goes on"
    assert [r.target for r in o.requests] == ["/one", "/three"]
    r = world.daemon.wait_record(event="decision", path="/two", verdict="denied",
                                 reason="authority")
    assert r["sandbox"] == "s1"


@pytest.mark.parametrize("authority", ["@", "@.", "@:443", "UPPER"])
def test_the_same_authority_in_other_words(site, authority):
    o = site()
    text = o.name.upper() if authority == "UPPER" else authority.replace("@", o.name)
    assert o.open().get("/", authority=text).status == 200
    assert o.requests[0].headers[":authority"] == o.name


@pytest.mark.parametrize("host, fine", [("@", True), ("other.lab.test", False),
                                        ("@:444", False), ("", False)])
def test_threat_4_authority_and_host_are_one(site, host, fine):
    o = site()
    c = o.open()
    s = c.request("/", ("host", host.replace("@", o.name)), authority=o.name)
    assert (over(s) == 200) == fine
    assert bool(o.requests) == fine
    if fine:
        assert "host" not in o.requests[0].headers or o.requests[0].all("host") == [o.name]


def test_host_alone_stands_for_the_authority(site):
    o = site()
    c = o.open()
    s = c.open()
    s.send_head([(":method", "GET"), (":scheme", "https"), (":path", "/"), ("host", o.name)], True)
    assert over(s) == 200
    assert o.requests[0].headers.get(":authority", o.requests[0].headers.get("host")) == o.name


@pytest.mark.parametrize("authority", ["u@@", "@ ", " @", "@\t", "@,x", "@\0", "@/", "a b", "",
                                       "127.0.0.1", "[::1]", "0x7f.1", "2130706433"])
def test_threat_5_threat_8_an_authority_that_is_none(site, authority):
    o = site()
    c = o.open()
    s = c.request("/", authority=authority.replace("@", o.name, 1)
                  if authority != "u@@" else f"u@{o.name}")
    try:
        assert over(s) in ("reset", 400, 403, 421)
    except ConnectionAbortedError:
        assert c.goaway is not None
    assert not o.requests


# ---- decisions and records


def test_every_stream_has_its_decision_and_its_outcome(world, site):
    o = site()
    c = o.open()
    streams = [c.request(f"/denied/{i}" if i % 3 == 0 else f"/{i}", authority=o.name)
               for i in range(60)]
    assert [over(s) for s in streams] == [403 if i % 3 == 0 else 200 for i in range(60)]
    assert sorted(r.target for r in o.requests) == sorted(
        f"/{i}" for i in range(60) if i % 3)
    pairs = world.daemon.wait_requests(o.name, 60)
    assert {d["path"]: d["verdict"] for d, _ in pairs} == {
        (f"/denied/{i}" if i % 3 == 0 else f"/{i}"): "denied" if i % 3 == 0 else "allowed"
        for i in range(60)}
    for d, end in pairs:
        assert d["alpn"] == "h2" and d["proto"] == "tls"
        assert (end is None) == (d["verdict"] == "denied")
        if end:
            assert (end["status"], end["reason"]) == (200, "complete")
    ids = {s.headers["x-sbx-decision"] for s in streams if s.status == 403}
    assert ids == {d["id"] for d, _ in pairs if d["verdict"] == "denied"}


def test_what_is_denied_or_allowed_changes_on_an_open_connection(world, site):
    o = site()
    c = o.open()
    assert c.get("/denied/x", authority=o.name).status == 403
    before = world.daemon.config.read_text()
    try:
        assert world.daemon.reload(before.replace("/denied/**", "/other/**")).returncode == 0
        assert c.get("/denied/x", authority=o.name).status == 200
    finally:
        assert world.daemon.reload(before).returncode == 0
    assert c.get("/denied/x", authority=o.name).status == 403


@pytest.mark.parametrize("method", ["TRACE", "CONNECT"])
def test_methods_refused_for_everybody(site, method):
    o = site()
    c = o.open()
    s = c.open()
    s.send_head([(":method", method), (":authority", o.name)]
                + ([] if method == "CONNECT" else [(":scheme", "https"), (":path", "/")]), True)
    assert over(s) in (405, "reset")
    assert not o.requests
    assert c.get(authority=o.name).status == 200


# ---- credentials


def test_threat_62_the_injected_field_is_never_indexed(world, site):
    o = site("cred.lab.test")
    c = o.open()
    for _ in range(3):
        c.get("/", ("x-mine", "m"), authority=o.name)
    for r in o.requests:
        assert r.all("authorization") == [f"Bearer {SECRET}"]
        assert r.never_indexed("authorization")
        assert not r.never_indexed("x-mine")
    assert o.connections == 1


def test_threat_62_what_the_sandbox_marks_stays_marked(site):
    o = site()
    o.open().get("/", ("x-private", "p", 0x10), ("cookie", "a=1", 0x10), authority=o.name)
    assert o.requests[0].never_indexed("x-private") and o.requests[0].never_indexed("cookie")


def test_threat_19_threat_21_nothing_of_the_sandbox_stands_beside_it(world, site):
    o = site("always.lab.test")
    o.open().get("/", ("x-api-key", "mine"), ("x_api_key", "mine"), ("x-api-key", "again"),
                 authority=o.name)
    r = o.requests[0]
    assert [v for k, v in r.fields if k.replace("_", "-") == "x-api-key"] == [SECRET]
    s = o.open().request("/t", method="POST", authority=o.name, body=b"x",
                         trailers=[("x-api-key", "mine"), ("x-sum", "1")])
    assert over(s) in (200, 400, "reset")
    for r in o.requests[1:]:
        assert not r.trailers or not [k for k, _ in r.trailers if k == "x-api-key"]


def test_the_secret_stays_out_of_everything_else(world, site):
    cred, plain = site("cred.lab.test"), site()
    for o in (cred, plain):
        c = o.open()
        s = c.get("/", authority=o.name)
        assert SECRET not in str(s.fields) + str(s.body)
    assert SECRET not in str([r.fields for r in plain.requests])
    assert SECRET not in str(world.daemon.lines()) + world.daemon.log()


# ---- who shares a connection to the origin


def test_streams_of_one_sandbox_share_the_connection(site):
    o = site()
    go = []

    def answer2(s):
        s.wait_end()
        until("the word to go on", lambda: go, 60)
        s.respond(200)

    o.answer2 = answer2
    conns = [o.open() for _ in range(4)]
    streams = [c.request(f"/{i}", authority=o.name) for i in range(10) for c in conns]
    until("all of them at the origin", lambda: len(o.requests) == 40)
    assert o.connections == 1, "40 streams of 4 connections"
    go.append(True)
    assert {over(s) for s in streams} == {200}


def test_threat_35_threat_64_two_sandboxes_never_do(world, site):
    o = site("cred.lab.test")
    a, b = o.open(), o.open(world.other)
    for i in range(3):
        assert a.get(f"/a{i}", authority=o.name).status == 200
        assert b.get(f"/b{i}", authority=o.name).status == 200
    assert o.connections == 2
    assert sorted({"".join(sorted({r.target[1] for r in o.requests if r.conn is e}))
                   for e in o.sessions}) == ["a", "b"]


def test_with_and_without_the_credential_never_do(site):
    o = site("cred.lab.test")
    c = o.open()
    for i in range(3):
        c.get(f"/with{i}", authority=o.name)
        c.get(f"/own{i}", ("authorization", "mine"), authority=o.name)
    by = {e: {r.all("authorization")[0] for r in o.requests if r.conn is e} for e in o.sessions}
    assert len(by) == 2 and all(len(v) == 1 for v in by.values())


# ---- without TLS


def test_prior_knowledge_without_tls(world, site):
    """h2c where policy allows plaintext; each stream has an authority, and is held to it."""
    name = f"l{next(world.numbers)}.lab.test"
    o = world.origin(name, kind=H2Origin, port=80, tls=False, answer=lambda r, c: ok(b"hello\n"))
    c = connect(world.client, name, o.address, 80, tls=False)
    s = c.get("/a", authority=name, scheme="http")
    assert s.status == 200 and s.body == b"hello\n"
    assert over(c.request("/denied/b", authority=name, scheme="http")) == 403
    assert over(c.request("/c", authority="denied.lab.test", scheme="http")) in (403, 421)
    assert [r.target for r in o.requests] == ["/a"]
    assert world.daemon.wait_record(event="decision", host=name, path="/a")["proto"] == "http"


def test_no_upgrade_to_h2c(world):
    name = f"l{next(world.numbers)}.lab.test"
    o = world.origin(name, port=80, tls=False)
    a = world.client.curl(f"http://{name}/", "--http2")
    assert a.status in (200, 405)
    assert not [r for r in o.requests if "upgrade" in r.headers or "http2-settings" in r.headers]


def test_no_worker_was_lost(world):
    assert not world.daemon.records(reason="worker_crashed")
