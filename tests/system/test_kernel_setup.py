"""sbx-net-setup: install, check and remove, each as often as one likes."""

import json
import shutil

import pytest

from kernel.fixtures import caged, net  # noqa: F401
from kernel.net import ROOT, SETUP, WORKER, Namespace, run

STATE = """
nft list ruleset; ip rule; ip -6 rule; ip route show table all
ip -6 route show table all; sysctl net.ipv4.tcp_migrate_req
"""


@pytest.fixture
def space():
    """A namespace with nothing in it."""
    made = Namespace("bare")
    try:
        yield made
    finally:
        made.delete()


def state(where):
    return where.sh(STATE).stdout


def do_setup(where, verb, *options, **keywords):
    return where.run(SETUP, verb, "--user", WORKER, *options, **keywords)


def test_twice_is_once(space):
    do_setup(space, "install")
    once = state(space)
    do_setup(space, "install")
    assert state(space) == once
    assert once.count("lookup 15001") == 2      # v4 and v6


def test_remove_leaves_nothing(space):
    before = state(space)
    do_setup(space, "install")
    space.sh("for f in -4 -6; do for i in sbx-a tap-b; do "
             "ip $f rule add pref 200 protocol kernel iif $i prohibit; "
             "done; done")
    assert state(space) != before
    do_setup(space, "remove")
    assert state(space) == before
    do_setup(space, "remove")
    assert state(space) == before


def test_remove_leaves_what_is_not_ours(space):
    space.sh("sysctl -q -w net.ipv4.tcp_migrate_req=1; "
             "nft add table inet other; ip rule add pref 200 prohibit; "
             "ip rule add pref 100 fwmark 4 lookup 15001; "
             "ip rule add pref 200 from 10.0.0.1 iif lo lookup main")
    before = state(space)
    do_setup(space, "install")
    do_setup(space, "remove")
    assert state(space) == before


@pytest.mark.parametrize("options", [
    ["--mark", "0x40"], ["--mark", "64", "--mask", "0xc0"],
    ["--mark=0x80000000"], ["--mark", "5", "--mask", "0xffffffff"],
    ["--table", "77", "--port", "16000"], ["--cage", ""],
    ["--cage", "sbx-*,tap*,veth0"]], ids=" ".join)
def test_with_own_parameters(space, options):
    before = state(space)
    do_setup(space, "install", *options)
    assert do_setup(space, "check", *options).stdout == "ok\n"
    do_setup(space, "install", *options)
    assert do_setup(space, "check", *options).stdout == "ok\n"
    do_setup(space, "remove", *options)
    assert state(space) == before


@pytest.mark.parametrize("options", [
    ["--mark", "0x40"], ["--table", "77"], ["--port", "16000"],
    ["--user", "4321"], ["--cage", "tap-*"]], ids=" ".join)
def test_check_knows_other_parameters(space, options):
    do_setup(space, "install")
    assert do_setup(space, "check", *options, check=False).returncode == 1


@pytest.mark.parametrize("options,why", [
    (["--mark", "0"], "no bit"),
    (["--mark", "0x100000000"], "33 bits"),
    (["--mark", "99999999999999999999"], "overflow"),
    (["--mark", "012"], "octal"),
    (["--mark", "-1"], "sign"),
    (["--mark", "1;id"], "shell"),
    (["--mark", ""], "empty"),
    (["--mark", "0x"], "no digits"),
    (["--mark", "0x3", "--mask", "0x1"], "outside its mask"),
    (["--port", "0"], "no port"),
    (["--port", "65536"], "no port"),
    (["--table", "254"], "main"),
    (["--table", "255"], "local"),
    (["--user", "0"], "root"),
    (["--user", "root"], "root by name"),
    (["--cage", "*"], "the whole host"),
    (["--cage", "a*b"], "a star inside"),
    (["--cage", 'x", "eth0'], "quotes"),
    (["--cage", "interface-too-long"], "18 letters"),
    (["--cage", "a," * 60], "120 letters"),
    (["--rules", "/nonexistent"], "no file"),
    (["--nonsense", "1"], "unknown"),
    (["nonsense"], "not an option"),
    (["--port"], "no value"),
], ids=lambda v: v if isinstance(v, str) else None)
def test_bad_options_change_nothing(space, options, why):
    before = state(space)
    done = do_setup(space, "install", *options, check=False)
    assert done.returncode == 2, why
    assert done.stderr.startswith("sbx-net-setup: ")
    assert state(space) == before


def test_dry_run_prints_what_would_be_done(space):
    before = state(space)
    script = do_setup(space, "install", "--dry-run").stdout
    assert state(space) == before
    do_setup(space, "install")
    installed = state(space)
    removal = do_setup(space, "remove", "--dry-run").stdout
    assert state(space) == installed
    do_setup(space, "remove")
    space.sh(script)
    assert state(space) == installed
    space.sh(removal)
    assert state(space) == before


def test_without_lo_nothing_is_begun(space):
    space.sh("ip link set lo down")
    before = state(space)
    done = do_setup(space, "install", check=False)
    assert done.returncode == 2 and "ip link set lo up" in done.stderr
    assert state(space) == before


def test_unknown_user_is_said(space):
    done = space.run(SETUP, "install", "--user", "no-such-user")
    assert "no-such-user does not exist" in done.stderr
    found = space.run(SETUP, "check", "--user", "no-such-user", "--json")
    assert [f["id"] for f in json.loads(found.stdout)["findings"]] == ["user"]


def test_table_of_another_shape_is_replaced(space):
    space.sh("nft add table inet sbx_net; nft 'add set inet sbx_net source4 "
             "{ type ipv4_addr; elements = { 1.2.3.4 }; }'; "
             "nft 'add chain inet sbx_net prerouting { type filter hook "
             "prerouting priority 0; }'")
    done = do_setup(space, "install")
    assert "its sets were emptied" in done.stderr
    assert do_setup(space, "check").stdout == "ok\n"


def test_a_refused_ruleset_changes_nothing(space, tmp_path):
    """One transaction: all of it or nothing."""
    rules = tmp_path / "bad.nft"
    rules.write_text((ROOT / "nft/sbx-net.nft").read_text() +
                     "add rule inet sbx_net nowhere accept\n")
    before = state(space)
    done = do_setup(space, "install", "--rules", str(rules), check=False)
    assert done.returncode == 1 and "nowhere" in done.stderr
    assert state(space) == before
    do_setup(space, "install")
    before = state(space)
    done = do_setup(space, "install", "--rules", str(rules), check=False)
    assert done.returncode == 1
    assert state(space) == before


@pytest.mark.parametrize("layout", [
    ("sbin", "share/sbx-net"), ("lib/sbx-net", "lib/sbx-net")], ids="+".join)
def test_finds_its_files_where_they_are_installed(space, tmp_path, layout):
    program, data = (tmp_path / place for place in layout)
    for place in (program, data):
        place.mkdir(parents=True, exist_ok=True)
    shutil.copy(SETUP, program)
    shutil.copy(ROOT / "scripts/sbx-net-doctor.sh", data)
    shutil.copy(ROOT / "nft/sbx-net.nft", data)
    space.run(program / "sbx-net-setup", "install", "--user", WORKER)
    done = space.run(program / "sbx-net-setup", "doctor", "--user", WORKER)
    assert done.stdout == "ok\n"


def test_help_and_no_words(space):
    assert "install" in space.run(SETUP, "--help").stdout
    assert "install" in space.run(SETUP, "remove", "--help").stdout
    assert space.run(SETUP, check=False).returncode == 2
    assert space.run(SETUP, "frobnicate", check=False).returncode == 2
    assert state(space).count("sbx_net") == 0


MISSING = {
    "table": "nft delete table inet sbx_net",
    "rules": "nft insert rule inet sbx_net egress accept",
    "rule99": "ip rule del pref 99; ip -6 rule del pref 99",
    "rule100": "ip rule del pref 100; ip -6 rule del pref 100",
    "route": "ip route flush table 15001; ip -6 route flush table 15001",
    "guard": "ip rule del pref 200; ip -6 rule del pref 200",
    "lo": "ip link set lo down",
    "migrate": "sysctl -q -w net.ipv4.tcp_migrate_req=0",
}


@pytest.mark.parametrize("name", MISSING)
def test_check_finds_what_is_missing_and_its_line_mends(caged, name):
    def findings():
        done = caged.setup("check", "--json", check=False)
        told = json.loads(done.stdout)
        assert (done.returncode == 0) == told["ok"] == (not told["findings"])
        return told["findings"]

    assert findings() == []
    caged.gate.sh(MISSING[name])
    found = findings()
    assert name in {f["id"] for f in found}
    lines = caged.setup("check", check=False).stdout
    for one in found:
        assert one["what"] in lines and one["mend"] in lines
    for _ in range(10):         # what one line mended is not told again
        found = findings()
        if found:
            caged.gate.sh(found[0]["mend"])
    assert findings() == []
    if name != "table":
        caged.driver.do("check")


def test_this_namespace_alone(space):
    """The machine's own rules are the same afterwards."""
    def own():
        return [run("sh", "-c", STATE.replace("\n", ";").strip(";")).stdout]

    before = own()
    do_setup(space, "install")
    do_setup(space, "doctor")
    do_setup(space, "remove")
    assert own() == before
