"""An origin that speaks HTTP/2, or HTTP/1.1 to those who ask for it."""
import socket
import ssl

from . import h2wire as w
from .h2 import Endpoint
from .origin import Origin


def hello(s):
    """The answer of an origin that nobody has told another."""
    s.wait_end()
    s.respond(200, body=b"hello\n")


class H2Origin(Origin):
    """answer2(stream) is called in a thread of its own as soon as the head of
    a request is there; it reads, answers or resets as it likes.  begin(endpoint)
    is called when a connection has been made, for those who do worse.

    requests holds what came over either protocol, in order; sessions the
    HTTP/2 connections.  With alpn=("h2",) it hangs up on those who do not offer
    that.  Without TLS the first bytes tell which it is.
    """

    def __init__(self, ns, address, port, certificate=None, answer=None, versions=None, *,
                 answer2=hello, alpn=("h2", "http/1.1"), settings=None, manual=(), begin=None):
        self.answer2, self.settings, self.manual = answer2, settings, manual
        self.begin, self.sessions, self.keep = begin, [], True
        self.only_h2 = tuple(alpn) == ("h2",)
        super().__init__(ns, address, port, certificate, answer, versions)
        if self.context and alpn:
            self.context.set_alpn_protocols(list(alpn))

    @property
    def streams(self):
        return [r for r in self.requests if r.version == "HTTP/2"]

    def _talk(self, c):
        tls = isinstance(c, ssl.SSLSocket)
        if not (c.selected_alpn_protocol() == "h2" if tls
                else c.recv(4, socket.MSG_PEEK) == w.PREFACE[:4]):
            # Python's TLS goes on where nothing could be agreed on.
            return None if tls and self.only_h2 else super()._talk(c)
        e = Endpoint(c, True, self.settings, self.manual, self._answer)
        with self.lock:
            self.sessions.append(e)
        if self.begin:
            self.begin(e)
        with e.changed:
            e.changed.wait_for(lambda: e.ended)

    def _answer(self, stream):
        if self.keep:
            with self.lock:
                self.requests.append(stream)
        try:
            self.answer2(stream)
        except (OSError, AssertionError):
            pass  # the peer went; a test that cares looks at the stream

    def close(self):
        super().close()
        for e in self.sessions:
            e.close()
