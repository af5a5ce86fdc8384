#!/usr/bin/python3
"""DNS answers from the cache: how many a CPU second of the worker.  A figure.

    tests/bench/answers.py [SECONDS [BUILD...]]

Makes the namespaces of the system tests; a sandbox asks, by UDP, for addresses
of names that the daemon has resolved already, a few dozen questions under way at
a time, each decided and recorded.  Builds that are named take turns; without one
it is SBX_BUILD, or build/.  Needs root and Release builds.
"""
import os
import pathlib
import socket
import statistics
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))

from lab.answers import name as wire_name  # noqa: E402
from lab.built import BUILD  # noqa: E402
from lab.dns import NameServer  # noqa: E402
from lab.namespaces import Lab  # noqa: E402
from lab.netd import Netd  # noqa: E402

SECONDS = float(sys.argv[1]) if len(sys.argv) > 1 else 3
BUILDS = [pathlib.Path(b) for b in sys.argv[2:]] or [BUILD]
ROUNDS, NAMES, UNDER_WAY = 3, 100, 48
CONFIG = """\
version: 1
workers: 1
resolver: [203.0.113.53]
limits: {dns_per_second: 1000000}
policies: {agent: {allow: [{host: "*.lab.test"}, {host: [%s]}]}}
sandboxes: {s1: {interface: %s, address: %s, policy: agent}}
"""


def cpu(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def ask(sandbox, questions, seconds):
    """Answers that came; what is lost is not asked again, but does not stop it."""
    def socket_there():
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.connect(("192.0.2.1", 53))
        s.settimeout(1)
        return s

    answered, at, end = 0, 0, time.monotonic() + seconds
    with sandbox.within(socket_there) as s:
        while time.monotonic() < end:
            for _ in range(UNDER_WAY):
                s.send(questions[at % len(questions)])
                at += 1
            for _ in range(UNDER_WAY):
                try:
                    data = s.recv(2048)
                except TimeoutError:
                    break
                assert data[3] & 15 == 0 and data[7] == 1, data
                answered += 1
    return answered


def measure(build):
    with Lab() as lab, tempfile.TemporaryDirectory() as d:
        d = pathlib.Path(d)
        names = NameServer(lab, d)
        hosts = [f"n{i}.lab.test" for i in range(NAMES)]
        names.add(hosts[0], "203.0.113.10")
        with open(names.hosts, "a", encoding="ascii") as f:
            f.writelines(f"203.0.113.10 {h}\n" for h in hosts[1:])
        names.add("last.lab.test", "203.0.113.10")
        netd = Netd(lab, d, CONFIG % (", ".join(hosts), lab.sandbox.interface,
                                      lab.sandbox.address4), programs=build / "bin")
        questions = [b"%c%c\1\0\0\1\0\0\0\0\0\0" % divmod(i, 256) + wire_name(h) + b"\0\1\0\1"
                     for i, h in enumerate(hosts)]
        ask(lab.sandbox, questions, 1)
        pid = netd.workers()[0]
        before, began = cpu(pid), time.monotonic()
        answers = ask(lab.sandbox, questions, SECONDS)
        took, wall = cpu(pid) - before, time.monotonic() - began
        netd.close()
        names.close()
    return answers / took, answers / wall


def main():
    figures = {b: [] for b in BUILDS}
    for _ in range(ROUNDS):
        for b in BUILDS:
            figures[b].append(measure(b))
    for b, rounds in figures.items():
        print(f"{b.name:12} {statistics.median(r[0] for r in rounds):8.0f} answers a CPU second, "
              f"{statistics.median(r[1] for r in rounds):8.0f} a second")


main()
