#!/usr/bin/python3
"""What the first connection to a name costs a client: figures, no test.

    tests/bench/first.py [NAMES]

So many names (500) that nobody has asked for, each resolved, connected to over
TLS and asked one thing over HTTP/1.1: by a sandbox through the daemon, and as
many by the host itself, by turns.  Prints milliseconds for the name and for the
connection.  What the daemon adds is a leaf, a handshake and a connection; TLS is
1.3 with it and 1.2 with nginx, as that comes.  Needs root and a Release build.
"""
import pathlib
import socket
import ssl
import statistics
import struct
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))

from lab.client import Client  # noqa: E402
from lab.dns import NameServer  # noqa: E402
from lab.memory import RELEASE  # noqa: E402
from lab.namespaces import Lab  # noqa: E402
from lab.netd import Netd  # noqa: E402
from lab.pki import Authority  # noqa: E402
from lab.servers import Servers  # noqa: E402

NAMES = int(sys.argv[1]) if len(sys.argv) > 1 else 500
ORIGIN = "203.0.113.10"
CONFIG = """\
version: 1
workers: 1
resolver: [203.0.113.53]
upstream: {{allow_addresses: [203.0.113.0/24], ca_file: {ca}}}
limits: {{mints_per_second: 100000, dns_names_per_minute: 10000}}
policies: {{agent: {{allow: [{{host: "*.n.test"}}]}}}}
sandboxes: {{s1: {{interface: v1, address: 10.77.1.2, policy: agent}}}}
"""


def resolve(name):
    labels = b"".join(bytes([len(w)]) + w.encode() for w in name.split("."))
    question = labels + b"\0" + struct.pack("!HH", 1, 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(10)
        s.connect((Lab.DNS, 53))
        s.send(struct.pack("!HHHHHH", 7, 0x0100, 1, 0, 0, 0) + question)
        answer = s.recv(1232)
    assert answer[3] & 15 == 0, f"{name}: rcode {answer[3] & 15}"
    at = 12 + len(question) + 12
    return socket.inet_ntoa(answer[at:at + 4])


def fetch(context, address, name):
    with socket.create_connection((address, 443), 10) as plain, \
            context.wrap_socket(plain, server_hostname=name) as s:
        s.sendall(f"GET /protocol HTTP/1.1\r\nHost: {name}\r\n\r\n".encode())
        answer = s.recv(65536)
    assert answer.startswith(b"HTTP/1.1 200 "), answer


def first(context, name):
    begin = time.perf_counter()
    address = resolve(name)
    resolved = time.perf_counter()
    fetch(context, address, name)
    return (resolved - begin) * 1e3, (time.perf_counter() - resolved) * 1e3


def line(who, figures):
    names, connections = zip(*figures)
    print(who, *(f"{what} {statistics.median(x):6.2f} (p99 {sorted(x)[len(x) * 99 // 100]:6.2f})"
                 for what, x in (("name", names), ("connection", connections),
                                 ("both", [a + b for a, b in figures]))))


def main():
    with Lab() as lab, tempfile.TemporaryDirectory() as d:
        directory = pathlib.Path(d)
        authority = Authority(directory)
        names = NameServer(lab, directory)
        with open(names.hosts, "a") as f:
            f.writelines(f"{ORIGIN} {who}{n}.n.test\n" for who in "ds" for n in range(NAMES))
        names.add("last.n.test", ORIGIN)
        servers = Servers(lab, directory)
        servers.nginx(ORIGIN, authority.issue("*.n.test"))
        netd = Netd(lab, directory, CONFIG.format(ca=authority.path), programs=RELEASE)
        sandbox = ssl.create_default_context(cafile=str(Client(lab.sandbox).trust(netd).ca))
        direct = ssl.create_default_context(cafile=str(authority.path))
        figures = {"direct ": [], "sandbox": []}
        for n in range(NAMES):
            figures["direct "].append(lab.host.within(first, direct, f"d{n}.n.test"))
            figures["sandbox"].append(lab.sandbox.within(first, sandbox, f"s{n}.n.test"))
        for who, found in figures.items():
            line(who, found)
        netd.close()
        servers.close()
        names.close()


main()
