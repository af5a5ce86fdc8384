"""Threat 22: what is no request in HTTP/2 becomes none in HTTP/1.1."""
import struct

import pytest

from lab import h2wire as w
from lab.client import read_all
from lab.h2 import connect
from lab.h2origin import H2Origin
from lab.origin import ok

POLICY = """\
policies:
  agent:
    allow:
      - host: "**.lab.test"
"""


@pytest.fixture(scope="module")
def world(stage):
    stage.netd(POLICY, settings="workers: 1\nlimits: {connections_per_second: 10000}\n")
    stage.h1 = stage.origin("h1.lab.test", kind=H2Origin, alpn=("http/1.1",),
                            answer=lambda r, c: ok(b"%d" % len(r.body)))
    stage.h2 = stage.origin("h2.lab.test", kind=H2Origin, alpn=("h2",))
    return stage


@pytest.fixture(params=["h1", "h2"])
def origin(world, request):
    o = getattr(world, request.param)
    o.before = len(o.requests)
    o.open = lambda **k: connect(world.client, o.name, o.address, **k)
    return o


def outcome(stream):
    """A status, "reset", or "goaway" if the connection went."""
    try:
        stream.wait_over()
    except ConnectionAbortedError:
        return "goaway"
    return stream.status if stream.ended else "reset"


REFUSED = ("reset", "goaway", 400, 403, 405, 421, 431, 501)


def head(**change):
    """The four pseudo-fields with some changed; None: not there."""
    fields = {":method": "GET", ":scheme": "https", ":authority": "@", ":path": "/bad"}
    for k, v in change.items():
        fields[":" + k] = v
    return [(k, v) for k, v in fields.items() if v is not None]


HEADS = {
    "no_method": head(method=None), "no_path": head(path=None), "no_scheme": head(scheme=None),
    "no_authority": head(authority=None),
    "method_twice": head() + [(":method", "POST")], "path_twice": head() + [(":path", "/b")],
    "authority_twice": head() + [(":authority", "@")],
    "pseudo_after_field": [("x", "y"), *head()], "pseudo_of_answers": [*head(), (":status", "200")],
    "pseudo_unknown": [*head(), (":foo", "bar")],
    "protocol_without_connect": [*head(), (":protocol", "websocket")],
    "upper_case_name": [*head(), ("X-Upper", "y")], "space_in_name": [*head(), ("x y", "z")],
    "colon_in_name": [*head(), ("x:y", "z")], "empty_name": [*head(), ("", "z")],
    "crlf_in_name": [*head(), ("x\r\ny", "z")], "nul_in_name": [*head(), ("x\0", "z")],
    "non_ascii_name": [*head(), (b"x\xff", "z")],
    "crlf_in_value": [*head(), ("x", "a\r\nHost: evil.test")],
    "lf_in_value": [*head(), ("x", "a\nb")], "cr_in_value": [*head(), ("x", "a\rb")],
    "nul_in_value": [*head(), ("x", "a\0b")],
    "request_in_value": [*head(), ("x", "a\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: @\r\n\r\n")],
    "connection": [*head(), ("connection", "close")], "keep_alive": [*head(), ("keep-alive", "5")],
    "proxy_connection": [*head(), ("proxy-connection", "close")],
    "upgrade": [*head(), ("upgrade", "h2c")],
    "transfer_encoding": [*head(), ("transfer-encoding", "chunked")],
    "te_gzip": [*head(), ("te", "gzip")], "te_two": [*head(), ("te", "trailers, deflate")],
    "path_without_slash": head(path="bad"), "path_empty": head(path=""),
    "path_with_space": head(path="/a b HTTP/1.1"), "path_with_crlf": head(path="/a\r\nX: y"),
    "path_with_nul": head(path="/a\0"), "path_with_tab": head(path="/a\tb"),
    "path_non_ascii": head(path=b"/\xff"), "path_with_fragment": head(path="/a#b"),
    "path_absolute": head(path="http://evil.test/"), "path_asterisk": head(path="*"),
    "method_with_space": head(method="GET /x HTTP/1.1\r\nX: y"), "method_empty": head(method=""),
    "method_pri": head(method="PRI", path="*"), "scheme_with_crlf": head(scheme="https\r\nx: y"),
    "authority_crlf": head(authority="@\r\nX: y"), "authority_userinfo": head(authority="a@@"),
    "length_letters": [*head(method="POST"), ("content-length", "5x")],
    "length_minus": [*head(method="POST"), ("content-length", "-1")],
    "length_plus": [*head(method="POST"), ("content-length", "+0")],
    "length_list": [*head(method="POST"), ("content-length", "0, 0")],
    "length_twice": [*head(method="POST"), ("content-length", "0"), ("content-length", "0")],
    "length_differs": [*head(method="POST"), ("content-length", "0"), ("content-length", "9")],
    "length_huge": [*head(method="POST"), ("content-length", "9" * 30)],
    "length_without_body": [*head(method="POST"), ("content-length", "5")],
}


def fill(fields, name):
    def put(v):
        return v if isinstance(v, bytes) else v.replace("@@", "\1" + name).replace(
            "@", name).replace("\1", "@")

    return [(k, put(v)) for k, v in fields]


@pytest.mark.parametrize("case", HEADS)
def test_threat_22_heads_that_are_none(origin, case):
    c = origin.open()
    s = c.open()
    c.raw(w.head_frames(s.id, w.block(fill(HEADS[case], origin.name)), True))
    assert outcome(s) in REFUSED
    assert len(origin.requests) == origin.before
    if c.goaway is None and not c.ended:
        assert c.get("/good", authority=origin.name).status == 200, "others go on"
        assert [r.target for r in origin.requests[origin.before:]] == ["/good"]


@pytest.mark.parametrize("scheme", ["http", "ftp"])
def test_the_scheme_is_that_of_the_connection(origin, scheme):
    """Refused or put right; no origin is told what is not so."""
    c = origin.open()
    s = c.request("/scheme", authority=origin.name, scheme=scheme)
    assert outcome(s) in (*REFUSED, 200)
    for r in origin.requests[origin.before:]:
        assert r.headers.get(":scheme", "https") == "https"


@pytest.mark.parametrize("promised, sent", [(5, b"abc"), (2, b"abc"), (0, b"a")])
@pytest.mark.parametrize("method", ["POST", "GET"])
def test_threat_23_content_length_is_the_sum_of_data(origin, promised, sent, method):
    """The head may have gone out, but no complete request comes of it."""
    c = origin.open()
    s = c.request("/sum", ("content-length", str(promised)), method=method,
                  authority=origin.name, body=sent)
    assert outcome(s) in (*REFUSED, 502)
    whole = [r for r in origin.requests[origin.before:]
             if r.version == "HTTP/1.1" or r.ended and len(r.body) == len(sent)]
    assert not whole, [vars(r) for r in whole]


TRAILERS = {
    "pseudo": [(":path", "/x")], "status": [(":status", "200")], "upper_case": [("X-Up", "y")],
    "crlf": [("x", "a\r\nb: c")], "connection": [("connection", "close")],
    "transfer_encoding": [("transfer-encoding", "chunked")],
    "content_length": [("content-length", "3")], "host": [("host", "evil.test")],
    "authorization": [("authorization", "mine")],
}


@pytest.mark.parametrize("case", TRAILERS)
def test_threat_23_trailers_that_are_none(origin, case):
    c = origin.open()
    s = c.request("/t", method="POST", authority=origin.name, body=b"abc",
                  trailers=TRAILERS[case])
    got = outcome(s)
    for r in origin.requests[origin.before:]:
        names = [k for k, _ in (r.trailers or [] if r.version == "HTTP/2" else r.fields)]
        assert not {"x", "X-Up", "authorization", "connection", ":path"} & set(names)
        assert "evil.test" not in str(r.fields)
    assert got in (*REFUSED, 200, 502)
    if case in ("pseudo", "status", "upper_case", "crlf", "connection", "transfer_encoding"):
        assert got != 200


def test_trailers_that_do_not_end_the_stream(origin):
    c = origin.open()
    s = c.request("/t", method="POST", authority=origin.name, end=False)
    s.send_data(b"abc")
    s.send_head([("x-sum", "1")])
    assert outcome(s) in REFUSED


def f(kind, flags=0, stream=0, payload=b""):
    return lambda c, name: c.raw(w.frame(kind, flags, stream, payload))


def good(name, stream=1, end=True):
    return w.head_frames(stream, w.block(fill(head(path="/good"), name)), end)


FRAMES = {
    "data_on_0": f(w.DATA, 0, 0, b"x"), "headers_on_0": f(w.HEADERS, 5, 0, b"\x82"),
    "data_on_idle": f(w.DATA, 1, 1, b"x"), "reset_of_idle": f(w.RST_STREAM, 0, 1, b"\0\0\0\0"),
    "reset_on_0": f(w.RST_STREAM, 0, 0, b"\0\0\0\0"), "reset_short": f(w.RST_STREAM, 0, 1, b"\0"),
    "window_on_idle": f(w.WINDOW_UPDATE, 0, 1, b"\0\0\0\1"),
    "window_of_0": f(w.WINDOW_UPDATE, 0, 0, b"\0\0\0\0"),
    "window_short": f(w.WINDOW_UPDATE, 0, 0, b"\0\0"),
    "window_overflow": f(w.WINDOW_UPDATE, 0, 0, b"\x7f\xff\xff\xff"),
    "settings_on_1": f(w.SETTINGS, 0, 1), "settings_of_5": f(w.SETTINGS, 0, 0, b"12345"),
    "settings_ack_with_data": f(w.SETTINGS, w.ACK, 0, b"123456"),
    "settings_push_2": f(w.SETTINGS, 0, 0, struct.pack(">HI", w.ENABLE_PUSH, 2)),
    "settings_window": f(w.SETTINGS, 0, 0, struct.pack(">HI", w.INITIAL_WINDOW_SIZE, 1 << 31)),
    "settings_frame": f(w.SETTINGS, 0, 0, struct.pack(">HI", w.MAX_FRAME_SIZE, 5)),
    "ping_on_1": f(w.PING, 0, 1, b"12345678"), "ping_of_7": f(w.PING, 0, 0, b"1234567"),
    "goaway_on_1": f(w.GOAWAY, 0, 1, b"\0" * 8), "goaway_short": f(w.GOAWAY, 0, 0, b"\0" * 4),
    "push_of_a_client": f(w.PUSH_PROMISE, 4, 1, b"\0\0\0\2\x82"),
    "continuation_alone": f(w.CONTINUATION, 4, 1, b"\x82"),
    "too_large": lambda c, name: c.raw(w.frame(w.DATA, 0, 1, b"x" * 16385)),
    "hpack_index_0": f(w.HEADERS, 5, 1, b"\x80"), "hpack_index_far": f(w.HEADERS, 5, 1, b"\xff\x80\x7f"),
    "hpack_endless_number": f(w.HEADERS, 5, 1, b"\xff" + b"\x80" * 100),
    "hpack_cut": f(w.HEADERS, 5, 1, b"\x40\x05ab"),
    "hpack_table_grown": f(w.HEADERS, 5, 1, b"\x3f\xff\xff\x03\x82"),
    "hpack_huffman_bad": f(w.HEADERS, 5, 1, b"\x00\x81\xff\x81\xff"),
    "even_stream": lambda c, name: c.raw(good(name, 2)),
    "stream_again": lambda c, name: c.raw(good(name, 3) + good(name, 1)),
    "padding_too_long": f(w.HEADERS, 5 | w.PADDED, 1, b"\xff\x82"),
    "headers_within_headers": lambda c, name: c.raw(
        w.frame(w.HEADERS, 1, 1, b"\x82") + good(name, 3)),
    "data_within_headers": lambda c, name: c.raw(
        w.frame(w.HEADERS, 0, 1, b"\x82") + w.frame(w.DATA, 1, 1, b"x")),
    "other_continuation": lambda c, name: c.raw(
        w.frame(w.HEADERS, 1, 1, b"\x82") + w.frame(w.CONTINUATION, 4, 3, b"\x84")),
    "depends_on_itself": lambda c, name: c.raw(
        w.frame(w.HEADERS, 5 | w.PRIORITIZED, 1, b"\0\0\0\1\x10" + w.block(fill(head(), name)))),
    "data_after_the_end": lambda c, name: c.raw(good(name) + w.frame(w.DATA, 1, 1, b"x" * 100)),
}
# What RFC 9113 lets be an error of the stream, or be ignored.
MAY_LIVE = {"depends_on_itself", "data_after_the_end", "stream_again"}


@pytest.mark.parametrize("case", FRAMES)
def test_threat_22_frames_that_may_not_come(origin, case):
    c = origin.open()
    c.wait_settings()
    FRAMES[case](c, origin.name)
    if case in MAY_LIVE:
        try:
            c.ping()
        except (ConnectionAbortedError, OSError):
            pass
    else:
        assert c.wait_goaway() not in (None, w.NO_ERROR), case
        c.wait_closed()
    targets = [r.target for r in origin.requests[origin.before:]]
    assert set(targets) <= {"/good"} and len(targets) <= 1
    assert origin.open().get("/alive", authority=origin.name).status == 200


@pytest.mark.parametrize("data", [
    b"GET / HTTP/1.1\r\nHost: h1.lab.test\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n",
    b"PRI * HTTP/1.1\r\n\r\n", b"\0" * 100, w.PREFACE + w.frame(w.PING, 0, 0, b"12345678"),
    w.PREFACE + b"GET / HTTP/1.1\r\nHost: h1.lab.test\r\n\r\n"],
    ids=["h1", "preface-cut", "preface-h1", "nul", "no-settings", "h1-behind"])
def test_threat_22_something_else_where_h2_was_agreed(world, data):
    o = world.h2
    before = len(o.requests), len(world.h1.requests)
    s = world.client.tls(o.name, o.address, alpn=("h2",))
    assert s.selected_alpn_protocol() == "h2"
    s.sendall(data)
    assert b"HTTP/1" not in read_all(s)
    assert (len(o.requests), len(world.h1.requests)) == before


def test_no_worker_was_lost(world):
    assert not world.daemon.records(reason="worker_crashed")
