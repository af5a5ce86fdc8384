"""An origin is dialled by its name, at an address that is nobody's inside, and
must prove that it is the one, before it is told anything."""
import ssl

import pytest

from lab.dns import FickleServer
from lab.origin import ok
from lab.pki import Authority
from lab.wait import until

POLICY = """\
policies:
  agent: {allow: [{host: api.test}]}
"""


@pytest.fixture
def start(netd, client):
    def go():
        d = netd(POLICY)
        client.trust(d)
        return d

    return go


def certificate(authority, tmp_path, case):
    stranger = Authority(tmp_path, "unknown root")
    return {
        "expired": lambda: authority.issue("api.test", days=(-20, -1)),
        "not_yet_valid": lambda: authority.issue("api.test", days=(5, 20)),
        "wrong_host": lambda: authority.issue("other.test"),
        "address_only": lambda: authority.issue("203.0.113.10"),
        "unknown_root": lambda: stranger.issue("api.test"),
        "partial_wildcard": lambda: authority.issue("a*.test"),
    }[case]()


@pytest.mark.parametrize("case", ["expired", "not_yet_valid", "wrong_host", "address_only",
                                  "unknown_root", "partial_wildcard"])
def test_threat_34_a_bad_certificate_is_502_and_nothing_is_sent(
        start, origin, client, authority, tmp_path, case):
    o = origin("api.test", certificate=certificate(authority, tmp_path, case))
    d = start()
    a = client.curl("https://api.test/secret-path")
    assert a.status == 502
    assert a.text.count("upstream_tls") == 1 and "certificate" in a.text
    assert not o.requests and o.raw == b""
    assert d.wait_record(event="outcome", reason="upstream_tls")["status"] == 502


def test_old_tls_is_refused(start, origin, client):
    o = origin("api.test", versions=(ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_1))
    start()
    assert client.curl("https://api.test/").status == 502
    assert not o.requests


def test_an_origin_that_is_not_there(start, names, client):
    names.add("api.test", "203.0.113.10")
    d = start()
    a = client.curl("https://api.test/")
    assert a.status == 502 and "connect_failed" in a.text
    d.wait_record(event="outcome", reason="connect_failed")


def test_a_name_that_is_not_there(start, client):
    d = start()
    a = client.curl("https://api.test/", "--resolve", "api.test:443:203.0.113.10")
    assert a.status == 502 and "resolve" in a.text
    d.wait_record(event="outcome", reason="resolve")


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "10.77.1.1",
                                     "10.77.1.2", "203.0.113.1", "0.0.0.0", "::1",
                                     "::ffff:203.0.113.10", "64:ff9b::cb00:710a", "fd77:1::2"])
def test_threat_16_a_name_that_points_inside(start, names, client, address):
    names.add("api.test", address)
    d = start()
    a = client.curl("https://api.test/", "--resolve", "api.test:443:203.0.113.10")
    assert a.status == 403 and "address_refused" in a.text
    d.wait_record(event="outcome", reason="address_refused")


def test_threat_16_the_good_one_of_two_addresses_is_used(start, origin, names, client):
    o = origin("api.test")
    names.add("api.test", "127.0.0.1")
    start()
    assert client.curl("https://api.test/", "--resolve", "api.test:443:203.0.113.10").status == 200
    assert len(o.requests) == 1


@pytest.fixture
def fickle(lab, names):
    """fickle(first, then): the name server, from now on."""
    made = []

    def make(first, then):
        names.close()
        made.append(FickleServer(lab, first, then))
        return made[0]

    yield make
    for server in made:
        server.close()


CLOSING = {"answer": lambda r, c: ok(b"hello\n", "Connection: close")}
DIALLED = ("--resolve", "api.test:443:203.0.113.10")


def test_threat_17_the_address_that_was_checked_is_dialled(start, origin, client, fickle):
    """Asked once, and held to what was said then: also where the second answer
    would pass every check."""
    o = origin("api.test", **CLOSING)
    other = origin("api.test", address="203.0.113.11", listed=False)
    start()
    server = fickle("203.0.113.10", "203.0.113.11")
    assert client.curl("https://api.test/", *DIALLED).status == 200
    assert (o.connections, other.connections, len(server.asked)) == (1, 0, 1)


def test_threat_17_an_answer_that_changed_is_checked_again(start, origin, client, fickle):
    """DNS rebinding, for which the name has to be asked a second time."""
    o = origin("api.test", **CLOSING)
    d = start()
    server = fickle("203.0.113.10", "127.0.0.1")
    statuses = []

    def refused():
        statuses.append(client.curl("https://api.test/", *DIALLED).status)
        return statuses[-1] != 200

    until("the first answer to be forgotten", refused)
    assert statuses[-1] == 403 and len(server.asked) == 2
    assert o.connections == len(statuses) - 1 > 0
    d.wait_record(event="outcome", reason="address_refused")
