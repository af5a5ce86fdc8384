"""What policy passes through is carried unopened, and no further than it says."""
import array
import concurrent.futures
import fcntl
import hashlib
import os
import random
import socket
import ssl
import struct
import termios
import threading

import pytest

from lab.client import read_all, read_response
from lab.wait import until

POLICY = """\
policies:
  agent:
    allow:
      - {host: pinned.test, tls: passthrough}
      - {address: 203.0.113.10/32, port: 2222}
"""


@pytest.fixture
def world(netd, origin, client):
    o = origin("pinned.test")
    d = netd(POLICY)
    client.trust(d)
    return d, o, client


def test_the_client_sees_the_origins_certificate(world, authority):
    d, o, client = world
    client.ca = authority.path
    assert client.curl("https://pinned.test/x").status == 200
    assert o.requests[0].target == "/x"
    assert d.wait_record(kind="connect", event="decision", host="pinned.test")["via"] == "passthrough"
    r = d.wait_record(kind="connect", event="outcome", host="pinned.test")
    assert r["bytes_up"] > 100 and r["bytes_down"] > 100


def test_threat_1_dialled_by_name(world, origin, authority):
    d, o, client = world
    evil = origin("pinned.test", address="203.0.113.11", listed=False)
    client.ca = authority.path
    assert client.curl("https://pinned.test/", "--resolve", "pinned.test:443:203.0.113.11").status == 200
    assert len(o.requests) == 1 and evil.connections == 0
    assert d.wait_record(kind="connect", event="outcome")["dst_mismatch"] is True


def server(lab, speak):
    def listen():
        s = socket.create_server(("203.0.113.10", 2222))
        return s

    s = lab.internet.within(listen)

    def run():
        c, _ = s.accept()
        with c:
            speak(c)

    threading.Thread(target=run, daemon=True).start()
    return s


def test_a_server_may_speak_first(world, lab):
    d, o, client = world
    s = server(lab, lambda c: (c.sendall(b"SSH-2.0-hello\r\n"), c.sendall(c.recv(100))))
    c = client.connect("203.0.113.10", 2222)
    assert c.recv(100) == b"SSH-2.0-hello\r\n"
    c.sendall(b"echo")
    assert c.recv(100) == b"echo"
    c.close()
    s.close()
    r = d.wait_record(kind="connect", event="outcome", dport=2222)
    assert (r["via"], r["bytes_up"], r["bytes_down"]) == ("address", 4, 19)


def test_threat_49_half_close_goes_through(world, lab):
    """All is sent up, the end is seen there, and then the answer comes."""
    d, o, client = world
    size = 3_000_000
    s = server(lab, lambda c: c.sendall(b"got %d" % len(read_all(c))))
    c = client.connect("203.0.113.10", 2222)
    c.sendall(b"x" * size)
    c.shutdown(socket.SHUT_WR)
    assert read_all(c) == b"got %d" % size
    s.close()
    r = d.wait_record(kind="connect", event="outcome", dport=2222)
    assert (r["reason"], r["bytes_up"]) == ("complete", size)


def test_another_port_or_address_is_not_meant(world):
    d, o, client = world
    for address, port in (("203.0.113.10", 2223), ("203.0.113.11", 2222)):
        c = client.connect(address, port)
        c.sendall(b"hello\r\n")
        assert read_all(c) == b""
        d.wait_record(kind="connect", verdict="denied", dst=address, dport=port)


BY_ADDRESS = """\
policies:
  agent:
    default: allow
    allow:
      - {address: 203.0.113.10/32, port: [80, 443]}
    deny:
      - {host: forbidden.test}
"""


@pytest.fixture
def by_address(netd, origin, client):
    listed, other = origin("listed.test"), origin("other.test", address="203.0.113.11")
    d = netd(BY_ADDRESS)
    client.trust(d)
    return d, listed, other, client


def nameless(client, address, ca):
    """A handshake without SNI; the names in the certificate that it is shown."""
    context = ssl.create_default_context(cafile=str(ca))
    context.check_hostname = False
    with context.wrap_socket(client.connect(address)) as s:
        s.sendall(b"GET /unread HTTP/1.1\r\nHost: x\r\n\r\n")
        read_response(s)
        return s.getpeercert()["subjectAltName"]


def test_threat_9_without_a_name_only_an_address_rule_allows(by_address, authority):
    """… unopened; not `default: allow`, nor a host rule."""
    d, listed, other, client = by_address
    assert nameless(client, "203.0.113.10", authority.path) == (("DNS", "listed.test"),)
    assert [r.target for r in listed.requests] == ["/unread"]
    r = d.wait_record(event="decision", verdict="allowed")
    assert (r["rule"], r["via"], r.get("host", "")) == ("agent.allow[0]", "address", "")
    with pytest.raises(OSError):
        nameless(client, "203.0.113.11", authority.path)
    r = d.wait_record(event="decision", verdict="denied", dst="203.0.113.11")
    assert (r["reason"], r["proto"]) == ("no_name", "tls")
    assert other.connections == 0


def test_a_deny_rule_for_a_name_stands_before_an_address_rule(by_address, authority):
    d, listed, other, client = by_address
    a = client.curl("https://forbidden.test/", "--resolve", "forbidden.test:443:203.0.113.10")
    assert a.status == 403 and listed.connections == 0
    assert d.wait_record(host="forbidden.test", verdict="denied")["reason"] == "rule_deny"


def test_plain_http_to_a_listed_address_is_carried_unread(by_address, origin):
    d, listed, other, client = by_address
    plain = origin("plain.test", port=80, tls=False)
    a = client.curl("http://forbidden.test/x", "--resolve", "forbidden.test:80:203.0.113.10")
    assert a.status == 200 and plain.requests[0].headers["host"] == "forbidden.test"
    assert d.wait_record(event="decision", dport=80)["via"] == "address"


def test_a_name_that_no_host_rule_is_about_may_go_by_address(netd, origin, client, authority):
    """Never the other way round: what a host rule allows is opened."""
    o = origin("listed.test")
    d = netd("policies:\n  agent:\n    allow:\n      - {host: opened.test}\n"
             "      - {address: 203.0.113.10/32, port: 443}\n")
    client.ca = authority.path
    assert client.curl("https://listed.test/", "--resolve",
                       "listed.test:443:203.0.113.10").status == 200
    assert d.wait_record(event="decision", host="listed.test")["via"] == "address"
    client.trust(d)
    origin("opened.test", address="203.0.113.11")
    assert client.curl("https://opened.test/", "--resolve",
                       "opened.test:443:203.0.113.10").status == 200
    assert d.wait_record(event="decision", host="opened.test")["via"] == "inspect"
    assert o.connections == 1


# What is more than a little is moved by the kernel, through a pipe of the worker.

MANY = 64 << 20


@pytest.fixture
def carrier(netd, client):
    """One worker that carries bytes to 203.0.113.10:2222, and its process."""
    d = netd(POLICY, settings="workers: 1\n")
    worker, = d.children()
    return d, worker, client


def pipes(pid):
    """How many bytes wait in each pipe of a process."""
    found = {}
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            if not os.readlink(f"/proc/{pid}/fd/{fd}").startswith("pipe:"):
                continue
            mine = os.open(f"/proc/{pid}/fd/{fd}", os.O_RDONLY | os.O_NONBLOCK)
        except FileNotFoundError:  # it was closed meanwhile
            continue
        room = array.array("i", [0])
        fcntl.ioctl(mine, termios.FIONREAD, room)
        found[os.fstat(mine).st_ino] = room[0]
        os.close(mine)
    return list(found.values())


def send_pattern(c, seed, size):
    """The hash of what was sent: a block that no pipe's size is a multiple of."""
    block, digest = random.Random(seed).randbytes(99_991), hashlib.sha256()
    while size:
        piece = block[:size]
        c.sendall(piece)
        digest.update(piece)
        size -= len(piece)
    c.shutdown(socket.SHUT_WR)
    return digest.hexdigest()


def receive_hash(c):
    digest, size = hashlib.sha256(), 0
    while piece := c.recv(1 << 18):
        digest.update(piece)
        size += len(piece)
    return size, digest.hexdigest()


def both_ways(c, seed):
    """Sends and receives at the same time: the hash sent, size and hash received."""
    with concurrent.futures.ThreadPoolExecutor() as pool:
        sent = pool.submit(send_pattern, c, seed, MANY)
        got = pool.submit(receive_hash, c)
    return sent.result(), got.result()


def test_much_arrives_as_it_was_sent_in_both_directions_at_once(carrier, lab):
    d, worker, client = carrier
    answers = []
    s = server(lab, lambda c: answers.append(both_ways(c, "down")))
    with client.connect("203.0.113.10", 2222) as c:
        sent, got = both_ways(c, "up")
    until("the server to have all", lambda: answers)
    s.close()
    sent_there, got_there = answers[0]
    assert got == (MANY, sent_there) and got_there == (MANY, sent)
    r = d.wait_record(kind="connect", event="outcome", dport=2222)
    assert (r["reason"], r["bytes_up"], r["bytes_down"]) == ("complete", MANY, MANY)
    assert pipes(worker) != [] and sum(pipes(worker)) == 0  # kept, and empty


def test_little_takes_no_pipe(carrier, lab):
    d, worker, client = carrier
    s = server(lab, lambda c: send_pattern(c, "little", 60_000))
    with client.connect("203.0.113.10", 2222) as c:
        assert receive_hash(c)[0] == 60_000
    d.wait_record(kind="connect", event="outcome", dport=2222)
    s.close()
    assert pipes(worker) == []


class Download:
    """What a server sends and its client does not read yet."""

    def __init__(self, lab, client):
        listener = lab.internet.within(lambda: socket.create_server(("203.0.113.10", 2222)))
        self.client = client.connect("203.0.113.10", 2222)
        self.server, _ = listener.accept()
        self.server.setblocking(False)
        listener.close()
        self.block = random.Random("down").randbytes(99_991)
        self.sent, self.digest = 0, hashlib.sha256()

    def send(self):
        """As much as goes."""
        while True:
            try:
                n = self.server.send(self.block)
            except BlockingIOError:
                return
            self.digest.update(self.block[:n])
            self.sent += n

    def close(self):
        self.client.close()
        self.server.close()


@pytest.fixture
def stalled(carrier, lab):
    """Bytes wait in the worker's pipe for a client that does not read."""
    d, worker, client = carrier
    download, seen = Download(lab, client), []

    def nothing_moves():
        """All buffers on the way are full: one look would only see it passing."""
        download.send()
        seen.append((download.sent, sum(pipes(worker))))
        return seen[-1][1] > 0 and len(seen) > 20 and len(set(seen[-20:])) == 1

    until("bytes in a pipe that stay there", nothing_moves)
    yield d, worker, download
    download.close()


def test_who_does_not_read_holds_a_pipe_and_gets_all_of_it(stalled):
    d, worker, download = stalled
    waiting, = pipes(worker)
    assert 0 < waiting <= 256 * 1024
    download.server.shutdown(socket.SHUT_WR)
    assert receive_hash(download.client) == (download.sent, download.digest.hexdigest())
    # The other direction was not shut by that.
    download.client.sendall(b"thanks")
    download.client.shutdown(socket.SHUT_WR)
    download.server.setblocking(True)
    assert read_all(download.server) == b"thanks"
    r = d.wait_record(kind="connect", event="outcome", dport=2222)
    assert (r["reason"], r["bytes_down"], r["bytes_up"]) == ("complete", download.sent, 6)
    assert pipes(worker) == [0]


def reset(s):
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()


def client_resets(d, download):
    reset(download.client)


def server_resets(d, download):
    reset(download.server)
    size, _ = receive_hash(download.client)  # what was on its way
    assert 0 < size < download.sent


def policy_forbids(d, download):
    d.reload(d.config.read_text().replace("port: 2222", "port: 2223"))


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


@pytest.mark.parametrize("end, reason, kept", [
    (client_resets, "client_gone", []), (server_resets, "origin_gone", [0]),
    (policy_forbids, "revoked", [])], ids=["client", "server", "policy"])
def test_threat_49_what_is_in_a_pipe_goes_with_its_connection(stalled, end, reason, kept):
    """Nobody else ever gets it; an empty one is kept for the next."""
    d, worker, download = stalled
    before = descriptors(worker)
    end(d, download)
    r = d.wait_record(kind="connect", event="outcome", dport=2222)
    assert r["reason"] == reason and 0 < r["bytes_down"] < download.sent
    until("both sockets and what is not kept to be closed",
          lambda: descriptors(worker) == before - 4 + 2 * len(kept))
    assert pipes(worker) == kept
