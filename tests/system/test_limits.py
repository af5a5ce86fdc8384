"""One sandbox can use up what is its own, and nobody else's."""
import pytest

from lab.client import Client, read_all, read_response
from lab.wait import until

POLICY = """\
policies:
  agent: {allow: [{host: ["api.test", "*.wild.test"]}]}
"""
GET = b"GET / HTTP/1.1\r\nHost: api.test\r\n\r\n"


@pytest.fixture
def start(lab, netd, origin, client):
    def go(limits):
        other = lab.add_sandbox()
        origin("api.test")
        d = netd(POLICY, settings=f"limits: {{{limits}}}\n")
        client.trust(d)
        return d, client, Client(other).trust(d, "s2")

    return go


def ask(s):
    s.sendall(GET)
    return read_response(s)[0].startswith(b"HTTP/1.1 200")


def test_threat_41_connections_at_a_time(start):
    d, client, other = start("connections: 5")
    held = [client.tls() for _ in range(5)]
    assert all(ask(s) for s in held)
    assert read_all(client.connect()) == b""
    d.wait_record(kind="connect", reason="limit", sandbox="s1", verdict="denied")
    assert other.curl("https://api.test/").status == 200
    held.pop().close()
    until("room for one more", lambda: client.curl("https://api.test/").status == 200)


def test_new_connections_a_second_are_counted(start):
    d, client, other = start("connections_per_second: 5")
    for _ in range(60):
        try:
            client.connect(timeout=5).close()
        except OSError:
            pass
    d.wait_record(kind="connect", reason="limit", sandbox="s1")
    assert len(d.records(reason="limit", sandbox="s1")) < 30  # not one each
    assert other.curl("https://api.test/").status == 200


def test_threat_44_new_names_a_second(start):
    d, client, other = start("mints_per_second: 3")
    for i in range(20):
        client.curl(f"https://h{i}.wild.test/", "--resolve", f"h{i}.wild.test:443:203.0.113.10")
    d.wait_record(kind="connect", reason="limit", sandbox="s1", proto="tls")
    assert other.curl("https://api.test/").status == 200


def test_threat_43_half_a_head_is_not_waited_for(start):
    d, client, other = start("head: 1s")
    s = client.tls()
    s.sendall(b"GET / HTTP/1.1\r\nHost: api.t")
    s.settimeout(20)
    assert read_all(s) == b""


def test_nothing_at_all_is_not_waited_for(start):
    d, client, other = start("hello: 1s")
    s = client.connect(timeout=20)
    assert read_all(s) == b""
    d.wait_record(kind="connect", reason="no_client_data", sandbox="s1")
