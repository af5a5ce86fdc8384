"""What the daemon's look at itself is worth when the host changes meanwhile."""
import os

from lab.built import ROOT
from lab.control import Control
from lab.wait import until

POLICY = "policies: {agent: {allow: [{host: api.test}]}}\n"

# Once armed, a look begins when somebody says so, and what it has seen is told
# when somebody says so.
SETUP = """#!/bin/sh
if [ "$1" = doctor ] && rm {here}/armed 2>/dev/null; then
	: >{here}/began
	read -r _ <{here}/go
	{setup} "$@" >{here}/seen
	: >{here}/looked
	read -r _ <{here}/go
	cat {here}/seen
else
	exec {setup} "$@"
fi
"""


def test_what_was_seen_before_a_repair_is_not_mended_again(netd, tmp_path):
    """It would be a second repair, and a record, of what is all right."""
    program = tmp_path / "setup"
    program.write_text(SETUP.format(
        here=tmp_path, setup=ROOT / "scripts" / "sbx-net-setup"))
    program.chmod(0o755)
    os.mkfifo(tmp_path / "go")
    daemon = netd(POLICY, f"kernel: {{setup: {program}}}\n")
    control, host = Control(daemon), daemon.lab.host

    def health():
        return control("GET", "health")[1]

    def go():
        (tmp_path / "go").write_text("\n")

    def troubles():
        return [r for r in daemon.lines() if r.get("reason") == "kernel_side"
                and r["event"] == "decision"]

    until("a first look", lambda: health()["checked"] is not None)
    (tmp_path / "armed").touch()
    host.run("sysctl", "-qw", "net.ipv4.ip_forward=0")  # has it look again
    until("a look", (tmp_path / "began").exists)
    with daemon.stopped():
        host.run("ip", "rule", "del", "pref", "99")
        go()
        until("it to be seen", (tmp_path / "looked").exists)
    assert '"rule99"' in (tmp_path / "seen").read_text()
    trouble = daemon.wait_record(reason="kernel_side", event="decision")
    daemon.wait_record(event="outcome", id=trouble["id"])
    age = health()["checked"]
    go()
    until("a look of its own", lambda: health()["checked"] < age)
    assert troubles() == [trouble]
    assert health()["ok"]
