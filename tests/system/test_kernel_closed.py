"""Nothing leaves uninspected, not even when nobody is there to inspect.

Each test sends one packet of every kind, waits until the gateway has taken all
of them, and finds that none came out at the other side, although the gateway
forwards.
"""

import threading

import pytest

from kernel.fixtures import caged, intercepted, net  # noqa: F401
from kernel.net import BOX, ORIGIN, PORT_OF, WAN, wait_for
from kernel.talk import (LISTENERS, TcpServer, dial, listener,
                         send_all_kinds)

BOTH = pytest.mark.parametrize("v", [0, 1], ids=["v4", "v6"])


def reached(net, v, box="a", source=None, least=0):
    """How many of the packets that a box sends reach the origin, where so many
    are waited for."""
    port = PORT_OF[box]
    if source:
        net.box[box].sh(f"ip addr add {source}/{(32, 128)[v]} dev v{box}" +
                        ("", " nodad")[v])
    before, arrived = net.seen(), net.gate.received(port)
    sent = send_all_kinds(net.box[box], ORIGIN[v], source)
    wait_for(f"{sent} packets at {port}",
             lambda: net.gate.received(port) >= arrived + sent)
    wait_for(f"{least} packets at the origin",
             lambda: net.seen() - before >= least)
    return net.seen() - before


@BOTH
def test_without_rules_they_do_arrive(net, v):
    """What the other tests count would be there to be counted."""
    assert reached(net, v, least=17) >= 17


@BOTH
def test_no_listener(caged, v):
    assert reached(caged, v) == 0
    assert dial(caged.box["a"], ORIGIN[v], 80, timeout=0.2) == "TimeoutError"
    # Dropped behind tproxy already, not only by the walls that follow.
    assert caged.gate.counter("sbx_net", "other") >= 10
    assert caged.gate.counter("sbx_net", "forward_out") == 0


WALLS = {
    "egress": "nft flush chain inet sbx_net forward; "
              "ip rule del pref 200; ip -6 rule del pref 200",
    "forward": "nft flush chain inet sbx_net egress; "
               "ip rule del pref 200; ip -6 rule del pref 200",
    "prohibit": "nft delete table inet sbx_net",
}


@BOTH
@pytest.mark.parametrize("wall", WALLS)
def test_each_wall_holds_alone(caged, v, wall):
    caged.gate.sh(WALLS[wall])
    assert reached(caged, v) == 0


@BOTH
def test_and_without_all_three_it_is_open(caged, v):
    for command in WALLS.values():
        caged.gate.sh(command, check=False)
    caged.gate.sh("ip rule del pref 200; ip -6 rule del pref 200",
                  check=False)
    assert reached(caged, v, least=17) >= 17


@BOTH
def test_threat_52_listener_killed(intercepted, v):
    assert dial(intercepted.box["a"], ORIGIN[v], 80).startswith("proxy")
    for one in intercepted.listeners:
        one.close()
    assert reached(intercepted, v) == 0


@BOTH
def test_listener_that_is_not_transparent(caged, v):
    for address in LISTENERS:
        caged.keep(listener(caged.gate, address, 15001))
    assert reached(caged, v) == 0
    assert dial(caged.box["a"], ORIGIN[v], 80, timeout=0.2) == "TimeoutError"


@BOTH
def test_threat_52_ruleset_flushed(intercepted, v):
    """Debian's /etc/nftables.conf begins like that."""
    intercepted.gate.run("nft", "flush", "ruleset")
    assert reached(intercepted, v) == 0


@BOTH
def test_ruleset_flushed_and_rules_back(intercepted, v):
    intercepted.gate.run("nft", "flush", "ruleset")
    intercepted.setup("install")
    assert reached(intercepted, v) == 0
    intercepted.driver.do("sync")
    assert dial(intercepted.box["a"], ORIGIN[v], 80).startswith("proxy")


@BOTH
def test_ip_rules_gone(intercepted, v):
    """Marked packets are routed as any other then, and must not be."""
    intercepted.gate.sh("ip rule del pref 100; ip -6 rule del pref 100")
    assert reached(intercepted, v) == 0


@BOTH
def test_threat_55_address_of_nobody(intercepted, v):
    source = ("10.77.1.99", "fd77:1::99")[v]
    assert reached(intercepted, v, source=source) == 0
    assert intercepted.gate.counter("sbx_net", "spoof") >= 17


@BOTH
def test_threat_55_address_of_another_sandbox(intercepted, v):
    """It is somebody's, but not on this interface."""
    intercepted.driver.do("add", PORT_OF["b"], *BOX["b"])
    assert reached(intercepted, v, source=BOX["b"][v]) == 0
    assert intercepted.gate.counter("sbx_net", "spoof") >= 17
    assert intercepted.gate.counter("sbx_net", "to_tcp") == 0


@BOTH
def test_address_of_the_gateway(intercepted, v):
    assert reached(intercepted, v, source=WAN[v]) == 0


@BOTH
def test_interface_caged_by_its_name(net, v):
    """Before anybody registered a sandbox there."""
    net.setup("install")
    for address in LISTENERS:
        net.keep(TcpServer(net.gate, address, 15001, "proxy", True))
    assert reached(net, v) == 0
    assert net.gate.counter("sbx_net", "spoof") >= 17


@BOTH
def test_interface_that_is_nobodys_business(intercepted, v):
    """Neither registered nor named like ours: the host may use it."""
    assert dial(intercepted.box["b"], ORIGIN[v], 80).startswith("origin")


@BOTH
def test_more_names_may_be_caged(net, v):
    net.setup("install", "--cage", "sbx-*,tap-*")
    assert reached(net, v, box="a") == 0
    assert reached(net, v, box="b") == 0


@BOTH
def test_sandbox_removed(intercepted, v):
    """It may still run: its interface stays caged."""
    intercepted.driver.do("remove", PORT_OF["a"], *BOX["a"])
    assert reached(intercepted, v) == 0
    assert dial(intercepted.box["a"], ORIGIN[v], 80, timeout=0.2) == \
        "TimeoutError"


@BOTH
def test_nothing_comes_in_either(intercepted, v):
    """The origin dials the sandbox, through the gateway."""
    box = intercepted.box["a"]
    intercepted.keep(TcpServer(box, BOX["a"][v], 80, "sandbox"))
    before = intercepted.seen(box)
    assert dial(intercepted.origin, BOX["a"][v], 80, timeout=0.2) == \
        "TimeoutError"
    assert intercepted.gate.counter("sbx_net", "forward_in") > 0
    assert intercepted.seen(box) == before


@BOTH
def test_installing_again_leaves_no_gap(intercepted, v):
    """A sandbox that dials all the while neither slips out nor is cut off."""
    said, over = [], threading.Event()

    def dial_on():
        while not over.is_set():
            said.append(dial(intercepted.box["a"], ORIGIN[v], 80))

    before = intercepted.seen()
    dialler = threading.Thread(target=dial_on)
    dialler.start()
    try:
        for round_ in range(1, 6):
            intercepted.setup("install")
            wait_for("connections", lambda: len(said) >= 20 * round_)
    finally:
        over.set()
        dialler.join()
    assert set(said) == {f"proxy {ORIGIN[v]} 80"}
    assert intercepted.seen() == before
