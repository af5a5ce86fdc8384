"""There is one daemon in a network namespace; a second one changes nothing."""
import pytest

from lab.built import BIN
from lab.client import Client
from lab.control import Control
from lab.run import Run, runtime_dirs
from lab.wait import until

POLICY = "policies: {agent: {allow: [{host: api.test}]}}\n"
# Rules that "sbx-net-setup check" without options does not take for ours.
SETTINGS = "kernel: {port: 16001}\n"


def second_daemon(daemon, tmp_path, authority):
    return daemon.lab.host.run(
        str(BIN / "sbx-netd"), "--config", str(daemon.config), "--runtime-dir",
        str(tmp_path / "second"), check=False, timeout=60)


def daemon_of_a_run(daemon, tmp_path, authority):
    run = Run(daemon.lab, tmp_path, authority)
    done = run("true")
    assert runtime_dirs() == run.before
    return done


@pytest.mark.parametrize("begin, status", [
    (second_daemon, 1), (daemon_of_a_run, 125)])
def test_a_second_one_ends_and_the_first_goes_on(
        netd, origin, tmp_path, authority, begin, status):
    api = origin("api.test")
    daemon = netd(POLICY, SETTINGS)
    client = Client(daemon.lab.sandbox).trust(daemon)
    control = Control(daemon)
    # The canary's interface comes into the rules with the first look.
    until("a first look", lambda: (
        control("GET", "health")[1]["checked"] is not None))
    rules = daemon.lab.host.run("nft", "-s", "list", "ruleset").stdout
    done = begin(daemon, tmp_path, authority)
    assert done.returncode == status
    assert "another sbx-netd runs in this network namespace" in done.stderr
    assert "use it with sbx-netctl --runtime-dir DIR" in done.stderr
    assert daemon.lab.host.run("nft", "-s", "list", "ruleset").stdout == rules
    # On each of its workers.
    for i in range(8):
        assert client.curl(f"https://api.test/{i}").status == 200
    assert len(api.requests) == 8
    assert not daemon.records(reason="kernel_side")
