"""Any protocol, extension headers, options, fragments: a host that forwards would
pass them on; ours does not, with the daemon or without it."""
import os
import signal
import socket

import pytest

from lab.rawpacket import Ends, Link, every_protocol, every_trick
from lab.watch import Watch

POLICY = "policies: {agent: {allow: [{host: api.test}]}}\n"
FAR = ("203.0.113.10", "2001:db8:113::10")
# Of these nothing comes out; servers refuse source routes.
NO_DATAGRAM = ("a later fragment alone", "nothing behind the header",
               "an exhausted source route", "a routing header")
BOTH = pytest.mark.parametrize("v", [0, 1], ids=["v4", "v6"])


@pytest.fixture
def link(lab):
    # Else the host itself would stop one of them.
    lab.host.run("sysctl", "-qw", "net.ipv4.conf.all.accept_source_route=1",
                 f"net.ipv4.conf.{lab.sandbox.interface}.accept_source_route=1")
    made = Link(lab, lab.sandbox)
    yield made
    made.close()


def everything(lab, v):
    """{name: packets}, of one family."""
    ends = Ends((lab.sandbox.address4, lab.sandbox.address6)[v], FAR[v])
    kinds = {name: [packet] for name, packet in every_protocol(ends).items()}
    assert len(kinds) > 20
    return kinds | every_trick(ends)


def send_all(link, watch, kinds):
    """How many of them arrived at the far side."""
    before = watch.leaked()
    for packets in kinds.values():
        link.send(packets)
    return watch.leaked() - before


@BOTH
def test_threat_13_no_packet_gets_out(lab, link, netd, v):
    watch, kinds = Watch(lab), everything(lab, v)
    # Without us each one arrives, so it is us who stop it below.
    assert send_all(link, watch, kinds) == sum(map(len, kinds.values()))
    d = netd(POLICY)
    assert send_all(link, watch, kinds) == 0
    os.kill(d.process.pid, signal.SIGKILL)
    d.process.wait(60)
    assert send_all(link, watch, kinds) == 0


@BOTH
def test_what_is_built_is_what_a_server_accepts(lab, link, v):
    """Checksums and lengths are right: a socket gets the datagrams out of them."""
    family = (socket.AF_INET, socket.AF_INET6)[v]
    ends = Ends((lab.sandbox.address4, lab.sandbox.address6)[v], FAR[v])
    server = lab.internet.within(socket.socket, family, socket.SOCK_DGRAM)
    server.bind((FAR[v], 9999))
    server.settimeout(60)
    whole = {name: packets for name, packets in every_trick(ends).items()
             if name not in NO_DATAGRAM}
    assert len(whole) >= 4
    for name, packets in whole.items():
        link.send(packets)
        try:
            data, peer = server.recvfrom(65535)
        except TimeoutError:
            raise AssertionError(name) from None
        assert peer[0] == str(ends.source), name
        assert data in (b"hello", bytes(2992), bytes(24)), name
    server.close()
