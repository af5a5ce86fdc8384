"""A name that a protocol never shows: what is allowed by name is dialled by name.

DNS tells the sandbox an address of its own for it; real servers and clients.
"""
import ipaddress
import json
import ssl

import pytest

from lab.client import read_all, read_response
from lab.nameless import NamelessServers, Smtp
from lab.wait import until

POLICY = """\
policies:
  agent:
    allow:
      - {host: git.test, port: 22}
      - {host: db.test, port: 5432}
      - {host: cache.test, port: 6379}
      - {host: .mail.test, port: 25}
      - {host: fast.test, port: 25, protocol: tcp}
      - {host: opaque.test, port: 443, protocol: tcp}
      - {host: web.test, port: [80, 443, 8443]}
      - {host: [plain.test, other.plain.test]}
      - {host: http.test, port: [80, 81]}
      - {host: path.test, port: [22, 8080], path: "/**"}
      - {address: 0.0.0.0/0, port: 9999}
"""
SYNTHETIC = {4: ipaddress.ip_network("198.18.0.0/15"),
             6: ipaddress.ip_network("fd73:6278:6e:1::/64")}


def resolve(sandbox, name, family=4):
    """What the sandbox is told, one address or None."""
    out = sandbox.run("dig", "+short", "+tries=1", "+time=5", "@203.0.113.53", name,
                      "A" if family == 4 else "AAAA").stdout.split()
    assert len(out) <= 1, out
    return out[0] if out else None


def is_synthetic(address):
    a = ipaddress.ip_address(address)
    return a in SYNTHETIC[a.version]


@pytest.fixture(scope="module")
def servers(stage, tmp_path_factory):
    s = NamelessServers(stage.lab, tmp_path_factory.mktemp("servers"))
    yield s
    s.close()


@pytest.fixture(scope="module")
def world(stage, servers):
    return stage.netd(POLICY)


def smtp(stage, name, *more, port=25):
    address = stage.address()
    stage.names.add(name, address, *more)
    return address, Smtp(stage.lab, address, port)


def test_ssh_by_name(stage, world, servers):
    address = stage.address()
    stage.names.add("git.test", address)
    servers.ssh(address)
    run = stage.lab.sandbox.run
    assert run(*servers.ssh_words(), "root@git.test", "echo hello $((6*7))").stdout == "hello 42\n"
    r = world.wait_record(kind="connect", event="decision", host="git.test")
    assert (r["via"], r["rule"], r["dport"]) == ("raw", "agent.allow[0]", 22)
    assert is_synthetic(r["dst"])
    r = world.wait_record(kind="connect", event="outcome", host="git.test")
    assert (r["reason"], r["upstream"]) == ("complete", f"{address}:22")
    assert "dst_mismatch" not in r and r["bytes_down"] > 1000
    # Neither by its own address, nor on another port.
    denied = run(*servers.ssh_words(), f"root@{address}", "true", check=False)
    assert denied.returncode == 255
    r = world.wait_record(kind="connect", verdict="denied", dst=address)
    assert (r["rule"], r.get("host", "")) == ("agent.allow[10]", "")  # it came nearest
    assert run(*servers.ssh_words("-p", "2222"), "root@git.test", "true", check=False).returncode
    r = world.wait_record(kind="connect", verdict="denied", host="git.test")
    assert (r["reason"], r["dport"]) == ("port", 2222)


def test_postgresql_by_name(stage, world, servers):
    address = stage.address()
    stage.names.add("db.test", address)
    servers.postgres(address)
    out = stage.lab.sandbox.run("psql", "-h", "db.test", "-U", "agent", "-d", "postgres",
                                "-Atc", "select 6*7").stdout
    assert out == "42\n"
    assert world.wait_record(kind="connect", event="outcome", host="db.test")["via"] == "raw"


def test_redis_by_name(stage, world, servers):
    address = stage.address()
    stage.names.add("cache.test", address)
    servers.redis(address)

    def redis(*words):
        return stage.lab.sandbox.run("redis-cli", "-h", "cache.test", *words).stdout

    assert (redis("set", "a", "hello"), redis("get", "a")) == ("OK\n", "hello\n")
    assert world.wait_record(kind="connect", event="outcome", host="cache.test")["via"] == "raw"


def send_mail(sandbox, host, tmp_path):
    mail = tmp_path / "mail"
    mail.write_text("Subject: hello\n\nthere\n")
    sandbox.run("curl", "-sS", "--noproxy", "*", "--max-time", "30", f"smtp://{host}",
                "--mail-from", "a@x.test", "--mail-rcpt", "b@x.test", "-T", str(mail))


@pytest.mark.parametrize("name", ["mail.test", "fast.test"])
def test_a_server_that_speaks_first(stage, world, tmp_path, name):
    """With `protocol: tcp`, and without."""
    address, server = smtp(stage, name)
    send_mail(stage.lab.sandbox, name, tmp_path)
    server.close()
    assert b"Subject: hello" in server.messages[0]
    r = world.wait_record(kind="connect", event="outcome", host=name)
    assert (r["via"], r["upstream"]) == ("raw", f"{address}:25")


def connect(stage, name, port, family=4):
    return stage.client.connect(resolve(stage.lab.sandbox, name, family), port)


def opened(stage, name, port, ca, shown=None):
    """A TLS connection to where the name leads: the names in the certificate."""
    context = ssl.create_default_context(cafile=str(ca))
    context.check_hostname = False
    with context.wrap_socket(connect(stage, name, port), server_hostname=shown or name) as s:
        s.sendall(b"GET / HTTP/1.1\r\nHost: %s:%d\r\n\r\n" % ((shown or name).encode(), port))
        head, _ = read_response(s)
        return s.getpeercert()["subjectAltName"], head


def test_threat_1_protocol_tcp_opens_nothing(stage, world):
    """Whatever name the bytes say: they go to the one that is allowed, unread."""
    o = stage.origin("opaque.test")
    names, _ = opened(stage, "opaque.test", 443, stage.authority.path, "other.test")
    assert names == (("DNS", "opaque.test"),) and o.connections == 1
    r = world.wait_record(kind="connect", event="decision", host="opaque.test")
    assert (r["via"], r["proto"], r["rule"]) == ("raw", "tcp", "agent.allow[5]")
    assert "dst_mismatch" not in world.wait_record(kind="connect", event="outcome",
                                                   host="opaque.test")


def test_threat_1_tls_says_its_own_name(stage, world):
    """To an address that stands for another: that name is decided, and on record."""
    stage.origin("web.test", port=8443)
    names, head = opened(stage, "web.test", 8443, stage.client.ca)
    assert names == (("DNS", "web.test"),) and b"200" in head.splitlines()[0]
    assert "dst_mismatch" not in world.wait_record(event="outcome", kind="request", host="web.test")
    other = stage.origin("plain.test")
    assert opened(stage, "web.test", 443, stage.client.ca, "plain.test")[1].startswith(b"HTTP/1.1 200")
    assert len(other.requests) == 1
    assert world.wait_record(event="outcome", kind="request", host="plain.test")["dst_mismatch"]
    assert opened(stage, "web.test", 443, stage.client.ca, "denied.test")[1].startswith(b"HTTP/1.1 403")
    world.wait_record(kind="request", host="denied.test", verdict="denied", reason="no_rule")


def test_http_says_its_own_name(stage, world):
    o = stage.origin("http.test", port=80, tls=False)
    c = connect(stage, "http.test", 80)
    c.sendall(b"GET /x HTTP/1.1\r\nHost: http.test\r\n\r\n")
    assert read_response(c)[0].startswith(b"HTTP/1.1 200") and o.requests[0].target == "/x"
    c = connect(stage, "http.test", 80)
    c.sendall(b"GET /x HTTP/1.1\r\nHost: denied.test\r\n\r\n")
    assert read_response(c)[0].startswith(b"HTTP/1.1 403")
    r = world.wait_record(kind="request", event="outcome", host="http.test", dport=80)
    assert "dst_mismatch" not in r


@pytest.mark.parametrize("name, port, reason", [("web.test", 443, "not_raw"), ("web.test", 22, "port"),
                                                ("path.test", 8080, None)])
def test_threat_12_other_bytes_only_where_a_rule_is_for_them(stage, world, name, port, reason):
    stage.names.add("path.test", "203.0.113.10")
    address = resolve(stage.lab.sandbox, name)
    with stage.client.connect(address, port) as c:
        c.sendall(b"\0\1\2\3 neither TLS nor HTTP")
        assert read_all(c) == b""
    r = world.wait_record(kind="connect", verdict="denied", dst=address, dport=port)
    # A name whose rules look at requests has its own address, and is no name here.
    assert is_synthetic(address) == (reason is not None) == ("host" in r)
    assert r["reason"] == (reason or "port")


@pytest.mark.parametrize("address", ["198.18.99.1", "198.19.255.255", "198.18.0.0",
                                     "fd73:6278:6e:1::9999", "fd73:6278:6e:1:1::1"])
def test_threat_9_an_address_that_was_never_given_leads_nowhere(stage, world, address):
    """Whatever an address rule says about its range."""
    with stage.client.connect(address, 9999) as c:
        c.sendall(b"hello")
        assert read_all(c) == b""
    r = world.wait_record(kind="connect", verdict="denied", dst=address)
    assert r["reason"] == "no_name" and "never given" in r["detail"]


def test_threat_9_no_address_rule_is_about_such_an_address(stage, world):
    """Neither for TLS nor for HTTP with a name that no host rule is about."""
    _, head = opened(stage, "http.test", 9999, stage.client.ca, "nobody.test")
    assert head.startswith(b"HTTP/1.1 403")
    with connect(stage, "http.test", 9999) as c:
        c.sendall(b"GET / HTTP/1.1\r\nHost: nobody.test:9999\r\n\r\n")
        assert read_response(c)[0].startswith(b"HTTP/1.1 403")
    until("both refusals", lambda: len(world.records(
        kind="request", host="nobody.test", verdict="denied", reason="no_rule")) == 2)


def test_threat_14_over_ipv6(stage, world):
    address, server = smtp(stage, "six.mail.test", "2001:db8:113::10")
    synthetic = resolve(stage.lab.sandbox, "six.mail.test", 6)
    assert is_synthetic(synthetic) and ":" in synthetic
    with stage.client.connect(synthetic, 25) as c:
        assert c.recv(100) == b"220 mail.test\r\n"
    server.close()
    r = world.wait_record(kind="connect", event="outcome", host="six.mail.test")
    assert (r["dst"], r["via"], r["upstream"]) == (synthetic, "raw", f"{address}:25")


def test_threat_16_a_name_that_points_inside_is_not_dialled(stage, world):
    stage.names.add("in.mail.test", "10.77.1.1")
    with connect(stage, "in.mail.test", 25) as c:
        assert read_all(c) == b""
    r = world.wait_record(kind="connect", event="outcome", host="in.mail.test")
    assert r["reason"] in ("address_refused", "self")


def test_threat_16_a_name_that_points_to_such_addresses_is_not_dialled(stage, world):
    stage.names.add("loop.mail.test", "198.18.0.7", "fd73:6278:6e:1::1")
    with connect(stage, "loop.mail.test", 25) as c:
        assert read_all(c) == b""
    r = world.wait_record(kind="connect", event="outcome", host="loop.mail.test")
    assert r["reason"] == "address_refused" and "synthetic" in r["detail"]


def test_a_name_that_is_not_there_has_no_address(stage, world):
    out = stage.lab.sandbox.run("dig", "+tries=1", "@203.0.113.53", "gone.mail.test").stdout
    assert "NXDOMAIN" in out
    stage.names.add("four.mail.test", "203.0.113.10")
    assert resolve(stage.lab.sandbox, "four.mail.test", 6) is None


def test_explain_says_what_happens(stage, world):
    def explain(url):
        r = world.ctl("--json", "explain", "s1", "-", url, check=False)
        a = json.loads(r.stdout)
        return a["verdict"], a["reason"], a.get("via", "")

    assert explain("tcp://db.test:5432") == ("allowed", "rule_allow", "raw")
    assert explain("tcp://web.test:443") == ("denied", "not_raw", "")
    assert explain("tcp://web.test:22") == ("denied", "port", "")
    assert explain("tcp://203.0.113.10:9999") == ("allowed", "rule_allow", "address")
    text = world.ctl("explain", "s1", "-", "tcp://web.test:443", check=False).stdout
    rule = json.loads(world.ctl("--json", "explain", "s1", "-", "tcp://web.test:443",
                                check=False).stdout)["rule"]
    assert f"  before {rule}:\n    - {{host: web.test, port: 443, protocol: tcp}}\n" in text
    assert "at the end" not in text
    text = world.ctl("explain", "s1", "-", "tcp://else.test:22", check=False).stdout
    assert "- {host: else.test, port: 22, protocol: tcp}" in text
