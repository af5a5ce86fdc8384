"""sbx-netlog --follow against a log that grows, is rotated and made late.

    follow_netlog.py /path/to/sbx-netlog

Every wait has a deadline and ends with the thing waited for.
"""

import json
import os
import pathlib
import select
import subprocess
import sys
import tempfile
import time

DEADLINE = 20.0


def record(event, number, **keys):
    return json.dumps({
        "ts": f"2025-11-21T03:25:{number:02d}.000000Z", "id": f"{number:016x}",
        "event": event, "kind": "request", "sandbox": "build-1",
        "host": f"h{number}.example.org", "method": "GET", "path": "/",
        "verdict": "allowed", "reason": "rule_allow", **keys}) + "\n"


class Netlog:
    """A running sbx-netlog whose output is read line by line."""

    def __init__(self, binary, *options):
        self.process = subprocess.Popen(
            [binary, *options], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env={**os.environ, "TZ": "UTC"})
        os.set_blocking(self.process.stdout.fileno(), False)
        os.set_blocking(self.process.stderr.fileno(), False)
        self.held = {self.process.stdout: b"", self.process.stderr: b""}

    def line(self, wanted, stream=None):
        """The next line, which must have every word of wanted."""
        stream = stream or self.process.stdout
        end = time.monotonic() + DEADLINE
        while b"\n" not in self.held[stream]:
            left = end - time.monotonic()
            ready = select.select([stream], [], [], max(left, 0))[0]
            assert ready, f"no line with {wanted!r} in {DEADLINE} s"
            more = os.read(stream.fileno(), 65536)
            assert more, f"it ended before a line with {wanted!r}"
            self.held[stream] += more
        first, _, self.held[stream] = self.held[stream].partition(b"\n")
        text = first.decode()
        for word in wanted.split():
            assert word in text.split() or word in text, (
                f"want {wanted!r} in {text!r}")
        return text

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()


def append(path, *lines):
    with open(path, "a", encoding="utf-8") as log:
        log.write("".join(lines))


def test_joined_in_one_line(binary, log):
    append(log, record("decision", 1))
    with Netlog(binary, "-f", "--file", str(log)) as netlog:
        netlog.line("h1.example.org allowed open")
        append(log, record("decision", 2),
               record("outcome", 2, reason="complete", status=200))
        text = netlog.line("h2.example.org allowed 200")
        assert "open" not in text
        # A refusal is told at once, an outcome that comes late as well.
        append(log, record("decision", 3, verdict="denied", reason="no_rule"))
        netlog.line("h3.example.org denied no_rule")
        append(log, record("outcome", 1, verdict="error", reason="timeout",
                           status=504))
        netlog.line("h1.example.org allowed 504 timeout")


def test_open_ones_are_shown_after_a_second(binary, log):
    append(log, "")
    with Netlog(binary, "-f", "--file", str(log)) as netlog:
        append(log, record("decision", 1), record("decision", 2))
        netlog.line("h1.example.org open")
        netlog.line("h2.example.org open")
        append(log, record("outcome", 2, status=201))
        netlog.line("h2.example.org 201")


def test_filter_and_count(binary, log):
    append(log, *(record("decision", n, verdict="denied", reason="no_rule")
                  for n in range(1, 6)))
    options = ("-f", "-n", "1", "--host", "*4*,*5*,*6*", "--file", str(log))
    with Netlog(binary, *options) as netlog:
        netlog.line("h5.example.org")
        append(log, *(record("decision", n, verdict="denied", reason="port")
                      for n in (7, 8, 6)))
        netlog.line("h6.example.org")


def test_json_is_the_records_in_their_order(binary, log):
    append(log, record("decision", 1))
    lines = [record("decision", 2), record("decision", 3),
             record("outcome", 3, status=200), record("outcome", 2),
             record("outcome", 1)]
    options = ("-f", "--json", "-n0", "--file", str(log))
    with Netlog(binary, *options) as netlog:
        # Nothing shows that it is ready but a record, so ask with one.
        ready = record("decision", 9, verdict="denied")
        end = time.monotonic() + DEADLINE
        while not select.select([netlog.process.stdout], [], [], 0.05)[0]:
            assert time.monotonic() < end, "it never began"
            append(log, ready)
        append(log, *lines)
        got = netlog.line("id")
        while json.loads(got)["id"] == f"{9:016x}":
            got = netlog.line("id")
        for want in lines[:4]:
            assert json.loads(got) == json.loads(want), got
            got = None if want is lines[3] else netlog.line("id")


def test_rotation_and_a_log_that_comes_late(binary, log):
    with Netlog(binary, "-f", "--file", str(log)) as netlog:
        netlog.line("waiting for", netlog.process.stderr)
        append(log, record("decision", 1, verdict="denied"))
        netlog.line("h1.example.org")
        old = log.with_suffix(".1")
        log.rename(old)
        append(log, record("decision", 2, verdict="denied"))
        netlog.line("h2.example.org")
        append(old, record("decision", 3, verdict="denied"))
        netlog.line("h3.example.org")
        append(log, "broken\n", record("decision", 4, verdict="denied"))
        netlog.line("h4.example.org")


def test_ends_when_nobody_reads(binary, log):
    append(log, record("decision", 1, verdict="denied"))
    with Netlog(binary, "-f", "--file", str(log)) as netlog:
        netlog.line("h1.example.org")
        netlog.process.stdout.close()
        assert netlog.process.wait(timeout=DEADLINE) == 0
        netlog.process.stdout = None


def test_reads_standard_input(binary, log):
    append(log, record("decision", 1), record("outcome", 1, status=299))
    with open(log, "rb") as stdin:
        done = subprocess.run([binary, "--file", "-"], stdin=stdin,
                              capture_output=True, check=True,
                              timeout=DEADLINE)
    assert b"299" in done.stdout
    done = subprocess.run([binary, "--file", "-", "-n1"],
                          input=log.read_bytes(), capture_output=True,
                          check=True, timeout=DEADLINE)
    assert b"299" in done.stdout


def test_a_window_grows_until_it_holds_enough(binary, log):
    append(log, record("decision", 1, verdict="denied"),
           *(record("outcome", 40) for _ in range(9000)),
           record("decision", 2, verdict="denied"))
    done = subprocess.run([binary, "-n2", "--file", str(log)],
                          capture_output=True, check=True, timeout=DEADLINE)
    assert [line.split()[0] for line in done.stdout.splitlines()] == [
        b"h1.example.org", b"h2.example.org"]


def test_what_does_not_fit_is_shown_on_the_way(binary, log):
    many = 70000  # more than are held
    with open(log, "w", encoding="utf-8") as out:
        for n in range(many):
            out.write(record("decision", 1, id=f"{n + 1:x}"))
    done = subprocess.run([binary, "--json", "--file", str(log)],
                          capture_output=True, check=True, timeout=120)
    ids = [json.loads(line)["id"] for line in done.stdout.splitlines()]
    assert ids == [f"{n + 1:x}" for n in range(many)]
    done = subprocess.run([binary, "--summary", "--file", str(log)],
                          capture_output=True, check=True, timeout=120)
    assert done.stdout.splitlines()[-1].split()[-1] == str(many).encode()


def main():
    binary = os.path.abspath(sys.argv[1])
    tests = [f for name, f in globals().items() if name.startswith("test_")]
    for test in tests:
        with tempfile.TemporaryDirectory() as folder:
            test(binary, pathlib.Path(folder) / "decisions.log")
        print("ok", test.__name__)


if __name__ == "__main__":
    main()
