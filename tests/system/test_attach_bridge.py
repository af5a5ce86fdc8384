"""scripts/attach/bridge: sandboxes on one bridge, none of which speaks as another."""
import contextlib
import socket
import struct

import pytest

from lab.attach import FOLDER, Attach
from lab.client import Client
from lab.wait import until

POLICY = """\
policies:
  agent: {allow: [{host: "*.lab.test"}]}
  other: {allow: [{host: other.lab.test}]}
"""
ADDRESSES = {"a": ("10.77.111.2", "fd77:111::2"), "b": ("10.77.112.2", "fd77:112::2")}
MACS = {"a": "02:00:00:00:01:11", "b": "02:00:00:00:01:12"}
SETUP = FOLDER.parent / "sbx-net-setup"
GATE = "169.254.1.1", "fd73:6278:6e::1"
# What arrives at a sandbox from others; its own questions for neighbours are not.
COUNTER = """
table netdev count {
  counter seen { }
  chain ingress {
    type filter hook ingress device "eth0" priority 0; policy accept;
    ether saddr %s counter name "seen"
  }
}
"""


def no_bridge_netfilter(lab, value="0"):
    lab.host.run("sysctl", "-qw", f"net.bridge.bridge-nf-call-iptables={value}",
                 f"net.bridge.bridge-nf-call-ip6tables={value}")


class Bridged:
    def __init__(self, stage, attach):
        self.stage, self.lab, self.daemon = stage, stage.lab, stage.daemon
        self.attach = attach
        self.box = {}
        for name, policy in (("a", "agent"), ("b", "other")):
            self.box[name] = ns = self.attach.space(name)
            self.lab.host.ip("link", "add", f"sbx-p{name}", "type", "veth", "peer", "name",
                             "eth0", "address", MACS[name], "netns", ns.name)
            self.add(name, policy)
            self.set_up(ns, name)
        for name, other in (("a", "b"), ("b", "a")):
            self.box[name].run("nft", "-f", "-", input=COUNTER % MACS[other])

    def words(self, name, policy="agent"):
        v4, v6 = ADDRESSES[name]
        return (f"sbx-p{name}", "--name", name, "--policy", policy, "--mac", MACS[name],
                "--address", v4, "--address", v6)

    def add(self, name, policy, **more):
        return self.attach("bridge", "add", *self.words(name, policy), **more)

    def rm(self, name):
        return self.attach("bridge", "rm", f"sbx-p{name}", "--name", name, "--mac", MACS[name])

    @staticmethod
    def set_up(ns, name):
        v4, v6 = ADDRESSES[name]
        ns.ip("link", "set", "eth0", "up")
        ns.ip("addr", "add", v4 + "/16", "dev", "eth0")
        ns.ip("addr", "add", v6 + "/16", "dev", "eth0", "nodad")
        for gate in GATE:
            ns.ip("route", "add", gate, "dev", "eth0")
            ns.ip("route", "add", "default" if "." in gate else "::/0", "via", gate,
                  "dev", "eth0")

    def client(self, name):
        return Client(self.box[name]).trust(self.daemon, name)

    def refused(self):
        return self._packets(self.lab.host, "refused", "sbx_bridge")

    def seen(self, name):
        """Frames of the other that have come to this one."""
        return self._packets(self.box[name], "seen", "count")

    @staticmethod
    def _packets(ns, counter, table):
        text = ns.run("nft", "list", "counter", "netdev", table, counter).stdout
        return int(text.split("packets ")[1].split()[0])

    def send(self, name, *frames):
        """Whole frames, as only a sandbox's root can."""
        def out():
            with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as s:
                s.bind(("eth0", 0))
                for frame in frames:
                    s.send(frame)
        self.box[name].within(out)

    def close(self):
        for name in self.box:
            self.rm(name)
            self.lab.host.ip("link", "del", f"sbx-p{name}")


@pytest.fixture(scope="module")
def world(stage):
    stage.api = stage.origin("api.lab.test")
    stage.names.add("api.lab.test", "2001:db8:113::10")
    stage.netd(POLICY)
    no_bridge_netfilter(stage.lab)
    attach = Attach(stage.lab, stage.daemon)
    try:
        w = Bridged(stage, attach)
        yield w
        w.close()
    finally:
        attach.close()


def packed(address):
    return socket.inet_pton(socket.AF_INET6 if ":" in address else socket.AF_INET, address)


def mac(text):
    return bytes.fromhex(text.replace(":", ""))


def frame(kind, payload, source, to="ff:ff:ff:ff:ff:ff"):
    return mac(to) + mac(source) + struct.pack(">H", kind) + payload


def arp(sender, address, target=GATE[0], source=None, operation=1):
    return frame(0x0806, struct.pack(">HHBBH", 1, 0x0800, 6, 4, operation) + mac(sender) +
                 packed(address) + bytes(6) + packed(target), source or sender)


def ip4(source, name="a"):
    """UDP to the origin; nothing looks at checksums before it is dropped."""
    return frame(0x0800, struct.pack(">BBHHHBBH4s4s", 0x45, 0, 28, 1, 0, 64, 17, 0,
                                     packed(source), packed("203.0.113.10")) +
                 struct.pack(">HHHH", 999, 53, 8, 0), MACS[name])


def ip6(source, body=None, protocol=17, to="2001:db8:113::10", hops=64, sender=MACS["a"]):
    body = struct.pack(">HHHH", 999, 53, 8, 0) if body is None else body
    return frame(0x86dd, struct.pack(">IHBB", 6 << 28, len(body), protocol, hops) +
                 packed(source) + packed(to) + body, sender)


def neighbour(source, target, card=MACS["a"], kind=136, more=b""):
    """An advertisement, or a solicitation (135), with the option that says a card."""
    option = bytes([2 if kind == 136 else 1, 1]) + mac(card)
    return ip6(source, struct.pack(">BBHI", kind, 0, 0, 0) + packed(target) + option + more,
               58, "ff02::1", 255)


@pytest.mark.parametrize("family, index", [("-4", 0), ("-6", 1)])
def test_each_is_a_sandbox_of_its_own(world, family, index):
    for name, status in (("a", 200), ("b", 403)):
        a = world.client(name).curl("https://api.lab.test/", family, "--resolve",
                                    f"api.lab.test:443:{world.stage.api.address}",
                                    *(["--connect-to", "::[2001:db8:113::10]:443"] * index))
        assert a.status == status
        world.attach.record_from(ADDRESSES[name][index], sandbox=name, kind="request",
                                 event="decision",
                                 verdict="allowed" if status == 200 else "denied")


@pytest.mark.parametrize("index", [0, 1], ids=["v4", "v6"])
def test_threat_55_one_sandbox_does_not_reach_another(world, index):
    """They have one subnet, so they ask each other by ARP and by ND; and by the
    host, where it is a denied destination."""
    a = world.box["a"]
    there = ADDRESSES["b"][index]
    ping = ["busybox", ("ping", "ping6")[index], "-c", "1", "-W", "1", there]
    a.run(*ping, check=False)
    assert "FAILED" in a.ip("neigh", "show", there).stdout or \
        "INCOMPLETE" in a.ip("neigh", "show", there).stdout
    a.ip("neigh", "replace", there, "lladdr", MACS["b"], "dev", "eth0")
    a.run(*ping, check=False)
    a.ip("neigh", "del", there, "dev", "eth0")
    a.ip("route", "add", there, "via", GATE[index], "dev", "eth0")
    with world.client("a").connect(there, 443) as s:  # it is our listener
        s.sendall(b"GET / HTTP/1.1\r\nHost: api.lab.test\r\n\r\n")
        with contextlib.suppress(ConnectionResetError):
            assert s.recv(100) == b""
    world.daemon.wait_record(sandbox="a", reason="self", dst=there)
    a.ip("route", "del", there, "via", GATE[index], "dev", "eth0")
    assert world.seen("b") == world.seen("a") == 0


A4, A6 = ADDRESSES["a"]
B4, B6 = ADDRESSES["b"]
LOCAL = "fe80::ff:fe00:111"  # what a's card makes of itself
STRANGE = "02:00:00:00:09:99"
SPOOFS = {
    "another card": frame(0x0800, ip4(A4)[14:], STRANGE),
    "the card of another": frame(0x0800, ip4(A4)[14:], MACS["b"]),
    "IPv4 of another": ip4(B4),
    "IPv4 of the host": ip4(GATE[0]),
    "IPv6 of another": ip6(B6),
    "IPv6 of another, link-local": ip6("fe80::ff:fe00:112"),
    "ARP with the address of another": arp(MACS["a"], B4),
    "ARP with the address of the host": arp(MACS["a"], GATE[0], operation=2),
    "ARP with the card of another": arp(MACS["b"], A4, source=MACS["a"]),
    "ND: the address of another": neighbour(A6, B6),
    "ND: the address of the host": neighbour(A6, GATE[1]),
    "ND: from the address of another": neighbour(B6, B6),
    "ND: another card": neighbour(A6, A6, MACS["b"]),
    "ND: two cards": neighbour(A6, A6, more=b"\2\1" + mac(MACS["b"])),
    "ND: a question with another card": neighbour(A6, GATE[1], MACS["b"], 135),
    "ND: a question of another": neighbour(B6, GATE[1], kind=135),
    "ND: is the host's address free?": neighbour("::", GATE[1], kind=135),
    "a router advertisement": ip6(LOCAL, bytes([134]) + bytes(15), 58, "ff02::1", 255),
    "a redirect": ip6(LOCAL, bytes([137]) + bytes(39), 58, "ff02::1", 255),
    "another protocol": frame(0x88cc, bytes(46), MACS["a"]),
    "a frame with a VLAN": frame(0x8100, b"\0\1\x08\0" + ip4(A4)[14:], MACS["a"]),
}


@pytest.mark.parametrize("what", SPOOFS)
def test_threat_55_a_port_speaks_only_for_itself(world, what):
    before = world.refused()
    world.send("a", SPOOFS[what])
    until(f"{what} to be refused", lambda: world.refused() == before + 1)
    assert world.seen("b") == 0


HONEST = {
    "IPv4": ip4(A4), "IPv6": ip6(A6), "ARP": arp(MACS["a"], A4),
    "ARP: is it free?": arp(MACS["a"], "0.0.0.0", A4),
    "ND: me": neighbour(A6, A6), "ND: me, link-local": neighbour(LOCAL, LOCAL),
    "ND: a question": neighbour(A6, GATE[1], kind=135),
    "ND: is mine free?": ip6("::", bytes([135]) + bytes(7) + packed(A6), 58, "ff02::1", 255),
}


@pytest.mark.parametrize("what", HONEST)
def test_what_is_its_own_passes(world, what):
    """The last frame is refused: then all before it have been looked at."""
    before = world.refused()
    world.send("a", HONEST[what], SPOOFS["another card"])
    until("the last frame to be refused", lambda: world.refused() > before)
    assert world.refused() == before + 1


def test_again_is_the_same(world):
    world.add("a", "agent")
    assert world.client("a").curl("https://api.lab.test/").status == 200


def test_what_fails_leaves_nothing(world):
    """And nothing of it in the way of those that are there."""
    world.lab.host.ip("link", "add", "sbx-pc", "type", "veth", "peer", "name", "sbx-other")
    before = world.attach.sandboxes(), world.lab.host.ip("route").stdout
    r = world.attach("bridge", "add", "sbx-pc", "--name", "c", "--policy", "nosuch",
                     "--address", "10.77.113.2", check=False)
    assert r.returncode == 1 and "there is no policy" in r.stderr
    assert (world.attach.sandboxes(), world.lab.host.ip("route").stdout) == before
    assert "sbx-pc" not in world.lab.host.ip("link", "show", "master", "sbx-br0").stdout
    world.lab.host.ip("link", "del", "sbx-pc")
    assert world.client("a").curl("https://api.lab.test/").status == 200


def test_the_bridge_has_no_ear_for_bridge_netfilter(world):
    """With it nothing on a bridge is intercepted: the script says so and stops,
    and so does doctor."""
    no_bridge_netfilter(world.lab, "1")
    try:
        r = world.add("a", "agent", check=False)
        assert r.returncode == 1 and "net.bridge.bridge-nf-call-iptables=1" in r.stderr
        mend = "sysctl -q -w net.bridge.bridge-nf-call-iptables=0"
        assert f"mend: {mend}" in r.stderr
        said = world.lab.host.run(str(SETUP), "doctor", check=False).stdout
        assert f"mend: {mend}" in said
        before = world.stage.api.connections
        with pytest.raises(OSError):  # closed at least
            world.client("a").connect(world.stage.api.address, 443, timeout=0.3)
        assert world.stage.api.connections == before
    finally:
        no_bridge_netfilter(world.lab)


def test_the_way_back_of_one_is_not_that_of_the_other(world):
    world.rm("b")
    assert "sbx-br0" in world.attach.links()
    assert world.client("a").curl("https://api.lab.test/").status == 200
    route = world.lab.host.ip("route").stdout
    assert A4 in route and B4 not in route
    assert "sbx-pb" not in world.lab.host.run("nft", "list", "tables").stdout
    world.rm("a")
    assert "sbx-br0" not in world.attach.links()
    assert "sbx_bridge" not in world.lab.host.run("nft", "list", "tables").stdout
    assert "a " not in world.attach.sandboxes()
