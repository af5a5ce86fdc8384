"""Fixtures of the kernel tests; a test file imports those that it names."""

import pytest

from kernel.driver import Driver
from kernel.net import BOX, ORIGIN, PORT_OF, Net
from kernel.talk import LISTENERS, TcpServer, UdpServer, dial


@pytest.fixture
def net():
    """The lab, with servers at the origin that are known to be reachable."""
    lab = Net()
    try:
        for address in ORIGIN:
            for port in (80, 443):
                lab.keep(TcpServer(lab.origin, address, port, "origin"))
            for port in (53, 443, 9999):
                lab.keep(UdpServer(lab.origin, address, port, "origin"))
        # Also makes the neighbours known: what leaks later leaks at once.
        for name in BOX:
            for address in ORIGIN:
                assert dial(lab.box[name], address, 80).startswith("origin")
        yield lab
    finally:
        lab.close()


@pytest.fixture
def caged(net):
    """The kernel side, and box a as a sandbox.  Nobody listens yet."""
    net.setup("install")
    net.driver = net.keep(Driver(net.gate))
    net.driver.do("add", PORT_OF["a"], *BOX["a"])
    return net


@pytest.fixture
def intercepted(caged):
    """As above, with a transparent listener."""
    caged.listeners = [
        caged.keep(TcpServer(caged.gate, address, 15001, "proxy", True))
        for address in LISTENERS]
    return caged
