"""What comes between while the daemon puts the kernel side back."""
import itertools

import pytest

from lab.built import ROOT
from lab.wait import until

POLICY = "policies: {agent: {allow: [{host: api.test}]}}\n"
INSTALL = f"{ROOT}/scripts/sbx-net-setup \"$@\""

# What happens instead of the next install, once armed.
SETUP = """#!/bin/sh
if [ "$1" = install ] && {guard} {here}/armed 2>/dev/null; then
	date +%s.%N >>{here}/runs
	{instead}
else
	exec {install}
fi
"""


@pytest.fixture
def hindered(netd, tmp_path):
    """hindered(what): a daemon whose next install is that; guard: or all."""
    def start(instead, guard="rm"):
        program = tmp_path / "setup"
        program.write_text(SETUP.format(
            here=tmp_path, guard=guard, install=INSTALL, instead=instead))
        program.chmod(0o755)
        daemon = netd(POLICY, f"kernel: {{setup: {program}}}\n")
        (tmp_path / "armed").touch()
        daemon.lab.host.run("nft", "flush", "ruleset")
        return daemon

    return start


@pytest.mark.parametrize("instead", [
    f"{INSTALL} && nft flush ruleset", "exit 1",
], ids=["taken away again", "failed once"])
def test_it_is_soon_tried_again(hindered, tmp_path, instead):
    """A firewall that restarts flushes twice; nobody waits a minute for that."""
    daemon = hindered(instead)
    r = daemon.wait_record(reason="kernel_side", event="decision")
    until("it to be mended", lambda: daemon.records(
        event="outcome", id=r["id"], reason="complete"), seconds=20)
    assert not (tmp_path / "armed").exists()


def test_what_fails_each_time_is_tried_less_and_less(hindered, tmp_path):
    """Its own half-done work is no reason to begin anew at once."""
    hindered(f"{INSTALL}; ip rule del pref 99; exit 1", guard="test -e")
    runs = tmp_path / "runs"
    until("five attempts",
          lambda: runs.exists() and len(runs.read_text().split()) >= 5)
    times = [float(x) for x in runs.read_text().split()[:5]]
    gaps = [b - a for a, b in itertools.pairwise(times)]
    assert all(gap >= 0.2 * 2 ** i for i, gap in enumerate(gaps)), gaps


def test_what_was_caged_is_caged_again(lab, netd):
    """The names that a daemon found installed; they went with the rules."""
    def caged():
        return lab.host.run("nft", "list", "chain", "inet", "sbx_net",
                            "prerouting").stdout.count('"tap-*"')

    lab.host.run(str(ROOT / "scripts" / "sbx-net-setup"), "install", "--cage",
                 "sbx-*,tap-*")
    assert caged() == 1
    daemon = netd(POLICY)
    lab.host.run("nft", "flush", "ruleset")
    r = daemon.wait_record(reason="kernel_side", event="decision")
    daemon.wait_record(event="outcome", id=r["id"], reason="complete")
    assert caged() == 1
