"""Clients inside a sandbox: curl, and raw sockets."""
import socket
import ssl
import subprocess


class Answer:
    def __init__(self, status, headers, body, error):
        self.status, self.headers, self.body, self.error = status, headers, body, error

    @property
    def text(self):
        return self.body.decode(errors="replace")

    def __repr__(self):
        return f"<{self.status} {self.body[:300]!r} {self.error}>"


class Client:
    def __init__(self, ns):
        self.ns, self.ca = ns, None

    def trust(self, netd, sandbox="s1"):
        self.ca = netd.ca(sandbox)
        return self

    def curl(self, url, *options):
        r = subprocess.run(
            ["ip", "netns", "exec", self.ns.name, "curl", "-sS", "--noproxy", "*",
             "--max-time", "30", "-D", "-", "--http1.1",
             *(["--cacert", str(self.ca)] if self.ca else []), *options, url],
            capture_output=True)
        head, _, body = r.stdout.partition(b"\r\n\r\n")
        while head.startswith((b"HTTP/1.1 1", b"HTTP/1.0 1", b"HTTP/2 1")):
            head, _, body = body.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        status = int(lines[0].split(" ")[1]) if lines[0].startswith("HTTP/") else 0
        headers = {k.lower(): v for k, _, v in (x.partition(": ") for x in lines[1:])}
        return Answer(status, headers, body, r.stderr.decode())

    def connect(self, address="203.0.113.10", port=443, timeout=30, source=None):
        """A TCP connection from inside the sandbox."""
        return self.ns.within(
            lambda: socket.create_connection((address, port), timeout, source))

    def tls(self, name="api.test", address="203.0.113.10", port=443, alpn=("http/1.1",),
            context=None):
        return self.wrap(self.connect(address, port), name, alpn, context)

    def wrap(self, connection, name, alpn=("http/1.1",), context=None):
        if context is None:
            context = ssl.create_default_context(cafile=str(self.ca))
            context.set_alpn_protocols(list(alpn))
        return context.wrap_socket(connection, server_hostname=name)


def read_response(s):
    """Head and body of one response from a socket, as bytes; b"" at its end."""
    data = b""
    while b"\r\n\r\n" not in data:
        try:
            d = s.recv(65536)
        except ConnectionResetError:
            return data, b""
        if not d:
            return data, b""
        data += d
    head, body = data.split(b"\r\n\r\n", 1)
    length = None
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    while length is not None and len(body) < length:
        d = s.recv(65536)
        if not d:
            break
        body += d
    return head, body


def read_all(s):
    data = b""
    while True:
        try:
            d = s.recv(65536)
        except (ConnectionResetError, ssl.SSLError):
            return data
        if not d:
            return data
        data += d


class Responses:
    """Reads responses off a socket, strictly: what is cut off is not complete."""

    def __init__(self, s):
        self.s, self.data, self.ended = s, b"", False

    def _more(self):
        try:
            d = self.s.recv(65536)
        except (ConnectionResetError, ssl.SSLError):
            d = b""
        self.ended = self.ended or not d
        self.data += d
        return bool(d)

    def _line(self):
        while b"\r\n" not in self.data:
            if not self._more():
                raise EOFError
        line, self.data = self.data.split(b"\r\n", 1)
        return line.decode("latin-1")

    def _fields(self):
        fields = []
        while line := self._line():
            name, value = line.split(":", 1)
            fields.append((name.lower(), value.strip()))
        return fields

    def _take(self, n, into):
        while len(self.data) < n and self._more():
            pass
        into += self.data[:n]
        self.data = self.data[n:]
        if len(into) < n:
            raise EOFError

    def _body(self, r, to_head):
        if to_head or r.status in (204, 304):
            return
        if r.headers.get("transfer-encoding") == "chunked":
            while n := int(self._line(), 16):
                piece = bytearray()
                try:
                    self._take(n, piece)
                finally:
                    r.body += bytes(piece)
                assert self._line() == ""
            r.trailers = dict(self._fields())
        elif "content-length" in r.headers:
            piece = bytearray()
            try:
                self._take(int(r.headers["content-length"]), piece)
            finally:
                r.body += bytes(piece)
        else:
            while self._more():
                pass
            r.body, self.data = self.data, b""

    def next(self, to_head=False):
        """The next response; .interims before it, .complete, .trailers."""
        r = Answer(0, {}, b"", "")
        r.interims, r.trailers, r.complete = [], {}, False
        try:
            while True:
                version, status, _ = (self._line() + " ").split(" ", 2)
                r.version, r.status, r.fields = version, int(status), self._fields()
                r.headers = dict(r.fields)
                if r.status >= 200:
                    break
                r.interims.append((r.status, r.headers))
            self._body(r, to_head)
            r.complete = True
        except EOFError:
            pass
        return r

    def is_closed(self):
        """Nothing more comes, and it says so."""
        return not self.data and not self._more()


class BioTls:
    """A TLS client of which each byte on the wire is ours to send: the first
    flight goes out as cut(bytes) says, a list of pieces, each of them one
    write; and finish() closes one direction only."""

    def __init__(self, socket, context, name, cut=lambda flight: [flight]):
        self.socket = socket
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, False, name)
        socket.setsockopt(6, 1, 1)  # TCP_NODELAY: a segment for each write
        for piece in cut(self._first_flight()):
            socket.sendall(piece)
        self._until_done(self.tls.do_handshake)
        self._flush()

    def _first_flight(self):
        try:
            self.tls.do_handshake()
        except ssl.SSLWantReadError:
            pass
        return self.outgoing.read()

    def _flush(self):
        data = self.outgoing.read()
        if data:
            self.socket.sendall(data)

    def _until_done(self, call, *args):
        while True:
            try:
                return call(*args)
            except ssl.SSLWantReadError:
                self._flush()
                data = self.socket.recv(65536)
                if not data:
                    self.incoming.write_eof()
                self.incoming.write(data)

    def sendall(self, data):
        self.tls.write(data)
        self._flush()

    def recv(self, size):
        return self._until_done(self.tls.read, size)

    def finish(self):
        """Says that no more will be sent; what is answered can still be read."""
        try:
            self.tls.unwrap()
        except ssl.SSLWantReadError:
            pass
        self._flush()
        self.socket.shutdown(1)
