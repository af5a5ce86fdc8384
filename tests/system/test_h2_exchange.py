"""HTTP/2 goes through unharmed, with HTTP/2 or HTTP/1.1 on the other side."""
import pytest

from lab import h2wire as w
from lab.client import Responses
from lab.h2 import connect
from lab.h2origin import H2Origin
from lab.origin import ok
from lab.wait import until

POLICY = """\
policies:
  agent:
    allow:
      - host: "**.lab.test"
        port: [80, 443]
"""
BOTH = pytest.mark.parametrize("origin_speaks", [1, 2])


@pytest.fixture(scope="module")
def world(stage):
    stage.netd(POLICY, settings="workers: 1\n"
               "limits: {connections_per_second: 10000}\n")
    return stage


@pytest.fixture
def site(world):
    """site(2, answer2=…), site(1, answer=…): an origin that speaks only that."""
    def make(speaks=2, **options):
        o = world.origin(f"x{next(world.numbers)}.lab.test", kind=H2Origin,
                         alpn=("h2",) if speaks == 2 else ("http/1.1",), **options)
        o.open = lambda **k: connect(world.client, o.name, o.address, **k)
        o.open1 = lambda: world.client.tls(o.name, o.address)
        return o

    return make


def raw(*lines, body=b""):
    return lambda r, c: b"\r\n".join(lines) + b"\r\n\r\n" + body


def echo2(s):
    s.wait_end()
    s.respond(200, ("x-seen", s.target), body=bytes(s.body))


def echo1(r, c):
    return ok(r.body, f"X-Seen: {r.target}")


def _no_more(conn, probe):
    """Whether it stays false for a second, while nothing stands in its way."""
    try:
        conn.wait("what should not come", probe, 1)
        return False
    except AssertionError:
        return True


# ---- which protocol


def test_an_origin_with_both_is_spoken_to_as_the_client_is(world):
    o = world.origin("both.lab.test", kind=H2Origin)
    for option, version in (("--http2", "HTTP/2"), ("--http1.1", "HTTP/1.1")) * 2:
        a = world.client.curl(f"https://{o.name}/", option)
        assert a.status == 200
        assert o.requests[-1].version == version


def test_an_h1_only_origin_offers_no_h2_to_a_client_with_a_choice(world, site):
    """Same protocol on both legs: what the origin speaks is learned first."""
    o = site(1)
    s = world.client.tls(o.name, o.address, alpn=("h2", "http/1.1"))
    assert s.selected_alpn_protocol() == "http/1.1"


@BOTH
@pytest.mark.parametrize("size", [0, 1, 16384, 16385, 300000])
def test_bodies_of_all_sizes(site, origin_speaks, size):
    o = site(origin_speaks, answer=echo1, answer2=echo2)
    body = bytes(i % 251 for i in range(size))
    s = o.open().request("/a?b", method="POST", authority=o.name, body=body).wait_end()
    assert s.status == 200 and bytes(s.body) == body
    assert s.headers["x-seen"] == "/a?b"
    assert bytes(o.requests[0].body) == body


def learn(o):
    """It hangs up on HTTP/1.1: a request that may be sent twice finds out."""
    s = o.open1()
    s.sendall(f"GET /learn HTTP/1.1\r\nHost: {o.name}\r\n\r\n".encode())
    assert Responses(s).next().status == 200


@pytest.mark.parametrize("size", [0, 1, 16384, 300000])
def test_an_h1_client_and_an_h2_origin(site, size):
    o = site(2, answer2=echo2)
    learn(o)
    body = bytes(i % 251 for i in range(size))
    s = o.open1()
    s.sendall(f"POST /a?b HTTP/1.1\r\nHost: {o.name}\r\nX-Mixed: Case\r\n"
              f"Connection: x-gone\r\nX-Gone: 1\r\nKeep-Alive: 5\r\n"
              f"Content-Length: {size}\r\n\r\n".encode() + body)
    a = Responses(s).next()
    assert a.status == 200 and a.body == body and a.headers["x-seen"] == "/a?b"
    _, r = o.streams
    assert r.headers.get(":authority", r.headers.get("host")) == o.name
    assert r.headers[":scheme"] == "https"
    assert r.headers["x-mixed"] == "Case" and r.all("content-length") == [str(size)] * bool(size)
    for name in ("connection", "keep-alive", "x-gone", "transfer-encoding", "te"):
        assert name not in r.headers, name


def test_an_h1_client_with_chunks_and_trailers_and_an_h2_origin(site):
    def answer2(s):
        s.wait_end()
        s.respond(200, body=bytes(s.body), trailers=[("x-down", "2")])

    o = site(2, answer2=answer2)
    learn(o)
    s = o.open1()
    s.sendall(f"POST / HTTP/1.1\r\nHost: {o.name}\r\nTransfer-Encoding: chunked\r\n"
              "TE: trailers\r\nConnection: TE\r\nTrailer: X-Up\r\n\r\n"
              "3\r\nabc\r\n0\r\nX-Up: 1\r\n\r\n".encode())
    a = Responses(s).next()
    assert a.complete and a.body == b"abc" and a.trailers == {"x-down": "2"}
    _, r = o.streams
    assert r.trailers == [("x-up", "1")] and r.all("te") == ["trailers"]


# ---- fields


def test_an_h1_origin_gets_ordinary_http1(site):
    o = site(1)
    o.open().get("/a?b", ("x-a", "1"), ("x-a", "2"), ("te", "trailers"), authority=o.name)
    r, = o.requests
    assert (r.method, r.target, r.version) == ("GET", "/a?b", "HTTP/1.1")
    assert r.all("host") == [o.name] and r.fields[0][0].lower() == "host"
    assert r.all("x-a") == ["1", "2"]
    assert not [k for k, _ in r.fields if k.startswith(":")]
    assert "transfer-encoding" not in r.headers and "content-length" not in r.headers


def test_a_body_without_length_reaches_an_h1_origin_in_chunks(site):
    o = site(1, answer=echo1)
    s = o.open().request(method="POST", authority=o.name, body=b"abc",
                         trailers=[("x-sum", "1")]).wait_end()
    assert bytes(s.body) == b"abc"
    r, = o.requests
    assert r.headers["transfer-encoding"] == "chunked" and r.all("x-sum") == ["1"]


@BOTH
def test_trailers_behind_a_length_of_0(site, origin_speaks):
    o = site(origin_speaks)
    s = o.open().request("/", ("content-length", "0"), method="POST", authority=o.name,
                         trailers=[("x-sum", "1")]).wait_end()
    assert s.status == 200
    r, = o.requests
    assert ("x-sum", "1") in (r.trailers if origin_speaks == 2 else r.fields)
    assert not r.body and "content-length" not in r.headers


@BOTH
def test_cookie_crumbs(site, origin_speaks):
    o = site(origin_speaks)
    o.open().get("/", ("cookie", "a=1"), ("x", "y"), ("cookie", "b=2"), ("cookie", "c=3"),
                 authority=o.name)
    got = o.requests[0].all("cookie")
    assert "; ".join(got) == "a=1; b=2; c=3"
    assert origin_speaks == 2 or len(got) == 1


def test_answers_of_an_h1_origin_lose_what_h2_does_not_have(site):
    o = site(1, answer=raw(b"HTTP/1.1 200 Fine", b"X-One: 1", b"Connection: x-two", b"X-Two: 2",
                           b"Keep-Alive: 5", b"Transfer-Encoding: chunked", b"Trailer: X-End",
                           b'Alt-Svc: h3=":443"', b"Set-Cookie: a=1", b"Set-Cookie: b=2",
                           body=b"3\r\nabc\r\n0\r\nX-End: 9\r\n\r\n"))
    s = o.open().get(authority=o.name)
    assert bytes(s.body) == b"abc" and s.trailers == [("x-end", "9")]
    assert s.headers["x-one"] == "1" and s.all("set-cookie") == ["a=1", "b=2"]
    for name in ("connection", "keep-alive", "transfer-encoding", "x-two", "alt-svc"):
        assert name not in s.headers
    assert all(k == k.lower() for k, _ in s.fields)


# ---- framing


@BOTH
@pytest.mark.parametrize("method, status", [("HEAD", 200), ("GET", 204), ("GET", 304)])
def test_answers_without_a_body(site, origin_speaks, method, status):
    length = ("content-length", "42")
    fields = [] if status == 204 else [length]

    def answer2(s):
        s.wait_end()
        s.respond(status, *fields)

    lines = [b"HTTP/1.1 %d X" % status] + ([b"Content-Length: 42"] if fields else [])
    o = site(origin_speaks, answer=raw(*lines), answer2=answer2)
    c = o.open()
    for _ in range(2):
        s = c.request(method=method, authority=o.name).wait_end()
        assert s.status == status and not s.body and s.trailers is None
        assert s.all("content-length") == (["42"] if fields else [])
    assert o.connections == 1, "it is not in doubt where the answer ends"


@BOTH
def test_hints_before_the_answer(site, origin_speaks):
    def answer2(s):
        s.wait_end()
        s.interim(103, ("link", "</a>"))
        s.interim(103, ("link", "</b>"))
        s.respond(200, body=b"x")

    o = site(origin_speaks, answer2=answer2, answer=raw(
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </b>\r\n\r\n"
        b"HTTP/1.1 200 OK", b"Content-Length: 1", body=b"x"))
    s = o.open().get(authority=o.name)
    assert [dict(i) for i in s.interims] == [
        {":status": "103", "link": "</a>"}, {":status": "103", "link": "</b>"}]
    assert s.status == 200 and s.body == b"x"


@BOTH
def test_hints_arrive_before_the_answer_is_known(site, origin_speaks):
    """The origin answers only when the client has said that it has the hint."""
    go = []

    def until_told():
        until("the client to have the hint", lambda: go)

    def answer2(s):
        s.wait_end()
        s.interim(103, ("link", "</a>"))
        until_told()
        s.respond(200)

    def answer(r, c):
        c.sendall(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
        until_told()
        return ok(b"")

    o = site(origin_speaks, answer=answer, answer2=answer2)
    c = o.open()
    s = c.request(authority=o.name)
    c.wait("the hint", lambda: s.interims)
    assert s.fields is None
    go.append(True)
    assert s.wait_end().status == 200


@BOTH
def test_100_continue(site, origin_speaks):
    def answer2(s):
        s.interim(100)
        echo2(s)

    o = site(origin_speaks, answer=echo1, answer2=answer2)
    c = o.open()
    s = c.request("/", ("expect", "100-continue"), ("content-length", "3"), method="POST",
                  authority=o.name, end=False)
    c.wait("100", lambda: s.interims)
    assert s.interims[0][0] == (":status", "100")
    s.send_data(b"abc", end=True)
    assert bytes(s.wait_end().body) == b"abc"


@BOTH
def test_the_answer_may_come_before_the_request_has_ended(site, origin_speaks):
    def answer2(s):
        s.wait_body(3)
        s.respond(413, body=b"too much")
        s.send_reset(w.NO_ERROR)

    def serve(c):
        data = b""
        while b"abc" not in data:
            data += c.recv(65536)
        c.sendall(b"HTTP/1.1 413 No\r\nContent-Length: 8\r\nConnection: close\r\n\r\ntoo much")

    o = site(origin_speaks, answer2=answer2)
    if origin_speaks == 1:
        o.serve = serve
    c = o.open()
    s = c.request(method="POST", authority=o.name, end=False)
    s.send_data(b"abc")
    c.wait("the whole answer", lambda: s.ended)
    assert s.status == 413 and s.body == b"too much"


# ---- many at a time


@BOTH
def test_a_hundred_at_a_time_end_in_any_order(site, origin_speaks):
    def answer2(s):
        s.wait_end()
        go.setdefault(s.target, [])
        until(f"the word for {s.target}", lambda: go[s.target], 60)
        s.respond(200, body=s.target.encode() * 1000)

    def answer(r, c):
        go.setdefault(r.target, [])
        until(f"the word for {r.target}", lambda: go[r.target], 60)
        return ok(r.target.encode() * 1000)

    go = {}
    o = site(origin_speaks, answer=answer, answer2=answer2)
    c = o.open()
    streams = {f"/{i}": c.request(f"/{i}", authority=o.name) for i in range(100)}
    until("all of them at the origin", lambda: len(go) == 100)
    for path in reversed(streams):
        go[path].append(True)
        s = streams[path].wait_end()
        assert bytes(s.body) == path.encode() * 1000


def test_a_stalled_stream_stops_no_other(site):
    o = site(2, answer2=lambda s: s.respond(200, body=b"x" * 300000))
    c = o.open(manual=("window",))
    slow = c.request("/slow", authority=o.name)
    slow.wait_body(65535)
    c.give(1 << 20)
    other = c.request("/other", authority=o.name)
    other.wait_body(65535)
    c.give(1 << 20, other.id)
    assert len(other.wait_end().body) == 300000
    assert len(slow.body) == 65535
    c.give(1 << 20, slow.id)
    assert len(slow.wait_end().body) == 300000


@BOTH
def test_a_slow_reader_stops_the_origin(site, origin_speaks):
    """End to end: what nobody reads is not fetched."""
    sent = []

    def answer2(s):
        s.send_head([(":status", "200")])
        for _ in range(1000):
            s.send_data(b"x" * 65536)
            sent.append(65536)
        s.send_data(b"", end=True)

    def answer(r, c):
        c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 65536000\r\n\r\n")
        for _ in range(1000):
            c.sendall(b"x" * 65536)
            sent.append(65536)

    o = site(origin_speaks, answer=answer, answer2=answer2)
    c = o.open(manual=("window",))
    s = c.request(authority=o.name)
    s.wait_body(65535)
    seen = -1
    while len(sent) > seen:
        seen = len(sent)
        _no_more(c, lambda: len(sent) > seen)
    assert sum(sent) < 32_000_000
    c.give(1 << 30)
    c.give(1 << 30, s.id)
    assert len(s.wait_end().body) == 65_536_000, "and goes on when it is read"


def test_a_slow_origin_stops_the_sender(site):
    o = site(2, manual=("window",), answer2=lambda s: s.wait_over())
    c = o.open()
    s = c.request(method="POST", authority=o.name, end=False)
    sent = 0
    while not _no_more(c, lambda: min(c.window, s.window) > 0):
        n = min(c.window, s.window, 16384)
        s.send_data(b"y" * n)
        sent += n
        assert sent < 16_000_000, "somebody takes it all"
    r = until("the request", lambda: o.requests)[0]
    assert len(r.wait_body(65535)) == 65535 <= sent


def test_no_worker_was_lost(world):
    assert not world.daemon.records(reason="worker_crashed")
