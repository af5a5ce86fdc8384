"""Bodies go through whole, and nothing piles up in between.

That the memory of a worker stays flat is shown by tests/bench/flat.py: a build
with sanitizers keeps freed memory back.
"""
import functools
import gzip
import pathlib
import re
import socket
import threading

import pytest

from lab.client import read_response
from lab.origin import ok
from lab.wait import until

POLICY = """\
policies:
  agent: {allow: [{host: api.test}]}
"""
SIZE = 64_000_000
PIECE = b"x" * 65536


class Sender:
    """An origin that sends SIZE bytes, as far as they are taken."""

    def __init__(self):
        self.sent, self.ended = 0, threading.Event()

    def __call__(self, request, c):
        c.settimeout(30)
        c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % SIZE)
        try:
            while self.sent < SIZE:
                self.sent += c.send(PIECE[:SIZE - self.sent])
        except OSError:
            pass
        self.ended.set()


@pytest.fixture
def world(netd, origin, client):
    sender = Sender()
    o = origin("api.test", answer=sender)
    d = netd(POLICY)
    client.trust(d)
    return d, o, client, sender


def test_threat_48_a_slow_reader_stops_the_origin(world):
    d, o, client, sender = world
    s = client.tls()
    s.sendall(b"GET / HTTP/1.1\r\nHost: api.test\r\n\r\n")
    s.recv(1000)
    seen = [-1]

    def stands_still():
        still, seen[0] = sender.sent == seen[0], sender.sent
        return not sender.ended.wait(0.5) and still

    until("the origin to be stopped", stands_still)
    assert 0 < sender.sent < SIZE // 2  # what sockets and one buffer each way hold
    s.close()
    assert sender.ended.wait(20), "the origin hears that nobody reads any more"
    d.wait_record(event="outcome", reason="client_gone")


def test_threat_48_an_upload_arrives_whole(netd, origin, client):
    o = origin("api.test")
    client.trust(netd(POLICY))
    s = client.tls()
    body = bytes(range(256)) * 40_000
    threading.Thread(target=lambda: s.sendall(
        b"POST / HTTP/1.1\r\nHost: api.test\r\nContent-Length: %d\r\n\r\n" % len(body) + body),
        daemon=True).start()
    assert read_response(s)[0].startswith(b"HTTP/1.1 200")
    assert o.requests[0].body == body


def test_a_client_that_vanishes_leaves_nothing_open(world, lab):
    d, o, client, sender = world
    s = client.tls()
    s.sendall(b"GET / HTTP/1.1\r\nHost: api.test\r\n\r\n")
    s.recv(1000)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    s.close()
    assert sender.ended.wait(20)
    d.wait_record(event="outcome", reason="client_gone")


def peak(pid):
    """The most memory that a process ever held, in bytes."""
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", text)[1]) * 1024


@functools.cache
def bomb():
    """256 MiB of nothing, in 256 KiB."""
    return gzip.compress(bytes(256 << 20), 9)


@pytest.mark.parametrize("coding", ["gzip", "br", "gzip, gzip"])
def test_threat_30_what_is_compressed_is_not_unpacked(netd, origin, client, coding):
    """A bomb goes through as the few bytes that it is, whatever it is called."""
    origin("api.test", answer=lambda r, c: ok(
        bomb() if r.target == "/bomb" else b"", f"Content-Encoding: {coding}"))
    d = netd(POLICY)
    client.trust(d)
    assert client.curl("https://api.test/warm").status == 200
    before = {pid: peak(pid) for pid in d.children()}
    a = client.curl("https://api.test/bomb")
    assert a.body == bomb() and a.headers["content-encoding"] == coding
    d.wait_record(event="outcome", kind="request", bytes_down=len(bomb()))
    assert len(bomb()) < 1 << 20
    for pid, was in before.items():
        assert peak(pid) - was < 32 << 20
