"""HTTP/2 as it is on the wire: frames, field blocks, and a socket for two threads."""
import select
import socket
import ssl
import struct
import threading

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

(DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY,
 WINDOW_UPDATE, CONTINUATION) = range(10)
END_STREAM = ACK = 0x1
END_HEADERS, PADDED, PRIORITIZED = 0x4, 0x8, 0x20

(HEADER_TABLE_SIZE, ENABLE_PUSH, MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE,
 MAX_FRAME_SIZE, MAX_HEADER_LIST_SIZE) = range(1, 7)
ENABLE_CONNECT_PROTOCOL = 8

(NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR, SETTINGS_TIMEOUT,
 STREAM_CLOSED, FRAME_SIZE_ERROR, REFUSED_STREAM, CANCEL, COMPRESSION_ERROR,
 CONNECT_ERROR, ENHANCE_YOUR_CALM, INADEQUATE_SECURITY, HTTP_1_1_REQUIRED) = range(14)

PATIENCE = 30000  # ms for a peer to take what is sent


def frame(kind, flags, stream, payload=b""):
    return (len(payload).to_bytes(3, "big") + bytes((kind, flags))
            + struct.pack(">I", stream) + payload)


def settings(values):
    return b"".join(struct.pack(">HI", k, v) for k, v in values.items())


def number(value, bits, first=0):
    """An HPACK integer behind the bits of first."""
    most = (1 << bits) - 1
    if value < most:
        return bytes([first | value])
    out, value = bytearray([first | most]), value - most
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out) + bytes([value])


def octets(value):
    if isinstance(value, str):
        value = value.encode()
    return value


def literal(name, value, first=0):
    """A field that no table is needed for: first 0 plain, 0x10 never indexed,
    0x40 put into the table.  Any bytes at all go in as they are."""
    name, value = octets(name), octets(value)
    return (bytes([first]) + number(len(name), 7) + name
            + number(len(value), 7) + value)


def block(fields):
    return b"".join(literal(*f) for f in fields)


def head_frames(stream, data, end, size=16384):
    """HEADERS and as many CONTINUATION as the block needs."""
    pieces = [data[i:i + size] for i in range(0, len(data), size)] or [b""]
    out = b""
    for i, piece in enumerate(pieces):
        flags = END_HEADERS if i == len(pieces) - 1 else 0
        if i == 0:
            out += frame(HEADERS, flags | (END_STREAM if end else 0), stream, piece)
        else:
            out += frame(CONTINUATION, flags, stream, piece)
    return out


class Pipe:
    """A socket, with or without TLS, that one thread reads and others write.

    OpenSSL does not allow that by itself: each call on it is made under one
    lock, and nobody waits while holding it.  The end takes it as well: what was
    still being written would go to who is given the descriptor's number next.
    """

    def __init__(self, s):
        s.setblocking(False)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.s, self.lock, self.sending = s, threading.Lock(), threading.Lock()

    def _try(self, call, *args):
        """(result, 0), or (None, what to wait for)."""
        with self.lock:
            try:
                return call(*args), 0
            except (ssl.SSLWantReadError, BlockingIOError):
                return None, select.POLLIN
            except ssl.SSLWantWriteError:
                return None, select.POLLOUT

    def _wait(self, events, patience=None):
        p, number = select.poll(), self.s.fileno()
        if number < 0:
            raise ConnectionAbortedError("closed meanwhile")
        p.register(number, events)
        if not p.poll(patience):
            raise TimeoutError("the peer takes no more")

    def recv(self):
        """Some bytes; b"" when nothing will come any more."""
        while True:
            try:
                data, events = self._try(self.s.recv, 65536)
                if not events:
                    return data
                self._wait(events)
            except (OSError, ValueError):
                return b""

    def sendall(self, data):
        with self.sending:
            view = memoryview(data)
            while view:
                n, events = self._try(self.s.send, view)
                if n is None:
                    # A plain socket says neither; it wants room.
                    plain = not isinstance(self.s, ssl.SSLSocket)
                    self._wait(select.POLLOUT if plain else events, PATIENCE)
                else:
                    view = view[n:]

    def _end_of_tls(self):
        if isinstance(self.s, ssl.SSLSocket):
            try:
                self._try(self.s.unwrap)
            except (OSError, ValueError):
                pass

    def finish(self):
        """Ends it politely; the reader sees the end and closes."""
        self._end_of_tls()
        self._shut(socket.SHUT_RDWR)

    def abort(self):
        """Ends it with a reset, as soon as the reader has closed."""
        try:
            with self.lock:
                self.s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                  struct.pack("ii", 1, 0))
        except OSError:
            return
        self._shut(socket.SHUT_RD)

    def _shut(self, how):
        try:
            with self.lock:
                socket.socket.shutdown(self.s, how)
        except OSError:
            pass

    def close(self):
        self._end_of_tls()
        with self.lock:
            self.s.close()
