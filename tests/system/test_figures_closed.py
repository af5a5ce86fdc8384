"""0 packets of a sandbox at the far side, whatever happens to the daemon.

A sandbox throws packets of twenty protocols, v4 and v6, from its own address and
from others, as fast as one thread can, while processes are killed, the ruleset
is flushed, and the daemon is stopped, started, reloaded and its rules are
installed anew.  The far side counts what wears a sandbox's address; the sandbox
counts what it threw, and what the moments were is drawn from a seed.
"""
import json
import os
import random
import signal
import socket
import struct
import threading

import pytest

from lab.wait import until
from lab.watch import Watch

POLICY = "policies: {agent: {allow: [{host: api.test}]}}\n"
SEED = 5
ORIGIN = ("203.0.113.10", "2001:db8:113::10")
# ICMP, IGMP, IP in IP, TCP, EGP, UDP, DCCP, IPv6, RSVP, GRE, ESP, AH, ICMPv6,
# EIGRP, OSPF, PIM, IPComp, VRRP, L2TP, SCTP, UDP-Lite, an experiment
PROTOCOLS = (1, 2, 4, 6, 8, 17, 33, 41, 46, 47, 50, 51, 58, 88, 89, 103, 108,
             112, 115, 132, 136, 253)
PORTS = (22, 53, 80, 443, 853, 5353, 9999)


def payload(protocol, port):
    """Its first bytes, where they tell something: ports, or an echo."""
    if protocol in (6, 17, 33, 132, 136):
        head = struct.pack("!HH", 40000, port)
        if protocol == 6:
            return head + struct.pack("!IIBBHHH", 1, 0, 0x50, 2, 1024, 0, 0)
        return head + struct.pack("!HH", 12, 0) + b"quer"
    return {1: b"\x08\x00\xf7\xff", 58: b"\x80\x00\x00\x00"}.get(
        protocol, b"\0" * 4) + bytes(8)


class Thrower:
    """Raw packets out of a sandbox, until it is told to stop."""

    def __init__(self, sandbox):
        self.sandbox, self.stopped = sandbox, False
        self.rounds = self.sent = 0
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self):
        self.sandbox.within(self._throw_all)

    def _throw_all(self):
        dice = random.Random(SEED)
        with socket.socket(socket.AF_INET, socket.SOCK_RAW,
                           socket.IPPROTO_RAW) as v4, \
                socket.socket(socket.AF_INET6, socket.SOCK_RAW,
                              socket.IPPROTO_RAW) as v6:
            while not self.stopped:
                for protocol in PROTOCOLS:
                    body = payload(protocol, dice.choice(PORTS))
                    self._throw4(v4, protocol, body, dice)
                    self._throw6(v6, protocol, body, dice)
                self.rounds += 1

    def _throw(self, s, packet, address):
        try:
            s.sendto(packet, (address, 0))
            self.sent += 1
        except OSError:
            pass  # it was told "prohibited", or has no way for a moment

    def _throw4(self, s, protocol, body, dice):
        source = dice.choice((self.sandbox.address4, "10.77.9.9"))
        head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(body), 0, 0, 64,
                           protocol, 0, socket.inet_aton(source),
                           socket.inet_aton(ORIGIN[0]))
        self._throw(s, head + body, ORIGIN[0])

    def _throw6(self, s, protocol, body, dice):
        source = dice.choice((self.sandbox.address6, "fd77:9::9"))
        head = struct.pack("!IHBB16s16s", 6 << 28, len(body), protocol, 64,
                           socket.inet_pton(socket.AF_INET6, source),
                           socket.inet_pton(socket.AF_INET6, ORIGIN[1]))
        self._throw(s, head + body, ORIGIN[1])

    def wait_rounds(self, n):
        """So many more of all protocols are out."""
        goal = self.rounds + n
        until(f"{n} rounds of packets", lambda: self.rounds >= goal)

    def stop(self):
        self.stopped = True
        self.thread.join()


@pytest.fixture
def world(lab, netd, origin, request):
    origin("api.test")
    watch = Watch(lab)
    d = netd(POLICY, settings=f"workers: {getattr(request, 'param', 2)}\n")
    thrower = Thrower(lab.sandbox)
    try:
        yield d, watch, thrower
    finally:
        thrower.stop()


def moment(dice, thrower, most=3):
    """A random one: so many rounds later, of some milliseconds each."""
    thrower.wait_rounds(dice.randint(1, most))


def test_without_rules_they_would_be_counted(lab):
    watch, thrower = Watch(lab), Thrower(lab.sandbox)
    try:
        thrower.wait_rounds(3)
    finally:
        thrower.stop()
    # Of those with an address that the host has a way back to, if nothing else.
    assert watch.leaked() >= 3 * len(PROTOCOLS)


@pytest.mark.parametrize("world", [10], indirect=True)
def test_threat_52_a_hundred_kills_of_workers(world):
    """Each of ten twice, and then another keeper: one that dies again and again
    is started again later and later."""
    d, watch, thrower = world
    dice = random.Random(SEED)
    for _ in range(5):
        for _ in range(2):
            workers = until("ten workers", lambda: len(d.children()) == 10
                            and d.children())
            dice.shuffle(workers)
            for pid in workers:
                moment(dice, thrower)
                os.kill(pid, signal.SIGKILL)
            until("none of them to be left", lambda: not set(
                workers) & set(d.children()))
        d.process.kill()
        d.process.wait()
        d.start()
    assert watch.leaked() == 0
    print(f"{thrower.sent} packets thrown, 0 at the far side")


def test_threat_52_a_hundred_kills_of_the_keeper(world):
    """Each in the midst of its start or soon after; the last one lives."""
    d, watch, thrower = world
    dice = random.Random(SEED)
    for _ in range(100):
        d.process.kill()
        d.process.wait()
        launch(d)
        moment(dice, thrower, 150)
    d.process.kill()
    d.process.wait()
    d.start()
    assert watch.leaked() == 0
    print(f"{thrower.sent} packets thrown, 0 at the far side")


def gate_of(d):
    """Its process; 0: there is none now."""
    return json.loads(d.ctl("--json", "status").stdout)["gate"]["pid"]


def test_threat_52_a_hundred_kills_of_the_gate(world):
    """Four of each daemon: the fifth is started again later."""
    d, watch, thrower = world
    dice = random.Random(SEED)
    for _ in range(25):
        for _ in range(4):
            pid = until("a gate", lambda: gate_of(d))
            moment(dice, thrower)
            os.kill(pid, signal.SIGKILL)
            until("it to be gone", lambda pid=pid: gate_of(d) != pid)
        d.process.kill()
        d.process.wait()
        d.start()
    assert watch.leaked() == 0
    print(f"{thrower.sent} packets thrown, 0 at the far side")


def launch(d):
    """Started, and not waited for."""
    d.process = d.lab.host.popen(
        str(d.programs / "sbx-netd"), "--config", str(d.config),
        "--runtime-dir", str(d.runtime), stderr=open(d.stderr, "ab"))


def flush(d):
    before = len(d.records(event="outcome", kind="control"))
    d.lab.host.run("nft", "flush", "ruleset")
    until("all to be put back", lambda: len(
        d.records(event="outcome", kind="control")) > before)


def restart(d):
    d.process.terminate()
    assert d.process.wait(timeout=60) == 0
    d.start()


def reload(d):
    text = d.config.read_text()
    done = d.reload(text.replace("api.test", "other.test") if "api.test" in text
                    else text.replace("other.test", "api.test"))
    assert done.returncode == 0, done.stderr


def upgrade(d):
    """Another release's rules: installed anew, over those that stand."""
    d.lab.host.run(str(d.programs / "../../scripts/sbx-net-setup"), "install")


def test_threat_52_twenty_flushes(world):
    d, watch, thrower = world
    dice = random.Random(SEED)
    for _ in range(20):
        moment(dice, thrower)
        flush(d)
    assert watch.leaked() == 0
    print(f"{thrower.sent} packets thrown, 0 at the far side")


@pytest.mark.parametrize("what", [restart, reload, upgrade])
def test_start_stop_reload_and_upgrade(world, what):
    d, watch, thrower = world
    dice = random.Random(SEED)
    for _ in range(5):
        moment(dice, thrower)
        what(d)
    assert watch.leaked() == 0
    print(f"{thrower.sent} packets thrown, 0 at the far side")
