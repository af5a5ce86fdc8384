"""Packets of IPv4 and IPv6, byte by byte, and a socket that puts them on a link.

What the kernel's own sockets would not send: any protocol, extension headers,
options, fragments that overlap.  Lengths and checksums are right unless a test
says otherwise, so that a packet that does not arrive was stopped by somebody.
"""
import ipaddress
import json
import socket
import struct

ICMP, IGMP, IPIP, TCP, UDP, DCCP, SIT, GRE, ESP, AH = 1, 2, 4, 6, 17, 33, 41, 47, 50, 51
ICMPV6, NO_NEXT, SCTP, UDP_LITE = 58, 59, 132, 136
HOP_BY_HOP, ROUTING, FRAGMENT, DESTINATION = 0, 43, 44, 60
LOOSE_ROUTE, ROUTER_ALERT = 131, 148

# Protocols whose packets are some bytes, for all that anybody on the way knows.
OPAQUE = {
    "igmp": IGMP, "egp": 8, "rdp": 27, "rsvp": 46, "esp": ESP, "eigrp": 88, "ospf": 89,
    "etherip": 97, "pim": 103, "ipcomp": 108, "vrrp": 112, "l2tp": 115, "mpls": 137,
    "hip": 139, "shim6": 140, "experiment": 253, "reserved": 255,
}


def checksum(data):
    data += bytes(len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return ~crc & 0xffffffff


class Ends:
    """Who sends to whom; the family follows from the addresses."""

    def __init__(self, source, destination):
        self.source = ipaddress.ip_address(source)
        self.destination = ipaddress.ip_address(destination)
        self.v6 = self.source.version == 6

    def packet(self, protocol, payload, **more):
        return (self.ipv6 if self.v6 else self.ipv4)(protocol, payload, **more)

    def ipv4(self, protocol, payload, options=b"", offset=0, more=False, ident=1):
        """offset: in bytes; options: padded to whole words."""
        options += bytes(-len(options) % 4)
        words = 5 + len(options) // 4
        head = struct.pack("!BBHHHBBH", 0x40 | words, 0, words * 4 + len(payload), ident,
                           more << 13 | offset // 8, 64, protocol, 0)
        ends = self.source.packed + self.destination.packed
        total = checksum(head + ends + options)
        return head[:10] + struct.pack("!H", total) + ends + options + payload

    def ipv6(self, first, payload, hops=64):
        return (struct.pack("!IHBB", 6 << 28, len(payload), first, hops)
                + self.source.packed + self.destination.packed + payload)

    def sum(self, protocol, data):
        """The checksum of TCP, UDP, DCCP and ICMPv6; 0 is written as 0xffff."""
        pseudo = self.source.packed + self.destination.packed
        if self.v6:
            pseudo += struct.pack("!II", len(data), protocol)
        else:
            pseudo += struct.pack("!HH", protocol, len(data))
        return checksum(pseudo + data) or 0xffff

    def _summed(self, protocol, at, data):
        return data[:at] + struct.pack("!H", self.sum(protocol, data)) + data[at + 2:]

    def udp(self, port, data=b"hello", source_port=5000, protocol=UDP):
        """protocol may be UDP_LITE: its length is 0 then, all is covered."""
        length = 8 + len(data)
        if protocol == UDP_LITE:
            head = struct.pack("!HHHH", source_port, port, 0, 0)
        else:
            head = struct.pack("!HHHH", source_port, port, length, 0)
        return self._summed(protocol, 6, head + data)

    def tcp(self, port, flags=0x02, source_port=5000):
        return self._summed(TCP, 16, struct.pack(
            "!HHIIBBHHH", source_port, port, 1, 0, 5 << 4, flags, 65535, 0, 0))

    def dccp(self, port, source_port=5000):
        """A REQUEST with 48 bits of sequence number."""
        return self._summed(DCCP, 6, struct.pack(
            "!HHBBHBBHII", source_port, port, 5, 0, 0, 1, 0, 0, 1, 0))

    def sctp(self, port, source_port=5000):
        """An INIT."""
        init = struct.pack("!BBHIIHHI", 1, 0, 20, 1, 65535, 1, 1, 1)
        head = struct.pack("!HHI", source_port, port, 0)
        total = struct.pack("<I", crc32c(head + bytes(4) + init))
        return head + total + init

    def ping(self, data=b"hello"):
        body = struct.pack("!HH", 7, 1) + data
        if self.v6:
            return ICMPV6, self._summed(ICMPV6, 2, b"\x80\0\0\0" + body)
        head = b"\x08\0\0\0"
        return ICMP, b"\x08\0" + struct.pack("!H", checksum(head + body)) + body

    def fragments(self, protocol, data, cuts, ident=77):
        """One packet in pieces that end at cuts; all but the last are multiples of 8."""
        pieces = list(zip((0, *cuts), (*cuts, len(data))))
        if self.v6:
            return [self.ipv6(FRAGMENT, fragment(protocol, data[a:b], a, b < len(data), ident))
                    for a, b in pieces]
        return [self.ipv4(protocol, data[a:b], offset=a, more=b < len(data), ident=ident)
                for a, b in pieces]


def fragment(following, data, offset=0, more=False, ident=1):
    return struct.pack("!BBHI", following, 0, offset | more, ident) + data


def extension(following, data, body=b"\x01\x04\0\0\0\0"):
    """Hop-by-hop, destination or routing header; body: all but its first two bytes."""
    body += bytes(-(len(body) + 2) % 8)
    return struct.pack("!BB", following, (len(body) + 2) // 8 - 1) + body + data


def source_routed(ends, udp):
    """By way of the destination, to where it came from."""
    if not ends.v6:
        return ends.ipv4(UDP, udp, options=bytes((LOOSE_ROUTE, 7, 4)) + ends.source.packed)
    return ends.ipv6(ROUTING, extension(
        UDP, udp, b"\0\x01" + bytes(4) + ends.source.packed))


def authentication(following, data):
    return struct.pack("!BBHII", following, 1, 0, 1, 1) + data


def tunnels(ends):
    """A UDP packet to port 443 in what carries packets."""
    inner = ends.packet(UDP, ends.udp(443))
    kind = SIT if ends.v6 else IPIP
    ethertype = 0x86dd if ends.v6 else 0x0800
    return {"ip in ip": (kind, inner),
            "gre": (GRE, struct.pack("!HH", 0, ethertype) + inner)}


def every_protocol(ends, port=443):
    """{name: packet}: one of each, more than twenty."""
    kinds = {name: (number, bytes(16)) for name, number in OPAQUE.items()}
    kinds |= tunnels(ends)
    kinds |= {
        "ping": ends.ping(), "tcp": (TCP, ends.tcp(port)), "udp": (UDP, ends.udp(port)),
        "udp-lite": (UDP_LITE, ends.udp(port, protocol=UDP_LITE)),
        "dccp": (DCCP, ends.dccp(port)), "sctp": (SCTP, ends.sctp(port)),
        "ah": (AH, authentication(UDP, ends.udp(port))),
    }
    return {name: ends.packet(*kind) for name, kind in kinds.items()}


def every_trick(ends, port=9999):
    """{name: packets}: headers and fragments in which a filter can lose its way."""
    udp, large = ends.udp(port), ends.udp(port, bytes(2992))
    tricks = {
        "fragments": ends.fragments(UDP, large, (1000, 2000)),
        "fragments in disorder": ends.fragments(UDP, large, (1000, 2000), 78)[::-1],
        "tiny fragments": ends.fragments(UDP, ends.udp(port, bytes(24)), (8, 16), 79),
        "a later fragment alone": ends.fragments(UDP, large, (1000, 2000), 80)[1:2],
    }
    if not ends.v6:
        return tricks | {
            "router alert": [ends.ipv4(UDP, udp, options=bytes((ROUTER_ALERT, 4, 0, 0)))],
            "an exhausted source route": [ends.ipv4(
                UDP, udp, options=bytes((LOOSE_ROUTE, 7, 8)) + ends.destination.packed)],
        }
    route = b"\0\x01" + bytes(4) + ends.destination.packed
    return tricks | {
        "hop-by-hop": [ends.ipv6(HOP_BY_HOP, extension(UDP, udp))],
        "destination options": [ends.ipv6(DESTINATION, extension(UDP, udp))],
        "eight headers": [ends.ipv6(DESTINATION, _chain(udp, 8))],
        "forty headers": [ends.ipv6(DESTINATION, _chain(udp, 40))],
        "a routing header": [ends.ipv6(ROUTING, extension(UDP, udp, route))],
        "an atomic fragment": [ends.ipv6(FRAGMENT, fragment(UDP, udp))],
        "nothing behind the header": [ends.ipv6(NO_NEXT, b"")],
    }


def _chain(data, count):
    following = UDP
    for _ in range(count):
        data = extension(following, data)
        following = DESTINATION
    return data


class Link:
    """Of a sandbox to its gateway: what is sent is on the wire as it is."""

    def __init__(self, lab, sandbox, interface="eth0"):
        said = lab.host.ip("-j", "link", "show", "dev", sandbox.interface).stdout
        self.gateway = bytes.fromhex(json.loads(said)[0]["address"].replace(":", ""))
        self.interface = interface
        self.socket = sandbox.within(socket.socket, socket.AF_PACKET, socket.SOCK_DGRAM)

    def send(self, packets):
        for packet in packets:
            kind = 0x86dd if packet[0] >> 4 == 6 else 0x0800
            self.socket.sendto(packet, (self.interface, kind, 0, 0, self.gateway))

    def close(self):
        self.socket.close()
