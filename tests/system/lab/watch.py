"""What reaches the internet past the daemon, counted there by nft.

The daemon dials from the host's own address, and the host translates nothing:
a packet that wears a sandbox's address was let through by somebody.
"""
import json
import socket

from .wait import until

RULES = """\
table inet watch {
  counter leaked {}
  counter marker {}
  chain early {
    type filter hook prerouting priority raw; policy accept;
    ip saddr 10.77.0.0/16 counter name "leaked"
    ip6 saddr fd77::/16 counter name "leaked"
    udp dport 9 counter name "marker"
  }
}
"""

TCP_PORTS = (22, 80, 443, 853)
UDP_PORTS = (53, 443, 853, 5353, 5000)


class Watch:
    def __init__(self, lab):
        self.lab = lab
        lab.internet.run("nft", "-f", "-", input=RULES)

    def _count(self, name):
        r = self.lab.internet.run("nft", "-j", "list", "counter", "inet", "watch", name)
        return [x["counter"]["packets"] for x in json.loads(r.stdout)["nftables"]
                if "counter" in x][0]

    def leaked(self):
        """Packets of sandboxes so far; whatever is under way has arrived."""
        before = self._count("marker")

        def mark():
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                s.sendto(b"", ("203.0.113.10", 9))

        self.lab.host.within(mark)
        until("a marker packet to arrive", lambda: self._count("marker") > before)
        return self._count("leaked")


def _send(family, kind, protocol, data, address, source):
    with socket.socket(family, kind, protocol) as s:
        if source:
            s.bind((source, 0))
        try:
            s.sendto(data, address)
        except OSError:
            pass  # refused with ICMP: as good as dropped


def _dial(family, address, source):
    with socket.socket(family, socket.SOCK_STREAM) as s:
        s.settimeout(0.1)
        if source:
            s.bind((source, 0))
        try:
            s.connect(address)
            return True
        except OSError:
            return False


def _knock(family, address, source):
    v6 = family == socket.AF_INET6
    opened = [port for port in TCP_PORTS if _dial(family, (address, port), source)]
    for port in UDP_PORTS:
        _send(family, socket.SOCK_DGRAM, 0, QUESTION, (address, port), source)
    _send(family, socket.SOCK_RAW, socket.IPPROTO_ICMPV6 if v6 else socket.IPPROTO_ICMP,
          ECHO6 if v6 else ECHO4, (address, 0), source)
    _send(family, socket.SOCK_RAW, 47, b"\0" * 8, (address, 0), source)  # GRE
    return [("v6" if v6 else "v4") + f" tcp {port}" for port in opened]


def knock(ns, source4=None, source6=None):
    """Tries every door from inside: TCP, UDP, DNS, ping, GRE; v4 and v6.

    Returns the names of the TCP ports where somebody answered.
    """
    return ns.within(lambda: (
        _knock(socket.AF_INET, "203.0.113.10", source4)
        + _knock(socket.AF_INET6, "2001:db8:113::10", source6)))


ECHO4 = b"\x08\0\xf7\xfe\0\x01\0\0"
ECHO6 = b"\x80\0\0\0\0\x01\0\0"

# "api.test A?"
QUESTION = (b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00"
            b"\x03api\x04test\x00\x00\x01\x00\x01")
