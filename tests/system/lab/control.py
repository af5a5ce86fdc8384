"""The control socket, asked without a program in between."""
import http.client
import json
import socket


class _Connection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=60)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Control:
    """A connection of its own for each question: for one thread at a time."""

    def __init__(self, daemon):
        self.path = str(daemon.runtime / "control.sock")

    def __call__(self, method, path, body=None, match=None):
        """(status, what JSON says)."""
        c = _Connection(self.path)
        try:
            c.request(method, "/v1/" + path, body,
                      {"If-Match": f'"{match}"'} if match is not None else {})
            answer = c.getresponse()
            text = answer.read()
        finally:
            c.close()
        return answer.status, json.loads(text) if text else None

    def status(self):
        return self("GET", "status")[1]
