"""WebSocket works, over HTTP/1.1 and HTTP/2; and nothing that only looks like it."""
import json

import pytest

from lab import h2wire as w
from lab import ws
from lab.client import Responses
from lab.h2 import connect
from lab.h2origin import H2Origin
from lab.servers import Servers, node_environment, program
from lab.wait import until

SECRET = "s3cret-canary-ws"
POLICY = """\
credentials:
  token:
    source: {env: API_TOKEN}
    inject:
      - {host: "**.cred.lab.test", header: Authorization, format: "Bearer ${value}"}
policies:
  agent:
    allow:
      - host: "**.lab.test"
        port: [80, 443]
    deny:
      - {host: "**.lab.test", path: "/denied/**"}
    credentials: [token]
"""


@pytest.fixture(scope="module")
def world(stage):
    stage.netd(POLICY, settings="workers: 1\n", environment={"API_TOKEN": SECRET})
    return stage


@pytest.fixture
def site(world):
    def make(answer=None, under="lab.test", **options):
        o = world.origin(f"w{next(world.numbers)}.{under}",
                         answer=answer or ws.echo_origin(), **options)
        o.open = lambda: world.client.tls(o.name, o.address)
        return o

    return make


def upgrade(o, *args, **more):
    """(the answer, the socket): as far as the answer to the opening."""
    s = o.open()
    s.sendall(ws.opening(o.name, *args, **more))
    r = Responses(s)
    version, status, _ = r._line().split(" ", 2)
    fields = dict(r._fields())
    return int(status), fields, ws.Socket(s, True, r.data)


def outcome_of(world, o, **want):
    d = world.daemon.wait_record(event="decision", kind="request", host=o.name, **want)
    return world.daemon.wait_record(event="outcome", id=d["id"])


def test_frames_of_all_sizes_there_and_back(world, site):
    o = site(ws.echo_origin("Sec-WebSocket-Protocol: chat"))
    status, fields, s = upgrade(o, "/ws?x=1", "Sec-WebSocket-Protocol: chat, other")
    assert status == 101
    assert fields["upgrade"].lower() == "websocket"
    assert fields["connection"].lower() == "upgrade"
    assert fields["sec-websocket-accept"] == ws.accept_of(ws.KEY)
    assert fields["sec-websocket-protocol"] == "chat"
    for size in (0, 1, 125, 126, 65535, 65536, 1000000):
        data = bytes(i % 251 for i in range(size))
        s.send(ws.BINARY, data)
        assert s.read() == (ws.BINARY, data)
    s.send(ws.PING, b"?")
    assert s.read() == (ws.PONG, b"?")
    s.send(ws.CLOSE, b"\x03\xe8bye")
    assert s.read() == (ws.CLOSE, b"\x03\xe8bye")
    assert s.carrier.recv(1) == b"", "and then it is over"

    r = o.requests[0]
    assert r.headers["upgrade"].lower() == "websocket"
    assert r.headers["connection"].lower() == "upgrade"
    assert r.headers["sec-websocket-protocol"] == "chat, other"


def test_recorded_when_it_opens_and_when_it_ends(world, site):
    o = site(under="cred.lab.test")
    status, _, s = upgrade(o, "/ws", "Authorization: mine")
    assert status == 101
    assert o.requests[0].all("authorization") == [f"Bearer {SECRET}"]
    d = world.daemon.wait_record(event="decision", host=o.name, path="/ws")
    assert d["verdict"] == "allowed"
    assert not world.daemon.records(event="outcome", id=d["id"]), "it has not ended"
    for _ in range(3):
        s.send(ws.TEXT, b"x" * 10000)
        s.read()
    s.send(ws.CLOSE, b"")
    s.read()
    end = world.daemon.wait_record(event="outcome", id=d["id"])
    assert (end["status"], d["injected"]) == (101, "token")
    assert end["bytes_up"] >= s.sent and end["bytes_down"] >= s.received
    assert end["bytes_up"] < s.sent + 2000 and end["bytes_down"] < s.received + 2000


@pytest.mark.parametrize("who", ["client", "origin"])
def test_either_side_may_go_at_any_time(world, site, who):
    held = []

    def answer(request, c):
        c.sendall(ws.switching(request))
        held.append(c)
        if who == "origin":
            c.sendall(ws.frame(ws.TEXT, b"last words"))
            return None
        assert c.recv(1) == b""
        held.append("heard")
        return None

    o = site(answer)
    status, _, s = upgrade(o)
    assert status == 101
    if who == "origin":
        assert s.read() == (ws.TEXT, b"last words")
        assert s.carrier.recv(1) == b""
    else:
        s.carrier.close()
        until("the origin to hear of it", lambda: len(held) == 2)
    r = outcome_of(world, o)
    assert r["status"] == 101
    assert r["verdict"] == "allowed" or r["reason"] in ("client_gone", "origin_gone")


WRONG = {
    "accept_of_another_key": lambda r: ws.switching(r, accept=ws.accept_of("x" * 24)),
    "no_accept": lambda r: ws.switching(r, accept=""),
    "accept_twice": lambda r: ws.switching(r, "Sec-WebSocket-Accept: "
                                           + ws.accept_of(ws.KEY)),
    "another_protocol": lambda r: ws.switching(r).replace(b"websocket", b"h2c"),
    "no_upgrade": lambda r: ws.switching(r).replace(b"Upgrade: websocket\r\n", b""),
    "no_connection": lambda r: ws.switching(r).replace(b"Connection: Upgrade\r\n", b""),
}


@pytest.mark.parametrize("case", WRONG)
def test_threat_26_a_101_that_does_not_fit_is_no_answer(world, site, case):
    def answer(request, c):
        c.sendall(WRONG[case](request) + ws.frame(ws.TEXT, b"smuggled"))
        c.recv(1)
        return None

    o = site(answer)
    s = o.open()
    s.sendall(ws.opening(o.name))
    a = Responses(s).next()
    assert a.status == 502 and b"smuggled" not in a.body
    r = outcome_of(world, o)
    assert r["verdict"] == "error" and r["reason"] == "upstream_http" and r["detail"]
    until("the connection to be given up", lambda: o.ended == 1)


def test_threat_26_what_follows_a_refusal_is_http_again(world, site):
    """No tunnel: what the sandbox sends behind it is decided like all else."""
    def answer(request, c):
        if "upgrade" in request.headers:
            return b"HTTP/1.1 400 No\r\nContent-Length: 3\r\n\r\nno\n"
        return b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

    o = site(answer)
    s = o.open()
    s.sendall(ws.opening(o.name))
    r = Responses(s)
    assert (a := r.next()).status == 400 and a.body == b"no\n"
    host = o.name.encode()
    s.sendall(b"GET /denied/x HTTP/1.1\r\nHost: " + host + b"\r\n\r\n"
              b"GET /after HTTP/1.1\r\nHost: " + host + b"\r\n\r\n")
    assert [r.next().status for _ in range(2)] == [403, 200]
    assert [q.target for q in o.requests] == ["/ws", "/after"]
    world.daemon.wait_record(host=o.name, path="/denied/x", verdict="denied")


def test_threat_26_bytes_sent_early_wait_for_the_answer(world, site):
    """Frames behind the opening are the tunnel's if there is one, else no HTTP."""
    o = site()
    s = o.open()
    s.sendall(ws.opening(o.name) + ws.frame(ws.TEXT, b"early", mask=True))
    r = Responses(s)
    assert " 101 " in r._line()
    r._fields()
    assert ws.Socket(s, True, r.data).read() == (ws.TEXT, b"early")

    seen = []

    def refuse(request, c):
        c.sendall(b"HTTP/1.1 400 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        seen.append(c.recv(65536))
        return None

    o = site(refuse)
    s = o.open()
    s.sendall(ws.opening(o.name) + ws.frame(ws.TEXT, b"early", mask=True))
    assert Responses(s).next().status == 400
    s.close()
    assert until("the origin's end", lambda: seen) == [b""], "no frame was let through"


@pytest.mark.parametrize("field", ["Content-Length: 3", "Transfer-Encoding: chunked"])
def test_threat_25_an_opening_has_no_body(world, site, field):
    """With one it is an ordinary request, or none at all."""
    o = site()
    s = o.open()
    s.sendall(ws.opening(o.name, "/ws", field) + b"3\r\nabc\r\n0\r\n\r\n")
    assert Responses(s).next().status == 400
    assert not [r for r in o.requests if "upgrade" in r.headers]


@pytest.mark.parametrize("token", ["h2c", "TLS/1.0", "websocket, h2c", "foo"])
def test_threat_25_no_other_protocol_is_offered(world, site, token):
    o = site(lambda r, c: b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    s = o.open()
    s.sendall(ws.opening(o.name).replace(b"Upgrade: websocket", b"Upgrade: " + token.encode()))
    a = Responses(s).next()
    if o.requests:
        assert "upgrade" not in o.requests[0].headers or \
            o.requests[0].headers["upgrade"].lower() == "websocket"
    assert a.status in (200, 400, 405)


def test_a_denied_socket_never_reaches_its_origin(world, site):
    o = site()
    status, _, s = upgrade(o, "/denied/ws")
    assert status == 403 and not o.requests
    world.daemon.wait_record(host=o.name, path="/denied/ws", verdict="denied")


# ---- over HTTP/2 (RFC 8441)


def converse(stream):
    s = ws.Socket(ws.StreamCarrier(stream), True)
    for size in (0, 125, 126, 65536, 300000):
        s.send(ws.BINARY, b"z" * size)
        assert s.read() == (ws.BINARY, b"z" * size)
    s.send(ws.CLOSE, b"\x03\xe8")
    assert s.read() == (ws.CLOSE, b"\x03\xe8")
    return s


def h2_echo(s):
    if s.method != "CONNECT":
        s.wait_end()
        return s.respond(200, body=b"hello\n")
    s.send_head([(":status", "200"), ("sec-websocket-protocol", "chat")])
    try:
        ws.Socket(ws.StreamCarrier(s), False).echo()
    except EOFError:
        pass
    s.send_data(b"", end=True)


def test_over_h2_to_an_h2_origin(world, site):
    o = site(kind=H2Origin, answer2=h2_echo, settings={w.ENABLE_CONNECT_PROTOCOL: 1})
    c = connect(world.client, o.name, o.address)
    assert c.wait_settings()[w.ENABLE_CONNECT_PROTOCOL] == 1
    stream = ws.open_over_h2(c, o.name, "/ws?x=1", ("sec-websocket-protocol", "chat"))
    assert stream.status == 200 and stream.headers["sec-websocket-protocol"] == "chat"
    assert c.get("/beside", authority=o.name).status == 200, "others go on meanwhile"
    s = converse(stream)
    stream.wait_end()
    try:
        stream.send_data(b"", end=True)
    except ConnectionResetError:
        assert stream.reset == w.NO_ERROR, "no more was wanted"
    r = o.streams[0]
    assert r.headers[":protocol"] == "websocket" and r.target == "/ws?x=1"
    assert o.connections == 1
    end = outcome_of(world, o, path="/ws")
    assert end["bytes_up"] >= s.sent and end["bytes_down"] >= s.received


def test_over_h2_to_an_h1_origin(world, site):
    o = site(under="cred.lab.test")
    c = connect(world.client, o.name, o.address)
    stream = ws.open_over_h2(c, o.name)
    assert stream.status == 200
    converse(stream)
    r = o.requests[0]
    assert r.method == "GET" and r.headers["upgrade"].lower() == "websocket"
    assert len(r.headers["sec-websocket-key"]) == 24
    assert r.all("authorization") == [f"Bearer {SECRET}"]


def test_over_h2_to_an_h1_origin_that_lies_or_refuses(world, site):
    for answer, status in ((lambda r, c: ws.switching(r, accept=ws.accept_of("x" * 24)), 502),
                           (lambda r, c: b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", 404)):
        o = site(answer)
        c = connect(world.client, o.name, o.address)
        assert ws.open_over_h2(c, o.name).status == status


def test_over_h2_a_denied_one_and_another_protocol(world, site):
    o = site()
    c = connect(world.client, o.name, o.address)
    assert ws.open_over_h2(c, o.name, "/denied/ws").status == 403
    s = c.open()
    s.send_head([(":method", "CONNECT"), (":protocol", "connect-udp"), (":scheme", "https"),
                 (":authority", o.name), (":path", "/")])
    s.conn.wait("an answer", lambda: s.fields is not None or s.reset is not None)
    assert s.reset is not None or s.status in (400, 405, 501)
    assert not o.requests


# ---- npm's ws


def test_npms_ws_on_both_ends(world, site, tmp_path):
    servers = Servers(world.lab, tmp_path)
    try:
        name, address = f"w{next(world.numbers)}.lab.test", world.address()
        world.names.add(name, address)
        server = servers.node("ws_server.js", address, world.authority.issue(name))
        r = world.lab.sandbox.run(
            *program("ws_client.js"), f"wss://{name}/chat", str(world.client.ca),
            "1", "1000", "100000", "1000000", env=node_environment(), timeout=60)
        got = json.loads(r.stdout)
        assert got["echoed"] == [[1, False], [1000, False], [100000, False], [1000000, True]]
        assert got["protocol"] == "chat" and got["pong"] == "are you there"
        assert got["closed"] == [4001, "done"]
        until("the server to see it closed", lambda: "4001" in server.log.read_text())
    finally:
        servers.close()


def test_no_worker_was_lost(world):
    assert not world.daemon.records(reason="worker_crashed")
