"""scripts/quickstart shows what it says, and leaves nothing."""
import os
import pathlib
import re
import subprocess

import pytest

from lab.netd import BIN

ROOT = pathlib.Path(__file__).resolve().parents[2]


def what_is_there():
    """Without the namespaces of labs, which may come and go beside this."""
    with open("/proc/self/mountinfo", encoding="utf-8") as f:
        mounts = [line.split()[4] for line in f]
    mounts = [m for m in mounts if not m.startswith("/run/netns/sbxt")]
    links = sorted(os.listdir("/sys/class/net"))
    return mounts, links, os.path.exists("/run/sbx-net-quickstart")


@pytest.fixture(scope="module")
def said():
    before = what_is_there()
    done = subprocess.run(
        [ROOT / "scripts" / "quickstart", "--no-build"], text=True,
        stdin=subprocess.DEVNULL, capture_output=True, timeout=300,
        env={**os.environ, "SBX_BIN": str(BIN)})
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    assert what_is_there() == before
    return done.stdout


def after(text, command):
    """What the scene says from this command on to the next empty line."""
    (rest,) = re.findall(rf"^\$ {re.escape(command)}\n(.*?)(?:\n\n|\Z)", text,
                         re.MULTILINE | re.DOTALL)
    return rest.splitlines()


def test_one_host_is_allowed_with_a_token_and_others_are_not(said):
    assert '"authorization": "Bearer t0ken-of-the-host"' in said
    assert "DEMO_TOKEN is not set in here" in said
    assert said.count('{"error":"policy_denied"') == 2
    assert "Could not resolve host: other.example.test" in said
    assert "allow it with: - {host: api.example.test, method: [DELETE]}" in said


def test_the_log_has_what_was_shown_and_nothing_that_went_wrong(said):
    rows = [re.split(r"  +", line) for line in after(said, "sbx-netlog")]
    assert [(row[0], row[1], row[2]) for row in rows] == [
        ("api.example.test", "dns", "allowed"),
        ("api.example.test", "dns", "allowed"),
        ("api.example.test", "asks which HTTP", "allowed"),
        ("api.example.test", "GET /repos", "allowed"),
        ("api.example.test", "dns", "allowed"),
        ("api.example.test", "dns", "allowed"),
        ("api.example.test", "asks which HTTP", "allowed"),
        ("api.example.test", "DELETE /repos", "denied"),
        ("other.example.test", "dns", "denied"),
        ("other.example.test", "dns", "denied"),
        ("other.example.test", "GET /", "denied")]
    # An answered name has a time there; another outcome, its name before it.
    outcomes = [row[5] for row in rows if row[1:3] == ["dns", "allowed"]]
    assert all(re.fullmatch(r"[0-9.]+ms 0B/0B", o) for o in outcomes), outcomes
    head, *rows = after(said, "sbx-netlog --summary")
    rows = [re.split(r"  +", row) for row in rows]
    assert {(row[1], row[4]) for row in rows} == {
        ("other.example.test", "no_rule"), ("api.example.test", "method"),
        ("api.example.test", "rule_allow")}, head
