"""nft.h as the keeper uses it: the program of nft_driver.c in the gateway."""

import os
import subprocess

from lab.built import TESTS


class Driver:
    def __init__(self, where):
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", where.name, TESTS / "nft_driver"], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask(self, *words):
        """(status, text, lines) of one command."""
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        lines = []
        while True:
            line = self.process.stdout.readline()
            assert line, f"nft_driver ended at {words}"
            if line.startswith("= "):
                _, status, text = line.rstrip("\n").split(" ", 2)
                return int(status), text, lines
            lines.append(line.rstrip("\n"))

    def do(self, *words):
        """One command that has to succeed; its lines, or its number."""
        status, text, lines = self.ask(*words)
        assert status >= 0, f"{words}: {status} {text}"
        return lines if lines else status

    def cpu_seconds(self):
        """Its own and the kernel's for it: the same however busy the machine is."""
        with open(f"/proc/{self.process.pid}/stat") as f:
            stat = f.read().rpartition(")")[2].split()
        return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(10) == 0, "nft_driver failed at its end"
        self.process.stdout.close()
