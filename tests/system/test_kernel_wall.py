"""A worker cannot be talked into dialling what its guard refuses."""

import socket
import struct
import subprocess

import pytest

from kernel.fixtures import caged, net  # noqa: F401
from kernel.net import BOX, ORIGIN, WORKER
from kernel.talk import (DNS, IP_PKTINFO, TcpServer, UdpServer, dial, listener,
                         make_transparent)

BOTH = pytest.mark.parametrize("v", [0, 1], ids=["v4", "v6"])

# The origin's addresses are documentation ranges, so they are denied ones.
DIAL = """
import socket, sys
s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET)
s.settimeout(5)
try:
    s.connect((sys.argv[1], int(sys.argv[2])))
    print(s.recv(100).decode())
except OSError as error:
    print(type(error).__name__, error.errno)
"""
ACCEPT = """
import socket, sys
s = socket.socket(fileno=int(sys.argv[1]))
peer, _ = s.accept()
peer.sendall(b"worker")
"""


def dial_as(where, uid, address, port):
    return where.run("setpriv", "--reuid", uid, "--clear-groups",
                     "/usr/bin/python3", "-c", DIAL, address, port).stdout


@BOTH
def test_denied_for_the_worker_only(caged, v):
    before = caged.seen()
    # EACCES (13), at once: the refusal is an ICMP error, not a silence.
    assert dial_as(caged.gate, WORKER, ORIGIN[v], 80) in (
        "PermissionError 13\n", "OSError 113\n")
    assert caged.seen() == before
    assert caged.gate.counter("sbx_net", "wall") >= 1
    assert dial_as(caged.gate, "4321", ORIGIN[v], 80).startswith("origin")


@pytest.mark.parametrize("address", [
    "127.0.0.1", "10.77.1.1", "10.77.1.2", "::1", "fd77:1::1", "fd77:1::2"])
def test_host_and_sandboxes_are_denied(caged, address):
    where = caged.box["a"] if address.endswith("2") else caged.gate
    caged.keep(TcpServer(where, address, 8080, "inside"))
    assert "inside" not in dial_as(caged.gate, WORKER, address, 8080)
    assert dial_as(caged.gate, "4321", address, 8080).startswith("inside")


@BOTH
def test_what_the_operator_exempts(caged, v):
    network = ("203.0.113.0/24", "2001:db8:3::/48")[v]
    caged.driver.do("exempt", network)
    assert dial_as(caged.gate, WORKER, ORIGIN[v], 80).startswith("origin")
    caged.driver.do("exempt", ("203.0.113.3", "2001:db8:3::3")[v])
    assert "origin" not in dial_as(caged.gate, WORKER, ORIGIN[v], 80)


@BOTH
def test_a_resolver_is_exempt_at_its_port_only(caged, v):
    caged.driver.do("exempt", "@" + ORIGIN[v], "443")
    assert dial_as(caged.gate, WORKER, ORIGIN[v], 443).startswith("origin")
    assert "origin" not in dial_as(caged.gate, WORKER, ORIGIN[v], 80)


@BOTH
def test_answers_to_sandboxes_pass(caged, v):
    """Their addresses are private, and the worker's sockets answer them."""
    with listener(caged.gate, ("127.0.0.1", "::1")[v], 15001, True) as s:
        with subprocess.Popen(
                ["/usr/bin/python3", "-c", ACCEPT, str(s.fileno())],
                pass_fds=[s.fileno()], user=int(WORKER)) as worker:
            said = dial(caged.box["a"], ORIGIN[v], 80)
            worker.kill()       # has answered, or waits in vain
    assert said == "worker"
    assert caged.gate.counter("sbx_net", "wall") == 0


def test_the_dns_socket_answers_and_never_asks(caged):
    """It was opened by root and may wear any address: uid is no wall here."""
    own = caged.keep(UdpServer(caged.gate, "127.0.0.1", 9999, "host"))
    with caged.gate.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        make_transparent(s)
        s.bind((DNS[0], 53))
        before = caged.seen()
        stolen = struct.pack("i4s4s", 0, socket.inet_aton("192.0.2.7"),
                             bytes(4))
        for address in ("127.0.0.1", ORIGIN[0], BOX["b"][0]):
            with pytest.raises(PermissionError):
                s.sendmsg([b"x"], [(socket.SOL_IP, IP_PKTINFO, stolen)], 0,
                          (address, 9999))
    assert own.got == []
    assert caged.seen() == before
    assert caged.gate.counter("sbx_net", "wall") == 3


def test_a_listener_cannot_be_made_to_dial(caged):
    """shutdown() and connect() would make a client of it."""
    caged.keep(TcpServer(caged.gate, "127.0.0.1", 2222, "host"))
    with listener(caged.gate, "127.0.0.1", 15001, True) as s:
        s.shutdown(socket.SHUT_RDWR)
        s.settimeout(0.2)
        with pytest.raises(OSError):
            s.connect(("127.0.0.1", 2222))
    assert caged.gate.counter("sbx_net", "wall") > 0
