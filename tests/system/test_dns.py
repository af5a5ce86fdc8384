"""Only names that policy allows exist, whatever server is asked."""
import os

import pytest

POLICY = """\
policies:
  agent: {allow: [{host: api.test}]}
"""


@pytest.fixture
def world(netd, names, lab):
    names.add("api.test", "203.0.113.10", "2001:db8:113::10")
    names.add("denied.test", "203.0.113.11")
    return netd(POLICY), names, lab.sandbox


def dig(sandbox, *words):
    return sandbox.run("dig", "+tries=1", "+time=5", *words).stdout


@pytest.mark.parametrize("transport", ["+notcp", "+tcp"])
@pytest.mark.parametrize("server", ["203.0.113.53", "198.51.100.7", "2001:db8:ffff::53"])
def test_threat_15_an_allowed_name_by_any_server(world, server, transport):
    d, names, sandbox = world
    assert "203.0.113.10" in dig(sandbox, transport, f"@{server}", "api.test", "A")
    assert "2001:db8:113::10" in dig(sandbox, transport, f"@{server}", "api.test", "AAAA")
    d.wait_record(kind="dns", event="decision", host="api.test", verdict="allowed", dst=server)


@pytest.mark.parametrize("transport", ["+notcp", "+tcp"])
def test_threat_15_a_denied_name_does_not_exist_and_nobody_is_asked(world, transport):
    d, names, sandbox = world
    assert "NXDOMAIN" in dig(sandbox, transport, "@203.0.113.53", "denied.test", "A")
    d.wait_record(kind="dns", host="denied.test", verdict="denied", reason="no_rule")
    assert not names.queries("denied.test")


def test_threat_15_a_name_server_over_tls_is_a_host_like_any_other(world, names, lab, origin, client):
    """DoT, or DoH on its own port: the name in its TLS is denied, or its port."""
    d, names, sandbox = world
    client.trust(d)
    for name, address, reason in (("dns.test", "203.0.113.10", "no_rule"),
                                  ("api.test", "203.0.113.11", "port")):
        o = origin(name, port=853, address=address)
        with client.tls(name, address, 853) as s:
            s.sendall(b"GET /dns-query HTTP/1.1\r\nHost: %s:853\r\n\r\n" % name.encode())
            assert s.recv(65536).startswith(b"HTTP/1.1 403")
        d.wait_record(host=name, dport=853, verdict="denied", reason=reason)
        assert o.connections == 0


@pytest.mark.parametrize("name", ["a" * 63 + ".denied.test", "x." * 100 + "denied.test",
                                  "c2VjcmV0.denied.test"],
                         ids=["a long label", "many labels", "data"])
def test_threat_15_a_tunnel_of_names_carries_nothing(world, names, name):
    """What is not allowed is answered here, however it is spelt."""
    d, names, sandbox = world
    assert "NXDOMAIN" in dig(sandbox, "+notcp", "@203.0.113.53", name, "A")
    assert not names.queries("denied.test")


@pytest.mark.parametrize("kind", ["TXT", "HTTPS", "ANY", "NULL", "MX"])
def test_threat_15_other_types_say_nothing(world, kind):
    d, names, sandbox = world
    out = dig(sandbox, "+notcp", "@203.0.113.53", "api.test", kind)
    assert "NOERROR" in out and "ANSWER: 0" in out
    assert not [q for q in names.queries("api.test") if f"query[{kind}]" in q]


def test_threat_15_browsers_are_told_to_keep_to_this_server(netd, names, lab):
    """Even where everything is allowed."""
    names.add("use-application-dns.net", "203.0.113.10")
    d = netd("policies:\n  agent: {default: allow}\n")
    out = dig(lab.sandbox, "@203.0.113.53", "use-application-dns.net", "A")
    assert "NXDOMAIN" in out
    d.wait_record(kind="dns", host="use-application-dns.net", verdict="denied", reason="bad_name")
    assert not names.queries("use-application-dns.net")


def test_threat_15_a_tunnel_through_a_wildcard(netd, names, lab):
    """Bytes in the names of an allowed domain: a few get out, then none."""
    names.add("api.test", "203.0.113.10")
    d = netd("policies:\n  agent: {allow: [{host: ['**.tunnel.test', written.tunnel.test]}]}\n",
             settings="workers: 1\nlimits: {dns_names_per_minute: 20}\n")
    # 512 bits in each name: none of these is let out.
    fat = [f"{os.urandom(28).hex()}.{os.urandom(28).hex()}.t.tunnel.test" for _ in range(5)]
    thin = [f"n{i:04x}.tunnel.test" for i in range(60)]
    out = dig(lab.sandbox, "@203.0.113.53", *[w for n in fat + thin for w in (n, "A")])
    assert out.count("NXDOMAIN") == 65
    asked = {q.lower().split()[-3] for q in names.queries("tunnel.test")}
    assert asked == set(thin[:20])
    for text, host in (("dns_name_bits", fat[0]), ("dns_names_per_minute", thin[20])):
        r = d.wait_record(kind="dns", event="decision", host=host, reason="limit")
        assert r["verdict"] == "denied" and text in r["detail"]
    assert "NXDOMAIN" in dig(lab.sandbox, "@203.0.113.53", "written.tunnel.test", "A")
    assert names.queries("written.tunnel.test")


def test_a_flood_is_refused_and_counted(netd, names, lab):
    names.add("api.test", "203.0.113.10")
    d = netd(POLICY, settings="limits: {dns_per_second: 1}\n")
    words = [w for _ in range(200) for w in ("api.test", "A")]
    assert "REFUSED" in dig(lab.sandbox, "+notcp", "@203.0.113.53", *words)
    d.wait_record(kind="dns", reason="limit", verdict="denied")
