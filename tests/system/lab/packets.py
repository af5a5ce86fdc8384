"""What is neither TCP nor DNS: sent from a namespace, counted in another."""
import json
import socket
import struct

from .wait import until

V6 = {False: socket.AF_INET, True: socket.AF_INET6}
ECHO = {False: (8, 0, 1), True: (128, 129, 58)}  # request, answer, protocol

# Counts what arrives, neighbour discovery apart.
COUNTER = """
table inet count {
  counter seen { }
  chain prerouting {
    type filter hook prerouting priority raw; policy accept;
    iifname "lo" accept
    icmpv6 type { nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert,
                  mld2-listener-report } accept
    counter name "seen"
  }
}
"""


def start_counting(namespace):
    namespace.run("nft", "-f", "-", input=COUNTER)


def counter(namespace, table, name):
    """Packets that a named counter of an inet table has seen."""
    said = namespace.run("nft", "-j", "list", "counter", "inet", table, name).stdout
    return json.loads(said)["nftables"][1]["counter"]["packets"]


def seen(namespace):
    return counter(namespace, "count", "seen")


def nothing_waits(host):
    """Whether the gate has judged all that was queued for it."""
    row = host.run("cat", "/proc/net/netfilter/nfnetlink_queue").stdout.split()
    return len(row) > 2 and row[2] == "0"


def sock(namespace, *what):
    return namespace.within(socket.socket, *what)


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def ping(namespace, address, size=8, timeout=30):
    """True: answered.  False: not within the time."""
    v6 = ":" in address
    request, answer, protocol = ECHO[v6]
    body = struct.pack("!HH", 7, 1) + bytes(size)
    head = struct.pack("!BBH", request, 0, 0)
    if not v6:  # of ICMPv6 the kernel adds it up
        head = struct.pack("!BBH", request, 0, checksum(head + body))
    with sock(namespace, V6[v6], socket.SOCK_RAW, protocol) as s:
        s.settimeout(timeout)
        s.connect((address, 0))
        s.send(head + body)
        try:
            while True:
                got = s.recv(70000)[0 if v6 else 20:]
                if got[0] == answer and got[4:] == body:
                    return True
        except TimeoutError:
            return False


def ask(namespace, address, port, data=b"hello", timeout=30):
    """What a UDP server there answers, or the name of the error."""
    with sock(namespace, V6[":" in address], socket.SOCK_DGRAM) as s:
        s.settimeout(timeout)
        s.connect((address, port))
        return converse(s, data)


def converse(s, data):
    try:
        s.send(data)
        return s.recv(70000)
    except OSError as e:
        return type(e).__name__


class Echo:
    """A UDP server that sends back what it gets, to where it came from."""

    def __init__(self, namespace, address, port):
        self.sock = sock(namespace, V6[":" in address], socket.SOCK_DGRAM)
        self.sock.bind((address, port))
        self.sock.setblocking(False)
        self.peers = []

    def serve(self):
        """Answers one datagram, when it is there."""
        def got():
            try:
                return self.sock.recvfrom(70000)
            except BlockingIOError:
                return None
        data, peer = until("a datagram at the far side", got)
        self.peers.append(peer[0])
        self.sock.sendto(data, peer)

    def close(self):
        self.sock.close()
