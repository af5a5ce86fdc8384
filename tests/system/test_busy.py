"""A connection that waits for somebody costs no processor time meanwhile."""
import socket
import struct

import pytest

from lab.client import read_all
from lab.cpu import assert_rests
from lab.hello import hello, server_name
from lab.openssl import OpenSsl
from lab.wait import until

POLICY = """\
policies:
  agent:
    allow:
      - host: bad.test
      - {host: far.test, tls: passthrough}
"""


@pytest.fixture
def start(netd, client):
    """start(policy): its only worker."""
    def go(policy=POLICY, settings=""):
        d = netd(policy, settings="workers: 1\n" + settings)
        client.trust(d)
        worker, = d.children()
        return d, worker

    return go


def test_an_origin_that_failed_while_nothing_is_asked(start, origin, client, authority):
    """It was connected to early, to learn which protocol it speaks."""
    o = origin("bad.test", certificate=authority.issue("other.test"))
    d, worker = start()
    with client.tls("bad.test", alpn=("h2", "http/1.1")):
        d.wait_record(event="outcome", reason="upstream_tls", kind="connect")
        until("the origin to have closed", lambda: o.ended == 1)
        assert_rests(worker)


def test_threat_45_answers_to_key_updates_that_nobody_takes(start, origin, client, lab):
    """TLS itself wants to write, and reads nothing before it has."""
    origin("bad.test")
    for ns in (lab.host, lab.sandbox):  # so that little is much
        ns.run("sysctl", "-qw", *(f"net.ipv4.{x}=4096 16384 16384"
                                  for x in ("tcp_rmem", "tcp_wmem")))
    _, worker = start()
    with OpenSsl(client.ca) as c:
        s = client.connect()
        assert c.connect(s, "bad.test")
        for _ in range(1500):
            assert c.key_update()

        def waiting():
            row = lab.host.run("ss", "-Htn", f"dport = :{s.getsockname()[1]}").stdout.split()
            return int(row[1]) and int(row[2])  # to be read, and to be sent

        until("both directions to be full", waiting)
        assert_rests(worker)
        c.write(b"GET / HTTP/1.1\r\nHost: bad.test\r\nConnection: close\r\n\r\n")
        assert c.read().startswith(b"HTTP/1.1 200 OK")


# ---- a tunnel, while its origin has not answered yet

FAR = "203.0.113.11"
HELLO = hello(server_name(b"far.test"))


@pytest.fixture
def far(lab, origin):
    """An origin that gets no packet until it is .found()."""
    o = origin("far.test", address=FAR, tls=False, port=443)
    lab.host.ip("neigh", "replace", FAR, "lladdr", "02:00:00:00:00:99", "dev", "wan")
    o.found = lambda: lab.host.ip("neigh", "del", FAR, "dev", "wan")
    o.heard = []
    o.serve = lambda c: o.heard.append(read_all(c))
    return o


def much(s):
    s.sendall(HELLO + b"x" * 8192)


def end(s):
    s.sendall(HELLO)
    s.shutdown(socket.SHUT_WR)


def reset(s):
    s.sendall(HELLO)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()


@pytest.mark.parametrize("say", [much, end, reset], ids=lambda f: f.__name__)
def test_a_tunnel_that_is_dialled(start, client, far, say):
    d, worker = start()
    say(client.connect())
    d.wait_record(event="decision", host="far.test")
    assert_rests(worker)
    assert not far.heard


@pytest.mark.parametrize("say, reason", [(end, "complete"), (reset, "client_gone")],
                         ids=["end", "reset"])
def test_what_a_client_did_meanwhile_is_noticed_then(start, client, far, say, reason):
    d, _ = start()
    s = client.connect()
    say(s)
    d.wait_record(event="decision", host="far.test")
    far.found()
    assert d.wait_record(event="outcome", host="far.test")["reason"] == reason
    until("the end of the other connection", lambda: far.ended == 1)
    assert far.heard == [HELLO]


def test_a_client_that_left_does_not_prolong_the_dial(start, client, far):
    d, _ = start(settings="limits: {connect: 1s}\n")
    reset(client.connect())
    d.wait_record(event="outcome", host="far.test", reason="timeout")
