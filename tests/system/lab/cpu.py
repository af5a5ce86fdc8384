"""What a process does while it has nothing to do."""
import os
import pathlib
import time

from .wait import until

WATCHED = 2  # seconds
BUSY = 0.25  # share of a processor; a busy loop would take all of one


def cpu_seconds(pid):
    stat = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")


def assert_rests(pid, seconds=WATCHED):
    """From now on, for so long."""
    begin, used = time.monotonic(), cpu_seconds(pid)
    until("a while to pass", lambda: time.monotonic() > begin + seconds)
    assert cpu_seconds(pid) - used < BUSY * (time.monotonic() - begin)
