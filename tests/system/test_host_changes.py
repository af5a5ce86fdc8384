"""A host that changes: closed at once, on record, mended where it is ours.

Its own doing is tried again and again in one world: interfaces go down, are
renamed, deleted and made anew; rules, routes, sets and chains are taken away.
"""
import json
import re
import socket

import pytest

from lab.client import Client, read_response
from lab.namespaces import sh
from lab.origin import ok
from lab.wait import until
from lab.watch import Watch, knock

POLICY = "policies: {agent: {allow: [{host: [api.test, api6.test]}]}}\n"


def perhaps_half(request, connection):
    """The rest never comes."""
    whole = ok(b"hello\n")
    return whole[:-3] if request.target == "/half" else whole


@pytest.fixture(scope="module")
def world(stage):
    stage.lab.add_sandbox()
    stage.origin1 = stage.origin("api.test", address="203.0.113.10", answer=perhaps_half)
    stage.origin("api6.test", address="2001:db8:113::10")
    stage.netd(POLICY)
    stage.watch = Watch(stage.lab)
    stage.clients = [Client(s).trust(stage.daemon, f"s{i}")
                     for i, s in enumerate(stage.lab.sandboxes, 1)]
    return stage


def show(world, name="s1"):
    return json.loads(world.daemon.ctl("--json", "sandbox", "show", name).stdout)


def works(world, i=0):
    c = world.clients[i]
    return (c.curl("https://api.test/").status == 200
            and c.curl("https://api6.test/", "-6").status == 200)


def held_open(client):
    s = client.tls()
    s.sendall(b"GET / HTTP/1.1\r\nHost: api.test\r\n\r\n")
    assert read_response(s)[0].startswith(b"HTTP/1.1 200")
    return s


def assert_closed(world, ns, **sources):
    """A listener of ours may take what is dialled; nothing gets past it."""
    before = world.watch.leaked(), world.origin1.connections
    knock(ns, **sources)
    assert (world.watch.leaked(), world.origin1.connections) == before


class News:
    """Records that come from now on."""

    def __init__(self, world):
        self.daemon, self.count = world.daemon, len(world.daemon.lines())

    def wait(self, **want):
        """It is noticed by events: long before the look of each minute."""
        found = until(f"a new record with {want}", lambda: [
            r for r in self.daemon.lines()[self.count:]
            if all(r.get(k) == v for k, v in want.items())], seconds=20)
        return found[0]

    def mended(self, r):
        """The end of that trouble."""
        return self.wait(event="outcome", id=r["id"], reason="complete")


def test_down_and_up(world):
    host, v1 = world.lab.host, world.lab.sandbox.interface
    news = News(world)
    host.ip("link", "set", v1, "down")
    r = news.wait(reason="interface", sandbox="s1")
    assert r["kind"] == "control" and f"{v1} is down" in r["detail"]
    assert show(world)["state"] == "down"
    assert_closed(world, world.lab.sandbox)
    host.ip("link", "set", v1, "up")
    host.ip("addr", "replace", "fd77:1::1/64", "dev", v1, "nodad")
    news.mended(r)
    assert show(world)["state"] == "attached"
    until("it to work again", lambda: works(world))


def rename(host, old, new):
    host.ip("link", "set", old, "down")
    host.ip("link", "set", old, "name", new)
    host.ip("link", "set", new, "up")


def address(host, interface, n, add=True):
    for a, more in ((f"10.77.{n}.1/24", ()), (f"fd77:{n}::1/64", ("nodad",))):
        host.ip("addr", "replace" if add else "del", a, "dev", interface,
                *(more if add else ()))


def test_a_renamed_interface_stays_closed_and_its_name_lets_nobody_in(world):
    """The second sandbox's interface takes the first one's name."""
    host, (one, two) = world.lab.host, world.lab.sandboxes[:2]
    kept = held_open(world.clients[0])
    news = News(world)
    rename(host, "v1", "x1")
    address(host, "x1", 1)
    r = news.wait(reason="interface", sandbox="s1", detail=(
        "interface v1 is called x1 now: it stays closed, and so does whoever "
        "is called v1"))
    assert show(world)["state"] == "renamed" and show(world)["ifindex"] == 0
    assert kept.recv(1) == b""
    assert_closed(world, one)

    rename(host, "v2", "v1")
    news.wait(reason="interface", sandbox="s2")
    # It wears the other's address besides its own.
    address(host, "v1", 1)
    two.ip("addr", "add", one.address4 + "/32", "dev", "eth0")
    two.ip("addr", "add", one.address6 + "/128", "dev", "eth0", "nodad")
    before = len(world.daemon.records(sandbox="s1"))
    assert_closed(world, two)
    assert_closed(world, two, source4=one.address4, source6=one.address6)
    assert len(world.daemon.records(sandbox="s1")) == before
    two.ip("addr", "del", one.address4 + "/32", "dev", "eth0")
    two.ip("addr", "del", one.address6 + "/128", "dev", "eth0")
    address(host, "v1", 1, add=False)

    rename(host, "v1", "v2")
    rename(host, "x1", "v1")
    address(host, "v1", 1)
    address(host, "v2", 2)
    news.mended(r)
    for i in (0, 1):
        until("both to work again", lambda i=i: works(world, i))


def test_renamed_while_the_keeper_looks_away_it_is_closed(world):
    """The kernel knows it by its number, before anybody hears of the name."""
    host = world.lab.host
    address(host, "v1", 1, add=False)
    rules = host.run("nft", "list", "set", "inet", "sbx_net", "cages").stdout
    assert '"v1"' in rules
    with world.daemon.stopped():
        rename(host, "v1", "x1")
        address(host, "x1", 1)
        assert "x1" not in host.run("nft", "list", "set", "inet", "sbx_net",
                                    "ifaces").stdout
        assert_closed(world, world.lab.sandbox)
    until("it to be seen", lambda: show(world)["state"] == "renamed")
    assert "iif x1 prohibit" in host.ip("rule").stdout
    rename(host, "x1", "v1")
    address(host, "v1", 1)
    until("it to work again", lambda: works(world))


def plug(world, n, interface):
    """A veth pair as the lab makes it; the sandbox's end is new as well."""
    ns = world.lab.sandboxes[n - 1]
    host = world.lab.host
    sh("ip", "link", "add", interface, "netns", host.name, "type", "veth",
       "peer", "name", "eth0", "netns", ns.name)
    host.ip("link", "set", interface, "up")
    address(host, interface, n)
    ns.ip("addr", "add", f"10.77.{n}.2/24", "dev", "eth0")
    ns.ip("addr", "add", f"fd77:{n}::2/64", "dev", "eth0", "nodad")
    ns.ip("link", "set", "eth0", "up")
    ns.ip("route", "add", "default", "via", f"10.77.{n}.1")
    ns.ip("-6", "route", "add", "default", "via", f"fd77:{n}::1")


def test_deleted_under_open_connections_and_made_anew(world):
    host = world.lab.host
    news = News(world)
    kept = world.clients[0].tls()
    kept.sendall(b"GET /half HTTP/1.1\r\nHost: api.test\r\n\r\n")
    assert kept.recv(1) == b"H"
    before = show(world)["ifindex"]
    host.ip("link", "del", "v1")
    r = news.wait(reason="interface", sandbox="s1", detail=(
        "interface v1 is gone: what it had open has ended"))
    assert show(world)["state"] == "absent" and show(world)["ifindex"] == 0
    half = news.wait(event="decision", path="/half")
    news.wait(event="outcome", id=half["id"])
    kept.close()
    plug(world, 1, "v1")
    news.mended(r)
    assert show(world)["state"] == "attached"
    assert show(world)["ifindex"] != before
    until("it to work again", lambda: works(world))


def counter(host, name):
    text = host.run("nft", "list", "counter", "inet", "sbx_net", name).stdout
    return int(text.split("packets ")[1].split()[0])


def datagram(ns, source, to):
    def send():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind(source)
            s.sendto(b"x", to)

    ns.within(send)


def add(world, name):
    """What a caller adds: at the second sandbox's place."""
    two = world.lab.sandboxes[1]
    world.daemon.ctl("sandbox", "add", name, "--interface", two.interface,
                     "--address", two.address4, "--policy", "agent")


def test_threat_54_an_address_that_a_new_sandbox_gets_brings_nothing_of_the_old(world):
    """Connections, authority, and what the kernel tracked; another policy's
    sandbox at the same address and interface begins anew."""
    host, two = world.lab.host, world.lab.sandboxes[1]
    config = world.daemon.config.read_text()
    world.daemon.reload("\n".join(x for x in config.split("\n")
                                  if not x.startswith("  s2:")))
    add(world, "old")
    client = Client(two).trust(world.daemon, "old")
    kept = held_open(client)
    ca = world.daemon.ca("old").read_text()
    # The host has a flow into it, and it may answer that.
    mine, its = ("10.77.2.1", 7777), (two.address4, 7778)
    datagram(host, mine, its)
    answers = counter(host, "answer")
    datagram(two, its, mine)
    until("an answer", lambda: counter(host, "answer") > answers)

    world.daemon.ctl("sandbox", "rm", "old")
    add(world, "new")
    assert kept.recv(1) == b""
    assert world.daemon.ca("new").read_text() != ca
    answers = counter(host, "answer")
    datagram(two, its, mine)
    record = world.daemon.wait_record(kind="packet", sandbox="new")
    assert (record["verdict"], record["reason"]) == ("denied", "self")
    assert counter(host, "answer") == answers
    # The old authority's certificate is worth nothing.
    assert client.curl("https://api.test/").status == 0
    assert Client(two).trust(world.daemon, "new").curl(
        "https://api.test/").status == 200
    world.daemon.ctl("sandbox", "rm", "new")
    assert world.daemon.reload(config).returncode == 0
    world.clients[1].trust(world.daemon, "s2")
    until("it to work again", lambda: works(world, 1))


TAKEN = {
    "the table": ["nft", "delete", "table", "inet", "sbx_net"],
    "the ruleset": ["nft", "flush", "ruleset"],
    "a chain's rules": ["nft", "flush", "chain", "inet", "sbx_net", "egress"],
    "an element of source4": ["nft", "delete", "element", "inet", "sbx_net",
                              "source4", "{ v1 . 10.77.1.2 }"],
    "an element of ifaces": ["nft", "delete", "element", "inet", "sbx_net",
                             "ifaces", "{ v1 }"],
    "an element of cages": ["nft", "delete", "element", "inet", "sbx_net",
                            "cages", "{ v1 }"],
    "an element of denied4": ["nft", "delete", "element", "inet", "sbx_net",
                              "denied4", "{ 10.0.0.0/8 }"],
    "ip rule 99": ["ip", "rule", "del", "pref", "99"],
    "ip rule 100": ["ip", "rule", "del", "pref", "100"],
    "ip -6 rule 100": ["ip", "-6", "rule", "del", "pref", "100"],
    "ip rule 200": ["ip", "rule", "del", "pref", "200", "iif", "v1"],
    "the local route": ["ip", "route", "flush", "table", "15001"],
    "the local route of v6": ["ip", "-6", "route", "flush", "table", "15001"],
}


def state_of(host, check=True):
    """All that is ours, as text; counters count on."""
    out = host.run("nft", "-s", "list", "table", "inet", "sbx_net",
                   check=check).stdout
    out = re.sub("tcp_migrate_req was [01]", "", out)
    for v in ("-4", "-6"):
        out += "".join(sorted(host.ip(v, "rule").stdout.splitlines(True)))
        out += host.ip(v, "route", "show", "table", "15001").stdout
    return out


@pytest.mark.parametrize("what", TAKEN)
def test_what_is_taken_away_is_back(world, what):
    host = world.lab.host
    before, news = state_of(host), News(world)
    with world.daemon.stopped():
        host.run(*TAKEN[what])
        assert state_of(host, check=False) != before
        assert_closed(world, world.lab.sandbox)
    r = news.wait(kind="control", reason="kernel_side")
    assert r["detail"]
    news.mended(r)
    assert state_of(host) == before
    assert works(world)


def test_a_rule_that_was_replaced_is_put_back(world):
    """There are as many as before."""
    host = world.lab.host
    before, news = state_of(host), News(world)
    listed = host.run("nft", "-a", "list", "chain", "inet", "sbx_net",
                      "forward").stdout
    handle = [x.split("# handle ")[1] for x in listed.splitlines()
              if "oifname @ifaces" in x][0]
    host.run("nft", "replace", "rule", "inet", "sbx_net", "forward", "handle",
             handle, "accept")
    news.mended(news.wait(kind="control", reason="kernel_side"))
    assert state_of(host) == before


def test_an_element_that_somebody_added_goes(world):
    host = world.lab.host
    before, news = state_of(host), News(world)
    host.run("nft", "add", "element", "inet", "sbx_net", "source4",
             "{ v1 . 10.77.1.77 }")
    news.mended(news.wait(kind="control", reason="kernel_side"))
    assert state_of(host) == before


def test_lo_down_and_up(world):
    host, news = world.lab.host, News(world)
    host.ip("link", "set", "lo", "down")
    r = news.wait(kind="control", reason="kernel_side")
    assert_closed(world, world.lab.sandbox)
    host.ip("link", "set", "lo", "up")
    news.mended(r)
    until("it to work again", lambda: works(world))
