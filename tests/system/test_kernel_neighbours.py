"""Beside Docker, podman, firewalld and ufw: it works, or doctor says the line.

And whatever they load, nothing of a sandbox gets past us.
"""
import json

import pytest

from kernel.fixtures import caged, intercepted, net  # noqa: F401
from kernel.neighbours import CLOSED, HARMLESS, load
from kernel.net import GATE, ORIGIN, wait_for
from kernel.talk import dial, send_all_kinds

BOTH = pytest.mark.parametrize("v", [0, 1], ids=["v4", "v6"])


def findings(net):
    return json.loads(net.setup("doctor", "--json", check=False).stdout)["findings"]


def works(net, v):
    return dial(net.box["a"], ORIGIN[v], 80, timeout=1).startswith("proxy")


def assert_closed(net, v):
    before, arrived = net.seen(), net.gate.received("sbx-a")
    sent = send_all_kinds(net.box["a"], ORIGIN[v])
    wait_for(f"{sent} packets at the gateway",
             lambda: net.gate.received("sbx-a") >= arrived + sent)
    assert net.seen() == before


@BOTH
@pytest.mark.parametrize("name", HARMLESS)
def test_it_works_beside_them(intercepted, v, name):
    load(intercepted, HARMLESS[name])
    assert findings(intercepted) == []
    assert works(intercepted, v)
    load(intercepted, HARMLESS[name])  # they are reloaded
    assert works(intercepted, v)
    assert_closed(intercepted, v)


@pytest.mark.parametrize("name", HARMLESS)
def test_a_published_port_of_theirs_is_not_for_a_sandbox(intercepted, name):
    """The host's address is rewritten to the container's, here the origin's; a
    neighbour reaches it, the sandbox does not."""
    tables, rules = HARMLESS[name]
    for container in ("172.17.0.2", "10.88.0.5"):
        rules = rules.replace(f"to {container}:80", f"to {ORIGIN[0]}:80")
    rules = rules.replace("ip saddr 10.88.0.0/16 tcp dport 8080", "tcp dport 8080")
    rules = rules.replace("hook forward priority filter; policy drop",
                          "hook forward priority filter; policy accept")
    load(intercepted, (tables, rules))
    assert dial(intercepted.box["b"], GATE["b"][0], 8080).startswith("origin")
    before = intercepted.seen()
    said = dial(intercepted.box["a"], GATE["a"][0], 8080, timeout=1)
    assert not said.startswith("origin") and intercepted.seen() == before


def follow(net, name):
    """The lines that doctor prints, as far as there is a program to run them;
    else what that program would load."""
    for finding in findings(net):
        if "firewall-cmd" in finding["mend"] or "/etc/ufw/" in finding["mend"]:
            continue
        net.gate.sh(finding["mend"])
    net.gate.sh({
        "firewalld": "nft insert rule inet firewalld filter_INPUT_ZONES "
                     "iifname sbx-a accept",
        "ufw": "nft add rule ip filter ufw-before-input "
               "meta mark and 0x2 == 0x2 accept; "
               "nft add rule ip6 filter ufw6-before-input "
               "meta mark and 0x2 == 0x2 accept",
    }[name])


@BOTH
@pytest.mark.parametrize("name", CLOSED)
def test_doctor_names_the_line_and_then_it_works(intercepted, v, name):
    load(intercepted, CLOSED[name])
    assert not works(intercepted, v)
    assert_closed(intercepted, v)
    lines = [f["mend"] for f in findings(intercepted)]
    assert lines and all({"firewalld": "firewall-cmd --reload",
                          "ufw": "ufw reload"}[name] in line for line in lines)
    follow(intercepted, name)
    assert works(intercepted, v)
    assert_closed(intercepted, v)


@pytest.mark.parametrize("name", CLOSED)
def test_fix_leaves_their_tables_alone(intercepted, name):
    load(intercepted, CLOSED[name])
    before = intercepted.gate.run("nft", "-s", "list", "ruleset").stdout
    done = intercepted.setup("doctor", "--fix", check=False)
    assert done.returncode == 1 and "did:" not in done.stdout
    assert intercepted.gate.run("nft", "-s", "list", "ruleset").stdout == before


def test_firewalld_looks_up_the_way_back_with_our_mark(intercepted):
    """IPv6_rpfilter=yes: it finds the sandbox all the same."""
    load(intercepted, CLOSED["firewalld"])
    intercepted.gate.sh("nft insert rule inet firewalld filter_INPUT_ZONES "
                        "iifname sbx-a accept")
    assert works(intercepted, 0) and works(intercepted, 1)


def test_the_host_that_docker_leaves(intercepted):
    """A bridge, and bridged packets in everybody's rules: of no harm to who is
    not on a bridge; a warning."""
    load(intercepted, HARMLESS["docker"])
    intercepted.gate.sh("ip link add docker0 type bridge; ip link set docker0 up; "
                        "ip addr add 172.17.0.1/16 dev docker0; sysctl -q -w "
                        "net.bridge.bridge-nf-call-iptables=1 "
                        "net.bridge.bridge-nf-call-ip6tables=1")
    assert {(f["id"], f["severity"]) for f in findings(intercepted)} == {
        ("bridge-nf-call-iptables", "warning"),
        ("bridge-nf-call-ip6tables", "warning")}
    for v in (0, 1):
        assert works(intercepted, v)
        assert_closed(intercepted, v)
