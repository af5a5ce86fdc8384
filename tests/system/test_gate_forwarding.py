"""What the gate lets pass has to be forwarded by a host on which others have a
say: doctor finds who does not, and its line mends it."""
import json
import pathlib

import pytest

from kernel.neighbours import DOCKER
from lab.packets import ping

SETUP = str(pathlib.Path(__file__).parents[2] / "scripts" / "sbx-net-setup")
FAR = ("203.0.113.10", "2001:db8:113::10")
BOTH = pytest.mark.parametrize("v", [0, 1], ids=["v4", "v6"])
KEYS = ("net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding")
POLICY = f"""\
policies:
  agent:
    allow:
      - {{address: [{FAR[0]}, "{FAR[1]}"], protocol: icmp}}
"""
HAND_MADE = """
table inet mine {
  chain forward {
    type filter hook forward priority filter; policy drop;
    tcp dport 1 accept
  }
}
"""


@pytest.fixture(scope="module")
def world(stage):
    stage.netd(POLICY)
    yield stage


def passes(world, v):
    return ping(world.lab.sandbox, FAR[v], timeout=2)


def findings(world, *options):
    told = world.lab.host.run(SETUP, "doctor", "--json", *options, check=False)
    return [f for f in json.loads(told.stdout)["findings"]
            if f["id"].startswith("forward")]


def test_nobody_needs_it_who_has_no_such_rule(world):
    for key in KEYS:
        world.lab.host.run("sysctl", "-qw", f"{key}=0")
    assert findings(world) == []
    for key in KEYS:
        world.lab.host.run("sysctl", "-qw", f"{key}=1")


@BOTH
def test_a_host_that_does_not_forward(world, v):
    assert ping(world.lab.sandbox, FAR[v])
    assert findings(world) == []
    world.lab.host.run("sysctl", "-qw", f"{KEYS[v]}=0")
    assert not passes(world, v)
    one, = findings(world, "--fix")  # which leaves that to people
    assert one["id"] == "forwarding" and one["severity"] == "warning"
    assert f"IPv{(4, 6)[v]} is not forwarded" in one["what"]
    world.lab.host.run("sh", "-c", one["mend"])
    assert findings(world) == []
    assert ping(world.lab.sandbox, FAR[v])


@BOTH
def test_a_firewall_that_forwards_nothing(world, v):
    world.lab.host.run("nft", "-f", "-", input=HAND_MADE)
    try:
        assert not passes(world, v)
        one, = findings(world)
        assert one["id"] == "forward_policy" and "inet mine forward" in one["what"]
        world.lab.host.run("sh", "-c", one["mend"])
        assert findings(world) == []
        assert ping(world.lab.sandbox, FAR[v])
    finally:
        world.lab.host.run("nft", "delete", "table", "inet", "mine")


def test_beside_docker_its_own_chain_is_named(world):
    world.lab.host.run("nft", "-f", "-", input=DOCKER[1])
    try:
        assert not passes(world, 0)
        one, = findings(world, "--fix")
        assert one["mend"] == ("iptables -I DOCKER-USER -m connmark "
                               "--mark 0x4/0x4 -j ACCEPT")
        # What that loads.
        world.lab.host.run("nft", "insert", "rule", "ip", "filter", "DOCKER-USER",
                           "ct", "mark", "and", "0x4", "==", "0x4", "accept")
        assert findings(world) == []
        assert ping(world.lab.sandbox, FAR[0])
    finally:
        for table in DOCKER[0]:
            world.lab.host.run("nft", "delete", "table", *table.split())
