"""Who reads slowly reads to the end."""
import signal
import socket
import time

import pytest

from lab.client import Responses
from lab.origin import ok
from lab.wait import until

POLICY = """\
policies:
  agent: {allow: [{host: api.test}]}
"""
STEP = 16 << 10  # a quarter of what a worker holds of an answer
STEPS = 30       # together more than what the kernel holds besides


class Reader:
    """Asks for so many bytes, and reads none of them before it is told to."""

    def __init__(self, client, size, more):
        self.size = size
        s = client.ns.within(self._connect)
        self.s = client.wrap(s, "api.test")
        self.s.sendall(b"GET /%d HTTP/1.1\r\nHost: api.test\r\n%s\r\n" % (size, more))

    @staticmethod
    def _connect():
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.settimeout(30)
        s.connect(("203.0.113.10", 443))
        return s

    @staticmethod
    def rest(seconds):
        began = time.monotonic()
        until("a while to pass", lambda: time.monotonic() > began + seconds)

    def reads_all(self):
        self.s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        a = Responses(self.s).next()
        return a.status == 200 and len(a.body) == self.size and a.complete


def halted(d, client, more):
    """The reader of the largest answer that is complete, with its end still in
    the worker: a little more would not have been."""
    readers = [Reader(client, STEP * n, more) for n in range(1, STEPS)]

    def complete():
        return {r["bytes_down"] for r in d.records(
            event="outcome", kind="request", reason="complete")}

    def stands_still():
        began, before = time.monotonic(), complete()
        until("a moment to pass", lambda: time.monotonic() > began + 0.5)
        return before and complete() == before and len(d.records(
            event="decision", kind="request")) == len(readers)

    until("the kernel to take no more", stands_still)
    assert len(complete()) < len(readers)
    return next(r for r in readers if r.size == max(complete()))


@pytest.fixture
def begin(netd, origin, client):
    def go(more, limits):
        origin("api.test", answer=lambda r, c: ok(b"x" * int(r.target[1:])))
        d = netd(POLICY, settings=f"workers: 1\nlimits: {{{limits}}}\n")
        client.trust(d)
        return d, halted(d, client, more)

    return go


CLOSE = b"Connection: close\r\n"


@pytest.mark.parametrize("more, limits, seconds", [
    (CLOSE, "idle: 300s", 7), (b"", "head: 1s", 3)], ids=["the_last", "another"])
def test_threat_48_the_end_of_an_answer_waits(begin, more, limits, seconds):
    """It is not hurried: neither as a connection that is over, nor as a head."""
    _, reader = begin(more, limits)
    reader.rest(seconds)
    assert reader.reads_all()


@pytest.mark.parametrize("more", [CLOSE, b""], ids=["the_last", "another"])
def test_a_worker_that_stops_says_it_to_the_end(begin, client, more):
    d, reader = begin(more, "idle: 300s")
    idle = Reader(client, 1, b"")
    assert idle.reads_all()
    d.process.send_signal(signal.SIGTERM)
    assert Responses(idle.s).is_closed()  # it has been told to stop
    assert reader.reads_all()
    d.process.wait(timeout=60)


def test_what_is_open_when_a_worker_stops_has_its_outcome(begin):
    """Nobody waits for ever for who does not read; and that is on record."""
    d, _ = begin(b"", "idle: 300s")
    d.process.send_signal(signal.SIGTERM)
    d.process.wait(timeout=60)
    assert "does not stop" not in d.log()
    allowed = {r["id"] for r in d.records(event="decision", verdict="allowed")}
    assert allowed - {r["id"] for r in d.records(event="outcome")} == set()
