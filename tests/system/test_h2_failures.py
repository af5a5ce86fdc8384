"""Resets, refusals and goodbyes mean on one leg what they meant on the other;
and a request is asked again only where nobody can have acted on it."""
import json
import threading

import pytest

from lab import h2wire as w
from lab.client import Responses
from lab.h2 import connect
from lab.h2origin import H2Origin, hello
from lab.origin import ok
from lab.wait import until

POLICY = """\
policies:
  agent:
    allow:
      - host: "**.lab.test"
"""


@pytest.fixture(scope="module")
def world(stage):
    stage.netd(POLICY, settings="workers: 1\nlimits: {connections_per_second: 10000}\n")
    return stage


@pytest.fixture
def site(world):
    def make(answer2=hello, **options):
        options.setdefault("alpn", ("h2",))
        o = world.origin(f"f{next(world.numbers)}.lab.test", kind=H2Origin, answer2=answer2,
                         **options)
        o.open = lambda **k: connect(world.client, o.name, o.address, **k)
        o.open1 = lambda: world.client.tls(o.name, o.address)
        return o

    return make


def over(stream):
    stream.wait_over()
    return stream.status if stream.ended else "reset"


def outcome(world, o, path="/"):
    d = world.daemon.wait_record(event="decision", host=o.name, path=path)
    return world.daemon.wait_record(event="outcome", id=d["id"])


# ---- resets


def test_a_reset_before_the_head_is_an_answer(world, site):
    o = site(lambda s: s.send_reset(w.INTERNAL_ERROR))
    c = o.open()
    s = c.request(authority=o.name)
    assert over(s) == 502 and json.loads(bytes(s.body))["error"]
    assert outcome(world, o)["verdict"] == "error"
    assert len(o.requests) == 1, "who says that may have acted on it"


@pytest.mark.parametrize("code", [w.INTERNAL_ERROR, w.CANCEL, w.NO_ERROR,
                                  w.REFUSED_STREAM, w.HTTP_1_1_REQUIRED])
def test_a_reset_within_the_body_reaches_the_client_as_one(world, site, code):
    def answer2(s):
        s.send_head([(":status", "200")])
        s.send_data(b"half")
        s.send_reset(code)

    o = site(answer2)
    c = o.open()
    s = c.request(authority=o.name)
    assert s.wait_reset() is not None and not s.ended
    assert outcome(world, o)["verdict"] == "error"
    assert over(c.request("/b", authority=o.name)) == "reset", "the connection goes on"
    assert c.goaway is None and o.connections == 1
    assert [r.target for r in o.requests] == ["/", "/b"], "none of them twice"


def test_a_goaway_within_the_body_breaks_it_off(world, site):
    """Even one that says it was never looked at."""
    def answer2(s):
        s.send_head([(":status", "200")])
        s.send_data(b"half")
        s.conn.say_goaway(0)

    o = site(answer2)
    s = o.open().request(authority=o.name)
    assert over(s) == "reset"
    assert outcome(world, o)["verdict"] == "error"
    assert len(o.requests) == 1


def test_an_h1_client_sees_half_an_answer_as_half(site):
    def answer2(s):
        s.send_head([(":status", "200")])
        s.send_data(b"half")
        s.send_reset(w.INTERNAL_ERROR)

    o = site(answer2)
    s = o.open1()
    s.sendall(f"GET / HTTP/1.1\r\nHost: {o.name}\r\n\r\n".encode())
    a = Responses(s).next()
    assert a.status == 200 and not a.complete


def test_half_an_h1_answer_is_a_reset_for_an_h2_client(site):
    o = site(alpn=("http/1.1",), answer=lambda r, c: c.sendall(
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf") or c.shutdown(1))
    c = o.open()
    s = c.request(authority=o.name)
    s.wait_reset()
    assert s.status == 200 and c.goaway is None


def test_what_the_client_gives_up_the_origin_hears_of(world, site):
    o = site(lambda s: s.wait_over())
    c = o.open()
    s = c.request(authority=o.name)
    r = until("the request", lambda: o.requests)[0]
    s.send_reset(w.CANCEL)
    assert r.wait_reset() == w.CANCEL
    assert outcome(world, o)["reason"] == "client_gone"
    o.answer2 = hello
    assert c.get("/b", authority=o.name).status == 200 and o.connections == 1


def test_a_client_that_goes_takes_all_its_streams_with_it(site):
    o = site(lambda s: s.wait_over())
    c = o.open()
    for i in range(20):
        c.request(f"/{i}", authority=o.name)
    until("the requests", lambda: len(o.requests) == 20)
    c.abort()
    for r in o.requests:
        try:
            r.wait_reset()
        except ConnectionAbortedError:
            pass  # the connection went as a whole
    assert all(r.reset is not None or r.conn.ended for r in o.requests)


# ---- asked again, or not


def once(first, then=hello):
    """Does `first` with the first request and `then` with all others."""
    lock, seen = threading.Lock(), []

    def answer2(s):
        with lock:
            seen.append(s)
            mine = len(seen) == 1
        (first if mine else then)(s)

    return answer2


@pytest.mark.parametrize("method, body", [("GET", None), ("POST", b"x")])
def test_a_refused_stream_is_asked_again(site, method, body):
    """REFUSED_STREAM promises that nothing was done, whatever the method."""
    o = site(once(lambda s: s.send_reset(w.REFUSED_STREAM)))
    s = o.open().request(method=method, authority=o.name, body=body)
    assert over(s) == 200
    assert len(o.requests) == 2


@pytest.mark.parametrize("code", [w.REFUSED_STREAM, w.HTTP_1_1_REQUIRED])
def test_one_refused_behind_an_interim_answer_is_not_asked_again(site, code):
    """Who says 103 has looked."""
    def answer2(s):
        s.send_head([(":status", "103")])
        s.send_reset(code)

    o = site(answer2, alpn=("h2", "http/1.1"))
    s = o.open().request(method="POST", authority=o.name, body=b"x")
    assert over(s) == 502
    assert len(o.requests) == 1


def test_one_that_refuses_for_ever_is_not_asked_for_ever(world, site):
    o = site(lambda s: s.send_reset(w.REFUSED_STREAM))
    assert over(o.open().request(authority=o.name)) in (502, 503)
    assert 2 <= len(o.requests) <= 5
    assert outcome(world, o)["verdict"] == "error"


def test_goaway_spares_what_it_names_and_sends_the_rest_elsewhere(site):
    """Streams above last-stream-id were not looked at; those below end in peace."""
    begun, go = threading.Semaphore(0), threading.Event()

    def answer2(s):
        s.wait_end()
        if s.conn is o.sessions[0]:
            begun.release()
            go.wait(60)
            if s.id > 5:
                return
        s.respond(200, body=b"%d" % o.sessions.index(s.conn))

    o = site(answer2)
    c = o.open()
    streams = [c.request(f"/{i}", authority=o.name) for i in range(6)]
    for _ in streams:
        assert begun.acquire(timeout=60)
    assert o.connections == 1
    o.sessions[0].say_goaway(5)
    late = c.request("/late", authority=o.name)
    assert bytes(late.wait_end().body) == b"1", "a new one goes to a new connection"
    go.set()
    where = {bytes(s.wait_end().body) for s in streams}
    assert where == {b"0", b"1"} and {s.status for s in streams} == {200}
    assert o.connections == 2
    o.sessions[0].wait_closed()


def test_what_may_have_been_done_is_not_done_twice(site):
    """A connection lost without GOAWAY: a POST is not sent again."""
    o = site(lambda s: s.wait_end() and s.conn.abort())
    s = o.open().request(method="POST", authority=o.name, body=b"x")
    assert over(s) == 502
    assert len(o.requests) == 1


def test_an_origin_that_says_goodbye_at_once_is_not_asked_for_ever(world, site):
    """And answers nothing: it could before it says so."""
    o = site(lambda s: None, begin=lambda e: e.say_goaway(0))
    assert over(o.open().request(authority=o.name)) in (502, 503, "reset")
    assert o.connections <= 6


@pytest.mark.parametrize("method, body", [("GET", None), ("POST", b"abc")])
def test_http_1_1_required_is_asked_again_over_1_1(world, site, method, body):
    o = site(lambda s: s.send_reset(w.HTTP_1_1_REQUIRED), alpn=("h2", "http/1.1"),
             answer=lambda r, c: ok(b"one: " + r.body))
    c = o.open()
    s = c.request(method=method, authority=o.name, body=body)
    assert over(s) == 200 and bytes(s.body) == b"one: " + (body or b"")
    assert [r.version for r in o.requests] == ["HTTP/2", "HTTP/1.1"]


def test_a_dead_connection_in_the_pool_is_no_error(site):
    o = site()
    c = o.open()
    assert c.get(authority=o.name).status == 200
    o.sessions[0].close()
    o.sessions[0].wait_closed()
    assert c.get("/again", authority=o.name).status == 200
    assert o.connections == 2


def test_the_origins_limit_of_streams_is_kept(site):
    """Ten at a time; the others wait, or go to another connection."""
    most, open_now, lock = {}, {}, threading.Lock()

    def answer2(s):
        with lock:
            now = open_now.setdefault(s.conn, set())
            now.add(s.id)
            most[s.conn] = max(most.get(s.conn, 0), len(now))
        s.wait_end()
        s.conn.ping()  # time for more of them, if more of them would come
        with lock:
            now.remove(s.id)
        s.respond(200)

    o = site(answer2, settings={w.MAX_CONCURRENT_STREAMS: 10})
    c = o.open()
    c.get(authority=o.name)  # SETTINGS have come
    streams = [c.request(f"/{i}", authority=o.name) for i in range(60)]
    assert {over(s) for s in streams} == {200}
    # Over a new connection some may have gone before its SETTINGS came.
    assert 2 <= most[o.sessions[0]] <= 10


def test_an_origin_that_lowers_its_window_below_zero(site):
    """SETTINGS may take back what was given; DATA waits until it is above zero."""
    def answer2(s):
        s.wait_body(65535)
        s.conn.send(w.SETTINGS, 0, 0, w.settings({w.INITIAL_WINDOW_SIZE: 0}))
        s.conn.give(65535 + 10, s.id)
        s.conn.give(1 << 20)
        s.wait_body(65535 + 10)
        s.conn.give(1 << 20, s.id)
        s.wait_end()
        s.respond(200)

    o = site(answer2, manual=("window",))
    s = o.open().request(method="POST", authority=o.name, body=b"x" * 200000)
    assert over(s) == 200 and len(o.requests[0].body) == 200000


def test_origins_that_break_the_rules_of_an_answer(world, site):
    bad = {
        "no_status": [("x", "y")],
        "status_twice": [(":status", "200"), (":status", "200")],
        "status_of_none": [(":status", "")],
        "request_fields": [(":status", "200"), (":path", "/")],
        "pseudo_last": [("x", "y"), (":status", "200")],
        "upper_case": [(":status", "200"), ("X-Upper", "y")],
        "connection": [(":status", "200"), ("connection", "close")],
        "chunked": [(":status", "200"), ("transfer-encoding", "chunked")],
        "crlf": [(":status", "200"), ("x", "a\r\nset-cookie: b")],
        "nul": [(":status", "200"), ("x", "a\0b")],
        "short": [(":status", "200"), ("content-length", "10")],
        "101": [(":status", "101")],
    }
    for case, fields in bad.items():
        o = site(lambda s, f=fields: (s.send_head(f), s.send_data(b"hello", end=True)))
        s = o.open().request(authority=o.name)
        assert over(s) in (502, "reset"), case
        assert "set-cookie" not in dict(s.fields or []), case
        assert outcome(world, o)["verdict"] == "error", case


def test_no_push_is_asked_for_and_none_is_taken(site):
    """PUSH_PROMISE: our SETTINGS said no, so it is an error of the connection."""
    def answer2(s):
        s.conn.send(w.PUSH_PROMISE, w.END_HEADERS, s.id, b"\0\0\0\2" + w.block(
            [(":method", "GET"), (":scheme", "https"), (":authority", "x"), (":path", "/p")]))
        s.conn.wait_goaway()

    o = site(answer2)
    s = o.open().request(authority=o.name)
    assert over(s) == 502
    assert o.sessions[0].peer_settings.get(w.ENABLE_PUSH) == 0


def test_no_worker_was_lost(world):
    assert not world.daemon.records(reason="worker_crashed")
