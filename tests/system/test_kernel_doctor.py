"""sbx-net-setup doctor: each planted fault is found, and its line mends it."""

import json

import pytest

from kernel.fixtures import caged, intercepted, net  # noqa: F401
from kernel.net import ORIGIN
from kernel.talk import dial


def findings(net, *options):
    done = net.setup("doctor", "--json", *options, check=False)
    told = json.loads(done.stdout)
    assert done.returncode == (0 if told["ok"] else 1)
    return told["findings"]


def one(net, name):
    """The finding of that name; it is the only kind there is."""
    found = findings(net)
    assert {f["id"] for f in found} == {name}
    return found[0]


def mended(net):
    """Whether it is all gone when each finding's own line was followed."""
    for _ in range(10):
        found = findings(net)
        if not found:
            return True
        net.gate.sh(found[0]["mend"])
    return False


FIREWALL = """
table {family} {table} {{
  chain input {{
    type filter hook input priority filter; policy {policy};
    iifname "lo" accept
    ct state established,related accept
    meta l4proto icmpv6 accept
    {last}
  }}
}}
"""

FAULTS = {
    "route_localnet": "sysctl -q -w net.ipv4.conf.all.route_localnet=1",
    "route_localnet on one":
        "sysctl -q -w net.ipv4.conf.sbx-a.route_localnet=1",
    "bridge-nf-call-iptables":
        "ip link add br0 type bridge; "
        "sysctl -q -w net.bridge.bridge-nf-call-ip6tables=0; "
        "sysctl -q -w net.bridge.bridge-nf-call-iptables=1",
    "bridge-nf-call-ip6tables":
        "ip link add br0 type bridge; "
        "sysctl -q -w net.bridge.bridge-nf-call-iptables=0; "
        "sysctl -q -w net.bridge.bridge-nf-call-ip6tables=1",
    "rp_filter":
        "sysctl -q -w net.ipv4.conf.all.rp_filter=1; "
        "ip route add 10.77.1.2/32 dev tap-b",
    "rule99":
        "sysctl -q -w net.ipv4.conf.all.src_valid_mark=1; "
        "ip rule del pref 99",
    "mark_conflict ip rule": "ip rule add pref 50 fwmark 0x3/0x3 lookup main",
    "mark_conflict ip rule without mask":
        "ip rule add pref 50 fwmark 0x6 lookup main",
    "mark_conflict ip -6 rule":
        "ip -6 rule add pref 50 fwmark 0x2/0x2 lookup main",
    "mark_conflict nft rule":
        "nft add table ip x; nft 'add chain ip x c { type filter hook "
        "prerouting priority 0; }'; nft add rule ip x c meta mark set 0x2a",
    "mark_conflict nft or":
        "nft add table ip x; nft 'add chain ip x c { type filter hook "
        "prerouting priority 0; }'; "
        "nft add rule ip x c meta mark set meta mark or 0x2",
    "mark_conflict nft rule on connections":
        "nft add table ip x; nft 'add chain ip x c { type filter hook "
        "prerouting priority 0; }'; "
        "nft add rule ip x c ct mark set ct mark or 0x6",
}


def test_nothing_to_find(caged):
    assert findings(caged) == []
    assert caged.setup("doctor").stdout == "ok\n"


@pytest.mark.parametrize("name", FAULTS)
def test_fault_is_found(caged, name):
    caged.gate.sh(FAULTS[name])
    found = one(caged, name.split(" ")[0])
    assert found["what"] and found["mend"]
    text = caged.setup("doctor", check=False).stdout
    assert found["what"] in text and found["mend"] in text


@pytest.mark.parametrize(
    "name", [n for n in FAULTS if not n.startswith("mark_conflict")])
def test_the_line_mends_it(caged, name):
    caged.gate.sh(FAULTS[name])
    assert not findings(caged) == []
    assert mended(caged)


@pytest.mark.parametrize(
    "name", [n for n in FAULTS if n.startswith("mark_conflict")])
def test_the_line_moves_to_a_free_mark(net, name):
    net.setup("install")
    net.gate.sh(FAULTS[name])
    line = one(net, "mark_conflict")["mend"]
    net.gate.sh(line)
    moved = line.rpartition("--mark ")[2].split()[0]
    gate = line.rpartition("--gate-mark ")[2].split()[0]
    assert findings(net, "--mark", moved, "--gate-mark", gate) == []
    assert "0x2/0x2 lookup 15001" not in net.gate.sh("ip rule").stdout


@pytest.mark.parametrize("command", [
    "ip rule add pref 50 fwmark 0x8/0x8 lookup main",
    "ip rule add pref 50 fwmark 0xff0000/0xff0000 lookup main",
    "nft add table ip x; nft 'add chain ip x c { type filter hook prerouting "
    "priority 0; }'; nft add rule ip x c meta mark set meta mark and "
    "0xfffffff7 or 0x8",
    "ip link add br0 type bridge; sysctl -q -w "
    "net.bridge.bridge-nf-call-iptables=0 "
    "net.bridge.bridge-nf-call-ip6tables=0",
    "sysctl -q -w net.ipv4.conf.all.rp_filter=1",
    "sysctl -q -w net.ipv4.conf.all.rp_filter=2; "
    "ip route add 10.77.1.2/32 dev tap-b",
    "sysctl -q -w net.ipv4.conf.all.src_valid_mark=1",
    "nft add table inet x; nft 'add chain inet x c { type filter hook "
    "forward priority 0; policy drop; }'",
    "nft add table inet x; nft add chain inet x drops; "
    "nft add rule inet x drops drop",
])
def test_harmless_things_are_not_told(caged, command):
    caged.gate.sh(command)
    assert findings(caged) == []


@pytest.mark.parametrize("v", [0, 1], ids=["v4", "v6"])
@pytest.mark.parametrize("family,policy,last", [
    ("inet", "drop", ""),
    ("inet", "accept", "drop"),
    ("inet", "accept", "counter drop"),
    ("inet", "accept", "reject with icmpx admin-prohibited"),
    ("own", "drop", "tcp dport 22 accept"),
], ids=str)
def test_closed_firewall(intercepted, v, family, policy, last):
    """It does break interception, it is found, and the line mends it."""
    if family == "own":
        family = ("ip", "ip6")[v]
    intercepted.gate.run("nft", "-f", "-", data=FIREWALL.format(
        family=family, table="host", policy=policy, last=last))
    assert not dial(intercepted.box["a"], ORIGIN[v], 80,
                    timeout=0.2).startswith("proxy")
    found = one(intercepted, "input_policy")
    assert f"{family} host input" in found["what"]
    assert mended(intercepted)
    assert dial(intercepted.box["a"], ORIGIN[v], 80).startswith("proxy")


def test_two_closed_firewalls(intercepted):
    for table in ("one", "two"):
        intercepted.gate.run("nft", "-f", "-", data=FIREWALL.format(
            family="inet", table=table, policy="drop", last=""))
    assert len(findings(intercepted)) == 2
    assert mended(intercepted)
    assert dial(intercepted.box["a"], ORIGIN[0], 80).startswith("proxy")


def test_firewalld_is_told_its_own_way(caged):
    caged.gate.run("nft", "-f", "-", data=FIREWALL.format(
        family="inet", table="firewalld", policy="accept",
        last="reject with icmpx admin-prohibited"))
    line = one(caged, "input_policy")["mend"]
    assert "firewall-cmd --permanent --zone=trusted --add-interface=" in line
    assert "sbx-a" in line


def test_ufw_is_told_its_own_way(caged):
    caged.gate.run("nft", "-f", "-", data="""
        table ip filter {
          chain ufw-before-input { }
          chain INPUT {
            type filter hook input priority filter; policy drop;
            jump ufw-before-input
          }
        }""")
    line = one(caged, "input_policy")["mend"]
    assert "/etc/ufw/before.rules" in line and "0x2/0x2" in line


@pytest.mark.parametrize(
    "name", [n for n in FAULTS if not n.startswith("mark_conflict")])
def test_fix_does_the_line(caged, name):
    caged.gate.sh(FAULTS[name])
    lines = [f["mend"] for f in findings(caged)]
    planned = caged.setup("doctor", "--fix", "--dry-run", check=False)
    assert all(f"would do: {line}\n" in planned.stdout for line in lines)
    assert [f["mend"] for f in findings(caged)] == lines
    done = caged.setup("doctor", "--fix")
    assert all(f"did: {line}\n" in done.stdout for line in lines)
    assert findings(caged) == []


def test_fix_in_json(caged):
    caged.gate.sh(FAULTS["route_localnet"])
    told = json.loads(caged.setup("doctor", "--fix", "--json").stdout)
    assert told["ok"] is True and told["findings"] == []
    assert [f["did"] for f in told["fixed"]] == [
        "echo 0 > /proc/sys/net/ipv4/conf/all/route_localnet"]


@pytest.mark.parametrize("name", [
    "mark_conflict ip rule", "mark_conflict nft rule"])
def test_fix_leaves_to_people_what_is_not_ours(caged, name):
    caged.gate.sh(FAULTS[name])
    before = caged.gate.sh("ip rule; nft -s list ruleset").stdout
    done = caged.setup("doctor", "--fix", check=False)
    assert done.returncode == 1 and "did:" not in done.stdout
    assert "mend:" in done.stdout
    assert caged.gate.sh("ip rule; nft -s list ruleset").stdout == before


@pytest.mark.parametrize("v", [0, 1], ids=["v4", "v6"])
def test_fix_opens_a_hand_made_firewall_for_us_alone(intercepted, v):
    intercepted.gate.run("nft", "-f", "-", data=FIREWALL.format(
        family="inet", table="host", policy="drop", last=""))
    intercepted.setup("doctor", "--fix")
    assert dial(intercepted.box["a"], ORIGIN[v], 80).startswith("proxy")
    table = intercepted.gate.run("nft", "list", "table", "inet", "host").stdout
    assert "policy drop" in table and table.count("accept") == 4


def test_fix_installs_what_is_not_there(net):
    net.setup("doctor", "--fix")
    assert findings(net) == []


def test_fix_is_for_doctor(net):
    done = net.setup("install", "--fix", check=False)
    assert done.returncode == 2 and "doctor" in done.stderr


def test_an_odd_name_is_a_word_of_the_line(caged):
    """An interface may be called so, and root may follow the line."""
    name = "a;touch$IFS.x"
    caged.gate.run("ip", "link", "add", name, "type", "veth", "peer", "name", "p0")
    caged.gate.run("sh", "-c", 'echo 1 > "/proc/sys/net/ipv4/conf/$1/route_localnet"',
                   "-", name)
    assert "'a;touch$IFS.x'" in one(caged, "route_localnet")["mend"]
    caged.setup("doctor", "--fix")
    assert findings(caged) == []


def test_the_names_that_are_caged_stay(net):
    net.setup("install", "--cage", "sbx-*,tap-*")
    net.setup("install")
    assert findings(net, "--cage", "sbx-*,tap-*") == [] == findings(net)
    assert '"tap-*"' in net.gate.sh("nft list chain inet sbx_net input").stdout


def test_uninstalled_is_found_whole(net):
    names = {f["id"] for f in findings(net)}
    assert names == {"table", "rule99", "rule100", "rule150", "route", "migrate"}
    assert mended(net)
