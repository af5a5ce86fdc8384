"""What policy passes through is carried unopened, and no further than it says."""
import socket
import threading

import pytest

from lab.client import read_all

POLICY = """\
policies:
  agent:
    allow:
      - {host: pinned.test, tls: passthrough}
      - {address: 203.0.113.10/32, port: 2222}
"""


@pytest.fixture
def world(netd, origin, client):
    o = origin("pinned.test")
    d = netd(POLICY)
    client.trust(d)
    return d, o, client


def test_the_client_sees_the_origins_certificate(world, authority):
    d, o, client = world
    client.ca = authority.path
    assert client.curl("https://pinned.test/x").status == 200
    assert o.requests[0].target == "/x"
    assert d.wait_record(kind="connect", event="decision", host="pinned.test")["via"] == "passthrough"
    r = d.wait_record(kind="connect", event="outcome", host="pinned.test")
    assert r["bytes_up"] > 100 and r["bytes_down"] > 100


def test_threat_1_dialled_by_name(world, origin, authority):
    d, o, client = world
    evil = origin("pinned.test", address="203.0.113.11", listed=False)
    client.ca = authority.path
    assert client.curl("https://pinned.test/", "--resolve", "pinned.test:443:203.0.113.11").status == 200
    assert len(o.requests) == 1 and evil.connections == 0
    assert d.wait_record(kind="connect", event="outcome")["dst_mismatch"] is True


def server(lab, speak):
    def listen():
        s = socket.create_server(("203.0.113.10", 2222))
        return s

    s = lab.internet.within(listen)

    def run():
        c, _ = s.accept()
        with c:
            speak(c)

    threading.Thread(target=run, daemon=True).start()
    return s


def test_a_server_may_speak_first(world, lab):
    d, o, client = world
    s = server(lab, lambda c: (c.sendall(b"SSH-2.0-hello\r\n"), c.sendall(c.recv(100))))
    c = client.connect("203.0.113.10", 2222)
    assert c.recv(100) == b"SSH-2.0-hello\r\n"
    c.sendall(b"echo")
    assert c.recv(100) == b"echo"
    c.close()
    s.close()
    r = d.wait_record(kind="connect", event="outcome", dport=2222)
    assert (r["via"], r["bytes_up"], r["bytes_down"]) == ("address", 4, 19)


def test_threat_49_half_close_goes_through(world, lab):
    """All is sent up, the end is seen there, and then the answer comes."""
    d, o, client = world
    size = 3_000_000
    s = server(lab, lambda c: c.sendall(b"got %d" % len(read_all(c))))
    c = client.connect("203.0.113.10", 2222)
    c.sendall(b"x" * size)
    c.shutdown(socket.SHUT_WR)
    assert read_all(c) == b"got %d" % size
    s.close()
    r = d.wait_record(kind="connect", event="outcome", dport=2222)
    assert (r["reason"], r["bytes_up"]) == ("complete", size)


def test_another_port_or_address_is_not_meant(world):
    d, o, client = world
    for address, port in (("203.0.113.10", 2223), ("203.0.113.11", 2222)):
        c = client.connect(address, port)
        c.sendall(b"hello\r\n")
        assert read_all(c) == b""
        d.wait_record(kind="connect", verdict="denied", dst=address, dport=port)
