"""IPv6 as a way around: headers between headers, neighbours, routers, odd addresses.

Frames are made by hand, as only root of a sandbox can, and counted at the far
side: whatever has its source, and whatever it pretends to have.
"""
import socket
import struct

import pytest

from kernel.fixtures import caged, intercepted, net  # noqa: F401
from kernel.net import BOX, GATE, ORIGIN, PORT_OF, wait_for
from kernel.talk import UdpServer, dial

A, B, GATE_A, FAR = BOX["a"][1], BOX["b"][1], GATE["a"][1], ORIGIN[1]
ROUTER, HIDDEN = "fe80::bad", "2001:db8:bad::"
# At the gateway, in front of all rules: the last of what was sent.
MARKER = """
add table ip6 marker
add counter ip6 marker came
add chain ip6 marker c { type filter hook prerouting priority raw; }
flush chain ip6 marker c
add rule ip6 marker c ip6 daddr ff0e::9 udp dport 9 counter name came
"""
# Its own counter: that of the lab leaves neighbour discovery out.
FAR_COUNTER = """
table ip6 far {
  counter came { }
  chain c {
    type filter hook prerouting priority raw; policy accept;
    ip6 saddr { fd77::/16, fe80::bad, ::ffff:0:0/96 } counter name "came"
  }
}
"""


@pytest.fixture
def far(net):
    net.origin.run("nft", "-f", "-", data=FAR_COUNTER)
    return lambda: count(net.origin, "far")


def count(where, table):
    text = where.run("nft", "list", "counter", "ip6", table, "came").stdout
    return int(text.split("packets ")[1].split()[0])


# ---- packets ----------------------------------------------------------------

def packed(address):
    return socket.inet_pton(socket.AF_INET6, address)


def checksum(source, to, protocol, body):
    data = packed(source) + packed(to) + struct.pack(">II", len(body), protocol) + body
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def with_sum(source, to, protocol, body, at):
    value = checksum(source, to, protocol, body)
    return body[:at] + struct.pack(">H", value) + body[at + 2:]


def packet(source, to, protocol, body, hops=64):
    return struct.pack(">IHBB", 6 << 28, len(body), protocol, hops) + \
        packed(source) + packed(to) + body


def syn(source, to, port):
    return with_sum(source, to, 6, struct.pack(
        ">HHIIBBHHH", 40000, port, 1, 0, 5 << 4, 2, 1000, 0, 0), 16)


def datagram(source, to, port):
    return with_sum(source, to, 17, struct.pack(">HHHH", 40000, port, 13, 0) + b"hello", 6)


def icmp(source, to, kind, rest, hops=255, code=0):
    body = struct.pack(">BBH", kind, code, 0) + rest
    return packet(source, to, 58, with_sum(source, to, 58, body, 2), hops)


def neighbour(source, to, target, kind=136, card=b"\2\0\0\0\0\x99"):
    return icmp(source, to, kind, struct.pack(">I", 0x20000000 * (kind == 136)) +
                packed(target) + bytes([1 + (kind == 136), 1]) + card)


def advertisement(to):
    """A router that is one for half an hour, and a prefix to take addresses of."""
    return icmp(ROUTER, to, 134, struct.pack(">BBHII", 64, 0, 1800, 0, 0) +
                struct.pack(">BBBBIII", 3, 4, 64, 0xc0, 3600, 3600, 0) + packed(HIDDEN))


def send(net, *packets):
    """By the card of box a; when this returns the gateway has dealt with all."""
    def cards():
        there = net.gate.run("cat", f"/sys/class/net/{PORT_OF['a']}/address").stdout
        own = net.box["a"].run("cat", "/sys/class/net/va/address").stdout
        return bytes.fromhex((there.strip() + own.strip()).replace(":", ""))

    net.gate.run("nft", "-f", "-", data=MARKER)
    before, head = count(net.gate, "marker"), cards() + b"\x86\xdd"
    with net.box["a"].entered():
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as s:
            s.bind(("va", 0))
            for data in (*packets, packet(A, "ff0e::9", 17, datagram(A, "ff0e::9", 9))):
                s.send(head + data)
    wait_for("the last packet at the gateway",
             lambda: count(net.gate, "marker") > before)


# ---- headers between the headers ---------------------------------------------

def option(protocol, data=b"\1\4\0\0\0\0"):
    return bytes([protocol, 0]) + data


def routing(protocol, kind, to):
    """One segment left, which is the address behind this header."""
    return struct.pack(">BBBBI", protocol, 2, kind, 1, 0) + packed(to)


def segments(protocol, to):
    return struct.pack(">BBBBBBH", protocol, 4, 4, 1, 1, 0, 0) + packed(to) + packed(to)


HOP, ROUTE, FRAGMENT, AUTH, DEST = 0, 43, 44, 51, 60
CHAINS = {  # (first header, what makes the headers in front of the transport's)
    "hop-by-hop": (HOP, option),
    "hop-by-hop, router alert": (HOP, lambda p: option(p, b"\5\2\0\0\1\0")),
    "destination": (DEST, option),
    "six of destination": (DEST, lambda p: b"".join(
        option(DEST) for _ in range(5)) + option(p)),
    "both": (HOP, lambda p: option(DEST) + option(p)),
    "routing 0": (ROUTE, lambda p: routing(p, 0, FAR)),
    "routing 2": (ROUTE, lambda p: routing(p, 2, FAR)),
    "routing 3": (ROUTE, lambda p: routing(p, 3, FAR)),
    "segments": (ROUTE, lambda p: segments(p, FAR)),
    "routing, done": (ROUTE, lambda p: bytes([p, 0, 0, 0, 0, 0, 0, 0])),
    "atomic fragment": (FRAGMENT, lambda p: bytes([p, 0, 0, 0, 0, 0, 0, 1])),
    "authentication": (AUTH, lambda p: bytes([p, 4]) + bytes(22)),
    "no next header": (59, lambda p: b""),
    "unknown": (200, option),
}


def every_transport(to, first, make):
    for protocol, body in ((6, syn(A, FAR, 443)), (6, syn(A, FAR, 9999)),
                           (17, datagram(A, FAR, 443)), (17, datagram(A, FAR, 9999)),
                           (58, with_sum(A, FAR, 58, b"\x80\0\0\0" + bytes(8), 2)),
                           (132, bytes(16))):
        yield packet(A, to, first, make(protocol) + body)


@pytest.mark.parametrize("listens", [True, False], ids=["with us", "without"])
def test_threat_14_extension_headers_do_not_hide_what_follows(caged, far, request, listens):
    """To the origin, and to the gateway with the origin as the next stop."""
    if listens:
        request.getfixturevalue("intercepted")
    caged.gate.sh("sysctl -q -w net.ipv6.conf.all.accept_source_route=1 "
                  "net.ipv6.conf.sbx-a.accept_source_route=1")
    for name, chain in CHAINS.items():
        for to in (FAR, GATE_A):
            send(caged, *every_transport(to, *chain))
        assert far() == 0, name
        # Not only the last wall.
        assert caged.gate.counter("sbx_net", "forward_out") == 0, name


def test_threat_14_without_rules_they_would_arrive(net, far):
    for chain in ("hop-by-hop", "destination", "atomic fragment"):
        before = far()
        send(net, *every_transport(FAR, *CHAINS[chain]))
        wait_for("packets at the origin", lambda before=before: far() > before)


def fragments(protocol, body, cut, first=b""):
    """Two, cut at a multiple of eight; the first may have more of a header."""
    for offset, part in ((0, body[:cut]), (cut, body[cut:])):
        yield packet(A, FAR, FRAGMENT, struct.pack(
            ">BBHI", protocol, 0, offset | (offset == 0), 7 + len(first)) + part)


def test_threat_14_fragments_do_not_hide_what_they_are(intercepted, far):
    """The header alone and the rest, out of order, and over each other."""
    tcp, udp = syn(A, FAR, 443), datagram(A, FAR, 9999) + bytes(19)
    for body, protocol in ((tcp, 6), (udp, 17)):
        for cut in (8, 16):
            whole = list(fragments(protocol, body, cut))
            send(intercepted, *whole)
            send(intercepted, *reversed(whole))
    first, second = fragments(6, tcp, 16, b"x")
    send(intercepted, first, *fragments(6, syn(A, FAR, 22), 8, b"x"), second)
    send(intercepted, *(list(fragments(17, udp, 8))[1] for _ in range(50)))  # never whole
    assert far() == 0
    assert intercepted.gate.counter("sbx_net", "forward_out") == 0
    assert dial(intercepted.box["a"], FAR, 80).startswith("proxy")


# ---- neighbours and routers ----------------------------------------------------

def test_a_sandbox_and_its_gateway_find_each_other(intercepted):
    for where, device, to in ((intercepted.box["a"], "va", GATE_A),
                              (intercepted.gate, PORT_OF["a"], A)):
        where.sh(f"ip -6 neigh flush dev {device}")
        assert dial(intercepted.box["a"], FAR, 80).startswith("proxy")
        assert "lladdr" in where.sh(f"ip -6 neigh show {to} dev {device}").stdout


WALL = {"egress": "nft flush chain inet sbx_net forward; ip -6 rule del pref 200",
        "forward": "nft flush chain inet sbx_net egress; ip -6 rule del pref 200"}


@pytest.mark.parametrize("wall", WALL)
def test_threat_13_neighbour_discovery_is_no_way_out(caged, far, wall):
    """It is accepted for its own link: what has it on its head and another
    destination goes nowhere, whichever wall stands alone."""
    caged.gate.sh(WALL[wall])
    send(caged, *(neighbour(A, FAR, FAR, kind) for kind in (135, 136)),
         icmp(A, FAR, 133, bytes(4)))
    assert far() == 0


def test_threat_13_and_without_both_it_would_be(caged, far):
    for command in WALL.values():
        caged.gate.sh(command, check=False)
    send(caged, neighbour(A, FAR, FAR))
    wait_for("it at the origin", lambda: far() > 0)


def configured(net):
    """What the gateway took of an advertisement: addresses and routes."""
    return net.gate.sh("ip -6 addr; ip -6 route").stdout.count("bad")


TRUSTING = ("sysctl -q -w net.ipv6.conf.sbx-a.accept_ra=2 "
            "net.ipv6.conf.sbx-a.autoconf=1 net.ipv6.conf.sbx-a.accept_redirects=1 "
            "net.ipv6.conf.all.accept_redirects=1")


def test_threat_13_a_host_that_trusts_routers_would_believe_it(net):
    """What the next test sends does what it is meant to, without rules."""
    net.gate.sh(TRUSTING)
    send(net, advertisement("ff02::1"))
    wait_for("the gateway to take it", lambda: configured(net) > 0)


def test_threat_13_a_sandbox_is_no_router(caged):
    """However it is told, and whatever the host would believe."""
    caged.gate.sh(TRUSTING)
    own = caged.gate.sh("ip -6 addr show dev sbx-a scope link").stdout.split("inet6 ")[1]
    for to in ("ff02::1", "ff02::2", own.split("/")[0], GATE_A):
        send(caged, advertisement(to),
             icmp(ROUTER, to, 137, bytes(4) + packed(FAR) + packed(FAR)))
    assert configured(caged) == 0
    assert "via" not in caged.gate.sh("ip -6 route get " + FAR).stdout


def test_threat_55_nobody_takes_the_place_of_another_by_nd(caged):
    """Of a sandbox on another link, of the origin: what a sandbox says of
    neighbours is about its own link."""
    caged.driver.do("add", PORT_OF["b"], *BOX["b"])

    def known():
        return [caged.gate.sh(f"ip -6 neigh show {to} dev {device}").stdout.split(
            "lladdr ")[1].split()[0] for to, device in ((B, PORT_OF["b"]), (FAR, "gw"))]

    for v6 in (B, FAR):
        caged.gate.sh(f"ip -6 route get {v6}")
    before = known()
    for victim in (B, FAR):
        send(caged, neighbour(victim, "ff02::1", victim), neighbour(A, GATE_A, victim),
             neighbour(victim, GATE_A, GATE_A, 135))
    assert known() == before and "00:00:00:00:99" not in "".join(before)


# ---- addresses that mean something else ------------------------------------------

@pytest.mark.parametrize("source", ["::ffff:10.77.1.2", "::10.77.1.2", "::1", "::", B,
                                    "fe80::bad", "fd77:1::3", "ff02::1"])
def test_threat_55_sources_that_are_not_its_own(intercepted, far, source):
    before = intercepted.gate.counter("sbx_net", "spoof")
    send(intercepted, packet(source, FAR, 6, syn(source, FAR, 80)),
         packet(source, FAR, 17, datagram(source, FAR, 53)))
    # The kernel itself throws some of these away before any rule sees them.
    kernel = source in ("::1", "ff02::1")
    assert intercepted.gate.counter("sbx_net", "spoof") == before + 2 * (not kernel)
    assert intercepted.gate.counter("sbx_net", "to_tcp") == 0
    assert intercepted.gate.counter("sbx_net", "to_dns") == 0
    assert far() == 0


@pytest.mark.parametrize("to", ["::ffff:203.0.113.2", "::203.0.113.2", "::1", "::",
                                "ff02::1", "ff02::fb", "ff05::2", "ff0e::1"])
def test_threat_14_destinations_that_mean_something_else(intercepted, far, to):
    """IPv4 dressed as IPv6, loopback, nothing, groups: nobody gets it, neither
    the gateway nor what is behind it."""
    heard = intercepted.keep(UdpServer(intercepted.gate, "::", 9999, "gateway"))
    send(intercepted, packet(A, to, 6, syn(A, to, 80)),
         *(packet(A, to, 17, datagram(A, to, port)) for port in (53, 9999)))
    assert intercepted.gate.counter("sbx_net", "to_tcp") == 0
    assert intercepted.gate.counter("sbx_net", "to_dns") == 0
    assert far() == 0 and heard.got == []


def test_threat_56_the_gateways_link_local_address_is_the_gateway(intercepted):
    """TCP there is ours, whatever the port; and nothing else gets in."""
    own = intercepted.gate.sh("ip -6 addr show dev sbx-a scope link").stdout
    own = own.split("inet6 ")[1].split("/")[0]
    heard = intercepted.keep(UdpServer(intercepted.gate, "::", 9999, "gateway"))
    before = intercepted.gate.counter("sbx_net", "to_tcp")
    send(intercepted, packet(A, own, 6, syn(A, own, 22)),
         packet(A, own, 17, datagram(A, own, 9999)))
    wait_for("it at the listener",
             lambda: intercepted.gate.counter("sbx_net", "to_tcp") > before)
    assert heard.got == []
