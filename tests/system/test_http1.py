"""HTTP/1 goes through unharmed, however it is framed; and connections are kept."""
import json
import ssl

import pytest

from lab.client import BioTls, Client, Responses
from lab.origin import ok
from lab.wait import until

SECRET = "s3cret-canary-4711"
POLICY = """\
credentials:
  token:
    source: {env: API_TOKEN}
    inject:
      - host: cred.lab.test
        header: Authorization
        format: "Bearer ${value}"
        mode: if-absent
policies:
  agent:
    allow:
      - host: "**.lab.test"
        port: [80, 443]
    deny:
      - host: denied.lab.test
    credentials: [token]
"""


@pytest.fixture(scope="module")
def world(stage):
    stage.lab.add_sandbox()
    # One worker for both sandboxes: nothing keeps them apart but the daemon.
    stage.netd(POLICY, settings="workers: 1\n", environment={"API_TOKEN": SECRET})
    return stage


@pytest.fixture
def site(world, request):
    """An origin with a name of the test's own; site.open() a connection to it."""
    number = len(world.origins.opened)

    def make(answer=None, **options):
        o = world.origin(f"h{number}.lab.test", answer=answer, **options)
        o.host = o.name.encode()
        o.open = lambda client=world.client: client.tls(o.name)
        return o

    return make


def request(o, start=b"GET / HTTP/1.1", *fields, body=b""):
    lines = [start, b"Host: " + o.host, *fields]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def ask(o, *args, s=None, to_head=False, **more):
    s = s or o.open()
    s.sendall(request(o, *args, **more))
    return Responses(s).next(to_head)


def raw(*lines, body=b""):
    return lambda r, c: b"\r\n".join(lines) + b"\r\n\r\n" + body


# ---- framing


@pytest.mark.parametrize("length", [0, 1, 16383, 16384, 16385, 500000])
def test_lengths_both_ways(site, length):
    o = site(lambda r, c: ok(r.body[::-1]))
    body = bytes(i % 251 for i in range(length))
    a = ask(o, b"POST / HTTP/1.1", b"Content-Length: %d" % length, body=body)
    assert a.status == 200 and a.body == body[::-1] and a.complete
    assert o.requests[0].body == body
    assert o.requests[0].headers["content-length"] == str(length)


def test_chunks_and_trailers_both_ways(site):
    o = site(raw(b"HTTP/1.1 200 OK", b"Transfer-Encoding: chunked", b"Trailer: X-Down",
                 body=b"5\r\nhello\r\nA;ext=1\r\n0123456789\r\n0\r\nX-Down: 2\r\n\r\n"))
    a = ask(o, b"POST / HTTP/1.1", b"Transfer-Encoding: chunked", b"Trailer: X-Up",
            body=b"3\r\nabc\r\n4;e\r\ndefg\r\n0\r\nX-Up: 1\r\n\r\n")
    assert o.requests[0].body == b"abcdefg" and o.requests[0].all("x-up") == ["1"]
    assert a.body == b"hello0123456789" and a.trailers == {"x-down": "2"} and a.complete
    assert a.headers["trailer"] == "X-Down"


def test_a_body_until_close_is_chunked_for_the_client(site):
    body = b"z" * 70000
    o = site(lambda r, c: c.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + body))
    s = o.open()
    for _ in range(2):  # … whose own connection lives on
        a = ask(o, s=s)
        assert a.complete and a.body == body and a.headers["transfer-encoding"] == "chunked"
    assert o.connections == 2


def test_head_has_a_length_and_no_body(site):
    o = site(raw(b"HTTP/1.1 200 OK", b"Content-Length: 1234"))
    s = o.open()
    for _ in range(2):
        a = ask(o, b"HEAD / HTTP/1.1", s=s, to_head=True)
        assert (a.status, a.headers["content-length"]) == (200, "1234")
    assert o.connections == 1


@pytest.mark.parametrize("answer", [
    raw(b"HTTP/1.1 204 No Content"),
    raw(b"HTTP/1.1 304 Not Modified", b"Content-Length: 99", b'ETag: "x"'),
    raw(b"HTTP/1.1 304 Not Modified"),
])
def test_statuses_without_a_body(site, answer):
    o = site(answer)
    s = o.open()
    for _ in range(2):
        a = ask(o, s=s)
        assert a.status in (204, 304) and a.complete
        assert a.status == 304 or "content-length" not in a.headers
    assert len(o.requests) == 2 and o.connections == 1


# ---- interim responses, expectations


def test_interim_responses_come_before_the_final_one(site):
    o = site(lambda r, c: b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
                          b"HTTP/1.1 102 Processing\r\n\r\n" + ok(b"done"))
    a = ask(o)
    assert [i[0] for i in a.interims] == [103, 102]
    assert a.interims[0][1] == {"link": "</a>"}
    assert a.status == 200 and a.body == b"done"


def test_who_waits_for_100_gets_it_from_the_origin(site):
    o = site(lambda r, c: ok(r.body))
    s = o.open()
    responses = Responses(s)
    s.sendall(request(o, b"PUT /x HTTP/1.1", b"Content-Length: 5", b"Expect: 100-continue"))
    assert responses._line() == "HTTP/1.1 100 Continue" and responses._line() == ""
    s.sendall(b"12345")
    a = responses.next()
    assert a.status == 200 and a.body == b"12345"
    assert o.requests[0].headers["expect"] == "100-continue"


def test_threat_25_who_is_denied_gets_no_100(world):
    s = world.client.tls("denied.lab.test")
    s.sendall(b"PUT /x HTTP/1.1\r\nHost: denied.lab.test\r\nContent-Length: 5\r\n"
              b"Expect: 100-continue\r\n\r\n")
    responses = Responses(s)
    a = responses.next()
    assert a.status == 403 and not a.interims
    assert a.headers["connection"] == "close" and responses.is_closed()


def test_threat_25_an_answer_instead_of_100_ends_the_connection(site):
    """The body was never sent; what would come next could be body or request."""
    def refuse(r, c):
        c.sendall(b"HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n")

    o = site(tls=True)
    o.serve = lambda c: (c.recv(65536), refuse(None, c))
    s = o.open()
    s.sendall(request(o, b"PUT /x HTTP/1.1", b"Content-Length: 5", b"Expect: 100-continue"))
    responses = Responses(s)
    a = responses.next()
    assert a.status == 417 and not a.interims and a.headers["connection"] == "close"
    assert responses.is_closed()


# ---- order and ends


def test_pipelined_requests_are_answered_in_order(site):
    o = site(lambda r, c: ok(r.target.encode() * 3000))
    s = o.open()
    s.sendall(b"".join(request(o, b"GET /%d HTTP/1.1" % i) for i in range(20)))
    responses = Responses(s)
    for i in range(20):
        assert responses.next().body == b"/%d" % i * 3000
    assert [r.target for r in o.requests] == [f"/{i}" for i in range(20)]


@pytest.mark.parametrize("secure", [True, False], ids=["tls", "plain"])
def test_threat_49_a_client_that_has_finished_sending_is_still_answered(world, site, secure):
    o = site(lambda r, c: ok(r.body + b"x" * 100000), tls=secure, port=443 if secure else 80)
    s = world.client.connect(port=443 if secure else 80)
    if secure:
        s = BioTls(s, ssl.create_default_context(cafile=str(world.client.ca)), o.name)
    s.sendall(request(o, b"POST /1 HTTP/1.1", b"Content-Length: 3", body=b"abc")
              + request(o, b"GET /2 HTTP/1.1"))
    s.finish() if secure else s.shutdown(1)
    responses = Responses(s)
    assert responses.next().body == b"abc" + b"x" * 100000
    assert responses.next().body == b"x" * 100000
    assert responses.is_closed()


def test_an_answer_may_come_before_the_body_has_ended(site):
    o = site(tls=True)
    o.serve = lambda c: (c.recv(65536), c.sendall(
        b"HTTP/1.1 413 Too Large\r\nContent-Length: 4\r\nConnection: close\r\n\r\nmuch"))
    s = o.open()
    s.sendall(request(o, b"POST / HTTP/1.1", b"Content-Length: 8000000"))
    try:
        for _ in range(80):
            s.sendall(b"b" * 100000)
    except OSError:
        pass
    responses = Responses(s)
    a = responses.next()
    assert (a.status, a.body) == (413, b"much")
    assert responses.is_closed()


@pytest.mark.parametrize("start,fields,version,closed", [
    (b"GET / HTTP/1.0", [], "HTTP/1.1", True),
    (b"GET / HTTP/1.0", [b"Connection: keep-alive"], "HTTP/1.1", False),
    (b"GET / HTTP/1.1", [b"Connection: close"], "HTTP/1.1", True),
])
def test_connections_close_when_the_client_says_so(site, start, fields, version, closed):
    o = site()
    s = o.open()
    responses = Responses(s)
    s.sendall(request(o, start, *fields))
    a = responses.next()
    assert (a.status, a.version, a.body) == (200, version, b"hello\n")
    assert a.headers.get("connection") == ("close" if closed else "keep-alive")
    if closed:
        assert responses.is_closed()
    else:
        assert ask(o, start, s=s).status == 200


def test_http_1_0_gets_no_chunks_and_needs_no_host(site):
    o = site(raw(b"HTTP/1.1 200 OK", b"Transfer-Encoding: chunked",
                 body=b"5\r\nhello\r\n0\r\n\r\n"))
    s = o.open()
    s.sendall(b"GET / HTTP/1.0\r\n\r\n")
    a = Responses(s).next()
    assert a.body == b"hello" and "transfer-encoding" not in a.headers
    assert o.requests[0].headers["host"] == o.name  # it is the SNI


# ---- connections to the origin


def test_many_requests_share_one_connection(site):
    o = site()
    for _ in range(3):
        s = o.open()
        for _ in range(5):
            assert ask(o, s=s).status == 200
        s.close()
    assert len(o.requests) == 15 and o.connections == 1


def test_threat_27_connections_are_not_shared_between_sandboxes(world, site):
    o = site()
    other = Client(world.lab.sandboxes[1]).trust(world.daemon, "s2")
    for client in (world.client, other, world.client, other):
        s = o.open(client)
        assert ask(o, s=s).status == 200
        s.close()
    assert o.connections == 2
    # Threat 35: nor their TLS sessions.
    assert o.sessions_resumed == 0


def test_threat_64_connections_are_not_shared_between_credentials(world):
    o = world.origin("cred.lab.test")
    o.host = b"cred.lab.test"
    o.open = lambda: world.client.tls("cred.lab.test")
    for own in ([], [b"Authorization: mine"], [], [b"Authorization: mine"]):
        assert ask(o, b"GET / HTTP/1.1", *own).status == 200
    assert [r.headers["authorization"] for r in o.requests] == \
        [f"Bearer {SECRET}", "mine"] * 2
    assert o.connections == 2


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_sessions_with_the_origin_are_resumed(site, version):
    o = site(raw(b"HTTP/1.1 200 OK", b"Connection: close", b"Content-Length: 0"),
             versions=(version, version))
    for i in range(4):
        assert ask(o).status == 200
        until("the connection to be given up", lambda: o.ended == i + 1)
    assert (o.connections, o.sessions_resumed) == (4, 3)


def once_each(r, c, served={}):
    """Answers the first request of each connection and drops it at the second,
    as an origin whose idle timeout strikes while a request is on its way."""
    if served.setdefault(c, 0):
        return None
    served[c] = 1
    return ok(b"fine")


def test_a_stale_connection_costs_one_more_attempt(site):
    o = site(once_each)
    assert ask(o, b"GET /1 HTTP/1.1").body == b"fine"
    assert ask(o, b"GET /2 HTTP/1.1").body == b"fine"
    assert [r.target for r in o.requests] == ["/1", "/2", "/2"] and o.connections == 2


@pytest.mark.parametrize("fields,body", [
    ([b"Content-Length: 4"], b"once"), ([b"Content-Length: 0"], b""),
    ([b"Transfer-Encoding: chunked"], b"4\r\nonce\r\n0\r\n\r\n")],
    ids=["length", "empty", "chunked"])
def test_what_changes_things_is_never_sent_twice(world, site, fields, body):
    o = site(once_each)
    assert ask(o, b"GET /1 HTTP/1.1").body == b"fine"
    a = ask(o, b"POST /2 HTTP/1.1", *fields, body=body)
    assert a.status == 502 and json.loads(a.body)["error"] == "origin_gone"
    assert [r.target for r in o.requests] == ["/1", "/2"]
    world.daemon.wait_record(host=o.name, event="outcome", reason="origin_gone")


def test_an_origin_that_never_answers_is_asked_once(site):
    o = site(lambda r, c: None)
    a = ask(o)
    assert a.status == 502 and json.loads(a.body)["error"] == "origin_gone"
    assert len(o.requests) == 1


def test_an_idle_connection_that_the_origin_closes_is_forgotten(site):
    o = site(lambda r, c: c.sendall(ok(b"fine")))  # None: then closes, without a word
    assert ask(o).body == b"fine"
    until("the connection to be given up", lambda: o.ended == 1)
    a = ask(o, b"POST / HTTP/1.1", b"Content-Length: 2", body=b"ab")
    assert a.status == 200 and o.connections == 2


# ---- bounds


def fields_of(size, count=100):
    """Fields that make a head of about this size."""
    each = size // count - len("X-Field-00: \r\n")
    return [b"X-Field-%02d: " % i + b"v" * each for i in range(count)]


def test_heads_of_60_kb_both_ways(site):
    fields = fields_of(60000)
    o = site(raw(b"HTTP/1.1 200 OK", b"Content-Length: 2", *fields, body=b"ok"))
    s = o.open()
    for _ in range(2):
        a = ask(o, b"GET / HTTP/1.1", *fields, s=s)
        assert a.status == 200 and a.body == b"ok"
        wanted = [tuple(f.decode().split(": ")) for f in fields]
        assert [f for f in o.requests[-1].fields if f[0].startswith("X-Field")] == wanted
        assert [f for f in a.fields if f[0].startswith("x-field")] == \
            [(k.lower(), v) for k, v in wanted]


@pytest.mark.parametrize("start,fields,status", [
    (b"GET / HTTP/1.1", fields_of(70000), 431),
    (b"GET / HTTP/1.1", fields_of(1000000), 431),
    (b"GET / HTTP/1.1", [b"X: 1"] * 200, 431),
    (b"GET / HTTP/1.1", [b"X: 1"] * 10000, 431),
    (b"GET /" + b"p" * 16000 + b" HTTP/1.1", [], 200),
    (b"GET /" + b"p" * 17000 + b" HTTP/1.1", [], 414),
    (b"GET /?" + b"q" * 1000000 + b" HTTP/1.1", [], 414),
], ids=["70-kb", "1-mb", "200-fields", "10000-fields", "uri-16-kb", "uri-17-kb", "uri-1-mb"])
def test_threat_47_what_is_too_large_is_refused(world, site, start, fields, status):
    o = site()
    s = o.open()
    try:
        s.sendall(request(o, start, *fields))
    except OSError:
        pass
    responses = Responses(s)
    a = responses.next()
    assert a.status == status
    assert len(o.requests) == (status == 200)
    if status != 200:
        assert json.loads(a.body)["error"] == "malformed_http"
        assert responses.is_closed() and o.connections == 0
        world.daemon.wait_record(host=o.name, reason="malformed_http", status=status)


def test_no_worker_was_lost(world):
    assert not world.daemon.records(reason="worker_crashed")
