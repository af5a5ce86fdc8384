"""An event stream arrives event by event, on whichever protocols.

The origin sends the next event only when the client has said, beside the
network, that it has the one before: whatever is held back, in however large
a buffer, stops everything.
"""
import queue
import threading

import pytest

from lab.client import Responses
from lab.h2 import connect
from lab.h2origin import H2Origin
from lab.wait import DEADLINE, until

EVENTS = 200
POLICY = """\
policies:
  agent: {allow: [{host: "**.lab.test"}]}
"""


@pytest.fixture(scope="module")
def world(stage):
    stage.netd(POLICY)
    return stage


def event(i):
    return f"id: {i}\ndata: {'x' * (i * 7 % 300)}\n\n".encode()


class Source:
    """An origin of events; acknowledged: the queue that says "I have it"."""

    def __init__(self, count=EVENTS):
        self.acknowledged, self.count, self.sent = queue.Queue(), count, 0
        self.ended = threading.Event()

    def events(self):
        for i in range(self.count):
            self.sent += 1
            yield event(i)
            self.acknowledged.get(timeout=DEADLINE)

    def over_h1(self, request, c):
        c.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
                  b"Transfer-Encoding: chunked\r\n\r\n")
        try:
            for e in self.events():
                c.sendall(b"%x\r\n%s\r\n" % (len(e), e))
            c.sendall(b"0\r\n\r\n")
        except (OSError, queue.Empty):
            pass
        self.ended.set()

    def over_h2(self, stream):
        try:
            stream.send_head([(":status", "200"), ("content-type", "text/event-stream")])
            for e in self.events():
                stream.send_data(e)
            stream.send_data(b"", end=True)
        except (OSError, queue.Empty):
            pass
        self.ended.set()


@pytest.fixture
def site(world):
    def make(version, **more):
        source = Source(**more)
        o = world.origin(f"e{next(world.numbers)}.lab.test", kind=H2Origin,
                         answer=source.over_h1, answer2=source.over_h2,
                         alpn=("h2",) if version == 2 else ("http/1.1",))
        o.source = source
        return o

    return make


def listen_h1(world, o):
    """Events as they come, over HTTP/1.1."""
    s = world.client.tls(o.name, o.address)
    s.sendall(f"GET /events HTTP/1.1\r\nHost: {o.name}\r\n\r\n".encode())
    r = Responses(s)
    assert " 200 " in r._line()
    fields = dict(r._fields())
    assert fields["content-type"] == "text/event-stream"
    data = b""
    while n := int(r._line(), 16):
        piece = bytearray()
        r._take(n, piece)
        assert r._line() == ""
        data += bytes(piece)
        while b"\n\n" in data:
            one, data = data.split(b"\n\n", 1)
            yield one + b"\n\n"


def listen_h2(world, o):
    conn = connect(world.client, o.name, o.address)
    s = conn.request("/events", authority=o.name).wait_head()
    assert s.headers["content-type"] == "text/event-stream"
    taken = 0
    while True:
        conn.wait("an event", lambda: b"\n\n" in s.body[taken:] or s.ended)
        if b"\n\n" not in s.body[taken:]:
            return
        end = s.body.index(b"\n\n", taken) + 2
        yield bytes(s.body[taken:end])
        taken = end


@pytest.mark.parametrize("origin_speaks", [1, 2])
@pytest.mark.parametrize("listen", [listen_h1, listen_h2], ids=["client-1", "client-2"])
def test_nothing_is_held_back(world, site, listen, origin_speaks):
    o = site(origin_speaks)
    got = 0
    for got, e in enumerate(listen(world, o), 1):
        assert e == event(got - 1)
        assert o.source.sent == got, "no event is sent ahead: the test is one"
        o.source.acknowledged.put(True)
    assert got == EVENTS
    assert [r.version for r in o.requests] == [{1: "HTTP/1.1", 2: "HTTP/2"}[origin_speaks]]


@pytest.mark.parametrize("origin_speaks", [1, 2])
@pytest.mark.parametrize("end", ["reset", "close"])
def test_a_listener_that_goes_is_heard_of(world, site, origin_speaks, end):
    o = site(origin_speaks, count=1 << 30)
    conn = connect(world.client, o.name, o.address)
    s = conn.request("/events", authority=o.name)
    s.wait_body(len(event(0)))
    if end == "reset":
        s.send_reset()
    else:
        conn.close()

    def stopped():
        o.source.acknowledged.put(True)  # it goes on until it cannot
        return o.source.ended.is_set()

    until("the source to hear that nobody listens", stopped)


def test_many_streams_side_by_side(world, site):
    """Twenty on one connection; each waits only for itself."""
    sources = {}

    def answer2(s):
        sources[s.target] = source = Source(10)
        source.over_h2(s)

    o = world.origin(f"e{next(world.numbers)}.lab.test", kind=H2Origin, alpn=("h2",),
                     answer2=answer2)
    conn = connect(world.client, o.name, o.address)
    streams = [conn.request(f"/{i}", authority=o.name) for i in range(20)]
    for s in streams:
        s.wait_body(len(event(0)))
    for s, path in reversed([(s, f"/{i}") for i, s in enumerate(streams)]):
        for _ in range(10):
            sources[path].acknowledged.put(True)
        s.wait_end()
        assert bytes(s.body) == b"".join(event(i) for i in range(10))


def test_no_worker_was_lost(world):
    assert not world.daemon.records(reason="worker_crashed")
