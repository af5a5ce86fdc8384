"""scripts/attach/veth: a network namespace as a sandbox, and the way back."""
import os

import pytest

from lab.attach import Attach
from lab.client import Client

POLICY = """\
policies:
  agent: {allow: [{host: "*.lab.test"}]}
  other: {allow: [{host: other.lab.test}]}
"""
FOUR, SIX = "10.77.100.2", "fd77:100::2"


@pytest.fixture(scope="module")
def world(stage):
    stage.api = stage.origin("api.lab.test")
    stage.names.add("api.lab.test", "2001:db8:113::10")
    stage.netd(POLICY)
    return stage


@pytest.fixture
def attach(world):
    a = Attach(world.lab, world.daemon)
    yield a
    a.close()


@pytest.fixture
def box(attach):
    ns = attach.space("box")
    attach("veth", "add", ns.name, "--name", "box", "--policy", "agent",
           "--address", FOUR, "--address", SIX, "--label", "team=a")
    yield ns
    attach("veth", "rm", ns.name, "--name", "box")


def get(world, box, *options, host="api.lab.test", name="box"):
    return Client(box).trust(world.daemon, name).curl(f"https://{host}/", *options)


@pytest.mark.parametrize("family, source", [("-4", FOUR), ("-6", SIX)])
def test_a_namespace_is_a_sandbox(world, attach, box, family, source):
    """Its own resolv.conf, both families, and the policy: nothing else is set."""
    assert get(world, box, family).status == 200
    denied = get(world, box, family, "--connect-to", "denied.test:443:api.lab.test:443",
                 host="denied.test")
    assert denied.status == 403
    allowed, refused = (attach.record_from(
        source, sandbox="box", host=host, event="decision", kind="request", verdict=verdict)
        for host, verdict in (("api.lab.test", "allowed"), ("denied.test", "denied")))
    assert allowed["labels"] == refused["labels"] == {"team": "a"}


def test_again_is_the_same(world, attach, box):
    with Client(box).trust(world.daemon, "box").tls(
            "api.lab.test", world.api.address) as s:
        before = world.daemon.ctl("ca", "show", "box").stdout
        for _ in range(2):
            attach("veth", "add", box.name, "--name", "box", "--policy", "agent",
                   "--address", FOUR, "--address", SIX, "--label", "team=a")
        assert world.daemon.ctl("ca", "show", "box").stdout == before
        s.sendall(b"GET / HTTP/1.1\r\nHost: api.lab.test\r\n\r\n")
        assert s.recv(100).startswith(b"HTTP/1.1 200")


def restart(world):
    world.daemon.process.terminate()
    world.daemon.process.wait(60)
    world.daemon.start()


def down_and_up(world):
    world.lab.host.ip("link", "set", "sbx-box", "down")
    world.lab.host.ip("link", "set", "sbx-box", "up")


@pytest.mark.parametrize("happened", [restart, down_and_up])
def test_again_mends_what_happened_meanwhile(world, attach, box, happened):
    """The daemon has forgotten what it was told, or the kernel the routes."""
    happened(world)
    with pytest.raises(OSError):
        Client(box).connect(world.api.address, 443, timeout=0.3)
    attach("veth", "add", box.name, "--name", "box", "--policy", "agent",
           "--address", FOUR, "--address", SIX)
    for family in ("-4", "-6"):
        assert get(world, box, family).status == 200


def test_and_the_way_back(world, attach):
    ns = attach.space("back")
    before = attach.links(), attach.sandboxes(), world.lab.host.ip("route").stdout
    attach("veth", "add", ns.name, "--name", "back.1", "--policy", "agent", "--address", FOUR)
    assert "sbx-back.1" in attach.links() and "back.1" in attach.sandboxes()
    assert os.path.exists(f"/etc/netns/{ns.name}/resolv.conf")
    for _ in range(2):
        attach("veth", "rm", ns.name, "--name", "back.1")
        assert (attach.links(), attach.sandboxes(),
                world.lab.host.ip("route").stdout) == before
        assert not os.path.exists(f"/etc/netns/{ns.name}")


def test_a_resolv_conf_of_somebodys_stays(attach):
    ns = attach.space("kept")
    os.makedirs(f"/etc/netns/{ns.name}")
    path = f"/etc/netns/{ns.name}/resolv.conf"
    with open(path, "w", encoding="ascii") as f:
        f.write("nameserver 192.0.2.1\n")
    for words in (("add", ns.name, "--policy", "agent", "--address", FOUR), ("rm", ns.name)):
        attach("veth", *words, "--name", "kept")
        with open(path, encoding="ascii") as f:
            assert f.read() == "nameserver 192.0.2.1\n"


def test_what_fails_leaves_nothing(attach):
    ns = attach.space("none")
    before = attach.links(), attach.sandboxes()
    r = attach("veth", "add", ns.name, "--policy", "nosuch", "--address", FOUR, check=False)
    assert r.returncode == 1 and "there is no policy" in r.stderr
    assert (attach.links(), attach.sandboxes()) == before
    assert "eth0" not in ns.ip("link").stdout


@pytest.mark.parametrize("words, why", [
    (["add"], "wants the name"),
    (["add", "a b", "--policy", "agent", "--address", FOUR], "no network namespace"),
    (["add", "x", "--policy", "agent"], "--address is missing"),
    (["add", "x", "--address", FOUR], "--policy wants"),
    (["add", "x", "--policy", "agent", "--address", "$(reboot)"], "is no address"),
    (["add", "x", "--policy", "agent", "--address", FOUR, "--mac", "1"], "no address of a"),
    (["add", "x", "--policy"], "wants a value"),
    (["add", "x", "--colour", "red"], "what is --colour"),
    (["turn", "x"], "veth add NETNS"),
])
def test_wrong_use_says_what_is_right(attach, words, why):
    r = attach("veth", *words, check=False)
    assert r.returncode == 2 and why in r.stderr


def test_dry_run_does_nothing_and_registers_before_the_link_is_up(attach):
    """What is printed is what would be run, in that order."""
    ns = attach.space("dry")
    before = attach.links(), attach.sandboxes()
    said = attach("veth", "add", ns.name, "--name", "dry", "--policy", "agent",
                  "--address", FOUR, "--dry-run").stdout
    made, registered, up = (said.index(text) for text in (
        "ip link add name sbx-dry", "sandbox add dry", "ip link set dev sbx-dry up"))
    assert made < registered < up
    assert (attach.links(), attach.sandboxes()) == before


def test_threat_13_the_hosts_end_listens_to_no_router(world, box):
    said = world.lab.host.run("sysctl", "-n", *(
        f"net/{v}/conf/sbx-box/{name}" for v, name in (
            ("ipv6", "accept_ra"), ("ipv6", "accept_redirects"),
            ("ipv4", "accept_redirects")))).stdout
    assert said.split() == ["0", "0", "0"]
    links = world.lab.host.ip("-6", "addr", "show", "dev", "sbx-box", "scope", "link").stdout
    assert links.count("inet6") == 1 and "fe80::1/64" in links


def neighbours(world):
    """Packets of neighbour discovery that the host has taken from sandboxes."""
    text = world.lab.host.run("nft", "list", "counter", "inet", "sbx_net", "neighbour").stdout
    return int(text.split("packets ")[1].split()[0])


def test_threat_55_the_host_believes_no_arp_of_a_sandbox(world, attach, box):
    """Whatever card the sandbox claims for its address, or for another's."""
    def cards():
        lines = world.lab.host.ip("neigh", "show", "dev", "sbx-box").stdout.splitlines()
        return [x for x in lines if x.split()[0] in (FOUR, SIX)]

    before = cards()
    assert len(before) == 2 and all("PERMANENT" in line for line in before)
    box.ip("link", "set", "eth0", "address", "02:00:00:00:00:99")
    box.ip("addr", "add", "10.77.1.2/32", "dev", "eth0")
    for source in (FOUR, "10.77.1.2"):
        said = box.run("busybox", "arping", "-c", "1", "-I", "eth0", "-s", source,
                       "169.254.1.1").stdout
        assert "Unicast reply from 169.254.1.1" in said
    box.ip("neigh", "flush", "dev", "eth0")
    asked = neighbours(world)
    box.run("dig", "+tries=1", "+time=1", "@fd73:6278:6e::1", "api.lab.test", check=False)
    assert neighbours(world) > asked
    assert cards() == before


def ask(box, name):
    return box.run("dig", "+tries=1", "+time=1", "@169.254.1.1", name, check=False).stdout


def test_threat_54_the_same_address_on_two_interfaces_is_two_sandboxes(world, attach):
    """Each has the policy of its own, whichever of them the host answers to; it
    can do that for one only, the one that its route leads to."""
    boxes = {}
    for name, policy in (("one", "agent"), ("two", "other")):
        boxes[name] = ns = attach.space(name)
        attach("veth", "add", ns.name, "--name", name, "--policy", policy, "--address", FOUR)
    for ns in boxes.values():
        ask(ns, "api.lab.test")
    for name, verdict in (("one", "allowed"), ("two", "denied")):
        r = world.daemon.wait_record(sandbox=name, kind="dns", host="api.lab.test",
                                     event="decision")
        assert r["verdict"] == verdict and r["src"].startswith(FOUR + ":")
    for name, status in (("one", 200), ("two", 403), ("one", 200)):
        world.lab.host.ip("route", "replace", FOUR, "dev", f"sbx-{name}")
        a = get(world, boxes[name], "--resolve", f"api.lab.test:443:{world.api.address}",
                name=name)
        assert a.status == status
    for name, ns in boxes.items():
        attach("veth", "rm", ns.name, "--name", name)


TRANSLATE = """
table ip translate {
  chain out {
    type nat hook postrouting priority srcnat;
    oifname "eth0" masquerade
  }
}
"""


def image(attach, middle, name):
    """A namespace with an address that cannot be changed, behind `middle`."""
    ns = attach.space(name)
    middle.ip("link", "add", "inner", "type", "veth", "peer", "name", "eth0",
              "netns", ns.name)
    for space, device, address in ((middle, "inner", "172.16.0.1"), (ns, "eth0", "172.16.0.2")):
        space.ip("addr", "add", address + "/30", "dev", device)
        space.ip("link", "set", device, "up")
    ns.ip("route", "add", "default", "via", "172.16.0.1")
    middle.run("sysctl", "-qw", "net.ipv4.ip_forward=1")
    middle.run("nft", "-f", "-", input=TRANSLATE)
    return ns


def test_images_with_one_address_are_told_apart_at_once(world, attach):
    """Each behind a namespace that translates it, which is the sandbox."""
    boxes = {}
    for number, (name, policy) in enumerate((("three", "agent"), ("four", "other")), 3):
        middle = attach.space(name)
        attach("veth", "add", middle.name, "--name", name, "--policy", policy,
               "--address", f"10.77.100.{number}")
        boxes[name] = image(attach, middle, name + "i")
    to = ("--resolve", f"api.lab.test:443:{world.api.address}")
    for name, status in (("three", 200), ("four", 403)) * 2:
        assert get(world, boxes[name], *to, name=name).status == status
    with Client(boxes["three"]).connect(world.api.address, 443) as one, \
            Client(boxes["four"]).connect(world.api.address, 443) as two:
        assert one.getsockname()[0] == two.getsockname()[0] == "172.16.0.2"
    for name in boxes:
        attach("veth", "rm", world.lab.tag + name, "--name", name)
