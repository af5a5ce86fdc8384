"""Is all well?  The daemon looks at itself and its host, and a canary sings."""
import json

import pytest

from lab.control import Control
from lab.wait import until

POLICY = "policies: {agent: {allow: [{host: api.test}]}}\n"


@pytest.fixture(scope="module")
def world(stage):
    stage.netd(POLICY)
    stage.control = Control(stage.daemon)
    looked(stage)
    return stage


def health(world):
    return world.control("GET", "health")[1]


def looked(world):
    """The first look is over."""
    return until("a look at itself", lambda: (
        health(world)["checked"] is not None and health(world)))


def is_well(world):
    h = health(world)
    return h["ok"] and h["canary"] == "refused" and h


def metrics(world):
    """By name, without what has labels."""
    text = world.lab.host.run(
        "curl", "-sS", "--fail", "--unix-socket", world.control.path,
        "http://localhost/v1/metrics").stdout
    rows = [x.split() for x in text.splitlines() if x[0] != "#"]
    return {name: float(value) for name, value in rows if "{" not in name}


def found(world, name):
    """The finding of that id; health says no, in all its tongues."""
    def probe():
        status, h = world.control("GET", "health")
        hits = [f for f in h.get("findings", []) if f["id"] == name]
        return status == 503 and hits and hits[0]

    finding = until(f"the finding {name}", probe, seconds=20)
    done = world.daemon.ctl("health", check=False)
    assert done.returncode == 1 and "NOT OK" in done.stdout
    assert finding["what"] in done.stdout and finding["mend"] in done.stdout
    assert metrics(world)["sbx_net_selfcheck_ok"] == 0
    return finding


def test_all_is_well(world):
    h = until("all to be well", lambda: is_well(world))
    assert [f for f in h["findings"] if f["severity"] != "warning"] == []
    done = world.daemon.ctl("health")
    assert done.stdout.startswith("ok") and "canary refused" in done.stdout
    assert json.loads(world.daemon.ctl("--json", "health").stdout)["ok"] is True
    assert json.loads(world.daemon.ctl("--json", "status").stdout)["health"]["ok"]
    m = metrics(world)
    assert m["sbx_net_selfcheck_ok"] == m["sbx_net_kernel_side_ok"] == 1
    assert m["sbx_net_workers"] == 2 and m["sbx_net_sandboxes"] == 1
    assert m["sbx_net_sandboxes_attached"] == 1
    assert 0 <= m["sbx_net_selfcheck_age_seconds"] < 120


def test_the_canary_sings_and_leaves_no_trace(world):
    """What it sends is dropped as spoofed, and no worker writes of it."""
    def spoofed():
        text = world.lab.host.run("nft", "list", "counter", "inet", "sbx_net",
                                  "spoof").stdout
        return int(text.split("packets ")[1].split()[0])

    before = spoofed()
    flip(world, "net.ipv4.ip_forward", 0)  # has it look again
    until("the canary to have sung", lambda: spoofed() >= before + 14)
    flip(world, "net.ipv4.ip_forward", 1)
    assert not [r for r in world.daemon.lines() if r["kind"] != "control"]


def flip(world, name, value):
    world.lab.host.run("sysctl", "-qw", f"{name}={value}")


def test_a_bad_sysctl_is_noticed_and_on_record_and_closes_nothing(world):
    flip(world, "net.ipv4.conf.all.route_localnet", 1)
    finding = found(world, "route_localnet")
    record = world.daemon.wait_record(
        kind="control", reason="kernel_side", event="decision")
    assert record["detail"].startswith("route_localnet: ")
    world.lab.host.run("sh", "-c", finding["mend"])
    until("all to be well", lambda: is_well(world))
    end = world.daemon.wait_record(event="outcome", id=record["id"])
    assert end["reason"] == "complete"


def test_what_is_ours_is_put_right_unasked(world):
    repairs = metrics(world)["sbx_net_kernel_side_repairs_total"]
    flip(world, "net.ipv4.tcp_migrate_req", 0)
    until("it to be put back", lambda: world.lab.host.run(
        "sysctl", "-n", "net.ipv4.tcp_migrate_req").stdout == "1\n", seconds=20)
    until("all to be well", lambda: is_well(world))
    assert metrics(world)["sbx_net_kernel_side_repairs_total"] > repairs


FIREWALL = """
table inet host {
  chain input {
    type filter hook input priority filter; policy drop;
    iifname "lo" accept
    ct state established,related accept
  }
}
"""


def test_the_canary_notices_what_no_rule_of_ours_shows(world):
    """A firewall of the host drops what tproxy delivers: its connection is not
    taken."""
    world.lab.host.run("nft", "-f", "-", input=FIREWALL)
    flip(world, "net.ipv4.ip_forward", 0)
    found(world, "canary_unheard")
    world.lab.host.run("nft", "delete", "table", "inet", "host")
    flip(world, "net.ipv4.ip_forward", 1)
    until("all to be well", lambda: is_well(world))


HOLE = """
table netdev hole {
  chain c {
    type filter hook ingress device "sbx-canary0" priority 0;
    udp dport 9 fwd to "sbx-canary1"
  }
}
"""


def test_the_canary_notices_a_leak(world):
    """Round all rules, before the first of them: no look at rules shows it."""
    world.lab.host.run("nft", "-f", "-", input=HOLE)
    flip(world, "net.ipv4.ip_forward", 0)
    finding = found(world, "canary_leak")
    assert "2 of the canary's 18 packets" in finding["what"]
    world.lab.host.run("nft", "delete", "table", "netdev", "hole")
    flip(world, "net.ipv4.ip_forward", 1)
    until("all to be well", lambda: is_well(world))


def test_the_canary_goes_with_the_keeper(world):
    host = world.lab.host
    assert "sbx-canary0" in host.ip("link").stdout
    world.daemon.process.kill()
    world.daemon.process.wait()
    assert "sbx-canary" not in host.ip("link").stdout
    world.daemon.start()
    looked(world)
    until("all to be well", lambda: is_well(world))
