"""Who speaks in the lab: servers, the transparent sockets, and probes."""

import select
import socket
import struct
import threading

IP_TRANSPARENT, IP_PKTINFO, IP_RECVORIGDSTADDR = 19, 8, 20
IPV6_TRANSPARENT, IPV6_PKTINFO, IPV6_RECVORIGDSTADDR = 75, 50, 74
LISTENERS = ("127.0.0.1", "::1")
# IPv4 and IPv6 inside, DCCP, GRE, ESP, SCTP, UDP-Lite, experiments.
OTHERS = (4, 41, 33, 47, 50, 132, 136, 253)
DNS = ("127.8.0.53", "fd73:6278:6e::53")


def family_of(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def make_transparent(s):
    if s.family == socket.AF_INET:
        s.setsockopt(socket.SOL_IP, IP_TRANSPARENT, 1)
    else:
        s.setsockopt(socket.IPPROTO_IPV6, IPV6_TRANSPARENT, 1)


def listener(where, address, port, transparent=False):
    s = where.socket(family_of(address), socket.SOCK_STREAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if transparent:
        make_transparent(s)
    s.bind((address, port))
    s.listen(64)
    return s


class Served:
    """A thread that waits on a socket until it is closed."""

    def __init__(self, s):
        self.socket = s
        self.stop_here, self.stop_there = socket.socketpair()
        self.thread = threading.Thread(target=self._loop, daemon=True)
        self.thread.start()

    def _loop(self):
        while True:
            ready, _, _ = select.select([self.socket, self.stop_there], [], [])
            if self.stop_there in ready:
                return
            self.serve()

    def close(self):
        if self.socket.fileno() < 0:
            return
        self.stop_here.close()
        self.thread.join(10)
        self.stop_there.close()
        self.socket.close()


class TcpServer(Served):
    """Says who it is and where the client meant to go, and closes."""

    def __init__(self, where, address, port, word, transparent=False):
        self.word = word
        super().__init__(listener(where, address, port, transparent))

    def serve(self):
        peer, _ = self.socket.accept()
        with peer:
            here = peer.getsockname()
            peer.settimeout(10)
            peer.sendall(f"{self.word} {here[0]} {here[1]}".encode())


class UdpServer(Served):
    """Sends back its word and what it got, and remembers."""

    def __init__(self, where, address, port, word):
        self.word, self.got = word, []
        s = where.socket(family_of(address), socket.SOCK_DGRAM)
        s.bind((address, port))
        super().__init__(s)

    def serve(self):
        data, peer = self.socket.recvfrom(2000)
        self.got.append(data)
        self.socket.sendto(self.word.encode() + b" " + data, peer)


class DnsServer(Served):
    """The socket that `tproxy` names: answers as the server that was asked."""

    def __init__(self, where, address):
        s = where.socket(family_of(address), socket.SOCK_DGRAM)
        make_transparent(s)
        self.v4 = s.family == socket.AF_INET
        if self.v4:
            s.setsockopt(socket.SOL_IP, IP_RECVORIGDSTADDR, 1)
        else:
            s.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVORIGDSTADDR, 1)
        s.bind((address, 53))
        super().__init__(s)

    def serve(self):
        data, ancillary, _, peer = self.socket.recvmsg(2000, 200)
        asked = ancillary[0][2]
        if self.v4:
            cmsg = (socket.SOL_IP, IP_PKTINFO,
                    struct.pack("i4s4s", 0, asked[4:8], bytes(4)))
        else:
            cmsg = (socket.IPPROTO_IPV6, IPV6_PKTINFO,
                    struct.pack("16si", asked[8:24], 0))
        self.socket.sendmsg([b"dns " + data], [cmsg], 0, peer)


def dial(where, address, port, source=None, timeout=30):
    """What a TCP server there says, or the name of the error."""
    with where.socket(family_of(address), socket.SOCK_STREAM) as s:
        s.settimeout(timeout)
        try:
            if source:
                s.bind((source, 0))
            s.connect((address, port))
            return s.recv(200).decode()
        except OSError as error:
            return type(error).__name__


def ask(where, address, port, timeout=30):
    """What a UDP server there answers, or the name of the error."""
    with where.socket(family_of(address), socket.SOCK_DGRAM) as s:
        s.settimeout(timeout)
        try:
            s.connect((address, port))
            s.send(b"hello")
            return s.recv(200).decode()
        except OSError as error:
            return type(error).__name__


def send_all_kinds(where, address, source=None):
    """One packet of everything a sandbox may try; returns how many."""
    family = family_of(address)
    echo, icmp = (b"\x08\x00\xf7\xff", 1) if family == socket.AF_INET \
        else (b"\x80\x00\x00\x00", 58)
    kinds = [(socket.SOCK_STREAM, 0, port) for port in (22, 80, 443, 15001)]
    kinds += [(socket.SOCK_DGRAM, 0, port)
              for port in (53, 443, 853, 5353, 9999)]
    kinds += [(socket.SOCK_RAW, protocol, 0) for protocol in (icmp, *OTHERS)]
    for kind, protocol, port in kinds:
        with where.socket(family, kind, protocol) as s:
            if source:
                s.bind((source, 0))
            if kind == socket.SOCK_STREAM:
                s.setblocking(False)
                s.connect_ex((address, port))
            else:
                s.sendto(echo + bytes(8), (address, port))
    return len(kinds)
