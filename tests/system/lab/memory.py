"""What a worker holds, while something is done to it.

A build with sanitizers keeps freed memory back: where memory is measured, the
daemon is that of the Release build.
"""
import os
import pathlib

from .built import ROOT
from .wait import until

RELEASE = pathlib.Path(os.environ.get("SBX_RELEASE_BIN", ROOT / "build" / "bin"))


class Holding:
    """Of the only worker of that daemon."""

    def __init__(self, daemon):
        self.pid, = daemon.children()

    def memory(self):
        """Resident, in KB."""
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1])
        raise AssertionError("a worker without memory")

    def peak(self):
        """The most it ever was since reset_peak(), in KB."""
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1])
        raise AssertionError("a worker without memory")

    def reset_peak(self):
        pathlib.Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    def growth(self, action):
        """KB by which action() raised the peak above what was held before it."""
        self.reset_peak()
        before = self.memory()
        action()
        return self.peak() - before

    def is_asleep(self):
        """It waits for something, each time that one looks."""
        stat = pathlib.Path(f"/proc/{self.pid}/stat")
        return all(stat.read_text().rpartition(")")[2].split()[0] == "S" for _ in range(10))

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def wait_descriptors(self, most):
        until(f"no more than {most} descriptors", lambda: self.descriptors() <= most)


def readable_memory(pid):
    """All that root can read of a process; secret pages answer with an error."""
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            first, last = (int(x, 16) for x in line.split()[0].split("-"))
            if last - first > 1 << 30 or first >> 63:
                continue  # reserved by a sanitizer, or the kernel's
            try:
                memory.seek(first)
                yield memory.read(last - first)
            except (OSError, ValueError):
                continue
