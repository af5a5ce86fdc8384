"""sbx-netd in the host namespace, with its records."""
import contextlib
import json
import os
import signal
import socket
import struct
import subprocess

from .built import BIN
from .wait import until


class Netd:
    def __init__(self, lab, directory, config, environment=None, arguments=(),
                 wrapper=(), programs=BIN):
        self.lab, self.directory, self.programs = lab, directory, programs
        self.runtime = directory / "run"
        self.config = directory / "sbx-netd.yaml"
        self.config.write_text(config)
        self.stderr = directory / "netd.err"
        self.environment = environment or {}
        self.arguments, self.wrapper = arguments, wrapper
        self.start()

    def start(self):
        path = str(self.directory / "notify")
        if os.path.exists(path):
            os.unlink(path)
        notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        notify.bind(path)
        notify.settimeout(30)
        self.process = self.lab.host.popen(
            *self.wrapper, str(self.programs / "sbx-netd"), "--config",
            str(self.config),
            "--runtime-dir", str(self.runtime), *self.arguments,
            stdout=subprocess.DEVNULL, stderr=open(self.stderr, "ab"),
            env={**os.environ, "NOTIFY_SOCKET": path, **self.environment})
        notify.settimeout(0.1)

        def ready():
            assert self.process.poll() is None, "sbx-netd ended: " + self.log()
            try:
                return b"READY=1" in notify.recv(4096)
            except TimeoutError:
                return False

        until("sbx-netd to be ready", ready)
        notify.close()

    @contextlib.contextmanager
    def stopped(self):
        """The keeper neither sees nor does anything meanwhile."""
        os.kill(self.process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.process.pid, signal.SIGCONT)

    def log(self):
        return self.stderr.read_text(errors="replace")

    def ctl(self, *words, check=True):
        return self.lab.host.run(str(self.programs / "sbx-netctl"), "--runtime-dir",
                                 str(self.runtime), *words, check=check)

    def reload(self, config=None):
        if config is not None:
            self.config.write_text(config)
        return self.ctl("reload", "--wait", check=False)

    def ca(self, sandbox):
        path = self.directory / f"{sandbox}.ca.pem"
        path.write_text(self.ctl("ca", "show", sandbox).stdout)
        return path

    def workers(self):
        """The processes that serve or are about to, as the keeper says."""
        status = json.loads(self.ctl("--json", "status").stdout)
        return [w["pid"] for w in status["workers"] if w["pid"]]

    def children(self, task="--worker"):
        """Those of its processes that do this, its workers.  A source's command
        and sbx-net-setup come and go beside them, and what has ended is there
        until it is reaped."""
        out = subprocess.run(["pgrep", "-P", str(self.process.pid)],
                             text=True, capture_output=True).stdout.split()
        return [int(p) for p in out if self._does(p, task)]

    @staticmethod
    def _does(pid, task):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                return task.encode() in f.read().split(b"\0")
        except OSError:
            return False

    def worker_of(self, connection):
        """The worker that has accepted this one, of a sandbox; over IPv4."""
        address, port = connection.getsockname()
        source = "%08X:%04X" % (struct.unpack("=I", socket.inet_aton(address))[0], port)

        def accepted():
            with open(f"/proc/{self.process.pid}/net/tcp", encoding="ascii") as f:
                rows = [row.split() for row in f]
            found = [self._holder(f"socket:[{row[9]}]") for row in rows
                     if row[2] == source and row[9] != "0"]
            return found[0] if found else None

        return until(f"a worker to accept {source}", accepted)

    def _holder(self, what):
        for pid in self.children():
            with contextlib.suppress(OSError):
                for fd in os.scandir(f"/proc/{pid}/fd"):
                    if os.readlink(fd.path) == what:
                        return pid
        return None

    def close(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(timeout=60)
        text = self.log()
        for bad in ("ERROR: AddressSanitizer", "runtime error:", "LeakSanitizer"):
            assert bad not in text, text

    # records

    def lines(self):
        """Whole ones; what is still being written is none yet.  A writer that was
        killed in the middle leaves half a line, and the next one stands behind it."""
        path = self.runtime / "decisions.log"
        if not path.exists():
            return []
        text = path.read_text()
        return [json.loads(x[x.rindex('{"ts":'):]) for x in text.split("\n")[:-1]]

    def records(self, **want):
        return [r for r in self.lines()
                if all(r.get(k) == v for k, v in want.items())]

    def wait_record(self, **want):
        try:
            return until(f"a record with {want}", lambda: self.records(**want))[0]
        except AssertionError as e:
            last = "\n".join(str(r) for r in self.lines()[-5:])
            raise AssertionError(f"{e}; the last ones are\n{last}") from None

    def wait_requests(self, host, count):
        """The decisions about that host, once each of those allowed has its
        outcome: a list of pairs."""
        def pairs():
            decisions, outcomes = {}, {}
            for r in self.lines():
                if r["kind"] == "request" and r["event"] == "outcome":
                    assert r["id"] not in outcomes, f"two outcomes: {r}"
                    outcomes[r["id"]] = r
                elif r["kind"] == "request" and r.get("host") == host:
                    assert r["id"] not in decisions, f"two decisions: {r}"
                    decisions[r["id"]] = r
            seen[:] = [(d, outcomes.get(i)) for i, d in decisions.items()]
            return len(seen) >= count and all(
                o or d["verdict"] == "denied" for d, o in seen)

        seen = []
        try:
            until(f"{count} requests to {host} on record", pairs)
        except AssertionError as e:
            raise AssertionError(f"{e}: {len(seen)}, {seen[-3:]}") from None
        assert len(seen) == count
        return seen
