"""Origins that write down every byte they are sent."""
import socket
import ssl
import threading


class Request:
    def __init__(self, method, target, version, fields, body):
        self.method, self.target, self.version = method, target, version
        self.fields, self.body = fields, body

    @property
    def headers(self):
        return {k.lower(): v for k, v in self.fields}

    def all(self, name):
        return [v for k, v in self.fields if k.lower() == name.lower()]


class Origin:
    """A server in the internet namespace; answer(request, connection) may be replaced.

    answer returns the whole response as bytes, or None after having written
    (or closed) by itself on the connection.  serve(connection), if set, is all
    that happens after the TLS handshake: for those who do not speak HTTP.
    """

    def __init__(self, ns, address, port, certificate=None, answer=None, versions=None):
        self.requests, self.connections, self.raw = [], 0, b""
        self.sessions_resumed, self.ended, self.serve = 0, 0, None
        self.answer = answer or (lambda r, c: ok(b"hello\n"))
        self.context = None
        if certificate:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(certificate)
            if versions:
                self.context.minimum_version, self.context.maximum_version = versions
        self.lock = threading.Lock()
        self.closed = False

        self.socket = ns.within(self._listen, address, port)
        self.accepting = threading.Thread(target=self._accept, daemon=True)
        self.accepting.start()

    def _listen(self, address, port):
        """An address with a slash is the path of a Unix socket."""
        if "/" in address:
            s = socket.socket(socket.AF_UNIX)
            s.bind(address)
        else:
            s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind((address, port))
        s.listen(512)
        return s

    def _accept(self):
        while not self.closed:
            try:
                c, _ = self.socket.accept()
                if c.family != socket.AF_UNIX:
                    c.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            except OSError:
                return
            with self.lock:
                self.connections += 1
            threading.Thread(target=self._serve, args=(c,), daemon=True).start()

    def _serve(self, c):
        try:
            if self.context:
                c = self.context.wrap_socket(c, server_side=True)
                with self.lock:
                    self.sessions_resumed += c.session_reused
            self.serve(c) if self.serve else self._talk(c)
        except OSError:
            pass
        finally:
            self._close(c)
            with self.lock:
                self.ended += 1

    def _close(self, c):
        """With close_notify, as an end that is meant has to be."""
        try:
            if isinstance(c, ssl.SSLSocket):
                c.settimeout(5)
                c.unwrap()
        except (OSError, ValueError):  # it is gone already
            pass
        c.close()

    def _talk(self, c):
        f = Reader(c, self)
        while True:
            request = f.request()
            if request is None:
                return
            with self.lock:
                self.requests.append(request)
            response = self.answer(request, c)
            if response is None:
                return
            c.sendall(response)
            if b"\r\nconnection: close" in response.split(b"\r\n\r\n")[0].lower():
                return

    def close(self):
        self.closed = True
        self.socket.shutdown(socket.SHUT_RDWR)
        self.accepting.join()  # it would accept for who gets the number next
        self.socket.close()


class Reader:
    """Just enough HTTP/1 to read what a correct proxy sends."""

    def __init__(self, c, origin):
        self.c, self.origin, self.data = c, origin, b""

    def more(self):
        d = self.c.recv(65536)
        with self.origin.lock:
            self.origin.raw += d[:1 << 20]
        self.data += d
        return bool(d)

    def until(self, mark):
        while mark not in self.data:
            if not self.more():
                return None
        part, self.data = self.data.split(mark, 1)
        return part

    def exactly(self, n):
        while len(self.data) < n:
            if not self.more():
                return None
        part, self.data = self.data[:n], self.data[n:]
        return part

    def body(self, part):
        """What until() or exactly() gave, if it was all there."""
        if part is None:
            raise ConnectionError("cut off within a body")
        return part

    def request(self):
        head = self.until(b"\r\n\r\n")
        if head is None:
            return None
        lines = head.decode("latin-1").split("\r\n")
        method, target, version = lines[0].split(" ")
        fields = [tuple(x.split(": ", 1)) for x in lines[1:]]
        lower = {k.lower(): v for k, v in fields}
        body = b""
        if lower.get("expect") == "100-continue":
            self.c.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        if lower.get("transfer-encoding") == "chunked":
            body, trailers = self.chunks()
            fields += trailers
        elif "content-length" in lower:
            body = self.body(self.exactly(int(lower["content-length"])))
        return Request(method, target, version, fields, body)

    def chunks(self):
        body = b""
        while True:
            n = int(self.body(self.until(b"\r\n")), 16)
            if n == 0:
                break
            body += self.body(self.exactly(n))
            self.body(self.exactly(2))
        trailers = []
        while True:
            line = self.body(self.until(b"\r\n"))
            if not line:
                return body, trailers
            trailers.append(tuple(line.decode("latin-1").split(": ", 1)))


def ok(body, *fields, status="200 OK"):
    head = "".join(f"{f}\r\n" for f in fields)
    return (f"HTTP/1.1 {status}\r\n{head}Content-Length: {len(body)}\r\n\r\n").encode() + body
