"""One sandbox can use up what is its own, and nobody else's."""
import concurrent.futures
import contextlib
import select
import socket
import struct
import threading
import time

import pytest

from lab.client import Client, read_all, read_response
from lab.hello import hello, server_name
from lab.origin import ok
from lab.wait import DEADLINE, until

POLICY = """\
policies:
  agent: {allow: [{host: ["api.test", "other.test", "*.wild.test"]}]}
"""
GET = b"GET / HTTP/1.1\r\nHost: api.test\r\n\r\n"


@pytest.fixture
def start(lab, netd, origin, client):
    def go(limits):
        other = lab.add_sandbox()
        go.api = origin("api.test")
        d = netd(POLICY, settings=f"limits: {{{limits}}}\n")
        client.trust(d)
        return d, client, Client(other).trust(d, "s2")

    return go


def ask(s):
    s.sendall(GET)
    return read_response(s)[0].startswith(b"HTTP/1.1 200")


def test_threat_41_connections_at_a_time(start):
    d, client, other = start("connections: 5")
    held = [client.tls() for _ in range(5)]
    assert all(ask(s) for s in held)
    assert read_all(client.connect()) == b""
    d.wait_record(kind="connect", reason="limit", sandbox="s1", verdict="denied")
    assert other.curl("https://api.test/").status == 200
    held.pop().close()
    until("room for one more", lambda: client.curl("https://api.test/").status == 200)


def test_threat_58_new_connections_a_second_are_counted(start):
    d, client, other = start("connections_per_second: 5")
    for _ in range(60):
        try:
            client.connect(timeout=5).close()
        except OSError:
            pass
    d.wait_record(kind="connect", reason="limit", sandbox="s1")
    assert len(d.records(reason="limit", sandbox="s1")) < 30  # not one each
    assert other.curl("https://api.test/").status == 200


def test_threat_44_new_names_a_second(start):
    d, client, other = start("mints_per_second: 3")
    held = [client.connect() for _ in range(20)]
    for i, s in enumerate(held):  # all at once, however slow the machine
        s.sendall(hello(server_name(b"h%d.wild.test" % i)))
    d.wait_record(kind="connect", reason="limit", sandbox="s1", proto="tls")
    assert other.curl("https://api.test/").status == 200


def test_threat_43_half_a_head_is_not_waited_for(start):
    d, client, other = start("head: 1s")
    s = client.tls()
    s.sendall(b"GET / HTTP/1.1\r\nHost: api.t")
    s.settimeout(20)
    assert read_all(s) == b""


def test_nothing_at_all_is_not_waited_for(start):
    d, client, other = start("hello: 1s")
    s = client.connect(timeout=20)
    assert read_all(s) == b""
    d.wait_record(kind="connect", reason="no_client_data", sandbox="s1")


def scan(ports, address="203.0.113.10"):
    """Knocks at all of them at once; how many were closed again, in time."""
    poll, open_ones = select.poll(), {}
    for port in ports:
        s = socket.socket()
        s.setblocking(False)
        s.connect_ex((address, port))
        open_ones[s.fileno()] = s
        poll.register(s, select.POLLIN)
    end = time.monotonic() + 2 * DEADLINE
    while open_ones and time.monotonic() < end:
        for fd, _ in poll.poll(1000):
            poll.unregister(fd)
            s = open_ones.pop(fd)
            with contextlib.suppress(OSError), s:
                assert s.recv(1) == b"", "somebody speaks"
    return len(ports) - len(open_ones)


def test_threat_42_a_scan_of_all_ports(start):
    d, client, other = start("connections: 64, connections_per_second: 50, hello: 1s")
    ports = range(1, 65536, 32)
    assert other.curl("https://api.test/").status == 200
    with concurrent.futures.ThreadPoolExecutor() as pool:
        scanned = pool.submit(client.ns.within, scan, ports)
        while not scanned.done():
            assert other.curl("https://api.test/").status == 200
        assert scanned.result() == len(ports)
    assert {(r["kind"], r["verdict"]) for r in d.records(sandbox="s1")} == {
        ("connect", "denied")}

    def all_are_counted():
        """What the second's one record has not said, the next one says."""
        client.ns.within(scan, range(1, 200))
        said = d.records(sandbox="s1", reason="limit")
        return sum(r.get("count", 1) for r in said) > len(ports) - 200 and said

    assert len(until("all that were refused", all_are_counted)) < 60
    until("the first one to be let in again",
          lambda: client.curl("https://api.test/").status == 200)


def packets_taken(lab):
    """How many the kernel has handed to the listeners."""
    text = lab.host.run("nft", "list", "counter", "inet", "sbx_net", "to_tcp").stdout
    return int(text.split("packets ")[1].split()[0])


def syn(source, destination, sport, dport):
    """A TCP header that opens a connection, with its checksum."""
    def pack(checksum):
        return struct.pack(">HHIIBBHHH", sport, dport, sport * dport, 0, 5 << 4, 2,
                           65535, checksum, 0)

    data = (socket.inet_aton(source) + socket.inet_aton(destination)
            + struct.pack(">HH", 6, 20) + pack(0))
    n = sum(struct.unpack(f">{len(data) // 2}H", data))
    n = (n & 0xffff) + (n >> 16)
    return pack(~(n + (n >> 16)) & 0xffff)


def test_threat_42_a_burst_of_half_open_connections(start, lab):
    d, client, other = start("connections: 64")
    # Its own kernel would take back what it does not know of.
    client.ns.run("nft", "-f", "-", input="""
        table ip silent {
            chain out {
                type filter hook output priority 0;
                tcp flags rst drop
            }
        }""")

    def burst():
        with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP) as s:
            for i in range(20000):
                s.sendto(syn(client.ns.address4, "203.0.113.10", 1024 + i, 443 + i % 7),
                         ("203.0.113.10", 0))

    with concurrent.futures.ThreadPoolExecutor() as pool:
        sent = pool.submit(client.ns.within, burst)
        assert other.curl("https://api.test/").status == 200
        sent.result()
    assert packets_taken(lab) >= 20000, "they went as far as the listener"
    assert other.curl("https://api.test/").status == 200
    client.ns.run("nft", "delete", "table", "ip", "silent")
    # What is half open is nobody's connection, and none of its 64.
    assert client.curl("https://api.test/").status == 200
    assert not d.records(reason="limit")


def test_threat_58_short_connections_share_one_to_the_origin(start, origin):
    """So no port and no TIME_WAIT is left for each of them."""
    d, client, other = start("connections: 64")
    o = start.api
    for _ in range(50):
        s = client.tls()
        s.sendall(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        assert read_all(s).startswith(b"HTTP/1.1 200")
        s.close()
    assert len(o.requests) == 50 and o.connections == 1


def test_threat_58_no_port_left_towards_one_origin(start, lab, origin):
    """Who uses up all of them is refused, in words, and so he is alone."""
    held = threading.Event()
    o = origin("other.test", address="203.0.113.11",
               answer=lambda r, c: ok(b"late") if held.wait(DEADLINE) else None)
    d, client, other = start("connections: 64")
    lab.host.run("sysctl", "-qw", "net.ipv4.ip_local_port_range=40000 40007")
    waiting = []
    for n in range(1, 9):
        waiting.append(client.tls("other.test"))
        waiting[-1].sendall(GET.replace(b"api", b"other"))
        until(f"request {n} at the origin", lambda n=n: len(o.requests) == n)
    a = client.curl("https://other.test/")
    assert a.status == 502 and "connect_failed" in a.text
    d.wait_record(sandbox="s1", event="outcome", reason="connect_failed", host="other.test")
    assert other.curl("https://api.test/").status == 200
    held.set()
    for s in waiting:
        assert read_response(s)[1] == b"late"
    assert client.curl("https://other.test/").status == 200
