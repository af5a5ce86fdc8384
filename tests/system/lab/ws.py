"""WebSocket by hand (RFC 6455): frames, and both ends of the opening."""
import base64
import hashlib
import os
import struct

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


def accept_of(key):
    return base64.b64encode(hashlib.sha1(key.encode() + GUID).digest()).decode()


def frame(kind, data, mask=False, fin=True):
    size = len(data)
    head = bytes([(0x80 if fin else 0) | kind])
    m = 0x80 if mask else 0
    if size < 126:
        head += bytes([m | size])
    elif size < 65536:
        head += struct.pack(">BH", m | 126, size)
    else:
        head += struct.pack(">BQ", m | 127, size)
    if not mask:
        return head + data
    key = os.urandom(4)
    stream = (key * (size // 4 + 1))[:size]
    return head + key + (int.from_bytes(data, "big")
                         ^ int.from_bytes(stream, "big")).to_bytes(size, "big")


class Socket:
    """Frames over anything that has recv(size) and sendall(data)."""

    def __init__(self, carrier, mask, data=b""):
        self.carrier, self.mask, self.data = carrier, mask, data
        self.sent, self.received = 0, len(data)

    def _exactly(self, size):
        while len(self.data) < size:
            more = self.carrier.recv(65536)
            if not more:
                raise EOFError
            self.data += more
            self.received += len(more)
        part, self.data = self.data[:size], self.data[size:]
        return part

    def send(self, kind, data=b""):
        wire = frame(kind, data, self.mask)
        self.carrier.sendall(wire)
        self.sent += len(wire)

    def read(self):
        """(kind, data) of one frame."""
        first, second = self._exactly(2)
        size = second & 0x7f
        if size == 126:
            size, = struct.unpack(">H", self._exactly(2))
        elif size == 127:
            size, = struct.unpack(">Q", self._exactly(8))
        key = self._exactly(4) if second & 0x80 else None
        data = self._exactly(size)
        if key:
            stream = (key * (size // 4 + 1))[:size]
            data = (int.from_bytes(data, "big")
                    ^ int.from_bytes(stream, "big")).to_bytes(size, "big")
        return first & 0x0f, data

    def echo(self):
        """Everything back, until the other side closes; its closing too."""
        while True:
            kind, data = self.read()
            self.send(PONG if kind == PING else kind, data)
            if kind == CLOSE:
                return


KEY = "dGhlIHNhbXBsZSBub25jZQ=="


def opening(name, path="/ws", *fields, key=KEY):
    """A request for it over HTTP/1.1."""
    lines = [f"GET {path} HTTP/1.1", f"Host: {name}", "Connection: Upgrade",
             "Upgrade: websocket", "Sec-WebSocket-Version: 13",
             f"Sec-WebSocket-Key: {key}", *fields]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def switching(request, *fields, accept=None):
    """An origin's 101 to it."""
    accept = accept_of(request.headers["sec-websocket-key"]) if accept is None else accept
    lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket",
             "Connection: Upgrade", *([f"Sec-WebSocket-Accept: {accept}"] if accept else []),
             *fields]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def echo_origin(*fields):
    """What an Origin answers with: a WebSocket that echoes."""
    def answer(request, c):
        if request.headers.get("upgrade", "").lower() != "websocket":
            return b"HTTP/1.1 400 No\r\nContent-Length: 2\r\n\r\nno"
        c.sendall(switching(request, *fields))
        try:
            Socket(c, mask=False).echo()
        except EOFError:
            pass
        return None

    return answer


class StreamCarrier:
    """The bytes of an HTTP/2 stream, as Socket wants them (RFC 8441)."""

    def __init__(self, stream):
        self.stream, self.taken = stream, 0

    def sendall(self, data):
        self.stream.send_data(data)

    def recv(self, size):
        s = self.stream
        s.conn.wait("bytes of a WebSocket", lambda: len(s.body) > self.taken or s.ended
                    or s.reset is not None)
        data = bytes(s.body[self.taken:self.taken + size])
        self.taken += len(data)
        return data


def open_over_h2(conn, name, path="/ws", *fields):
    """An extended CONNECT; the stream with its answer's head."""
    conn.wait_settings()
    s = conn.open()
    s.send_head([(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "https"),
                 (":authority", name), (":path", path), ("sec-websocket-version", "13"),
                 *fields])
    return s.wait_head()
