"""A connection may rest between two requests, and is given up at last."""
import pytest

from lab.client import read_response
from lab.wait import until

POLICY = """\
policies:
  agent: {allow: [{host: api.test}]}
"""

GET = b"GET / HTTP/1.1\r\nHost: api.test\r\n\r\n"



def test_rest_is_not_a_slow_head(netd, origin, client):
    """The time for a head does not run while there is no head."""
    origin("api.test")
    client.trust(netd(POLICY, settings="limits: {head: 1s, idle: 60s}\n"))
    s = client.tls()
    s.sendall(GET)
    assert read_response(s)[0].startswith(b"HTTP/1.1 200")
    s.settimeout(2.5)  # well beyond the time for a head
    with pytest.raises(TimeoutError):
        s.recv(1)  # nothing is said, above all no end
    s.sendall(GET)
    assert read_response(s)[0].startswith(b"HTTP/1.1 200")


def test_rest_has_an_end(netd, origin, client):
    origin("api.test")
    client.trust(netd(POLICY, settings="limits: {idle: 1s}\n"))
    s = client.tls()
    s.sendall(GET)
    assert read_response(s)[0].startswith(b"HTTP/1.1 200")
    s.settimeout(20)
    assert s.recv(1) == b""


def test_an_origin_without_an_answer_is_504(netd, origin, client):
    held = []

    def hold(request, connection):
        held.append(connection)
        connection.settimeout(30)
        connection.recv(1)  # until the proxy gives up

    origin("api.test", answer=hold)
    d = netd(POLICY, settings="limits: {idle: 1s}\n")
    a = client.trust(d).curl("https://api.test/")
    assert a.status == 504 and held
    assert d.wait_record(event="outcome", reason="timeout")["status"] == 504
    until("the connection to the origin to be closed", lambda: held[0].fileno() == -1)
