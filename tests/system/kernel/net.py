"""Two sandboxes, a gateway and an origin, in network namespaces of their own.

    box a  va ---- sbx-a \\
                           gate  gw ---- wan  origin
    box b  vb ---- tap-b /

The gateway forwards (ip_forward=1) and the origin knows the way back, so that
whatever the rules let slip does arrive, is answered, and is counted there.
Nothing here touches the namespace it is started from.
"""

import contextlib
import ctypes
import itertools
import os
import socket
import subprocess
import time
from pathlib import Path

from lab.packets import COUNTER

ROOT = Path(__file__).resolve().parents[3]
SETUP = ROOT / "scripts" / "sbx-net-setup"
WORKER = "12345"

BOX = {"a": ("10.77.1.2", "fd77:1::2"), "b": ("10.77.2.2", "fd77:2::2")}
GATE = {"a": ("10.77.1.1", "fd77:1::1"), "b": ("10.77.2.1", "fd77:2::1")}
PORT_OF = {"a": "sbx-a", "b": "tap-b"}      # interfaces of the gateway
ORIGIN = ("203.0.113.2", "2001:db8:3::2")
WAN = ("203.0.113.1", "2001:db8:3::1")

CLONE_NEWNET = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)
serial = itertools.count()


def run(*argv, data=None, check=True, **keywords):
    """Runs a command to its end; its output is in the error when it fails."""
    done = subprocess.run([str(word) for word in argv], input=data,
                          capture_output=True, text=True, timeout=60,
                          **keywords)
    if check and done.returncode != 0:
        raise AssertionError(f"{argv}: {done.returncode}\n{done.stdout}"
                             f"{done.stderr}")
    return done


def wait_for(what, condition, seconds=60):
    """Asks until it is so; the deadline names what did not come."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        os.sched_yield()


class Namespace:
    def __init__(self, name):
        self.name = f"sbxk{os.getpid()}-{next(serial)}-{name}"
        run("ip", "netns", "add", self.name)
        self.sh("ip link set lo up; "
                "sysctl -q -w net.ipv6.conf.all.accept_dad=0 "
                "net.ipv6.conf.default.accept_dad=0")

    def run(self, *argv, **keywords):
        return run("ip", "netns", "exec", self.name, *argv, **keywords)

    def sh(self, text, **keywords):
        return self.run("sh", "-ec", text, **keywords)

    def delete(self):
        run("ip", "netns", "del", self.name)

    @contextlib.contextmanager
    def entered(self):
        """The calling thread is in this namespace; sockets remember it."""
        own = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        there = os.open(f"/run/netns/{self.name}", os.O_RDONLY)
        try:
            if libc.setns(there, CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns")
            yield
        finally:
            if libc.setns(own, CLONE_NEWNET) != 0:
                os.abort()
            os.close(there)
            os.close(own)

    def socket(self, *what):
        with self.entered():
            return socket.socket(*what)

    def received(self, device):
        """Packets that an interface took from the wire."""
        with self.entered():
            text = Path("/proc/thread-self/net/dev").read_text()
        for line in text.splitlines():
            name, _, figures = line.strip().partition(":")
            if name == device:
                return int(figures.split()[1])
        raise AssertionError(f"no interface {device}")

    def counter(self, table, name):
        """Packets that a named counter of an inet table has seen."""
        text = self.run("nft", "list", "counter", "inet", table, name).stdout
        return int(text.split("packets ")[1].split()[0])


class Net:
    """The lab.  Close it."""

    def __init__(self):
        self.spaces = []
        self.things = []
        try:
            self.gate = self._space("gate")
            self.origin = self._space("origin")
            self.box = {name: self._space(name) for name in BOX}
            self._wire()
        except BaseException:
            self.close()
            raise

    def _space(self, name):
        space = Namespace(name)
        self.spaces.append(space)
        return space

    def _wire(self):
        self.gate.sh("sysctl -q -w net.ipv4.ip_forward=1 "
                     "net.ipv6.conf.all.forwarding=1 "
                     "net.ipv4.conf.all.rp_filter=0 "
                     "net.ipv4.conf.default.rp_filter=0")
        lines = [f"link add gw type veth peer name wan "
                 f"netns {self.origin.name}"]
        for name in BOX:
            lines.append(f"link add {PORT_OF[name]} type veth peer name "
                         f"v{name} netns {self.box[name].name}")
        self._ip(self.gate, lines)
        self._up("gw", self.origin, "wan")
        self._address(self.gate, "gw", WAN)
        self._address(self.origin, "wan", ORIGIN, WAN)
        for name in BOX:
            self._up(PORT_OF[name], self.box[name], f"v{name}")
            self._address(self.gate, PORT_OF[name], GATE[name])
            self._address(self.box[name], f"v{name}", BOX[name], GATE[name])
        for where in (self.origin, *self.box.values()):
            where.run("nft", "-f", "-", data=COUNTER)

    @staticmethod
    def _ip(where, lines):
        where.run("ip", "-batch", "-", data="\n".join(lines) + "\n")

    def _up(self, device, there, peer):
        """The end that comes up first would wait a second for its carrier to
        be noticed; taken down and up again it has one from the start."""
        self._ip(self.gate, [f"link set {device} up"])
        self._ip(there, [f"link set {peer} up"])
        self._ip(self.gate, [f"link set {device} down",
                             f"link set {device} up"])

    def _address(self, where, device, pair, via=None):
        lines = [f"address add {pair[0]}/24 dev {device}",
                 f"address add {pair[1]}/64 dev {device} nodad"]
        if via:
            lines += [f"route add default via {via[0]}",
                      f"route add ::/0 via {via[1]}"]
        self._ip(where, lines)

    def keep(self, thing):
        """Closes it with the lab, first."""
        self.things.append(thing)
        return thing

    def setup(self, verb, *options, **keywords):
        """sbx-net-setup in the gateway."""
        return self.gate.run(SETUP, verb, "--user", WORKER, *options,
                             **keywords)

    def seen(self, where=None):
        """Packets that reached the origin, or a box."""
        return (where or self.origin).counter("count", "seen")

    def close(self):
        for thing in reversed(self.things):
            thing.close()
        for space in self.spaces:
            space.delete()
