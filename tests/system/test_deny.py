"""What policy does not allow reaches nobody, and says why."""
import json

import pytest

from lab.origin import ok

POLICY = """\
policies:
  agent:
    allow:
      - host: api.test
        method: [GET, HEAD]
        path: "/repos/**"
      - host: "*.wild.test"
    deny:
      - host: bad.wild.test
"""


@pytest.fixture
def world(netd, origin, client):
    o = origin("api.test")
    d = netd(POLICY)
    client.trust(d)
    return d, o, client


def test_unknown_host_gets_403_with_rule_and_hint(world, names):
    d, o, client = world
    a = client.curl("https://denied.test/", "--resolve", "denied.test:443:203.0.113.10")
    assert a.status == 403
    body = json.loads(a.body)
    assert body["error"] == "policy_denied" and body["host"] == "denied.test"
    assert "agent.default" in body["rule"] and "sbx-netd.yaml:" in body["rule"]
    assert "denied.test" in body["hint"]
    record = d.wait_record(host="denied.test", verdict="denied", kind="request")
    assert body["id"] == record["id"] == a.headers["x-sbx-decision"]
    assert record["reason"] == "no_rule" and record["status"] == 403
    assert o.connections == 0
    assert not names.queries("denied.test")  # not even a DNS query


@pytest.mark.parametrize("method,path,status,reason", [
    ("GET", "/repos/a", 200, "rule_allow"),
    ("POST", "/repos/a", 403, "method"),
    ("GET", "/other", 403, "path"),
    ("GET", "/repos/%2e%2e/admin", 403, "path_ambiguous"),
    ("GET", "/repos/a//b", 403, "path_ambiguous"),
    ("GET", "/repos/a;x", 403, "path_ambiguous"),
    ("GET", "/repos/a%2fb", 403, "path_ambiguous"),
    ("GET", "/repos/a%5cb", 403, "path_ambiguous"),
    ("GET", "/repos/../admin", 403, "path_ambiguous"),
    ("GET", "/repos/%252e%252e/admin", 403, "path_ambiguous"),
    ("GET", "/repos/a%00b", 403, "path_ambiguous"),
    ("GET", "/%72epos/a", 200, "rule_allow"),
    ("GET", "/other?/repos/a", 403, "path"),
])
def test_threat_63_method_and_path_decide(world, method, path, status, reason):
    d, o, client = world
    a = client.curl("https://api.test" + path, "-X", method, "--path-as-is")
    assert a.status == status
    d.wait_record(host="api.test", method=method, reason=reason, event="decision")
    assert len(o.requests) == (1 if status == 200 else 0)


def test_deny_wins(world):
    d, o, client = world
    a = client.curl("https://bad.wild.test/", "--resolve", "bad.wild.test:443:203.0.113.10")
    assert a.status == 403
    assert "deny" in json.loads(a.body)["rule"]


def test_plain_http_is_refused_readably(world):
    d, o, client = world
    a = client.curl("http://denied.test/", "--resolve", "denied.test:80:203.0.113.10",
                    "-H", "Accept: text/plain")
    assert a.status == 403
    assert "denied.test" in a.text and a.headers["content-type"].startswith("text/plain")
    d.wait_record(host="denied.test", proto="http", verdict="denied")


def test_threat_2_host_is_not_the_sni(world):
    d, o, client = world
    a = client.curl("https://api.test/repos/a", "-H", "Host: a.wild.test")
    assert a.status == 403
    assert json.loads(a.body)["error"] == "authority"
    d.wait_record(host="api.test", reason="authority")
    assert not o.requests


def test_threat_1_the_dialled_address_is_only_a_record_field(world, origin):
    d, o, client = world
    evil = origin("api.test", address="203.0.113.11", listed=False)
    a = client.curl("https://api.test/repos/a", "--resolve", "api.test:443:203.0.113.11")
    assert a.status == 200
    assert len(o.requests) == 1 and evil.connections == 0
    r = d.wait_record(event="outcome", host="api.test")
    assert r["dst"] == "203.0.113.11" and r["upstream"] == "203.0.113.10:443"
    assert r["dst_mismatch"] is True


@pytest.mark.parametrize("host", ["allowed.test.evil.test", "notapi.test", "api.test.evil"])
def test_threat_7_names_that_look_alike(world, host):
    d, o, client = world
    a = client.curl(f"https://{host}/repos/a", "--resolve", f"{host}:443:203.0.113.10")
    assert a.status == 403 and not o.requests


@pytest.mark.parametrize("host", ["API.TEST", "api.test.", "api.test:443"])
def test_threat_7_spellings_of_the_same_name(world, host):
    d, o, client = world
    s = client.tls()
    s.sendall(f"GET /repos/a HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    assert s.recv(65536).startswith(b"HTTP/1.1 200")
    assert o.requests[0].headers["host"] == "api.test"


@pytest.mark.parametrize("host", ["203.0.113.10", "0x7f.1", "2130706433", "[::1]", "017700000001"])
def test_threat_8_addresses_are_no_names(world, host):
    d, o, client = world
    s = client.tls()
    s.sendall(f"GET /repos/a HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    assert s.recv(65536).split(b" ")[1] in (b"403", b"400")
    assert not o.requests


def test_threat_56_the_host_itself_is_never_reached(world):
    d, o, client = world
    s = client.connect("10.77.1.1", 443)
    s.sendall(b"GET / HTTP/1.1\r\nHost: api.test\r\n\r\n")
    try:
        assert s.recv(100) == b""
    except ConnectionResetError:
        pass
    d.wait_record(reason="self", dst="10.77.1.1")


def test_threat_12_other_protocols_are_refused(world):
    d, o, client = world
    s = client.connect()
    s.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
    try:
        assert s.recv(100) == b""
    except ConnectionResetError:
        pass
    d.wait_record(kind="connect", verdict="denied", reason="no_name")
    assert o.connections == 0


def test_threat_18_a_redirect_is_the_clients_to_follow(netd, origin, names, client):
    """And where it leads is asked about as anything else that a client wants."""
    o = origin("api.test", answer=lambda r, c: ok(
        b"", "Location: https://denied.test/there", status="302 Found"))
    denied = origin("denied.test", address="203.0.113.11")
    d = netd(POLICY)
    client.trust(d)
    a = client.curl("https://api.test/repos/a")
    assert (a.status, a.headers["location"]) == (302, "https://denied.test/there")
    assert len(o.requests) == 1 and denied.connections == 0
    assert not names.queries("denied.test")
    assert not d.records(host="denied.test")
    a = client.curl(a.headers["location"], "--resolve", "denied.test:443:203.0.113.11")
    assert a.status == 403 and denied.connections == 0
    d.wait_record(host="denied.test", verdict="denied", path="/there")
