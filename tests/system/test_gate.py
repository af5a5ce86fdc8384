"""What is neither TCP nor DNS is judged by a process that has no secrets, and
leaves only where an address rule with its protocol says so."""
import contextlib
import json
import os
import socket
import struct

import pytest

from lab import quic
from lab.packets import (V6, Echo, converse, counter, nothing_waits, ping, seen,
                         sock, start_counting)
from lab.rawpacket import Ends, Link, source_routed
from lab.wait import until

FAR = ("203.0.113.10", "2001:db8:113::10")
OTHER = ("203.0.113.11", "2001:db8:113::11")
NETLINK_NETFILTER = 12
BOTH = pytest.mark.parametrize("v", [0, 1], ids=["v4", "v6"])
ALLOWED = """\
policies:
  agent:
    allow:
      - {address: [203.0.113.10, "2001:db8:113::10"], protocol: udp, port: 7000-7009}
      - {address: [203.0.113.10, "2001:db8:113::10"], protocol: icmp}
"""
NOTHING = "policies: {agent: {allow: [{host: api.test}]}}\n"
# IPv4 and IPv6 inside, DCCP, GRE, ESP, SCTP, UDP-Lite.
OTHERS = {4: "ipip", 33: "dccp", 47: "gre", 50: "esp", 132: "sctp", 136: "udp-lite"}


@pytest.fixture(scope="module")
def far(stage):
    """The stage, with a daemon, and with what arrives at the far side counted."""
    stage.lab.internet.ip("addr", "add", OTHER[1] + "/64", "dev", "eth0", "nodad")
    start_counting(stage.lab.internet)
    stage.netd(ALLOWED)
    bound(stage.daemon)
    return stage


def gate_of(d):
    return json.loads(d.ctl("--json", "status").stdout)["gate"]


def bound(d, not_pid=0):
    """The gate, once it reads its queue."""
    def there():
        g = gate_of(d)
        return g if g.get("bound") == 1 and g["pid"] not in (0, not_pid) else None
    return until("a gate that reads its queue", there)


def dropped(far):
    return counter(far.lab.host, "sbx_net", "other")


@BOTH
def test_udp_that_a_rule_allows_is_answered(far, v):
    server = Echo(far.lab.internet, FAR[v], 7000)
    with sock(far.lab.sandbox, V6[bool(v)], socket.SOCK_DGRAM) as s:
        s.settimeout(30)
        s.connect((FAR[v], 7000))
        for _ in range(3):
            s.send(b"hello")
            server.serve()
            assert s.recv(100) == b"hello"
    server.close()
    # Nobody outside sees an address of the sandbox.
    assert set(server.peers) == {("203.0.113.1", "2001:db8:113::1")[v]}
    r = far.daemon.wait_record(kind="packet", proto="udp", dst=FAR[v], dport=7000)
    assert r["verdict"] == "allowed" and r["rule"] == "agent.allow[0]"
    assert r["sandbox"] == "s1" and r["via"] == "address"
    assert len(far.daemon.records(kind="packet", dst=FAR[v], dport=7000)) == 1


@BOTH
def test_ping_that_a_rule_allows_is_answered(far, v):
    assert ping(far.lab.sandbox, FAR[v])
    assert ping(far.lab.sandbox, FAR[v], size=4000)  # in fragments
    r = far.daemon.wait_record(kind="packet", dst=FAR[v],
                               proto=("icmp", "icmpv6")[v])
    assert r["verdict"] == "allowed" and r["rule"] == "agent.allow[1]"


@BOTH
@pytest.mark.parametrize("what", ["port", "address"])
def test_udp_that_no_rule_allows_is_dropped_and_recorded_once(far, v, what):
    to = ((FAR[v], 7010), (OTHER[v], 7000))[what == "address"]
    before, other = seen(far.lab.internet), dropped(far)
    with sock(far.lab.sandbox, V6[bool(v)], socket.SOCK_DGRAM) as s:
        for _ in range(5):
            s.sendto(b"hello", to)
    until("the packets to be judged", lambda: nothing_waits(far.lab.host))
    r = far.daemon.wait_record(kind="packet", proto="udp", dst=to[0], dport=to[1])
    assert (r["verdict"], r["reason"]) == ("denied", "protocol")
    assert len(far.daemon.records(kind="packet", dst=to[0], dport=to[1])) == 1
    assert seen(far.lab.internet) == before
    assert dropped(far) == other  # by the gate, not behind it


@BOTH
def test_fragments_are_one_packet_of_one_flow(far, v):
    before = seen(far.lab.internet)
    with sock(far.lab.sandbox, V6[bool(v)], socket.SOCK_DGRAM) as s:
        s.sendto(bytes(4000), (FAR[v], 7011))
    r = far.daemon.wait_record(kind="packet", dst=FAR[v], dport=7011)
    assert (r["proto"], r["verdict"]) == ("udp", "denied")
    assert seen(far.lab.internet) == before


@BOTH
def test_threat_13_quic_is_refused_at_once_and_named(far, v):
    before = seen(far.lab.internet)
    name = f"quic{v}.example.test"
    with sock(far.lab.sandbox, V6[bool(v)], socket.SOCK_DGRAM) as s:
        s.settimeout(30)
        s.connect((FAR[v], 443))
        assert converse(s, quic.opening(name)[0]) == "ConnectionRefusedError"
    r = far.daemon.wait_record(kind="packet", host=name)
    assert (r["proto"], r["verdict"], r["reason"]) == ("quic", "denied", "quic")
    assert r["dst"] == FAR[v] and r["dport"] == 443
    assert seen(far.lab.internet) == before


def test_quic_names_that_are_spread_over_datagrams(far):
    """What comes within a second of what came before; who was later begins anew."""
    def asks():
        with sock(far.lab.sandbox, socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(5)
            s.connect((FAR[0], 443))
            *first, last = quic.opening("spread.example.test", parts=3)
            for part in first:
                s.send(part)
            if converse(s, last) != "ConnectionRefusedError":
                return False
            port = s.getsockname()[1]
        r = far.daemon.wait_record(
            kind="packet", proto="quic", src=f"{far.lab.sandbox.address4}:{port}")
        return r.get("host") == "spread.example.test"

    until("the three to be put together", asks)


def test_quic_without_a_name_is_recorded_all_the_same(far):
    with sock(far.lab.sandbox, socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.connect((OTHER[0], 443))
        s.send(quic.opening("half.example.test", parts=2)[0])
        port = s.getsockname()[1]
    far.daemon.wait_record(kind="packet", proto="quic",
                           src=f"{far.lab.sandbox.address4}:{port}")
    assert not far.daemon.records(host="half.example.test")


@BOTH
@pytest.mark.parametrize("protocol", OTHERS, ids=OTHERS.values())
def test_threat_13_other_protocols_never_leave(far, v, protocol):
    before = seen(far.lab.internet)
    # Not one that a rule allows something to.
    with sock(far.lab.sandbox, V6[bool(v)], socket.SOCK_RAW, protocol) as s:
        s.sendto(bytes(64), (OTHER[v], 0))
    r = far.daemon.wait_record(kind="packet", dst=OTHER[v], proto=OTHERS[protocol])
    assert (r["verdict"], r["reason"]) == ("denied", "protocol")
    assert seen(far.lab.internet) == before


@BOTH
def test_neither_the_host_nor_another_sandbox_is_reached(far, v):
    own = ("10.77.1.1", "fd77:1::1")[v]
    with sock(far.lab.sandbox, V6[bool(v)], socket.SOCK_DGRAM) as s:
        s.sendto(b"hello", (own, 7000))
    r = far.daemon.wait_record(kind="packet", dst=own, dport=7000)
    assert (r["verdict"], r["reason"]) == ("denied", "self")


@contextlib.contextmanager
def meddler(host, priority, rules):
    """A table of somebody else, with these rules in prerouting."""
    host.run("nft", "-f", "-", input=f"""
        table inet meddler {{
            chain c {{
                type filter hook prerouting priority {priority}; policy accept;
                {rules}
            }}
        }}
        """)
    try:
        yield
    finally:
        host.run("nft", "delete", "table", "inet", "meddler")


def exchange(s, server):
    s.settimeout(30)
    s.send(b"hello")
    server.serve()
    assert s.recv(100) == b"hello"


@BOTH
@pytest.mark.parametrize("port,priority,mark", [
    (7778, "raw", "meta"), (7779, "-175", "meta"), (7780, "mangle", "meta"),
    (7781, "-175", "ct"), (7782, "mangle", "ct")])
def test_marks_that_others_set_count_for_nothing(far, v, port, priority, mark):
    """Of a packet or a connection, in whatever place of theirs."""
    with contextlib.closing(Echo(far.lab.internet, FAR[v], 7003)) as server, \
            meddler(far.lab.host, priority, f'iifname "v1" {mark} mark set 0x4'), \
            sock(far.lab.sandbox, V6[bool(v)], socket.SOCK_DGRAM) as s:
        before = seen(far.lab.internet)
        for _ in range(3):
            s.sendto(b"hello", (OTHER[v], port))
        r = far.daemon.wait_record(kind="packet", dst=OTHER[v], dport=port)
        assert r["verdict"] == "denied"
        assert seen(far.lab.internet) == before
        s.connect((FAR[v], 7003))
        for _ in range(3):
            exchange(s, server)


def test_dns_is_never_a_flow_that_passed(lab, netd):
    """Its connections are confirmed, so a mark of others could stay on them."""
    start_counting(lab.internet)
    d, query = netd(ALLOWED), struct.pack("!6H", 1, 0x100, 1, 0, 0, 0) + bytes(5)
    with meddler(lab.host, "-175", 'iifname "v1" ct mark set 0x4'), \
            sock(lab.sandbox, socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(30)
        s.connect((OTHER[0], 53))
        assert isinstance(converse(s, query), bytes)
        os.kill(d.process.pid, 9)
        d.process.wait(60)
        before = seen(lab.internet)
        for _ in range(3):
            with contextlib.suppress(OSError):
                s.send(query)
        assert seen(lab.internet) == before


@BOTH
def test_a_source_route_does_not_follow_a_flow_that_passed(far, v):
    """Its next packets are not asked about, but one with another way is."""
    host, sandbox = far.lab.host, far.lab.sandbox
    host.run("sysctl", "-qw", "net.ipv4.conf.all.accept_source_route=1",
             "net.ipv4.conf.v1.accept_source_route=1")
    ends = Ends((sandbox.address4, sandbox.address6)[v], FAR[v])
    server, link = Echo(far.lab.internet, FAR[v], 7004), Link(far.lab, sandbox)
    with sock(sandbox, V6[bool(v)], socket.SOCK_DGRAM) as s:
        s.connect((FAR[v], 7004))
        exchange(s, server)
        before = seen(far.lab.internet)
        udp = ends.udp(7004, source_port=s.getsockname()[1])
        link.send([source_routed(ends, udp)])
        r = far.daemon.wait_record(kind="packet", dst=FAR[v], detail="a source route")
        assert r["verdict"] == "denied"
        assert seen(far.lab.internet) == before
        exchange(s, server)
    link.close()
    server.close()


def test_what_has_no_connection_does_not_go_round(far):
    """Nothing could be pinned to it: it is dropped behind its verdict."""
    with meddler(far.lab.host, "raw", 'iifname "v1" udp dport 7008 notrack'):
        before, other = seen(far.lab.internet), dropped(far)
        with sock(far.lab.sandbox, socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.sendto(b"hello", (FAR[0], 7008))
        until("it to be dropped", lambda: dropped(far) == other + 1)
        assert seen(far.lab.internet) == before


def test_a_flood_of_flows_has_few_records_and_says_how_many(far):
    d, before = far.daemon, seen(far.lab.internet)
    told = len(d.records(kind="packet"))
    with sock(far.lab.sandbox, socket.AF_INET, socket.SOCK_DGRAM) as s:
        for i in range(10000):
            s.sendto(b"flood", (OTHER[0], 20000 + i))
    until("the flood to be judged", lambda: nothing_waits(far.lab.host))
    with sock(far.lab.sandbox, socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.sendto(b"last", (OTHER[0], 19999))
    until("a record that says how many",
          lambda: [r for r in d.records(kind="packet") if r.get("count", 1) > 1])
    assert len(d.records(kind="packet")) - told < 500
    assert seen(far.lab.internet) == before
    assert bound(d)["restarts"] == 0


def tighten_and_loosen(far, v, port):
    """A flow that passed is ended by the first, and may begin again after."""
    d, to = far.daemon, {"kind": "packet", "dport": port, "dst": FAR[v]}
    server = Echo(far.lab.internet, FAR[v], port)
    with sock(far.lab.sandbox, V6[bool(v)], socket.SOCK_DGRAM) as s:
        s.settimeout(30)
        s.connect((FAR[v], port))
        s.send(b"one")
        server.serve()
        assert s.recv(100) == b"one"
        done = d.ctl("--json", "lockdown", "s1")
        try:
            assert '"what": "flow"' in done.stdout.replace('":"', '": "')
            before = seen(far.lab.internet)
            s.send(b"two")
            until("the packet to be judged",
                  lambda: d.records(reason="lockdown", **to))
            assert seen(far.lab.internet) == before
            d.wait_record(reason="revoked", **to)
        finally:
            d.ctl("policy", "clear", "s1")
        s.send(b"three")
        server.serve()
        assert s.recv(100) == b"three"
    server.close()


@BOTH
def test_tightening_ends_flows_that_passed(far, v):
    tighten_and_loosen(far, v, 7005)


@BOTH
@pytest.mark.parametrize("zone", ["zone", "original zone"])
def test_tightening_ends_flows_in_a_zone(far, v, zone):
    """Where the host tracks a sandbox's connections in a zone of their own."""
    port = 7006 + (zone != "zone")
    answers = f'iifname "wan" udp sport {port} ct zone set 7' if zone == "zone" else ""
    with meddler(far.lab.host, "raw", f"""
            iifname "v1" udp dport {port} ct {zone} set 7
            {answers}"""):
        tighten_and_loosen(far, v, port)


def test_explain_says_what_the_gate_does(far):
    def explain(url):
        r = far.daemon.ctl("--json", "explain", "s1", "-", url, check=False)
        a = json.loads(r.stdout)
        return a["verdict"], a["reason"], a.get("via", "")

    for at in (FAR[0], f"[{FAR[1]}]"):
        assert explain(f"udp://{at}:7000") == ("allowed", "rule_allow", "address")
        assert explain(f"udp://{at}:7010") == ("denied", "protocol", "")
        assert explain(f"udp://{at}:443") == ("denied", "quic", "")
        assert explain(f"icmp://{at}") == ("allowed", "rule_allow", "address")
    assert explain(f"icmp://{OTHER[0]}") == ("denied", "protocol", "")
    r = far.daemon.ctl("explain", "s1", "-", f"udp://{FAR[0]}:443", check=False)
    assert "takes TCP at once" in r.stdout and r.returncode == 1
    assert f"- {{address: {FAR[0]}, port: 443, protocol: udp}}" in r.stdout
    r = far.daemon.ctl("explain", "s1", "-", "udp://ntp.test:123", check=False)
    assert "ask about an address" in r.stderr


def test_the_gate_has_one_capability_and_no_file(far):
    pid = bound(far.daemon)["pid"]
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        s = dict(line.split(":\t", 1) for line in f.read().splitlines() if ":\t" in line)
    assert "0" not in s["Uid"].split() and s["Groups"].strip() == ""
    worker = far.daemon.children()[0]
    with open(f"/proc/{worker}/status", encoding="ascii") as f:
        assert s["Uid"] not in f.read()
    for name in ("CapPrm", "CapEff", "CapBnd"):
        assert int(s[name], 16) == 1 << 12  # CAP_NET_ADMIN
    assert int(s["CapInh"], 16) == int(s["CapAmb"], 16) == 0
    assert s["NoNewPrivs"] == "1" and s["Seccomp"] == "2"


def test_status_says_what_it_does(far):
    status = far.daemon.ctl("status").stdout
    assert "gate         ready, pid" in status and ", queue " in status
    assert gate_of(far.daemon)["queue"] in ("native", "target")
    assert gate_of(far.daemon)["sandboxes"] == 1


def test_a_dead_gate_lets_nothing_pass(far):
    """Killed again and again while a sandbox sends: nothing new arrives."""
    d, before = far.daemon, seen(far.lab.internet)
    with sock(far.lab.sandbox, socket.AF_INET, socket.SOCK_DGRAM) as s:
        for i in range(6):
            pid = bound(d)["pid"]
            os.kill(pid, 9)
            for port in range(30000 + 20 * i, 30020 + 20 * i):
                s.sendto(b"hello", (OTHER[0], port))
            until("it to be gone", lambda: gate_of(d)["pid"] != pid)
    bound(d)
    assert seen(far.lab.internet) == before
    assert d.records(reason="gate_crashed")
    assert ping(far.lab.sandbox, FAR[0])


def test_the_rule_is_put_back(far):
    d, before = far.daemon, seen(far.lab.internet)
    far.lab.host.run("nft", "flush", "chain", "inet", "sbx_net", "gate")
    until("the queue to be read again", lambda: rules_in_gate(far) == 1)
    far.lab.host.run("nft", "flush", "ruleset")
    start = bound(d)
    until("the rules to be there again", lambda: rules_in_gate(far) == 1)
    assert gate_of(d)["restarts"] == start["restarts"]
    with sock(far.lab.sandbox, socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.sendto(b"hello", (OTHER[0], 31000))
    d.wait_record(kind="packet", dst=OTHER[0], dport=31000)
    assert seen(far.lab.internet) == before


def take_queue(number):
    """As some other program would."""
    s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
    s.bind((0, 0))
    attr = struct.pack("=HHBxH", 8, 1, 1, 0)  # NFQA_CFG_CMD: bind
    body = struct.pack("=BB", 0, 0) + struct.pack("!H", number) + attr
    s.send(struct.pack("=IHHII", 16 + len(body), 3 << 8 | 2, 5, 1, 0) + body)
    assert struct.unpack_from("=i", s.recv(1000), 16) == (0,)
    return s


def test_a_queue_that_somebody_else_has(lab, netd):
    """Nothing passes, the daemon works all the same, and takes it when it can."""
    start_counting(lab.internet)
    with lab.host.within(take_queue, 15001):
        d = netd(ALLOWED)
        until("the gate to say so", lambda: gate_of(d).get("bound") == 0)
        assert "(not read)" in d.ctl("status").stdout
        health = d.ctl("health", check=False)
        assert health.returncode == 1 and "another program reads" in health.stdout
        before = seen(lab.internet)
        with sock(lab.sandbox, socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.sendto(b"hello", (FAR[0], 7000))
        assert d.reload().returncode == 0
        assert seen(lab.internet) == before
    bound(d)
    assert ping(lab.sandbox, FAR[0])
    assert "queue" not in d.ctl("health", check=False).stdout


def rules_in_gate(far):
    said = far.lab.host.run("nft", "-j", "list", "chain", "inet", "sbx_net", "gate",
                            check=False)
    if said.returncode != 0:
        return 0
    return sum("rule" in o for o in json.loads(said.stdout)["nftables"])
