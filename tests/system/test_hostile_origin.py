"""An answer is taken for no more than it is, however hostile the origin."""
import itertools
import json
import socket
import struct

import pytest

from lab.client import Responses
from lab.wait import until

numbers = itertools.count()
POLICY = """\
policies:
  agent:
    allow:
      - host: "**.lab.test"
    deny:
      - host: evil.lab.test
"""


@pytest.fixture(scope="module")
def world(stage):
    stage.netd(POLICY, settings="workers: 1\n"
               "limits: {connections_per_second: 10000}\n")
    return stage


@pytest.fixture
def site(world):
    made = []

    def make(serve=None, **options):
        o = world.origin(f"s{next(numbers)}.lab.test", **options)
        o.host = o.name.encode()
        o.serve = serve
        made.append(o)
        return o

    yield make
    for o in made:
        world.retire(o)


def converse(world, o, data, port=443):
    """Sends it all; the responses until the daemon closes."""
    s = world.client.tls(o.name) if port == 443 else world.client.connect(port=port)
    try:
        s.sendall(data)
    except OSError:
        pass
    responses, got = Responses(s), []
    while (a := responses.next()).status:
        got.append(a)
        if a.headers.get("connection") == "close":
            assert responses.is_closed()
            break
    s.close()
    return got


GET = b"GET / HTTP/1.1\r\nHost: @\r\nConnection: close\r\n\r\n"

# ---- responses, from a hostile origin


def says(*pieces, then=None):
    """An origin that reads one request, says that and closes, or worse."""
    def serve(c):
        c.recv(65536)
        for p in pieces:
            c.sendall(p)
        if then:
            then(c)

    return serve


def reset(c):
    c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    socket.socket(fileno=c.detach()).close()


def flood(piece):
    """Says it until nobody listens any more, which has to come soon."""
    def serve(c):
        c.recv(65536)
        for _ in range(200 << 20 >> len(piece).bit_length()):
            c.sendall(piece)
        raise AssertionError("somebody listened to all of it")

    return serve


OK = b"HTTP/1.1 200 OK\r\n"
BAD_ANSWERS = {
    "garbage": says(b"\x00\xff" * 500), "ssh": says(b"SSH-2.0-x\r\n"),
    "http_0_9": says(b"<html>hello</html>\n"), "http_2": says(b"HTTP/2 200 OK\r\n\r\n"),
    "nothing": says(), "half_a_head": says(OK + b"Content-Le"),
    "threat_29_cl_minus": says(OK + b"Content-Length: -1\r\n\r\n"),
    "threat_29_cl_huge": says(OK + b"Content-Length: 99999999999999999999\r\n\r\n"),
    "threat_29_cl_plus": says(OK + b"Content-Length: +1\r\n\r\na"),
    "threat_29_cl_two": says(OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
    "threat_29_cl_twice": says(OK + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\na"),
    "threat_29_cl_list": says(OK + b"Content-Length: 1, 1\r\n\r\na"),
    "threat_29_te_and_cl": says(OK + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
                                b"0\r\n\r\n"),
    "threat_29_te_gzip": says(OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
    "threat_29_te_with_204": says(b"HTTP/1.1 204 No\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    "threat_29_cl_with_204": says(b"HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\nhello"),
    "threat_29_status_0": says(b"HTTP/1.1 000 OK\r\n\r\n"),
    "threat_29_status_600": says(b"HTTP/1.1 600 OK\r\n\r\n"),
    "threat_29_status_of_four": says(b"HTTP/1.1 2000 OK\r\n\r\n"),
    "threat_29_nul_in_value": says(OK + b"X: a\0b\r\nContent-Length: 0\r\n\r\n"),
    "threat_29_bare_lf": says(b"HTTP/1.1 200 OK\nContent-Length: 0\n\n"),
    "threat_29_folded": says(OK + b"X: a\r\n b\r\nContent-Length: 0\r\n\r\n"),
    "threat_26_101_unasked": says(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                                  b"Connection: Upgrade\r\n\r\n" + OK),
    "threat_29_1xx_flood": flood(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"),
    "threat_29_field_flood": flood(b"X: y\r\n"),
    "threat_29_field_without_end": flood(b"x" * 1000),
    "threat_29_300_fields": says(OK + b"X: y\r\n" * 300 + b"\r\n"),
    "threat_29_head_of_100_kb": says(OK + b"X: " + b"y" * 100000 + b"\r\n\r\n"),
    "threat_29_reason_of_100_kb": says(b"HTTP/1.1 200 " + b"y" * 100000 + b"\r\n\r\n"),
    "reset_before_the_head": says(then=reset),
}


@pytest.mark.parametrize("case", BAD_ANSWERS)
def test_bad_answers_become_502(world, site, case):
    serve = BAD_ANSWERS[case]
    if "flood" in case or "without_end" in case:
        head = b"" if "1xx" in case else OK + b"X:" * ("end" in case)
        inner, serve = serve, lambda c: (c.sendall(head), inner(c))
    o = site(serve)
    got = converse(world, o, GET.replace(b"@", o.host))
    assert [a.status for a in got] == [502]
    assert json.loads(got[0].body)["error"] in ("upstream_http", "origin_gone")
    r = world.daemon.wait_record(host=o.name, event="outcome")
    assert r["verdict"] == "error" and r["status"] == 502 and r["detail"]
    until("the connection to be given up", lambda: o.ended == 1)


# All in one write: what came of it is read together with the failure.
WITH_ITS_FAILURE = ("chunks", "bad_chunk")
CUT_OFF = {
    "length": says(OK + b"Content-Length: 100000\r\n\r\n" + b"a" * 60000),
    "length_reset": says(OK + b"Content-Length: 100000\r\n\r\n" + b"a" * 60000, then=reset),
    "chunks": says(OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"),
    "chunks_reset": says(OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", then=reset),
    "bad_chunk": says(OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n"),
    "until_close_reset": says(OK + b"\r\n" + b"a" * 60000, then=reset),
    "until_close_without_close_notify": says(
        OK + b"\r\n" + b"a" * 60000, then=lambda c: socket.socket(fileno=c.detach()).close()),
    "trailer_flood": says(OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n" + b"X: y\r\n" * 200),
}


@pytest.mark.parametrize("case", CUT_OFF)
def test_threat_49_half_an_answer_does_not_look_like_a_whole_one(world, site, case):
    o = site(CUT_OFF[case])
    got = converse(world, o, GET.replace(b"@", o.host))
    # A reset may overtake what was sent before it, head and all.
    if "reset" in case and got[0].status == 502:
        return
    assert len(got) == 1 and got[0].status == 200 and not got[0].complete
    if case in WITH_ITS_FAILURE:
        assert got[0].body == b"abc"
    r = world.daemon.wait_record(host=o.name, event="outcome")
    assert r["verdict"] == "error" and r["reason"] in ("origin_gone", "upstream_http")


def test_threat_49_nor_does_it_where_only_a_reset_can_tell(world, site):
    """HTTP/1.0 without TLS: the body lasts until the connection ends."""
    o = site(says(OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"), tls=False, port=80)
    s = world.client.connect(port=80)
    s.sendall(b"GET / HTTP/1.0\r\nHost: " + o.host + b"\r\n\r\n")
    got = b""
    with pytest.raises(ConnectionResetError):
        while d := s.recv(65536):
            got += d
    assert got.endswith(b"\r\n\r\nabc")


def one_record(c, answer, extra):
    c.sendall(answer + extra)


def one_segment(c, answer, extra):
    """Of two records, which are read together."""
    c.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
    c.sendall(answer)
    c.sendall(extra)
    c.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)


@pytest.mark.parametrize("say", [one_record, one_segment], ids=lambda f: f.__name__)
@pytest.mark.parametrize("extra", [
    b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged", b"x", b"\r\n"],
    ids=["response", "byte", "line"])
def test_threat_28_a_poisoned_connection_is_not_used_again(world, site, extra, say):
    o = site()

    def serve(c):
        # The first connection is poisoned, and stays open.
        while c.recv(65536):
            answer = OK + b"Content-Length: 1\r\n\r\n%d" % o.connections
            if o.connections == 1:
                say(c, answer, extra)
            else:
                c.sendall(answer)

    o.serve = serve
    get = b"GET / HTTP/1.1\r\nHost: " + o.host + b"\r\n\r\n"
    got = converse(world, o, get + get + GET.replace(b"@", o.host))
    assert [a.body for a in got] == [b"1", b"2", b"2"]


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
def test_threat_29_a_body_where_none_may_be_is_never_an_answer(world, site, status):
    o = site(says(b"HTTP/1.1 " + status + b"\r\n\r\n" + OK + b"Content-Length: 6\r\n\r\nforged"))
    get = b"GET / HTTP/1.1\r\nHost: " + o.host + b"\r\n\r\n"
    got = converse(world, o, get + GET.replace(b"@", o.host))
    assert [a.status for a in got] == [int(status[:3])] * 2
    assert o.connections == 2


def test_no_worker_was_lost(world):
    assert not world.daemon.records(reason="worker_crashed")
