"""The lab's own HTTP/2: its clients and origins, with nothing in between.

What the tests of HTTP/2 rely on is tried here without the daemon, so that a
failure there is the daemon's.
"""
import hpack
import pytest

from lab import h2wire as w
from lab.client import Client
from lab.h2 import Endpoint, connect
from lab.h2origin import H2Origin
from lab.origin import ok


@pytest.fixture(scope="module")
def world(stage):
    stage.client = Client(stage.lab.sandbox)
    stage.client.ca = stage.authority.path
    return stage


@pytest.fixture
def site(world):
    number = len(world.origins.opened)

    def make(answer2=None, **options):
        more = {"answer2": answer2} if answer2 else {}
        o = world.origin(f"d{number}.lab.test", kind=H2Origin, **more, **options)
        o.open = lambda **k: connect(world.client, o.name, o.address, **k)
        return o

    return make


def test_a_request_is_recorded_as_it_was_sent(site):
    o = site()
    c = o.open()
    s = c.request("/a?b=1", ("x-a", "1"), ("x-secret", "2", 0x10), ("x-a", "3"),
                  method="POST", authority=o.name, body=b"abc",
                  trailers=[("x-sum", "9")]).wait_end()
    assert s.status == 200 and bytes(s.body) == b"hello\n"
    r, = o.requests
    assert (r.method, r.target, bytes(r.body)) == ("POST", "/a?b=1", b"abc")
    assert [k for k, _ in r.fields][:4] == [":method", ":scheme", ":authority", ":path"]
    assert r.all("x-a") == ["1", "3"] and r.trailers == [("x-sum", "9")]
    assert r.never_indexed("x-secret") and not r.never_indexed("x-a")
    assert not r.never_indexed("x-not-there")


def test_an_origin_may_say_and_do_anything(site):
    def answer2(s):
        if s.target == "/hints":
            s.interim(103, ("link", "</a>"))
            s.respond(200, body=b"late")
        elif s.target == "/reset":
            s.send_reset(w.HTTP_1_1_REQUIRED)
        elif s.target == "/trailers":
            s.respond(200, body=b"x", trailers=[("grpc-status", "0")])
        elif s.target == "/early":
            s.respond(413)
        else:
            s.conn.say_goaway(s.id - 2, w.NO_ERROR, b"bye")

    o = site(answer2)
    c = o.open()
    s = c.get("/hints")
    assert s.interims == [[(":status", "103"), ("link", "</a>")]] and s.body == b"late"
    assert c.request("/reset").wait_reset() == w.HTTP_1_1_REQUIRED
    s = c.get("/trailers")
    assert s.body == b"x" and s.trailers == [("grpc-status", "0")]
    assert c.request("/early", method="POST", end=False).wait_head().status == 413
    last = c.request("/goaway")
    assert c.wait_goaway() == w.NO_ERROR and c.goaway == (last.id - 2, 0, b"bye")


def test_windows_hold_both_ways(site):
    def answer2(s):
        s.wait_end()
        s.respond(200, body=bytes(s.body))

    o = site(answer2)
    body = bytes(range(256)) * 4000
    c = o.open()
    assert c.request(body=body, method="POST").wait_end().body == body
    c = o.open(settings={w.INITIAL_WINDOW_SIZE: 10}, manual=("window",))
    s = c.request(body=body[:1000], method="POST")
    s.wait_body(10)
    c.ping()
    assert len(s.body) == 10
    c.give(990, s.id)
    assert s.wait_end().body == body[:1000]


def test_long_heads_and_padding_and_priority(site):
    o = site()
    c = o.open()
    assert c.get("/" + "x" * 50000).status == 200
    assert o.requests[0].target == "/" + "x" * 50000
    s = c.open()
    head = w.block([(":method", "GET"), (":scheme", "https"), (":authority", "a"),
                    (":path", "/")])
    c.send(w.HEADERS, w.END_HEADERS | w.PADDED | w.PRIORITIZED, s.id,
           b"\3" + b"\0\0\0\0\x10" + head + b"\0\0\0")
    c.send(w.DATA, w.PADDED | w.END_STREAM, s.id, b"\2ab\0\0")
    assert s.wait_end().status == 200
    assert bytes(o.requests[1].body) == b"ab"


def test_the_first_bytes_tell_what_a_plain_origin_speaks(site, world):
    o = site(tls=False, port=80, answer=lambda r, c: ok(b"one\n"))
    c = o.open(port=80, tls=False)
    assert c.get(scheme="http").body == b"hello\n"
    a = world.client.curl(f"http://{o.name}/")
    assert a.status == 200 and a.body == b"one\n"
    assert [r.version for r in o.requests] == ["HTTP/2", "HTTP/1.1"]


def test_both_protocols_of_one_origin(site, world):
    o = site()
    for option in ("--http2", "--http1.1"):
        a = world.client.curl(f"https://{o.name}/", option)
        assert a.status == 200 and a.body == b"hello\n", a
    assert [r.version for r in o.requests] == ["HTTP/2", "HTTP/1.1"]
    assert o.streams[0].headers[":authority"] == o.name


def test_ends_are_told_apart(site):
    o = site(begin=lambda e: e.abort())
    try:
        assert o.open().wait_goaway() is None
    except OSError:
        pass  # it came before all of the preface was out
    o = site()
    c = o.open()
    c.get()
    c.close()
    c.wait_closed()
    c = o.open()
    c.abort()
    c.wait_closed()
    assert isinstance(c, Endpoint) and o.connections == 2


def test_what_is_literal_here_is_what_hpack_says():
    fields = [("a", "b" * 300), ("never", "x", 0x10), ("kept", "y", 0x40)]
    d = hpack.Decoder()
    got = d.decode(w.block(fields), raw=True)
    assert got == [(b"a", b"b" * 300), (b"never", b"x"), (b"kept", b"y")]
    assert [isinstance(f, hpack.NeverIndexedHeaderTuple) for f in got] == [False, True, False]
    assert d.decode(b"\xbe") == [("kept", "y")], "the newest entry of the table"
