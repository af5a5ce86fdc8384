#!/usr/bin/python3
"""Bytes carried unopened: MB a CPU second of the worker.  A figure, not a test.

    tests/bench/passthrough.py [MEGABYTES [BUILD...]]

Makes the namespaces of the system tests and moves that much (4,000) through a
connection that an address rule allows, each way.  Builds that are named take
turns in each of the rounds; without one it is SBX_BUILD, or build/.  Needs root
and Release builds.
"""
import os
import pathlib
import socket
import statistics
import sys
import tempfile
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))

from lab.built import BUILD  # noqa: E402
from lab.client import Client  # noqa: E402
from lab.namespaces import Lab  # noqa: E402
from lab.netd import Netd  # noqa: E402

SIZE = int(sys.argv[1]) * 1_000_000 if len(sys.argv) > 1 else 4_000_000_000
BUILDS = [pathlib.Path(b) for b in sys.argv[2:]] or [BUILD]
ROUNDS = 5
PIECE = memoryview(bytes(1 << 18))
PLACE = ("203.0.113.10", 2222)

CONFIG = """\
version: 1
workers: 1
upstream: {allow_addresses: [203.0.113.0/24]}
policies: {agent: {allow: [{address: 203.0.113.10/32, port: 2222}]}}
sandboxes: {s1: {interface: v1, address: 10.77.1.2, policy: agent}}
"""


def cpu_seconds(pid):
    stat = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")


def send(s):
    left = SIZE
    while left:
        left -= s.send(PIECE[:left])
    s.shutdown(socket.SHUT_WR)


def receive(s):
    room, got = bytearray(1 << 18), 0
    while n := s.recv_into(room):
        got += n
    assert got == SIZE, got


def serve(listener):
    """What the first byte asks for."""
    while True:
        c, _ = listener.accept()
        with c:
            if c.recv(1) == b"d":
                send(c)
            else:
                receive(c)


def load(client, download):
    with client.connect(*PLACE) as s:
        s.sendall(b"d" if download else b"u")
        if download:
            receive(s)
        else:
            send(s)
            assert s.recv(1) == b""  # it has read all


def measure(lab, build, client):
    with tempfile.TemporaryDirectory() as d:
        netd = Netd(lab, pathlib.Path(d), CONFIG, programs=build / "bin")
        worker, = netd.children()
        figures = []
        for download in (True, False):
            before = cpu_seconds(worker)
            load(client, download)
            moved = {"bytes_down" if download else "bytes_up": SIZE + (not download)}
            netd.wait_record(event="outcome", **moved)  # through it, not past it
            figures.append(SIZE / 1e6 / (cpu_seconds(worker) - before))
        netd.close()
        return figures


def main():
    with Lab() as lab:
        listener = lab.internet.within(lambda: socket.create_server(PLACE))
        threading.Thread(target=serve, args=(listener,), daemon=True).start()
        client = Client(lab.sandbox)
        figures = {build: [] for build in BUILDS}
        for _ in range(ROUNDS):
            for build in BUILDS:
                figures[build].append(measure(lab, build, client))
        for build, rounds in figures.items():
            down, up = zip(*rounds)
            print(f"{build}: MB a CPU second: "
                  f"down {statistics.median(down):.0f} ({min(down):.0f} to {max(down):.0f}), "
                  f"up {statistics.median(up):.0f} ({min(up):.0f} to {max(up):.0f})")


main()
