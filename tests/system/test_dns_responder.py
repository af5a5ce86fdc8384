"""Whatever name server a sandbox asks, it is we who answer, under that
server's own address, with a socket of the keeper and no capability.

Two network namespaces in one fresh user namespace: sandbox and gateway.
"""
import pathlib
import re
import select
import subprocess

import pytest

from lab.built import TESTS

DEADLINE = 20  # seconds that anything may take

RULES = """
table inet sbx_net {
  chain prerouting {
    type filter hook prerouting priority mangle - 9; policy accept;
    iifname "sbx0" meta nfproto ipv4 udp dport 53 \
      tproxy ip to 127.8.0.53:53 meta mark set meta mark or 0x1 accept
    iifname "sbx0" meta nfproto ipv6 udp dport 53 \
      tproxy ip6 to [fd73:6278:6e::53]:53 meta mark set meta mark or 0x1 accept
    iifname "sbx0" meta nfproto ipv4 udp dport 5353 \
      tproxy ip to 127.8.0.53:53 meta mark set meta mark or 0x1 accept
    iifname "sbx0" meta l4proto udp drop
  }
}
"""

GATEWAY = """
set -e
ip link set lo up
ip link add sbx0 type veth peer name eth0 netns {sandbox}
ip link set sbx0 up
ip address add 10.77.1.1/24 dev sbx0
ip address add fd77:1::1/64 dev sbx0 nodad
ip address add fe80::53/64 dev sbx0 nodad
ip rule add pref 100 fwmark 0x1/0x1 lookup 100
ip route add local default dev lo table 100
ip -6 rule add pref 100 fwmark 0x1/0x1 lookup 100
ip -6 route add local default dev lo table 100
nft -f -
"""

SANDBOX = """
set -e
ip link set lo up
ip address add 10.77.1.2/24 dev eth0
ip address add fd77:1::2/64 dev eth0 nodad
ip address add fe80::2/64 dev eth0 nodad
ip link set eth0 up
ip route add default via 10.77.1.1
ip -6 route add default via fd77:1::1
"""


def binary():
    return TESTS / "dns_answerer"


def read_line(process, what):
    ready, _, _ = select.select([process.stdout], [], [], DEADLINE)
    assert ready, f"waited {DEADLINE} s for {what}"
    return process.stdout.readline().decode().rstrip("\n")


def start(argv, first_line):
    """A process that lives until its input is closed."""
    process = subprocess.Popen(argv, stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, bufsize=0)
    assert read_line(process, argv) == first_line
    return process


def stop(process):
    process.stdin.close()
    assert process.wait(DEADLINE) == 0
    process.stdout.close()


class Namespace:
    HOLD = ["sh", "-c", "echo held; exec cat"]

    def __init__(self, *how):
        self.holder = start([*how, *self.HOLD], "held")

    def argv(self, *argv):
        return ["nsenter", "-t", str(self.holder.pid), "-U", "-n",
                "--preserve-credentials", *argv]

    def shell(self, script, stdin=""):
        subprocess.run(self.argv("sh", "-c", script), check=True,
                       input=stdin.encode(), timeout=DEADLINE)


class Lab:
    def __init__(self):
        self.gateway = Namespace("unshare", "-Urn")
        self.sandbox = Namespace(*self.gateway.argv("unshare", "-n"))
        self.gateway.shell(GATEWAY.format(sandbox=self.sandbox.holder.pid),
                           RULES)
        self.sandbox.shell(SANDBOX)
        self.answerer = start(self.gateway.argv(str(binary())), "ready")

    def close(self):
        stop(self.answerer)
        stop(self.sandbox.holder)
        stop(self.gateway.holder)

    def dig(self, server, *what):
        """dig complains about, and waits beyond, another's answer."""
        done = subprocess.run(
            self.sandbox.argv("dig", "+tries=1", "+timeout=10", "-p", "53",
                              f"@{server}", *what),
            capture_output=True, timeout=DEADLINE, check=False)
        text = done.stdout.decode()
        assert done.returncode == 0, text
        assert "unexpected source" not in text
        return text

    def asked(self):
        return read_line(self.answerer, "a question").split(" ")


@pytest.fixture(name="lab")
def fixture_lab():
    lab = Lab()
    yield lab
    lab.close()


SERVERS = [
    ("192.0.2.1", "10.77.1.2"),  # somewhere
    ("10.77.1.1", "10.77.1.2"),  # the gateway itself
    ("2001:db8::53", "fd77:1::2"),
    ("fd77:1::1", "fd77:1::2"),
    ("fe80::53%eth0", "fe80::2"),  # link-local: the answer needs its link
]


@pytest.mark.parametrize("server,peer", SERVERS)
@pytest.mark.parametrize("qtype,number,address", [
    ("A", "1", "198.51.100.7"), ("AAAA", "28", "2001:db8:7::7")])
def test_answers_as_the_server_that_was_asked(lab, server, peer, qtype,
                                              number, address):
    text = lab.dig(server, "x.test", qtype)
    assert f"({server}) (UDP)" in text
    assert "status: NOERROR" in text
    assert re.search(rf"^x\.test\.\s+60\s+IN\s+{qtype}\s+{address}$", text,
                     re.MULTILINE)
    assert lab.asked() == [server.split("%")[0], "sbx0", peer, "x.test",
                           number]


def test_link_local_server_and_a_peer_that_is_not(lab):
    text = lab.dig("fe80::53%eth0", "-b", "fd77:1::2", "x.test", "A")
    assert "198.51.100.7" in text
    assert lab.asked()[:3] == ["fe80::53", "sbx0", "fd77:1::2"]


def test_no_capability_is_left(lab):
    status = pathlib.Path(f"/proc/{lab.answerer.pid}/status").read_text()
    sets = dict(re.findall(r"^(Cap\w+):\s+(\w+)$", status, re.MULTILINE))
    for name in ("CapPrm", "CapEff", "CapInh", "CapBnd"):
        assert int(sets[name], 16) == 0, name


def test_two_workers_share_the_addresses(lab):
    second = start(lab.gateway.argv(str(binary())), "ready")
    for number in range(8):
        lab.dig("192.0.2.1", f"n{number}.test", "A")
    stop(second)
    lab.dig("192.0.2.1", "x.test", "A")


def test_refusals_and_sizes_reach_dig(lab):
    assert "status: NXDOMAIN" in lab.dig("192.0.2.1", "none.test", "A")
    assert "status: REFUSED" in lab.dig("192.0.2.1", "version.bind", "CH",
                                        "TXT")
    text = lab.dig("192.0.2.1", "many.test", "A", "+bufsize=1232")
    assert "ANSWER: 40," in text
    text = lab.dig("192.0.2.1", "many.test", "A", "+noedns", "+ignore")
    assert "tc" in re.search(r"flags: ([a-z ]*);", text).group(1).split()


def test_another_port_could_not_be_answered_as_itself(lab):
    subprocess.run(
        lab.sandbox.argv("dig", "+tries=1", "+timeout=1", "-p", "5353",
                         "@192.0.2.1", "other-port.test", "A"),
        stdout=subprocess.DEVNULL, timeout=DEADLINE, check=False)
    lab.dig("192.0.2.1", "x.test", "A")
    assert lab.asked()[3] == "x.test"
