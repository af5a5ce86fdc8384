#!/usr/bin/python3
"""Memory of a worker while 2 GB go through it each way: a figure, not a test.

    tests/bench/flat.py [MEGABYTES]

Makes the namespaces of the system tests, downloads that much and uploads it to
an origin that reads slowly, and prints the worker's resident memory before,
at most during, and after.  Needs root and a Release build.
"""
import pathlib
import socket
import ssl
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))

from lab.client import Client  # noqa: E402
from lab.dns import NameServer  # noqa: E402
from lab.namespaces import Lab  # noqa: E402
from lab.netd import Netd  # noqa: E402
from lab.pki import Authority  # noqa: E402

SIZE = int(sys.argv[1]) * 1_000_000 if len(sys.argv) > 1 else 2_000_000_000
PIECE = b"x" * 65536

CONFIG = """\
version: 1
resolver: [203.0.113.53]
workers: 1
upstream: {{ca_file: {ca}, allow_addresses: [203.0.113.0/24]}}
policies: {{agent: {{allow: [{{host: api.test}}]}}}}
sandboxes: {{s1: {{interface: v1, address: 10.77.1.2, policy: agent}}}}
"""


def rss(pid):
    for line in open(f"/proc/{pid}/status"):
        if line.startswith("VmRSS"):
            return int(line.split()[1])


class Watch(threading.Thread):
    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.most, self.on = pid, 0, True
        self.start()

    def run(self):
        while self.on:
            self.most = max(self.most, rss(self.pid))
            time.sleep(0.05)


def serve(listener, context):
    """GET: SIZE bytes.  POST: reads all of it, 256 KiB and then a breath."""
    while True:
        c, _ = listener.accept()
        c = context.wrap_socket(c, server_side=True)
        head = b""
        while b"\r\n\r\n" not in head:
            head += c.recv(65536)
        if head.startswith(b"GET"):
            c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % SIZE)
            left = SIZE
            while left:
                n = c.send(PIECE[:left])
                left -= n
        else:
            got = len(head.split(b"\r\n\r\n", 1)[1])
            breath = 0
            while got < SIZE:
                n = len(c.recv(65536))
                got, breath = got + n, breath + n
                if breath > 1 << 18:
                    time.sleep(0.0005)
                    breath = 0
            c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        c.close()


def download(client):
    s = client.tls()
    s.sendall(b"GET / HTTP/1.1\r\nHost: api.test\r\nConnection: close\r\n\r\n")
    got = 0
    while True:
        try:
            n = len(s.recv(65536))
        except ssl.SSLError:
            break
        if n == 0:
            break
        got += n
    assert got > SIZE, got


def upload(client):
    s = client.tls()
    s.sendall(b"POST / HTTP/1.1\r\nHost: api.test\r\nContent-Length: %d\r\n\r\n" % SIZE)
    left = SIZE
    while left:
        left -= s.send(PIECE[:left])
    assert s.recv(100).startswith(b"HTTP/1.1 200")


def main():
    with Lab() as lab, tempfile.TemporaryDirectory() as d:
        d = pathlib.Path(d)
        authority, names = Authority(d), NameServer(lab, d)
        names.add("api.test", "203.0.113.10")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(authority.issue("api.test"))
        listener = lab.internet.within(
            lambda: socket.create_server(("203.0.113.10", 443)))
        threading.Thread(target=serve, args=(listener, context), daemon=True).start()
        netd = Netd(lab, d, CONFIG.format(ca=authority.path))
        client = Client(lab.sandbox).trust(netd)
        worker = netd.children()[0]
        client.curl("https://denied.test/", "--resolve", "denied.test:443:203.0.113.10")
        for name, load in (("download", download), ("upload, slow reader", upload)):
            before, watch, began = rss(worker), Watch(worker), time.monotonic()
            load(client)
            took, watch.on = time.monotonic() - began, False
            print(f"{name:20} {SIZE / 1e6:.0f} MB in {took:.1f} s: "
                  f"RSS {before} KB before, {watch.most} KB at most, {rss(worker)} KB after")
        netd.close()
        names.close()


main()
