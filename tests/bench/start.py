#!/usr/bin/python3
"""How long until the daemon is ready, and until a sandbox is registered: figures.

    tests/bench/start.py [ROUNDS]

Needs root and a Release build.
"""
import pathlib
import statistics
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))

from lab.namespaces import Lab  # noqa: E402
from lab.netd import Netd  # noqa: E402

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 5
SANDBOXES = 200
CONFIG = """\
version: 1
resolver: [203.0.113.53]
policies: {agent: {allow: [{host: api.example.org}]}}
"""


def show(what, seconds):
    print(f"{what:46} median {statistics.median(seconds) * 1e3:6.1f} ms, "
          f"{min(seconds) * 1e3:.1f} to {max(seconds) * 1e3:.1f}")


def register(netd):
    """PUTs sandboxes over one connection each, as sbx-netctl does."""
    import socket
    took = []
    for i in range(SANDBOXES):
        body = f'{{"interface": "v1", "address": "10.77.1.{i + 3}", "policy": "agent"}}'.encode()
        began = time.monotonic()
        s = socket.socket(socket.AF_UNIX)
        s.connect(str(netd.runtime / "control.sock"))
        s.sendall(b"PUT /v1/sandboxes/b%d HTTP/1.1\r\nHost: sbx-net\r\nContent-Length: %d\r\n"
                  b"Connection: close\r\n\r\n%s" % (i, len(body), body))
        answer = s.recv(65536)
        took.append(time.monotonic() - began)
        assert answer.startswith(b"HTTP/1.1 20"), answer
        s.close()
    return took


def main():
    cold, warm = [], []
    for _ in range(ROUNDS):
        with Lab() as lab, tempfile.TemporaryDirectory() as d:
            began = time.monotonic()
            netd = Netd(lab, pathlib.Path(d), CONFIG)
            cold.append(time.monotonic() - began)
            netd.close()
            began = time.monotonic()
            netd.start()
            warm.append(time.monotonic() - began)
            registered = register(netd)
            netd.close()
    show("ready, kernel rules installed by it", cold)
    show("ready, kernel rules in place", warm)
    show(f"a sandbox registered ({SANDBOXES} in turn)", registered)


main()
