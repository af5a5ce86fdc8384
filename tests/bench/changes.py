#!/usr/bin/python3
"""Many sandboxes with rules of their own, and many changes: figures, no test.

    tests/bench/changes.py [SANDBOXES [RULES [CHANGES]]]

Registers so many sandboxes (10,000), each with an overlay of so many rules (50),
then changes overlays so many times (100,000) and prints what each part took, and
the memory of keeper and workers (Pss).  Over one connection to the control
socket, one thing after the other.  Needs root and a Release build.
"""
import json
import pathlib
import re
import socket
import statistics
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))

from lab.memory import RELEASE  # noqa: E402
from lab.namespaces import Lab  # noqa: E402
from lab.netd import Netd  # noqa: E402

SANDBOXES, RULES, CHANGES = [int(w) for w in sys.argv[1:]] + [10_000, 50, 100_000][
    len(sys.argv) - 1:]
CONFIG = """\
version: 1
workers: 2
resolver: [203.0.113.53]
policies: {agent: {allow: [{host: api.example.org}]}}
"""


class Control:
    def __init__(self, netd):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(netd.runtime / "control.sock"))

    def __call__(self, method, path, body):
        body = body.encode()
        self.socket.sendall(b"%s /v1/sandboxes/%s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n"
                            b"\r\n%s" % (method.encode(), path.encode(), len(body), body))
        data = b""
        while b"\r\n\r\n" not in data:
            data += self.socket.recv(65536)
        head, data = data.split(b"\r\n\r\n", 1)
        need = int(re.search(rb"content-length: (\d+)", head, re.I)[1])
        while len(data) < need:
            data += self.socket.recv(65536)
        assert head.startswith(b"HTTP/1.1 20"), head + data


def megabytes(netd):
    total = 0
    for pid in [netd.process.pid, *netd.children()]:
        text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
        total += int(re.search(r"^Pss:\s+(\d+)", text, re.M)[1])
    return total / 1024


def overlay(i, rules):
    return json.dumps({"allow": [{"host": f"h{k}.s{i}.example.org", "method": "GET"}
                                 for k in range(rules)]})


def show(what, seconds, memory):
    print(f"{what:44} {sum(seconds):7.1f} s, median {statistics.median(seconds) * 1e3:6.2f} ms, "
          f"worst {max(seconds) * 1e3:6.1f}; {memory:6.1f} MB", flush=True)


def timed(calls):
    took = []
    for call in calls:
        began = time.monotonic()
        call()
        took.append(time.monotonic() - began)
    return took


def main():
    with Lab() as lab, tempfile.TemporaryDirectory() as d:
        netd = Netd(lab, pathlib.Path(d), CONFIG, programs=RELEASE)
        ask = Control(netd)
        print(f"at the beginning {megabytes(netd):.1f} MB")
        took = timed([lambda i=i: ask("PUT", f"b{i}", json.dumps({
            "interface": "v1", "address": f"10.{100 + i // 65000}.{i % 65000 // 250}.{i % 250 + 1}",
            "policy": "agent"})) for i in range(SANDBOXES)])
        show(f"{SANDBOXES} sandboxes registered", took, megabytes(netd))
        took = timed([lambda i=i: ask("PUT", f"b{i}/overlay?ephemeral=1", overlay(i, RULES))
                      for i in range(SANDBOXES)])
        show(f"… given {RULES} rules each", took, megabytes(netd))
        for part in range(4):
            took = timed([lambda i=i: ask(
                "PUT", f"b{i % SANDBOXES}/overlay?ephemeral=1", overlay(i % 977, RULES))
                for i in range(part * CHANGES // 4, (part + 1) * CHANGES // 4)])
            show(f"{CHANGES // 4} changes more", took, megabytes(netd))
        netd.close()


main()
