#!/usr/bin/python3
"""Streams that end anyhow, for hours if you like: a figure, not a test.

    tests/bench/soak.py [STREAMS]

Sends that many HTTP/2 streams (100,000) through the daemon, of which client and
origin give up some at random, and prints the worker's memory and descriptors
after each tenth of them.  They must not rise.  Needs root and a Release build.
"""
import pathlib
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))

from lab.h2 import connect  # noqa: E402
from lab.h2origin import H2Origin  # noqa: E402
from lab.memory import RELEASE, Holding  # noqa: E402
from lab.moody import aborting, moody  # noqa: E402
from lab.stage import Stage  # noqa: E402

COUNT = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
POLICY = "policies: {agent: {allow: [{host: \"**.lab.test\"}]}}\n"


def main():
    with tempfile.TemporaryDirectory() as d:
        stage = Stage(pathlib.Path(d))
        try:
            stage.netd(POLICY, programs=RELEASE, settings="workers: 1\n"
                       "limits: {connections_per_second: 10000}\n")
            o = stage.origin("moody.lab.test", kind=H2Origin, alpn=("h2",), answer2=moody(1))
            o.keep = False
            worker = Holding(stage.daemon)
            print("streams   RSS KB   descriptors   seconds")
            began = time.monotonic()
            for part in range(11):
                print(f"{part * COUNT // 10:7} {worker.memory():8} {worker.descriptors():13}"
                      f" {time.monotonic() - began:9.0f}", flush=True)
                if part < 10:
                    aborting(lambda: connect(stage.client, o.name, o.address), o.name,
                             COUNT // 10, part)
        finally:
            stage.close()


main()
