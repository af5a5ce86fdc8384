"""All that works over IPv4 works over IPv6, for a sandbox that has both and for
one that has nothing else."""
import contextlib
import json
import socket
import threading

import pytest

from lab.client import Client, read_response
from lab.hello import hello, server_name

SECRET = "s3cret-canary-0606"
POLICY = """\
credentials:
  api:
    source: {{env: API_TOKEN}}
    inject: [{{host: api.six.test, header: Authorization, format: "Bearer ${{value}}"}}]
policies:
  agent:
    allow:
      - {{host: [api.six.test, "*.lab.test"]}}
      - {{host: pinned.six.test, tls: passthrough}}
      - {{address: "2001:db8:113::22/128", port: 2222}}
    credentials: [api]
sandboxes:
  s1: {{interface: v1, address: [{both.address4}, "{both.address6}"], policy: agent}}
  s2: {{interface: v2, address: ["{only.address6}"], policy: agent}}
"""
API, PINNED, RAW = "2001:db8:113::20", "2001:db8:113::21", "2001:db8:113::22"
ANYWHERE = "2001:db8:ffff::53"  # no server is there


class World:
    def __init__(self, stage):
        self.stage, self.lab = stage, stage.lab
        only = stage.lab.add_sandbox()
        only.ip("-4", "addr", "flush", "dev", "eth0")
        with open(f"/etc/netns/{only.name}/resolv.conf", "w", encoding="ascii") as f:
            f.write(f"nameserver {ANYWHERE}\n")
        for address in (API, PINNED, RAW):
            stage.lab.internet.ip("addr", "add", address + "/64", "dev", "eth0", "nodad")
        self.api = stage.origins("api.six.test", address=API)
        self.plain = stage.origins("api.six.test", address=API, port=80, tls=False, listed=False)
        self.pinned = stage.origins("pinned.six.test", address=PINNED)
        self.daemon = stage.netd(POLICY.format(both=stage.lab.sandbox, only=only),
                                 environment={"API_TOKEN": SECRET})
        self.clients = {name: Client(ns).trust(self.daemon, name)
                        for name, ns in (("s1", stage.lab.sandbox), ("s2", only))}
        self.sources = {"s1": stage.lab.sandbox.address6, "s2": only.address6}

    def record(self, name, **want):
        r = self.daemon.wait_record(sandbox=name, **want)
        assert r["src"].startswith(f"[{self.sources[name]}]:")
        return r


@pytest.fixture(scope="module")
def world(stage):
    return World(stage)


@pytest.fixture(params=["s1", "s2"], ids=["both", "only v6"])
def name(request):
    return request.param


def test_threat_14_https_is_inspected(world, name):
    """With the sandbox's own authority, a credential put in, and its record."""
    path = f"/https-{name}"
    assert world.clients[name].curl("https://api.six.test" + path, "-6").status == 200
    [request] = [r for r in world.api.requests if r.target == path]
    assert request.all("authorization") == [f"Bearer {SECRET}"]
    r = world.record(name, kind="request", event="decision", path=path)
    assert (r["dst"], r["dport"], r["via"], r["injected"]) == (API, 443, "inspect", "api")
    outcome = world.record(name, kind="request", event="outcome", id=r["id"])
    assert outcome["upstream"] == f"[{API}]:443" and outcome.get("dst_mismatch") is not True


def test_threat_14_plain_http(world, name):
    path = f"/http-{name}"
    assert world.clients[name].curl("http://api.six.test" + path, "-6").status == 200
    [request] = [r for r in world.plain.requests if r.target == path]
    assert "authorization" not in request.headers  # nothing was verified
    assert world.record(name, kind="request", path=path)["proto"] == "http"


def test_threat_14_passthrough(world, name, stage):
    client = Client(world.clients[name].ns)
    client.ca = stage.authority.path
    assert client.curl(f"https://pinned.six.test/{name}", "-6").status == 200
    assert world.record(name, kind="connect", event="decision",
                        host="pinned.six.test")["via"] == "passthrough"


def test_threat_14_what_is_denied_is_denied(world, name):
    before = world.api.connections
    a = world.clients[name].curl("https://denied.test/", "-6", "--resolve",
                                 f"denied.test:443:[{API}]")
    assert a.status == 403 and json.loads(a.body)["host"] == "denied.test"
    assert world.record(name, kind="request", host="denied.test")["reason"] == "no_rule"
    assert world.api.connections == before


@pytest.mark.parametrize("transport", ["+notcp", "+tcp"])
def test_threat_15_dns_over_ipv6(world, name, transport):
    """Whatever server is asked, one of the link's own addresses, too."""
    ns = world.clients[name].ns
    number = 1 if name == "s1" else 2
    for server in (ANYWHERE, f"fd77:{number}::1"):
        def dig(*words, server=server):
            return ns.run("dig", "-6", "+tries=1", "+time=5", transport, f"@{server}",
                          *words).stdout
        assert API in dig("api.six.test", "AAAA")
        assert f"SERVER: {server}#53" in dig("api.six.test", "AAAA")
        assert "NXDOMAIN" in dig("denied.test", "AAAA")
        world.record(name, kind="dns", event="decision", host="api.six.test", dst=server)
    assert not world.stage.names.queries("denied.test")


def spoof_count(world):
    text = world.lab.host.run("nft", "list", "counter", "inet", "sbx_net", "spoof").stdout
    return int(text.split("packets ")[1].split()[0])


def test_threat_14_a_sandbox_that_was_given_none_has_no_ipv4(world):
    """It takes an address; that is nobody's on this interface."""
    ns = world.clients["s2"].ns
    ns.ip("addr", "add", "10.77.2.2/24", "dev", "eth0")
    ns.ip("route", "add", "default", "via", "10.77.2.1")
    before, spoofed = world.daemon.lines(), spoof_count(world)
    with pytest.raises(OSError):
        world.clients["s2"].connect("203.0.113.10", 443, timeout=0.3)
    assert spoof_count(world) > spoofed
    ns.ip("-4", "addr", "flush", "dev", "eth0")
    assert not [r for r in world.daemon.lines()[len(before):] if "10.77.2.2" in r.get("src", "")]


# ---- literals ------------------------------------------------------------------

@pytest.mark.parametrize("scheme", ["http", "https"])
def test_threat_8_a_url_with_an_address_is_an_address(world, name, scheme):
    """No host rule allows it, though a name that is allowed leads there."""
    before = world.api.connections, world.plain.connections
    a = world.clients[name].curl(f"{scheme}://[{API}]/literal-{name}", "-k")
    assert a.status in (0, 403)
    world.daemon.wait_record(sandbox=name, dst=API, verdict="denied",
                             dport={"http": 80, "https": 443}[scheme])
    assert (world.api.connections, world.plain.connections) == before


@pytest.mark.parametrize("host", [
    f"[{API}]", f"[{API}]:443", API, "[::1]", "[::ffff:203.0.113.10]", "[::203.0.113.10]",
    "[64:ff9b::cb00:710a]", "[fe80::1%25eth0]", "[2001:DB8:113:0::20]", "[", "[]", "[::1"])
def test_threat_8_hosts_that_are_addresses(world, host):
    """In a request of a connection to an allowed name."""
    before = len(world.api.requests)
    with world.clients["s2"].tls("api.six.test", API) as s:
        s.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        assert read_response(s)[0].split(b" ")[1] in (b"400", b"403")
    assert len(world.api.requests) == before


@pytest.mark.parametrize("sni", [API, f"[{API}]", "::1", "::ffff:203.0.113.10", "fe80::1%eth0"])
def test_threat_8_server_names_that_are_addresses(world, sni):
    before = world.api.connections
    with world.clients["s2"].connect(API, 443) as s:
        s.sendall(hello(server_name(sni.encode())))
        answer = b""
        with contextlib.suppress(ConnectionResetError):
            answer = s.recv(100)
        assert answer[:1] in (b"", b"\x15")  # closed, or an alert: no certificate
    assert world.api.connections == before


def test_an_address_rule_holds_for_ipv6(world, name):
    """Raw TCP, both ways, to that address and port and to no other."""
    def listen():
        return socket.create_server((RAW, 2222), family=socket.AF_INET6)

    with world.lab.internet.within(listen) as server:
        def serve():
            with server.accept()[0] as c:
                c.sendall(b"first\n" + c.recv(100))

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        with world.clients[name].connect(RAW, 2222) as s:
            s.sendall(b"hello\n")
            data = b""
            while len(data) < 12 and (more := s.recv(100)):
                data += more
        assert data == b"first\nhello\n"
        thread.join()
    r = world.record(name, kind="connect", event="decision", dst=RAW, dport=2222)
    assert r["verdict"] == "allowed"
    with world.clients[name].connect(RAW, 2223) as s:
        s.sendall(b"hello\n")
        with contextlib.suppress(ConnectionResetError):
            assert s.recv(100) == b""
    assert world.record(name, kind="connect", dst=RAW, dport=2223)["verdict"] == "denied"


# ---- addresses that mean something else -------------------------------------------

INSIDE = {
    "::1": "this host or a sandbox", "::ffff:203.0.113.10": "IPv4-mapped",
    "::203.0.113.10": "reserved", "64:ff9b::cb00:710a": "NAT64", "64:ff9b:1::1": "NAT64",
    "2002:cb00:710a::1": "6to4", "2001::1": "Teredo", "fe80::1": "link-local",
    "fd00:ec2::254": "cloud metadata", "fd77:1::2": "this host or a sandbox",
    "fd77:1::1": "this host or a sandbox", "2001:db8:113::1": "this host or a sandbox",
    "ff02::1": "multicast", "100::1": "reserved", "fec0::1": "private",
}


@pytest.mark.parametrize("address", INSIDE)
def test_threat_16_an_allowed_name_that_points_inside(world, address):
    """By AAAA alone: loopback, IPv4 in IPv6, the host, a sandbox, metadata."""
    host = f"n{list(INSIDE).index(address)}.lab.test"
    world.stage.names.add(host, address)
    before = world.api.connections
    a = world.clients["s2"].curl(f"https://{host}/", "--resolve", f"{host}:443:[{API}]")
    assert a.status == 403 and json.loads(a.body)["error"] == "address_refused"
    r = world.daemon.wait_record(sandbox="s2", host=host, kind="request", event="outcome")
    assert r["reason"] == "address_refused" and r["detail"].endswith(": " + INSIDE[address])
    assert "upstream" not in r and world.api.connections == before


@pytest.mark.parametrize("to", ["link", "gate", "wan", "peer"])
def test_threat_56_the_host_itself_over_ipv6(world, name, to):
    """By its link-local address as well; and another sandbox by its own."""
    number = "1" if name == "s1" else "2"
    text = world.lab.host.ip("-6", "addr", "show", "dev", "v" + number, "scope", "link").stdout
    address = {"link": text.split("inet6 ")[1].split("/")[0], "gate": f"fd77:{number}::1",
               "wan": "2001:db8:113::1",
               "peer": world.sources["s2" if name == "s1" else "s1"]}[to]
    client = world.clients[name]
    scope = client.ns.within(socket.if_nametoindex, "eth0") if to == "link" else 0

    def dial():
        s = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
        s.settimeout(30)
        s.bind((world.sources[name], 0))
        s.connect((address, 443, 0, scope))
        return s

    with client.ns.within(dial) as s:
        s.sendall(b"GET / HTTP/1.1\r\nHost: api.six.test\r\n\r\n")
        with contextlib.suppress(ConnectionResetError):
            assert s.recv(100) == b""
    assert world.record(name, kind="connect", dst=address)["reason"] == "self"
