"""nft.h in a kernel: sandboxes come and go, and what is taken comes back."""

import errno

import pytest

from kernel.driver import Driver
from kernel.fixtures import caged, intercepted, net  # noqa: F401
from kernel.net import BOX, ORIGIN, PORT_OF
from kernel.talk import LISTENERS, TcpServer, dial

TABLE, RULES = 1, 2


def elements(net, name):
    text = net.gate.run("nft", "list", "set", "inet", "sbx_net", name).stdout
    _, found, rest = text.partition("elements = {")
    return sorted(e.strip() for e in rest.partition("}")[0].split(",")) \
        if found else []


def prohibits(net, version):
    text = net.gate.run("ip", version, "rule", "show", "pref", "200").stdout
    return sorted(line.split()[4] for line in text.splitlines())


def test_one_sandbox(caged):
    assert elements(caged, "ifaces") == ['"sbx-a"']
    assert elements(caged, "source4") == ['"sbx-a" . 10.77.1.2']
    assert elements(caged, "source6") == ['"sbx-a" . fd77:1::2']
    assert prohibits(caged, "-4") == prohibits(caged, "-6") == ["sbx-a"]
    assert caged.driver.do("sources") == ["sbx-a 10.77.1.2",
                                          "sbx-a fd77:1::2"]
    caged.driver.do("check")


def test_two_sandboxes_share_an_interface(intercepted):
    box = intercepted.box["a"]
    box.sh("ip addr add 10.77.1.3/24 dev va")
    intercepted.driver.do("add", "sbx-a", "10.77.1.3")
    for source in ("10.77.1.2", "10.77.1.3"):
        assert dial(box, ORIGIN[0], 80, source).startswith("proxy")
    intercepted.driver.do("remove", "sbx-a", *BOX["a"])
    assert dial(box, ORIGIN[0], 80, "10.77.1.3").startswith("proxy")
    assert dial(box, ORIGIN[0], 80, "10.77.1.2", timeout=0.2) == "TimeoutError"
    assert elements(intercepted, "ifaces") == ['"sbx-a"']


def test_all_or_nothing(caged):
    """One address is wrong, or somebody's: none of them is in."""
    before = elements(caged, "source4")
    for words, error in [
            (["sbx-a", "10.77.1.7", "10.77.1.2"], errno.EEXIST),
            (["sbx-a", "10.77.1.7", "10.77.1.7"], errno.EEXIST),
            (["sbx-a", "10.77.1.7", "10.77.1"], errno.EINVAL),
            (["sbx-a", "10.77.1.7", "127.0.0.1"], errno.EINVAL),
            (["sixteen-letters-", "10.77.1.7"], errno.EINVAL),
            (["sbx-a"], errno.EINVAL)]:
        assert caged.driver.ask("add", *words)[0] == -error, words
    assert elements(caged, "source4") == before
    assert caged.driver.ask("remove", "sbx-a", "10.77.1.2", "10.77.1.7")[0] \
        == -errno.ENOENT
    assert elements(caged, "source4") == before


def test_kernel_words_when_not_installed(net):
    driver = net.keep(Driver(net.gate))
    status, text, _ = driver.ask("add", "sbx-a", *BOX["a"])
    assert status == -errno.ENOENT
    assert "ifaces: No such file or directory" in text
    assert "sbx-net-setup install" in text
    assert prohibits(net, "-4") == prohibits(net, "-6") == []
    assert driver.ask("sync")[0] == -errno.ENOENT
    assert driver.ask("check")[0] == -errno.ENOENT


def test_cage_outlives_the_sandbox_until_released(caged):
    assert caged.driver.ask("release", "sbx-a")[0] == -errno.EBUSY
    caged.driver.do("remove", "sbx-a", *BOX["a"])
    assert elements(caged, "source4") == elements(caged, "source6") == []
    assert elements(caged, "ifaces") == ['"sbx-a"']
    assert prohibits(caged, "-4") == ["sbx-a"]
    caged.driver.do("release", "sbx-a")
    assert elements(caged, "ifaces") == []
    assert prohibits(caged, "-4") == prohibits(caged, "-6") == []
    caged.driver.do("release", "sbx-a")


def test_cage_goes_with_the_interface(caged):
    caged.driver.do("add", "tap-b", *BOX["b"])
    caged.gate.sh("ip link del sbx-a; ip link del tap-b")
    caged.driver.do("remove", "sbx-a", *BOX["a"])
    assert elements(caged, "ifaces") == ['"tap-b"']
    assert prohibits(caged, "-6") == ["tap-b"]
    # A sandbox that is registered keeps its cage for when it comes back.
    caged.driver.do("sync")
    assert elements(caged, "ifaces") == ['"tap-b"']


def test_interface_that_went_later_is_swept(caged):
    caged.driver.do("remove", "sbx-a", *BOX["a"])
    caged.gate.sh("ip link del sbx-a")
    caged.driver.do("sync")
    assert elements(caged, "ifaces") == []
    assert prohibits(caged, "-4") == prohibits(caged, "-6") == []


def test_removed_when_somebody_took_half_of_it_away(caged):
    caged.gate.run("nft", "delete", "element", "inet", "sbx_net", "source6",
                   "{ sbx-a . fd77:1::2 }")
    caged.driver.do("remove", "sbx-a", *BOX["a"])
    assert elements(caged, "source4") == []


def test_removed_when_the_table_is_gone(caged):
    caged.gate.run("nft", "flush", "ruleset")
    caged.driver.do("remove", "sbx-a", *BOX["a"])
    caged.setup("install")
    caged.driver.do("sync")
    assert elements(caged, "source4") == []


def test_another_life(caged):
    """A daemon that starts again adopts what it finds and no more."""
    caged.driver.do("add", "tap-b", *BOX["b"])
    caged.driver.do("exempt", "10.0.0.0/8", "@127.0.0.53", "53")
    again = caged.keep(Driver(caged.gate))
    again.do("add", PORT_OF["a"], *BOX["a"])
    again.do("sync")
    assert elements(caged, "source4") == ['"sbx-a" . 10.77.1.2']
    assert elements(caged, "exempt4") == elements(caged, "resolver4") == []
    # Nobody is registered on tap-b any more, but it exists.
    assert elements(caged, "ifaces") == ['"sbx-a"', '"tap-b"']
    again.do("check")
    again.do("release", "tap-b")
    assert elements(caged, "ifaces") == ['"sbx-a"']


def test_exempt_replaces_and_joins(caged):
    caged.driver.do("exempt", "10.0.0.0/9", "10.128.0.0/9", "10.1.2.3",
                    "255.255.255.0/24", "fd00::/8", "ff00::/8", "@10.9.9.9",
                    "53")
    assert elements(caged, "exempt4") == ["10.0.0.0/8", "255.255.255.0/24"]
    assert elements(caged, "exempt6") == ["fd00::/8", "ff00::/8"]
    assert elements(caged, "resolver4") == ["10.9.9.9 . 53"]
    caged.driver.do("exempt", "10.0.0.0/8")
    assert elements(caged, "exempt4") == ["10.0.0.0/8"]
    assert elements(caged, "exempt6") == elements(caged, "resolver4") == []
    assert caged.driver.ask("exempt", "10.0.0.0/8", "x")[0] == -errno.EINVAL
    assert elements(caged, "exempt4") == ["10.0.0.0/8"]
    caged.driver.do("exempt")
    assert elements(caged, "exempt4") == []


def test_installing_again_keeps_everything(caged):
    caged.driver.do("exempt", "10.0.0.0/8", "fd00::/8")
    names = ("ifaces", "source4", "source6", "exempt4", "exempt6")
    before = [elements(caged, name) for name in names]
    caged.setup("install")
    assert [elements(caged, name) for name in names] == before
    assert all(before)
    caged.driver.do("check")


DAMAGE = {
    "table": ("nft delete table inet sbx_net", TABLE),
    "all": ("nft flush ruleset", TABLE),
    "rules": ("nft flush chain inet sbx_net egress", TABLE),
    "one rule": ("nft delete rule inet sbx_net egress handle $(nft -a list "
                 "chain inet sbx_net egress | sed -n "
                 "'s/^\t\tcounter name \"other\" drop # handle //p')", TABLE),
    "rule more": ("nft insert rule inet sbx_net egress accept", TABLE),
    "interface": ("nft flush set inet sbx_net ifaces", TABLE),
    "source4": ("nft flush set inet sbx_net source4", TABLE),
    "source6": ("nft flush set inet sbx_net source6", TABLE),
    "rule 99": ("ip rule del pref 99", RULES),
    "rule 99 v6": ("ip -6 rule del pref 99", RULES),
    "rule 100": ("ip rule del pref 100", RULES),
    "rule 100 v6": ("ip -6 rule del pref 100", RULES),
    "rule 150": ("ip rule del pref 150", RULES),
    "rule 150 v6": ("ip -6 rule del pref 150", RULES),
    "guard": ("ip rule del pref 200", RULES),
    "guard v6": ("ip -6 rule del pref 200", RULES),
    "route": ("ip route flush table 15001", 0),
    "route v6": ("ip -6 route flush table 15001", 0),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_told_found_and_repaired(intercepted, name):
    """The three steps of nft.h, for each thing that may be taken away."""
    command, told = DAMAGE[name]
    driver = intercepted.driver
    assert driver.do("watch") in (0, TABLE)     # the installing itself
    intercepted.gate.sh(command)
    if told:
        assert driver.do("await") & told
    status, text, _ = driver.ask("check")
    assert status == -errno.ENOENT and text

    intercepted.setup("install")
    driver.do("sync")
    driver.do("skip")
    driver.do("check")
    for address in ORIGIN:
        assert dial(intercepted.box["a"], address, 80).startswith("proxy")


def test_own_changes_are_not_told(caged):
    watching = caged.driver
    watching.do("skip")
    watching.do("add", "tap-b", *BOX["b"])
    watching.do("exempt", "10.0.0.0/8")
    watching.do("sync")
    watching.do("remove", "tap-b", *BOX["b"])
    watching.do("release", "tap-b")
    assert watching.do("watch") == 0
    # Tables and rules of others neither.
    caged.gate.sh("nft add table inet other; ip rule add pref 300 prohibit; "
                  "ip rule del pref 300 prohibit")
    assert watching.do("watch") == 0


def test_what_is_skipped_is_gone_whatever_others_do_before_it(caged):
    watching, gate = caged.driver, caged.gate
    mine = "nft add chain inet sbx_net mine"
    watching.do("skip")
    gate.sh(mine + "; nft delete chain inet sbx_net mine")
    assert watching.do("watch") == TABLE
    gate.sh("for i in $(seq 100); do nft add table inet other$i; done; " + mine)
    watching.do("skip")
    assert not any(watching.do("watch") for _ in range(10))


def test_many_sandboxes(net):
    """Ten thousand, and all of them put back after a flush."""
    net.setup("install")
    driver = net.keep(Driver(net.gate))
    for interface in range(200):
        driver.do("add", f"sbx-{interface}",
                  *[f"10.{interface}.7.{n}" for n in range(1, 51)])
    net.gate.run("nft", "flush", "ruleset")
    net.setup("install")
    before = driver.cpu_seconds()
    driver.do("sync")
    took = driver.cpu_seconds() - before
    assert len(driver.do("sources")) == 10000
    driver.do("check")
    assert took < 10, f"{took:.1f} s for 10,000 sources"


def test_without_ipv6(net):
    """A host that has it switched off: v4 works, v6 goes nowhere."""
    net.gate.sh("sysctl -q -w net.ipv6.conf.lo.disable_ipv6=1")
    net.setup("install")
    net.setup("check")
    driver = net.keep(Driver(net.gate))
    driver.do("add", "sbx-a", *BOX["a"])
    driver.do("check")
    net.keep(TcpServer(net.gate, LISTENERS[0], 15001, "proxy", True))
    assert dial(net.box["a"], ORIGIN[0], 80).startswith("proxy")
    assert dial(net.box["a"], ORIGIN[1], 80, timeout=0.2) == "TimeoutError"
