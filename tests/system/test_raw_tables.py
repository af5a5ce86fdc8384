"""Which synthetic address stands for which name: each sandbox's own, in all workers."""
import os
import signal

import pytest

from lab.client import Client, read_all
from lab.nameless import Smtp
from lab.wait import until
from test_raw_names import is_synthetic, resolve

POLICY = """\
policies:
  agent:
    allow:
      - {host: [a.test, b.test, "*.many.test"], port: 25}
  web: {allow: [{host: a.test}]}
  other: {allow: [{host: b.test, port: 25, protocol: tcp}]}
sandboxes:
  s1: {interface: v1, address: [10.77.1.2, "fd77:1::2"], policy: agent}
  s2: {interface: v2, address: 10.77.2.2, policy: other}
"""


@pytest.fixture
def mail(lab, names):
    servers = {}
    for name, address in (("a.test", "203.0.113.10"), ("b.test", "203.0.113.11")):
        names.add(name, address)
        servers[name] = Smtp(lab, address)
    yield servers
    for s in servers.values():
        s.close()


def greets(client, address):
    """Whether the server behind that address speaks to the sandbox."""
    with client.connect(address, 25) as c:
        data = c.recv(100)
        assert data in (b"", b"220 mail.test\r\n")
        return data != b""


@pytest.fixture
def world(lab, netd, mail):
    two = lab.add_sandbox()
    return netd(POLICY), Client(lab.sandbox), Client(two)


def test_threat_64_an_address_is_nothing_to_another_sandbox(world, lab):
    d, one, two = world
    a, b = resolve(lab.sandbox, "a.test"), resolve(lab.sandbox, "b.test")
    assert is_synthetic(a) and is_synthetic(b) and a != b
    assert resolve(two.ns, "a.test") is None
    # The first of its own is the same address, and another name.
    assert resolve(two.ns, "b.test") == a
    assert greets(one, a) and greets(two, a)
    d.wait_record(sandbox="s1", kind="connect", event="outcome", host="a.test", dst=a)
    d.wait_record(sandbox="s2", kind="connect", event="outcome", host="b.test", dst=a)
    assert not greets(two, b)
    assert d.wait_record(sandbox="s2", kind="connect", dst=b)["reason"] == "no_name"


def test_every_worker_gives_the_same_and_knows_the_others(world, lab):
    """Questions from many ports come to both workers, connections to one."""
    d, one, two = world
    given = {}
    for _ in range(6):
        for name in ("a.test", "b.test"):
            given.setdefault(name, set()).add(resolve(lab.sandbox, name))
    assert [len(g) for g in given.values()] == [1, 1]
    for name, (address,) in given.items():
        assert greets(one, address)
        d.wait_record(kind="connect", event="outcome", host=name)


def test_workers_that_died_in_between(world, lab):
    """What they gave out is known to those that come after them."""
    d, one, two = world
    a, b = resolve(lab.sandbox, "a.test"), resolve(lab.sandbox, "b.test")
    old = d.children()
    for pid in old:
        os.kill(pid, signal.SIGKILL)
    until("other workers", lambda: len(set(d.workers()) - set(old)) == 2)
    assert greets(one, b)
    assert resolve(lab.sandbox, "a.test") == a and greets(one, a)
    assert d.wait_record(kind="connect", event="outcome", host="b.test")["dst"] == b


def test_a_policy_that_is_tightened_ends_what_it_carried(world, lab):
    d, one, two = world
    a = resolve(lab.sandbox, "a.test")
    with one.connect(a, 25) as c:
        assert c.recv(100)
        r = d.reload(d.text(POLICY.replace("[a.test, b.test", "[b.test")))
        assert "closed 1" in r.stdout and "a.test:25" in r.stdout
        assert read_all(c) == b""
    assert d.wait_record(kind="connect", event="outcome", host="a.test")["reason"] == "revoked"
    # It still stands for that name, which is no longer allowed.
    with one.connect(a, 25) as c:
        c.sendall(b"\0 neither TLS nor HTTP")
        assert read_all(c) == b""
    assert d.wait_record(kind="connect", verdict="denied", host="a.test")["reason"] == "no_rule"
    assert resolve(lab.sandbox, "a.test") is None


def test_an_overlay_opens_and_closes(world, lab):
    d, one, two = world
    assert resolve(lab.sandbox, "a.test") is not None
    d.ctl("lockdown", "s1")
    assert resolve(lab.sandbox, "a.test") is None
    d.ctl("policy", "clear", "s1")
    a = resolve(lab.sandbox, "a.test")
    assert is_synthetic(a) and greets(one, a)
    assert resolve(two.ns, "a.test") is None
    d.ctl("policy", "set", "s2", "--allow", "a.test:25")
    assert greets(two, resolve(two.ns, "a.test"))


def test_threat_15_many_names_find_an_end(lab, netd, mail, names):
    """Then a name is answered with its own address, which is no name to us."""
    d = netd(POLICY, settings="limits: {names: 3}\n")
    given = []
    for n in range(4):
        names.add(f"n{n}.many.test", "203.0.113.10")
        given.append(resolve(lab.sandbox, f"n{n}.many.test"))
    assert [is_synthetic(g) for g in given] == [True, True, True, False]
    assert given[3] == "203.0.113.10"
    r = d.wait_record(kind="dns", event="outcome", host="n3.many.test")
    assert "no synthetic address is left" in r["detail"]
    one = Client(lab.sandbox)
    assert greets(one, given[0])
    with one.connect(given[3], 25) as c:
        c.sendall(b"\0 neither TLS nor HTTP")
        assert read_all(c) == b""
    assert d.wait_record(kind="connect", dst=given[3])["verdict"] == "denied"
    assert resolve(lab.sandbox, "n1.many.test") == given[1]
