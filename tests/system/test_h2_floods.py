"""Threat 46: frames of no use are cut off, whoever sends them; others are served."""
import pytest

from lab import floods
from lab import h2wire as w
from lab.client import Client
from lab.h2 import connect
from lab.h2origin import H2Origin
from lab.memory import Holding
from lab.wait import until

# A thousand, some that a burst may hold beside it, and what time gives back
# while a slow machine works.
MOST = 2000
POLICY = """\
policies:
  agent:
    allow:
      - host: "**.lab.test"
"""


@pytest.fixture(scope="module")
def world(stage):
    stage.lab.add_sandbox()
    stage.netd(POLICY, settings="workers: 1\nlimits: {connections_per_second: 10000}\n")
    stage.site = stage.origin("good.lab.test", kind=H2Origin, alpn=("h2",))
    stage.site.keep = False
    other = Client(stage.lab.sandboxes[1]).trust(stage.daemon, "s2")
    stage.neighbour = connect(other, stage.site.name, stage.site.address)
    stage.ask = lambda: stage.neighbour.get("/neighbour", authority=stage.site.name).status
    return stage


@pytest.mark.parametrize("kind", floods.Flood.NAMES)
def test_threat_46_a_flood_of_the_sandbox_is_cut(world, kind):
    o = world.site
    c = connect(world.client, o.name, o.address)
    c.wait_settings()
    flood = floods.Flood(kind, c, o.name)
    while not flood.over:
        flood.step()
        assert flood.sent <= MOST, "nobody minds"
        assert world.ask() == 200
    # A frame that is also against the rules may be answered as such, and sooner.
    assert c.goaway is not None, "it is told why"
    if kind not in floods.RESETS or kind == "rapid_reset":
        assert c.goaway[1] == w.ENHANCE_YOUR_CALM, kind
        assert flood.sent > floods.STEP or kind == "continuation", "a few are no flood"
    assert connect(world.client, o.name, o.address).get(authority=o.name).status == 200


@pytest.mark.parametrize("kind", sorted(floods.OF_ORIGINS))
def test_threat_46_a_flood_of_an_origin_is_cut(world, kind):
    done = []

    def answer2(s):
        s.wait_end()
        if s.target == "/good":
            return s.respond(200)
        if kind in ("empty_data", "padding"):
            s.send_head([(":status", "200")])
        sent = pongs = 0
        try:
            while not s.conn.ended and s.conn.goaway is None and sent < 20000:
                s.conn.raw(b"".join(floods.OF_ORIGINS[kind](sent + i, s.id)
                                    for i in range(floods.STEP)) + floods.close_of(kind))
                sent += floods.STEP
                pongs += floods.pongs_of(kind)
                s.conn.wait("an answer to the flood", lambda: s.conn.goaway is not None
                            or s.conn.seen["pong"] >= pongs)
        except (OSError, AssertionError):
            pass
        done.append(sent)

    o = world.origin(f"bad{next(world.numbers)}.lab.test", kind=H2Origin, alpn=("h2",),
                     answer2=answer2)
    c = connect(world.client, o.name, o.address)
    s = c.request("/bad", authority=o.name)
    s.wait_over()
    assert s.reset is not None or s.status == 502
    until("the origin to be cut off", lambda: done)
    # No PING may come in between: one step must be too many.
    assert done[0] <= (floods.STEP if kind == "continuation" else MOST)
    bad = o.sessions[0]
    bad.wait_closed()
    assert bad.goaway is not None and bad.goaway[1] != w.NO_ERROR
    assert c.get("/good", authority=o.name).status == 200, "over a new one; the client stays"
    assert o.connections == 2
    assert world.ask() == 200


def test_threat_46_who_was_cut_off_keeps_nobody_busy(world):
    """Its answer is whole, and waits for a client who takes his time; whatever
    it sends on top of that is neither read nor looked at again and again."""
    body, told = b"x" * 100000, []

    def answer2(s):
        s.respond(200, body=body)
        s.conn.ping()  # all of it has been read
        told.append(s.conn)

    o = world.origin(f"busy{next(world.numbers)}.lab.test", kind=H2Origin, alpn=("h2",),
                     answer2=answer2)
    c = connect(world.client, o.name, o.address, manual=("window",),
                settings={w.INITIAL_WINDOW_SIZE: 1000})
    s = c.request("/", authority=o.name)
    s.wait_body(1000)
    until("the answer at the daemon", lambda: told)
    bad = told[0]
    bad.raw(b"".join(floods.ping(i, 0) for i in range(MOST)))
    assert bad.wait_goaway() == w.ENHANCE_YOUR_CALM
    bad.raw(b"".join(floods.ping(i, 0) for i in range(MOST)))
    until("the worker to sleep", Holding(world.daemon).is_asleep)
    c.give(len(body))
    c.give(len(body), s.id)
    assert bytes(s.wait_end().body) == body
    bad.wait_closed()


def test_threat_46_an_hpack_bomb_is_not_unfolded(world):
    o = world.site
    c = connect(world.client, o.name, o.address)
    s = c.open()
    c.raw(floods.bomb(o.name, s.id))
    try:
        s.wait_over()
        assert s.reset is not None or s.status == 431
    except ConnectionAbortedError:
        assert c.goaway is not None
    assert world.ask() == 200


@pytest.mark.parametrize("size", [70000, 1 << 20])
def test_threat_47_heads_without_end(world, size):
    o = world.origin(f"endless{next(world.numbers)}.lab.test", kind=H2Origin, alpn=("h2",))
    c = connect(world.client, o.name, o.address)
    s = c.open()
    try:
        c.raw(w.head_frames(s.id, w.block([
            (":method", "GET"), (":scheme", "https"), (":authority", o.name), (":path", "/"),
            ("x", "y" * size)]), True))
        s.wait_over()
        assert s.reset is not None or s.status == 431
    except OSError:
        c.wait_closed()
    assert not o.streams and world.ask() == 200


@pytest.mark.parametrize("fields", [200, 10000])
def test_threat_47_fields_without_end(world, fields):
    o = world.site
    c = connect(world.client, o.name, o.address)
    s = c.open()
    try:
        c.raw(w.head_frames(s.id, w.block([
            (":method", "GET"), (":scheme", "https"), (":authority", o.name), (":path", "/"),
            *[("x", "")] * fields]), True))
        s.wait_over()
        assert s.reset is not None or s.status == 431
    except OSError:
        c.wait_closed()
    assert world.ask() == 200


def test_crumbs_are_one_field(world):
    """Browsers send each cookie in a field of its own (RFC 9113 8.2.3), and may
    have more of them than fields are allowed: what bounds them is 64 KiB."""
    o = world.origin(f"crumbs{next(world.numbers)}.lab.test", kind=H2Origin, alpn=("h2",))
    c = connect(world.client, o.name, o.address)
    assert c.get("/", *[("cookie", "a=b")] * 200, authority=o.name).status == 200
    assert "; ".join(o.streams[0].all("cookie")) == "; ".join(["a=b"] * 200)
    s = c.request("/", *[("cookie", "a" * 1000)] * 70, authority=o.name)
    assert s.wait_over().status == 431
    assert len(o.streams) == 1 and world.ask() == 200


def test_more_streams_than_were_allowed(world):
    """SETTINGS said how many at a time; what is above that is refused, not held."""
    o = world.origin(f"hold{next(world.numbers)}.lab.test", kind=H2Origin, alpn=("h2",),
                     answer2=lambda s: None)
    c = connect(world.client, o.name, o.address)
    most = c.wait_settings()[w.MAX_CONCURRENT_STREAMS]
    assert 1 <= most <= 256
    try:
        streams = [c.request(f"/{i}", authority=o.name) for i in range(most + 20)]
        for s in streams[most:]:
            assert s.wait_reset() in (w.REFUSED_STREAM, w.PROTOCOL_ERROR)
    except OSError:
        c.wait_closed()
        # It had acknowledged the bound.  Nobody waits for the others' answers.
        assert c.goaway[1] == w.PROTOCOL_ERROR
        for r in list(o.requests):
            assert r.wait_reset() == w.CANCEL
    assert len(o.requests) <= most
    assert world.ask() == 200


def test_no_worker_was_lost(world):
    assert not world.daemon.records(reason="worker_crashed")
