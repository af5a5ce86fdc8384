"""A host that has no IPv4 itself: its name server, origins and sandboxes are
reached by IPv6 alone."""
import types

import pytest

from lab.client import Client
from lab.dns import NameServer
from lab.netd import Netd
from lab.origin import Origin

RESOLVER, API = "2001:db8:53::53", "2001:db8:113::20"
CONFIG = """\
version: 1
resolver: ["{resolver}"]
workers: 1
upstream: {{ca_file: {ca}, allow_addresses: [203.0.113.0/24, "2001:db8:113::/64"]}}
policies:
  agent: {{allow: [{{host: api.test}}]}}
sandboxes:
  s1: {{interface: v1, address: "{address}", policy: agent}}
"""


@pytest.fixture
def world(lab, authority, tmp_path):
    host, internet, ns = lab.host, lab.internet, lab.sandbox
    for address in (RESOLVER, API):
        internet.ip("addr", "add", address + "/64", "dev", "eth0", "nodad")
    host.ip("route", "add", "2001:db8:53::/64", "dev", "wan")
    for space, device in ((host, "wan"), (host, "v1"), (ns, "eth0")):
        space.ip("-4", "addr", "flush", "dev", device)
    with open(f"/etc/netns/{ns.name}/resolv.conf", "w", encoding="ascii") as f:
        f.write("nameserver fd77:1::1\n")
    names = NameServer(types.SimpleNamespace(internet=internet, DNS=RESOLVER), tmp_path)
    origin = Origin(internet, API, 443, authority.issue("api.test"))
    daemon = Netd(lab, tmp_path, CONFIG.format(
        resolver=RESOLVER, ca=authority.path, address=ns.address6))
    yield types.SimpleNamespace(lab=lab, names=names, origin=origin, daemon=daemon,
                                client=Client(ns).trust(daemon))
    daemon.close()
    origin.close()
    names.close()


def test_threat_14_a_host_with_ipv6_alone(world):
    """The wall around workers, which has the range of the name server in it,
    has a door for it at its port, over IPv6 too."""
    world.names.add("api.test", API)
    assert world.client.curl("https://api.test/").status == 200
    r = world.daemon.wait_record(kind="request", event="outcome", host="api.test")
    assert r["upstream"] == f"[{API}]:443"
    out = world.client.ns.run("dig", "+tries=1", "+time=5", "api.test", "AAAA").stdout
    assert API in out
    assert "NXDOMAIN" in world.client.ns.run("dig", "+tries=1", "denied.test", "AAAA").stdout
    assert not world.names.queries("denied.test")
    assert f"{RESOLVER} . 53" in world.lab.host.run(
        "nft", "-n", "list", "set", "inet", "sbx_net", "resolver6").stdout


def test_threat_14_a_name_with_ipv4_alone_cannot_be_reached(world):
    """… and says so, at once."""
    world.names.add("api.test", "203.0.113.10")
    a = world.client.curl("https://api.test/", "--resolve", f"api.test:443:[{API}]")
    assert a.status == 502
    r = world.daemon.wait_record(kind="request", event="outcome", host="api.test")
    assert r["reason"] == "connect_failed" and world.origin.connections == 0
