"""The rule that queues, and the marks: before and without anybody who reads."""

import socket

import pytest

from kernel.fixtures import caged, net  # noqa: F401
from kernel.net import BOX, ORIGIN, wait_for
from kernel.talk import ask, send_all_kinds

BOTH = pytest.mark.parametrize("v", [0, 1], ids=["v4", "v6"])
ENOENT = -2


@pytest.fixture
def queued(caged):  # noqa: F811
    caged.kind, = caged.driver.do("gate")
    return caged


def rules(net):  # noqa: F811
    """How many are in the chain; "target" is one that nft cannot name."""
    said = net.gate.run("nft", "-j", "list", "chain", "inet", "sbx_net", "gate").stdout
    return said.count('"rule"')


def test_one_rule_of_a_kind_that_the_kernel_knows(queued):
    assert queued.kind in ("native", "target")
    assert rules(queued) == 1
    queued.driver.do("check")
    assert queued.setup("check").stdout == "ok\n"
    assert queued.setup("doctor").stdout == "ok\n"


def test_asked_for_again_it_is_still_one(queued):
    assert queued.driver.do("gate") == [queued.kind]
    queued.driver.do("sync")
    assert rules(queued) == 1


@pytest.mark.parametrize("damage", [
    "nft flush chain inet sbx_net gate", "nft insert rule inet sbx_net gate accept",
    "nft flush ruleset"])
def test_damage_is_told_found_and_repaired(queued, damage):
    queued.driver.do("skip")
    queued.gate.sh(damage)
    assert queued.driver.do("await") > 0
    status, text, _ = queued.driver.ask("check")
    assert status == ENOENT and "sbx_net" in text
    queued.setup("install")
    queued.driver.do("sync")
    queued.driver.do("check")
    assert rules(queued) == 1


def test_installing_empties_the_gate_and_closes_it(queued):
    queued.setup("install")
    assert rules(queued) == 0
    assert queued.driver.ask("check")[0] == ENOENT
    queued.driver.do("sync")
    assert rules(queued) == 1


def test_the_rule_of_an_earlier_daemon_is_no_fault(queued):
    other = queued.keep(type(queued.driver)(queued.gate))
    other.do("add", "sbx-a", *BOX["a"])
    other.do("check")


@BOTH
def test_a_queue_that_nobody_reads_drops(queued, v):
    before = queued.seen()
    send_all_kinds(queued.box["a"], ORIGIN[v])
    assert ask(queued.box["a"], ORIGIN[v], 443, timeout=0.2) == "TimeoutError"
    assert queued.seen() == before


@BOTH
@pytest.mark.parametrize("mark", ["0x2", "0x4", "0x6", "0xffffffff"])
def test_marks_that_packets_bring_along_are_taken_off(queued, v, mark):
    """By whatever set them in front of us; those of others stay."""
    queued.gate.run("nft", "-f", "-", data=f"""
        table inet meddler {{
            chain before {{
                type filter hook prerouting priority raw; policy accept;
                iifname "sbx-a" meta mark set {mark}
            }}
        }}
        insert rule inet sbx_net gate meta mark == 0xfffffff9 counter name "answer"
        """)
    before = queued.seen()
    with queued.box["a"].socket((socket.AF_INET, socket.AF_INET6)[v],
                                socket.SOCK_DGRAM) as s:
        for _ in range(3):
            s.sendto(b"hello", (ORIGIN[v], 9999))
    path = "/proc/net/netfilter/nfnetlink_queue"
    assert queued.gate.run("cat", path).stdout == ""  # nobody reads
    assert queued.seen() == before
    if mark == "0xffffffff":
        wait_for("the packets", lambda: queued.gate.counter("sbx_net", "answer") > 0)


@pytest.mark.parametrize("options", [
    "--gate-mark 0x2", "--gate-mark 0x3", "--gate-mark 0", "--gate-mark 4x"])
def test_a_gate_mark_is_one_bit_and_another(net, options):  # noqa: F811
    done = net.setup("install", *options.split(), check=False)
    assert done.returncode == 2 and "gate-mark" in done.stderr


def test_another_gate_mark_is_everywhere(net):  # noqa: F811
    options = ("--gate-mark", "0x80000000")
    net.setup("install", *options)
    assert net.setup("check", *options).stdout == "ok\n"
    assert net.setup("check", check=False).returncode == 1
    said = net.gate.run("nft", "list", "table", "inet", "sbx_net").stdout
    assert "0x00000004" not in said and "0x80000000" in said
    assert "fwmark 0x80000000/0x80000000 lookup main" in net.gate.sh(
        "ip rule show pref 150").stdout
    net.setup("remove", *options)
    assert net.gate.sh("ip rule show pref 150").stdout == ""


@BOTH
def test_without_rule_150_nothing_is_routed_elsewhere(queued, v):
    """The way of what the gate lets pass is the only one past rule 200."""
    queued.gate.sh(f"ip {('-4', '-6')[v]} rule del pref 150")
    status, text, _ = queued.driver.ask("check")
    assert status == ENOENT and "150" in text
