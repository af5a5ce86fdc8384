"""A name server that says what a test wants: by UDP, by TCP, over TLS.

serve(query) gives the bytes of each reply, in a list; Query has what it takes to
make them.
"""
import contextlib
import selectors
import socket
import struct
import threading

TYPES = {"A": 1, "CNAME": 5, "PTR": 12, "MX": 15, "TXT": 16, "AAAA": 28, "SRV": 33,
         "SVCB": 64, "HTTPS": 65, "ANY": 255}
NAMES = {number: name for name, number in TYPES.items()}


def name(text):
    return b"".join(bytes([len(p)]) + p.encode() for p in text.split(".") if p) + b"\0"


def record(owner, kind, ttl, data):
    """owner: text, or None for the name that was asked."""
    return ((b"\xc0\x0c" if owner is None else name(owner)) +
            struct.pack(">HHIH", TYPES[kind], 1, ttl, len(data)) + data)


def address(text, ttl=60, owner=None):
    family, kind = ((socket.AF_INET6, "AAAA") if ":" in text else (socket.AF_INET, "A"))
    return record(owner, kind, ttl, socket.inet_pton(family, text))


class Query:
    def __init__(self, data, tcp):
        self.data, self.tcp = data, tcp
        end = data.index(b"\0", 12) + 1
        self.question = data[12:end + 4]
        self.kind = NAMES.get(*struct.unpack(">H", data[end:end + 2]) * 2)
        labels, at = [], 12
        while data[at]:
            labels.append(data[at + 1:at + 1 + data[at]].decode())
            at += 1 + data[at]
        self.spelt = ".".join(labels)
        self.name = self.spelt.lower()

    def reply(self, *records, rcode=0, flags=0x8180):
        return (self.data[:2] + struct.pack(">HHHHH", flags | rcode, 1, len(records), 0, 0) +
                self.question + b"".join(records))


class AnswerServer:
    """At address, port 53, in the lab's internet: UDP and TCP."""

    def __init__(self, lab, address, serve, port=53):
        self.serve, self.queries, self.lock = serve, [], threading.Lock()
        self.udp, self.tcp, self.wake = lab.internet.within(self._bind, address, port)
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    @staticmethod
    def _bind(address, port):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        udp = socket.socket(family, socket.SOCK_DGRAM)
        tcp = socket.socket(family, socket.SOCK_STREAM)
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        for s in (udp, tcp):
            s.bind((address, port))
        tcp.listen(16)
        return udp, tcp, socket.socketpair()

    def answers(self, data, tcp):
        query = Query(data, tcp)
        with self.lock:
            self.queries.append(query)
        return self.serve(query)

    def talk(self, c):
        """One connection until its end; many questions."""
        have = b""
        with contextlib.suppress(OSError), c:
            while data := c.recv(65536):
                have += data
                while len(have) >= 2 and len(have) >= 2 + (n := int.from_bytes(have[:2], "big")):
                    replies = self.answers(have[2:2 + n], True)
                    have = have[2 + n:]
                    c.sendall(b"".join(struct.pack(">H", len(r)) + r for r in replies))

    def _run(self):
        with selectors.DefaultSelector() as sel:
            for s in (self.udp, self.tcp, self.wake[0]):
                sel.register(s, selectors.EVENT_READ)
            while True:
                for key, _ in sel.select():
                    if key.fileobj is self.wake[0]:
                        return
                    if key.fileobj is self.tcp:
                        threading.Thread(target=self.talk, args=(self.tcp.accept()[0],),
                                         daemon=True).start()
                        continue
                    data, peer = self.udp.recvfrom(4096)
                    for r in self.answers(data, False):
                        self.udp.sendto(r, peer)

    def asked(self, text, kind=None):
        with self.lock:
            return [q for q in self.queries if q.name == text and kind in (None, q.kind)]

    def close(self):
        self.wake[1].send(b".")
        self.thread.join()
        for s in (self.udp, self.tcp, *self.wake):
            s.close()
