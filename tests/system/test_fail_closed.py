"""Nothing leaves uninspected, not even when the daemon is dead."""
import json
import os
import random
import signal
import ssl
import threading

import pytest

from lab.client import Client, read_response
from lab.wait import until
from lab.watch import Watch, knock

POLICY = "policies: {agent: {allow: [{host: [api.test, api6.test]}]}}\n"
# What knock() sends to each family and the internet would count: four TCP
# handshakes' first packet, five datagrams, a ping and a GRE packet.
KNOCKS = 2 * 11
HANG = 60  # seconds without traffic that are no slowness any more


@pytest.fixture
def watch(lab):
    return Watch(lab)


@pytest.fixture
def world(netd, origin, client, watch):
    o = origin("api.test")
    origin("api6.test", address="2001:db8:113::10")
    d = netd(POLICY)
    client.trust(d)
    return d, o, client, watch


def works(client):
    return (client.curl("https://api.test/").status == 200
            and client.curl("https://api6.test/", "-6").status == 200)


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def die(pid):
    os.kill(pid, signal.SIGKILL)
    until(f"process {pid} to be gone", lambda: not is_alive(pid))


def held_open(client):
    """A connection of which the worker has read all that was sent: when it dies,
    the kernel ends it, and does not reset it."""
    s = client.tls()
    s.sendall(b"GET / HTTP/1.1\r\nHost: api.test\r\n\r\n")
    assert read_response(s)[0].startswith(b"HTTP/1.1 200")
    return s


def assert_closed(lab, watch, ns=None, **sources):
    before = watch.leaked()
    opened = knock(ns or lab.sandbox, **sources)
    assert opened == []
    assert watch.leaked() == before


def test_without_rules_it_would_be_counted(lab, watch):
    """What the tests below count would be there to be counted."""
    knock(lab.sandbox)
    assert watch.leaked() >= KNOCKS


def test_with_the_daemon_nothing_of_the_sandbox_itself_arrives(lab, world):
    d, o, client, watch = world
    knock(lab.sandbox)
    assert works(client)
    assert watch.leaked() == 0


def test_threat_52_a_killed_worker_is_back(lab, world):
    d, o, client, watch = world
    assert works(client)
    kept = held_open(client)
    victims = d.children()
    assert len(victims) == 2
    for pid in victims:
        os.kill(pid, signal.SIGKILL)
    until("two new workers", lambda: len(set(d.children()) - set(victims)) == 2)
    assert works(client)  # tests/unit/keeper/test_child.c: they are started at once
    r = d.wait_record(reason="worker_crashed", sandbox="s1")
    assert r["kind"] == "control" and "SIGKILL" in r["detail"]
    assert kept.recv(1) == b""  # its connections died with it
    assert watch.leaked() == 0


def test_threat_52_without_workers_nothing_passes(lab, world):
    d, o, client, watch = world
    workers = d.children()
    os.kill(d.process.pid, signal.SIGSTOP)  # nobody starts them again
    try:
        for pid in workers:
            die(pid)
        before = o.connections
        # The keeper holds the listeners: SYNs wait in them, and go nowhere.
        knock(lab.sandbox)
        assert watch.leaked() == 0 and o.connections == before
    finally:
        os.kill(d.process.pid, signal.SIGCONT)
    until("it to work again", lambda: works(client))


def test_threat_52_the_keeper_is_killed(lab, world):
    d, o, client, watch = world
    assert works(client)
    kept = held_open(client)
    workers, before = d.children(), o.connections
    die(d.process.pid)
    d.process.wait()
    for pid in workers:
        until(f"worker {pid} to follow", lambda pid=pid: not is_alive(pid))
    assert kept.recv(1) == b""
    assert "chain egress" in lab.host.run("nft", "list", "table", "inet", "sbx_net").stdout
    assert_closed(lab, watch)
    assert client.curl("https://api.test/", "--resolve", "api.test:443:203.0.113.10",
                       "--connect-timeout", "1").status == 0
    assert watch.leaked() == 0 and o.connections == before
    d.start()
    client.trust(d)
    assert works(client)


def test_stop_and_start(lab, world):
    d, o, client, watch = world
    assert works(client)
    d.process.terminate()
    assert d.process.wait(timeout=60) == 0
    before = o.connections
    assert_closed(lab, watch)
    assert o.connections == before
    d.start()
    client.trust(d)
    assert works(client)
    assert not d.records(reason="worker_crashed")


def test_threat_52_somebody_flushes_the_ruleset(lab, world):
    """The prohibit rule holds the door until the keeper has put all back."""
    d, o, client, watch = world
    before = o.connections
    os.kill(d.process.pid, signal.SIGSTOP)
    try:
        lab.host.run("nft", "flush", "ruleset")
        assert_closed(lab, watch)
        assert o.connections == before
    finally:
        os.kill(d.process.pid, signal.SIGCONT)
    r = d.wait_record(kind="control", reason="kernel_side")
    assert "sbx_net" in r["detail"]
    d.wait_record(event="outcome", id=r["id"], reason="complete")
    until("the sandbox to be in the set again", lambda: lab.sandbox.interface in
          lab.host.run("nft", "list", "set", "inet", "sbx_net", "source6",
                       check=False).stdout)
    assert works(client)
    knock(lab.sandbox)
    assert watch.leaked() == 0


def test_somebody_takes_the_prohibit_rule(lab, world):
    d, o, client, watch = world
    assert "prohibit" in lab.host.ip("rule").stdout
    for v in ("-4", "-6"):
        for line in lab.host.ip(v, "rule").stdout.splitlines():
            if "prohibit" in line:
                lab.host.ip(v, "rule", "del", "pref", line.split(":")[0])
    d.wait_record(kind="control", reason="kernel_side")
    until("the rules to be back", lambda: all(
        "prohibit" in lab.host.ip(v, "rule").stdout for v in ("-4", "-6")))
    assert works(client)


def test_threat_55_an_address_that_is_not_its_own(lab, world):
    d, o, client, watch = world
    lab.sandbox.ip("addr", "add", "10.77.1.9/24", "dev", "eth0")
    lab.sandbox.ip("addr", "add", "fd77:1::9/64", "dev", "eth0", "nodad")
    before = len(d.lines()), o.connections
    assert_closed(lab, watch, source4="10.77.1.9", source6="fd77:1::9")
    assert (len(d.lines()), o.connections) == before
    lab.sandbox.ip("addr", "del", "fd77:1::9/64", "dev", "eth0")
    assert works(client)


def test_threat_55_the_address_of_another_sandbox(lab, netd, origin, watch, client):
    other = lab.add_sandbox()
    o = origin("api.test")
    d = netd(POLICY)
    other.ip("addr", "add", lab.sandbox.address4 + "/32", "dev", "eth0")
    other.ip("addr", "add", lab.sandbox.address6 + "/128", "dev", "eth0", "nodad")
    assert_closed(lab, watch, ns=other, source4=lab.sandbox.address4,
                  source6=lab.sandbox.address6)
    assert d.lines() == [] and o.connections == 0
    client.trust(d)
    assert client.curl("https://api.test/").status == 200
    assert {r["sandbox"] for r in d.lines()} == {"s1"}


def test_an_interface_that_nobody_registered(lab, netd, origin, watch):
    """Caged by its name; and a daemon that never heard of it serves nobody there."""
    o = origin("api.test")
    stranger = lab.add_sandbox()
    lab.host.ip("link", "set", stranger.interface, "down")
    lab.host.ip("link", "set", stranger.interface, "name", "sbx-new")
    lab.host.ip("link", "set", "sbx-new", "up")
    lab.host.ip("addr", "replace", "fd77:2::1/64", "dev", "sbx-new", "nodad")
    d = netd(POLICY + "sandboxes: {s1: {interface: v1, address: 10.77.1.2, policy: agent}}\n")
    assert_closed(lab, watch, ns=stranger)
    assert o.connections == 0 and d.lines() == []


def test_threat_14_a_sandbox_without_v6_has_none(lab, netd, origin, watch, client):
    o = origin("api.test", address="2001:db8:113::10")
    d = netd(POLICY + "sandboxes: {s1: {interface: v1, address: 10.77.1.2, policy: agent}}\n")
    client.trust(d)
    before = watch.leaked()
    assert not [x for x in knock(lab.sandbox) if x.startswith("v6")]
    assert watch.leaked() == before and o.connections == 0
    # Over v4 it reaches the same origin: the daemon dials, by name.
    assert client.curl("https://api.test/", "--resolve",
                       "api.test:443:203.0.113.10").status == 200


class Load:
    """Sandboxed clients that ask for one numbered path after another.

    Each gives up after a moment and dials anew: what it dialled may be gone without
    a word, and the kernel's patience with that grows with every packet.
    """

    MOMENT = 2

    def __init__(self, client, origin):
        self.client, self.origin = client, origin
        self.stopped, self.asked, self.lock = False, 0, threading.Lock()
        self.threads = [threading.Thread(target=self._run) for _ in range(3)]
        for t in self.threads:
            t.start()

    def _next(self):
        with self.lock:
            self.asked += 1
            return self.asked

    def _run(self):
        while not self.stopped:
            try:
                self._requests()
            except OSError:
                continue  # killed under us, or not there at all

    def _requests(self):
        context = ssl.create_default_context(cafile=str(self.client.ca))
        with context.wrap_socket(self.client.connect(timeout=self.MOMENT),
                                 server_hostname="api.test") as s:
            while not self.stopped:
                s.sendall(f"GET /{self._next()} HTTP/1.1\r\nHost: api.test\r\n\r\n".encode())
                if not s.recv(65536).startswith(b"HTTP/1.1 200"):
                    return

    def wait_for_more(self, n):
        seen = len(self.origin.requests)
        until(f"{n} requests more", lambda: len(self.origin.requests) >= seen + n,
              seconds=HANG)

    def stop(self):
        self.stopped = True
        for t in self.threads:
            t.join()


def kill_worker(d, dice):
    """… and wait until its keeper has put that on record."""
    pid = dice.choice(until("a worker", d.workers))
    before = len(d.records(reason="worker_crashed"))
    die(pid)
    until("the crash on record",
          lambda: len(d.records(reason="worker_crashed")) > before)


def restart_keeper(d, client):
    die(d.process.pid)
    d.process.wait()
    d.start()
    client.trust(d)


def test_threat_52_twenty_kills_under_traffic(lab, world):
    """Never a request at the origin without its record."""
    d, o, client, watch = world
    dice = random.Random(20)
    load = Load(client, o)
    try:
        for i in range(20):
            load.wait_for_more(dice.randint(1, 40))
            if i % 4 == 3:
                restart_keeper(d, client)
            else:
                kill_worker(d, dice)
    finally:
        load.stop()
    # In this order: what arrives while we look has its record before.
    reached = [r.target for r in list(o.requests)]
    decided = {r["path"] for r in d.records(event="decision", verdict="allowed", kind="request")}
    assert len(reached) > 20 and set(reached) <= decided
    assert len(reached) == len(set(reached)), "none was sent twice"
    assert len(d.records(reason="worker_crashed")) == 15
    assert d.records(reason="worker_crashed", sandbox="s1")
    assert watch.leaked() == 0


def test_what_is_written_survives_every_kill(world):
    d, o, client, watch = world
    assert works(client)
    text = (d.runtime / "decisions.log").read_text()
    die(d.process.pid)
    d.process.wait()
    d.start()
    client.trust(d)
    assert works(client)
    after = (d.runtime / "decisions.log").read_text()
    assert after.startswith(text) and len(after) > len(text)
    for line in after.splitlines():
        json.loads(line)
