"""What a sandbox sends reaches the daemon, and nobody else."""

import socket

import pytest

from kernel.driver import Driver
from kernel.fixtures import caged, intercepted, net  # noqa: F401
from kernel.net import BOX, GATE, ORIGIN, WAN, wait_for
from kernel.talk import (DNS, DnsServer, TcpServer, UdpServer, ask, dial,
                         send_all_kinds)

BOTH = pytest.mark.parametrize("v", [0, 1], ids=["v4", "v6"])


@BOTH
@pytest.mark.parametrize("port", [22, 53, 80, 443, 15001, 65535])
def test_tcp_of_any_port_is_intercepted(intercepted, v, port):
    before = intercepted.seen()
    said = dial(intercepted.box["a"], ORIGIN[v], port)
    assert said == f"proxy {ORIGIN[v]} {port}"
    assert intercepted.seen() == before


@BOTH
def test_dns_is_answered_as_the_server_that_was_asked(intercepted, v):
    intercepted.keep(DnsServer(intercepted.gate, DNS[v]))
    before = intercepted.seen()
    # ask() uses a connected socket: another source would not be received.
    assert ask(intercepted.box["a"], ORIGIN[v], 53) == "dns hello"
    assert intercepted.seen() == before


@BOTH
def test_threat_13_udp_443_is_refused_at_once(intercepted, v):
    before = intercepted.seen()
    said = ask(intercepted.box["a"], ORIGIN[v], 443)
    assert said == "ConnectionRefusedError"
    assert intercepted.seen() == before
    assert intercepted.gate.counter("sbx_net", "quic") == 1


@BOTH
def test_threat_13_whatever_is_neither_tcp_nor_dns_is_dropped(intercepted, v):
    """… and counted: the tunnels, the transports, what has no port at all."""
    box, gate = intercepted.box["a"], intercepted.gate
    before, other = intercepted.seen(), gate.counter("sbx_net", "other")
    quic = gate.counter("sbx_net", "quic")
    sent = send_all_kinds(box, ORIGIN[v])
    with box.socket((socket.AF_INET, socket.AF_INET6)[v], socket.SOCK_DGRAM) as s:
        s.sendto(bytes(4000), (ORIGIN[v], 9999))    # in fragments
    # Without four of TCP and one to UDP 443, with the one in fragments.  For
    # UDP 53 nobody listens here.
    expected = sent - 4 - 1 + 1
    wait_for("the drops", lambda: gate.counter(
        "sbx_net", "other") >= other + expected)
    assert gate.counter("sbx_net", "other") == other + expected
    assert gate.counter("sbx_net", "quic") == quic + 1
    assert intercepted.seen() == before


@BOTH
def test_threat_13_multicast_stays_on_its_link(intercepted, v):
    box, gate = intercepted.box["a"], intercepted.gate
    before = gate.counter("sbx_net", "martian")
    group = ("224.0.0.251", "ff0e::fb")[v]
    with box.socket((socket.AF_INET, socket.AF_INET6)[v], socket.SOCK_DGRAM) as s:
        s.setsockopt(*((socket.SOL_IP, socket.IP_MULTICAST_TTL, 9),
                       (socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 9))[v])
        seen = intercepted.seen()
        s.sendto(b"hello", (group, 5353))
    wait_for("the drop", lambda: gate.counter("sbx_net", "martian") > before)
    assert intercepted.seen() == seen


@BOTH
def test_the_gateways_own_services_are_not_reached(intercepted, v):
    """Whatever address of the host is dialled: TCP is ours, UDP is nobody's."""
    own = [GATE["a"][v], WAN[v], GATE["b"][v]]
    udp = [intercepted.keep(UdpServer(intercepted.gate, address, 9999, "host"))
           for address in own]
    for address in own:
        assert dial(intercepted.box["a"], address, 22) == f"proxy {address} 22"
        before = intercepted.gate.counter("sbx_net", "other")
        assert ask(intercepted.box["a"], address, 9999, timeout=0.2) == \
            "TimeoutError"
        assert intercepted.gate.counter("sbx_net", "other") == before + 1
    assert [server.got for server in udp] == [[], [], []]


@BOTH
def test_another_sandbox_is_not_reached(intercepted, v):
    intercepted.driver.do("add", "tap-b", *BOX["b"])
    before = intercepted.seen(intercepted.box["b"])
    assert dial(intercepted.box["a"], BOX["b"][v], 80) == \
        f"proxy {BOX['b'][v]} 80"
    assert ask(intercepted.box["a"], BOX["b"][v], 9999, timeout=0.2) == \
        "TimeoutError"
    assert intercepted.seen(intercepted.box["b"]) == before


def test_loopback_is_not_reached_even_with_route_localnet(intercepted):
    """The listener itself, by its own address, from outside."""
    intercepted.gate.sh("sysctl -q -w net.ipv4.conf.all.route_localnet=1")
    intercepted.box["a"].sh(
        "sysctl -q -w net.ipv4.conf.all.route_localnet=1; ip route del local "
        "127.0.0.0/8 dev lo table local; ip addr del 127.0.0.1/8 dev lo; "
        "ip route add 127.0.0.0/8 via 10.77.1.1 dev va src 10.77.1.2")
    before = intercepted.gate.counter("sbx_net", "martian")
    assert dial(intercepted.box["a"], "127.0.0.1", 15001, BOX["a"][0],
                timeout=0.2) == "TimeoutError"
    assert intercepted.gate.counter("sbx_net", "martian") > before


def test_src_valid_mark_does_no_harm(intercepted):
    intercepted.gate.sh("sysctl -q -w net.ipv4.conf.all.src_valid_mark=1 "
                        "net.ipv4.conf.all.rp_filter=1")
    assert dial(intercepted.box["a"], ORIGIN[0], 80).startswith("proxy")
    # It would, without our rule 99.
    intercepted.gate.sh("ip rule del pref 99")
    assert dial(intercepted.box["a"], ORIGIN[0], 80, timeout=0.2) == \
        "TimeoutError"


def test_marks_of_others_are_left_alone(intercepted):
    """Ours is or-ed in, and matched by mask."""
    intercepted.gate.run("nft", "-f", "-", data="""
        table inet other {
          counter both { }
          chain before {
            type filter hook prerouting priority -200; policy accept;
            iifname "sbx-a" meta mark set 0xff000000
          }
          chain behind {
            type filter hook prerouting priority -100; policy accept;
            meta mark 0xff000002 counter name "both"
          }
        }""")
    assert dial(intercepted.box["a"], ORIGIN[0], 80).startswith("proxy")
    assert intercepted.gate.counter("other", "both") > 0


def test_its_own_mark_table_and_port(net):
    net.setup("install", "--mark", "0x40", "--mask", "0xc0", "--table", "77",
              "--port", "16000")
    driver = net.keep(Driver(net.gate))
    driver.do("add", "sbx-a", *BOX["a"])
    net.keep(TcpServer(net.gate, "127.0.0.1", 16000, "proxy", True))
    assert dial(net.box["a"], ORIGIN[0], 80) == f"proxy {ORIGIN[0]} 80"


def test_threat_57_rules_of_the_sandbox_itself_change_nothing(intercepted):
    """A sandbox that may do anything in its own namespace."""
    intercepted.box["a"].sh("""
        nft add table inet x
        nft 'add chain inet x o { type filter hook output priority 0; }'
        nft add rule inet x o meta mark set 0x2
        nft 'add chain inet x n { type nat hook output priority -100; }'
        nft 'add rule inet x n udp dport 9999 redirect to :53'
        ip rule add fwmark 2 lookup main""")
    before = intercepted.seen()
    for v in (0, 1):
        assert dial(intercepted.box["a"], ORIGIN[v], 80).startswith("proxy")
        send_all_kinds(intercepted.box["a"], ORIGIN[v])
        # All of these have been through once this one has.
        assert dial(intercepted.box["a"], ORIGIN[v], 80).startswith("proxy")
    assert intercepted.seen() == before


@BOTH
def test_the_host_may_dial_a_sandbox(intercepted, v):
    """ssh into a VM works; what the VM itself opens is intercepted still."""
    box = intercepted.box["a"]
    intercepted.keep(TcpServer(box, BOX["a"][v], 22, "sandbox"))
    intercepted.keep(UdpServer(box, BOX["a"][v], 9999, "sandbox"))
    assert dial(intercepted.gate, BOX["a"][v], 22).startswith("sandbox")
    assert ask(intercepted.gate, BOX["a"][v], 9999) == "sandbox hello"
    assert dial(box, GATE["a"][v], 22).startswith("proxy")


@BOTH
def test_an_answer_is_for_the_host_alone(intercepted, v):
    """The ports of a connection that the host opened open no other way."""
    box = intercepted.box["a"]
    server = intercepted.keep(UdpServer(box, BOX["a"][v], 9999, "sandbox"))
    assert ask(intercepted.gate, BOX["a"][v], 9999) == "sandbox hello"
    before = intercepted.seen()
    dropped = intercepted.gate.counter("sbx_net", "other")
    server.socket.sendto(b"out", (ORIGIN[v], 9999))
    wait_for("the drop", lambda: intercepted.gate.counter(
        "sbx_net", "other") > dropped)
    assert intercepted.seen() == before
