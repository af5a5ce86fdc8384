"""Three network namespaces: sandbox -- host -- internet.

    sandbox   10.77.N.2  fd77:N::2      one veth pair per sandbox, `vN` on the host
    host      10.77.N.1  fd77:N::1
    host      203.0.113.1               2001:db8:113::1      `wan`
    internet  203.0.113.10, .11 …       2001:db8:113::10 …   origins
              203.0.113.53                                   name server
"""
import ctypes
import itertools
import os
import subprocess
import threading

CLONE_NEWNET = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)
numbers = itertools.count(1)


def sh(*words, check=True, **kw):
    r = subprocess.run(words, text=True, capture_output=True, **kw)
    if check and r.returncode != 0:
        raise AssertionError(f"{' '.join(words)}: {r.stdout}{r.stderr}")
    return r


def enter(name):
    """Moves the calling thread into the namespace."""
    fd = os.open(f"/run/netns/{name}", os.O_RDONLY | os.O_CLOEXEC)
    try:
        if libc.setns(fd, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")
    finally:
        os.close(fd)


def within(name, function, *args):
    """function(*args), run in a thread of its own inside the namespace."""
    result = {}

    def body():
        try:
            enter(name)
            result["value"] = function(*args)
        except BaseException as e:  # handed to the caller as it is
            result["error"] = e

    t = threading.Thread(target=body)
    t.start()
    t.join()
    if "error" in result:
        raise result["error"]
    return result["value"]


class Namespace:
    def __init__(self, name):
        self.name = name
        sh("ip", "netns", "add", name)
        self.within(self._no_waiting)
        self.ip("link", "set", "lo", "up")

    @staticmethod
    def _no_waiting():
        """Nobody here has the address of another: v6 need not look for a second."""
        for which in ("all", "default"):
            with open(f"/proc/sys/net/ipv6/conf/{which}/accept_dad", "w") as f:
                f.write("0")

    def ip(self, *words, check=True):
        return sh("ip", "-n", self.name, *words, check=check)

    def run(self, *words, check=True, **kw):
        return sh("ip", "netns", "exec", self.name, *words, check=check, **kw)

    def popen(self, *words, **kw):
        return subprocess.Popen(["ip", "netns", "exec", self.name, *words], **kw)

    def within(self, function, *args):
        return within(self.name, function, *args)

    def remove(self):
        r = sh("ip", "netns", "pids", self.name, check=False)
        for pid in r.stdout.split():
            try:
                os.kill(int(pid), 9)
            except ProcessLookupError:
                pass
        sh("ip", "netns", "del", self.name, check=False)


class Lab:
    """Makes the namespaces when entered, removes them when left."""

    WAN4, WAN6 = "203.0.113.", "2001:db8:113::"
    DNS = "203.0.113.53"

    def __init__(self):
        self.tag = f"sbxt{os.getpid()}x{next(numbers)}"
        self.sandboxes = []

    def __enter__(self):
        self.host = Namespace(self.tag + "h")
        self.internet = Namespace(self.tag + "o")
        sh("ip", "link", "add", "wan", "netns", self.host.name, "type", "veth",
           "peer", "name", "eth0", "netns", self.internet.name)
        self._address(self.host, "wan", "203.0.113.1/24", "2001:db8:113::1/64")
        self._address(self.internet, "eth0", "203.0.113.10/24", "2001:db8:113::10/64")
        self.internet.ip("addr", "add", "203.0.113.11/24", "dev", "eth0")
        self.internet.ip("addr", "add", self.DNS + "/24", "dev", "eth0")
        self.internet.ip("route", "add", "default", "via", "203.0.113.1")
        self.internet.ip("-6", "route", "add", "default", "via", "2001:db8:113::1")
        # The host would forward, if nothing stopped it: what does not get
        # through was stopped by us.
        self.host.run("sysctl", "-qw", "net.ipv4.ip_forward=1",
                      "net.ipv6.conf.all.forwarding=1")
        self.sandbox = self.add_sandbox()
        return self

    def _address(self, ns, dev, v4, v6):
        ns.ip("addr", "add", v4, "dev", dev)
        ns.ip("addr", "add", v6, "dev", dev, "nodad")
        ns.ip("link", "set", dev, "up")

    def add_sandbox(self):
        n = len(self.sandboxes) + 1
        ns = Namespace(f"{self.tag}s{n}")
        ns.interface = f"v{n}"
        ns.address4, ns.address6 = f"10.77.{n}.2", f"fd77:{n}::2"
        sh("ip", "link", "add", ns.interface, "netns", self.host.name, "type",
           "veth", "peer", "name", "eth0", "netns", ns.name)
        self._address(self.host, ns.interface, f"10.77.{n}.1/24", f"fd77:{n}::1/64")
        self._address(ns, "eth0", ns.address4 + "/24", ns.address6 + "/64")
        ns.ip("route", "add", "default", "via", f"10.77.{n}.1")
        ns.ip("-6", "route", "add", "default", "via", f"fd77:{n}::1")
        os.makedirs(f"/etc/netns/{ns.name}", exist_ok=True)
        with open(f"/etc/netns/{ns.name}/resolv.conf", "w") as f:
            f.write("nameserver 203.0.113.53\n")
        self.sandboxes.append(ns)
        return ns

    def __exit__(self, *_):
        for ns in (*self.sandboxes, self.host, self.internet):
            ns.remove()
        for ns in self.sandboxes:
            path = f"/etc/netns/{ns.name}"
            os.unlink(path + "/resolv.conf")
            os.rmdir(path)
