"""What policy passes through is carried unopened, and no further than it says."""
import socket
import ssl
import threading

import pytest

from lab.client import read_all, read_response

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


BY_ADDRESS = """\
policies:
  agent:
    default: allow
    allow:
      - {address: 203.0.113.10/32, port: [80, 443]}
    deny:
      - {host: forbidden.test}
"""


@pytest.fixture
def by_address(netd, origin, client):
    listed, other = origin("listed.test"), origin("other.test", address="203.0.113.11")
    d = netd(BY_ADDRESS)
    client.trust(d)
    return d, listed, other, client


def nameless(client, address, ca):
    """A handshake without SNI; the names in the certificate that it is shown."""
    context = ssl.create_default_context(cafile=str(ca))
    context.check_hostname = False
    with context.wrap_socket(client.connect(address)) as s:
        s.sendall(b"GET /unread HTTP/1.1\r\nHost: x\r\n\r\n")
        read_response(s)
        return s.getpeercert()["subjectAltName"]


def test_threat_9_without_a_name_only_an_address_rule_allows(by_address, authority):
    """… unopened; not `default: allow`, nor a host rule."""
    d, listed, other, client = by_address
    assert nameless(client, "203.0.113.10", authority.path) == (("DNS", "listed.test"),)
    assert [r.target for r in listed.requests] == ["/unread"]
    r = d.wait_record(event="decision", verdict="allowed")
    assert (r["rule"], r["via"], r.get("host", "")) == ("agent.allow[0]", "address", "")
    with pytest.raises(OSError):
        nameless(client, "203.0.113.11", authority.path)
    r = d.wait_record(event="decision", verdict="denied", dst="203.0.113.11")
    assert (r["reason"], r["proto"]) == ("no_name", "tls")
    assert other.connections == 0


def test_a_deny_rule_for_a_name_stands_before_an_address_rule(by_address, authority):
    d, listed, other, client = by_address
    a = client.curl("https://forbidden.test/", "--resolve", "forbidden.test:443:203.0.113.10")
    assert a.status == 403 and listed.connections == 0
    assert d.wait_record(host="forbidden.test", verdict="denied")["reason"] == "rule_deny"


def test_plain_http_to_a_listed_address_is_carried_unread(by_address, origin):
    d, listed, other, client = by_address
    plain = origin("plain.test", port=80, tls=False)
    a = client.curl("http://forbidden.test/x", "--resolve", "forbidden.test:80:203.0.113.10")
    assert a.status == 200 and plain.requests[0].headers["host"] == "forbidden.test"
    assert d.wait_record(event="decision", dport=80)["via"] == "address"


def test_a_name_that_no_host_rule_is_about_may_go_by_address(netd, origin, client, authority):
    """Never the other way round: what a host rule allows is opened."""
    o = origin("listed.test")
    d = netd("policies:\n  agent:\n    allow:\n      - {host: opened.test}\n"
             "      - {address: 203.0.113.10/32, port: 443}\n")
    client.ca = authority.path
    assert client.curl("https://listed.test/", "--resolve",
                       "listed.test:443:203.0.113.10").status == 200
    assert d.wait_record(event="decision", host="listed.test")["via"] == "address"
    client.trust(d)
    origin("opened.test", address="203.0.113.11")
    assert client.curl("https://opened.test/", "--resolve",
                       "opened.test:443:203.0.113.10").status == 200
    assert d.wait_record(event="decision", host="opened.test")["via"] == "inspect"
    assert o.connections == 1
