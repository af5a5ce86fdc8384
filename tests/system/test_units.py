"""The systemd units and their company are well-formed and stay tight.

Runs everything against a temporary root, so nothing on this machine changes
and it need not be running systemd.
"""

import pathlib
import re
import shutil
import subprocess

import pytest

UNITS = pathlib.Path(__file__).parents[2] / "scripts" / "systemd"

# Ten times what "systemd-analyze security" says at most; a tighter unit may
# lower it, nothing may raise it.
EXPOSURE = {"sbx-netd.service": 24, "sbx-net-setup.service": 19}

PROGRAMS = ["usr/sbin/sbx-netd", "usr/bin/sbx-netctl",
            "usr/sbin/sbx-net-setup"]


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def root(tmp_path):
    """A root with the system's own units, ours, and stand-ins to start."""
    shutil.copytree("/usr/lib/systemd/system",
                    tmp_path / "usr/lib/systemd/system", symlinks=True)
    for program in PROGRAMS:
        path = tmp_path / program
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy("/bin/true", path)
    units = tmp_path / "etc/systemd/system"
    units.mkdir(parents=True)
    for unit in EXPOSURE:
        shutil.copy(UNITS / unit, units)
    return tmp_path


def settings(unit, key):
    text = (UNITS / unit).read_text(encoding="utf-8")
    return re.findall(rf"^{key}=(.*)$", text, re.MULTILINE)


@pytest.mark.parametrize("unit", EXPOSURE)
def test_verifies_without_a_word(root, unit):
    status, said = run("systemd-analyze", "verify", "--man=no",
                       f"--root={root}", unit)
    assert (status, said) == (0, "")


def test_verify_would_notice(root):
    path = root / "etc/systemd/system/sbx-netd.service"
    path.write_text(path.read_text().replace("WatchdogSec", "WatchdogSecs"))
    _, said = run("systemd-analyze", "verify", "--man=no", f"--root={root}",
                  "sbx-netd.service")
    assert "WatchdogSecs" in said


@pytest.mark.parametrize("unit, limit", EXPOSURE.items())
def test_exposure_is_bounded(root, unit, limit):
    status, said = run("systemd-analyze", "security", "--offline=true",
                       f"--root={root}", f"--threshold={limit}", "--no-pager",
                       unit)
    assert status == 0, said.splitlines()[-1]
    status, said = run("systemd-analyze", "security", "--offline=true",
                       f"--root={root}", f"--threshold={limit - 1}",
                       "--no-pager", unit)
    assert status != 0, f"it got tighter, lower EXPOSURE: {said[-200:]}"


def test_the_rules_come_first_and_never_go():
    assert "sbx-netd.service" in " ".join(
        settings("sbx-net-setup.service", "Before"))
    assert settings("sbx-netd.service", "Requires") == [
        "sbx-net-setup.service"]
    assert settings("sbx-net-setup.service", "ExecStop") == []
    assert settings("sbx-netd.service", "ExecStopPost") == []


def test_no_secret_in_swap_or_core():
    assert settings("sbx-netd.service", "LimitCORE") == ["0"]
    assert settings("sbx-netd.service", "MemorySwapMax") == ["0"]


def test_every_capability_has_its_reason():
    text = (UNITS / "sbx-netd.service").read_text(encoding="utf-8")
    held = " ".join(settings("sbx-netd.service", "CapabilityBoundingSet"))
    for capability in held.split():
        assert re.search(rf"^#.*{capability}", text, re.MULTILINE), capability
    assert sorted(held.split()) == [
        "CAP_KILL", "CAP_NET_ADMIN", "CAP_NET_BIND_SERVICE", "CAP_SETGID",
        "CAP_SETPCAP", "CAP_SETUID"]


def test_users_and_folders(root):
    status, said = run("systemd-sysusers", f"--root={root}",
                       str(UNITS / "sbx-net.sysusers"))
    assert status == 0, said
    passwd = (root / "etc/passwd").read_text().splitlines()
    groups = (root / "etc/group").read_text().splitlines()
    (worker,) = [p.split(":") for p in passwd
                 if p.startswith("sbx-net-worker:")]
    assert worker[2] != "0" and worker[6].endswith("nologin")
    (fetcher,) = [p.split(":") for p in passwd if p.startswith("sbx-net-fetch:")]
    assert fetcher[2] not in ("0", worker[2]) and fetcher[6].endswith("nologin")
    names = {group.split(":")[0] for group in groups}
    assert {"sbx-net", "sbx-net-admin", "sbx-net-worker"} <= names
    for key in ("Group", "SupplementaryGroups"):
        assert set(settings("sbx-netd.service", key)) <= names
    status, said = run("systemd-tmpfiles", "--create", f"--root={root}",
                       str(UNITS / "sbx-net.tmpfiles"))
    assert status == 0, said
    modes = {path: (root / path).stat().st_mode & 0o777 for path in (
        "etc/sbx-net/policies.d", "run/sbx-net", "run/sbx-net/sandboxes.d",
        "var/log/sbx-net")}
    assert modes == {"etc/sbx-net/policies.d": 0o755, "run/sbx-net": 0o755,
                     "run/sbx-net/sandboxes.d": 0o755,
                     "var/log/sbx-net": 0o750}


def test_folders_agree_with_the_unit():
    lines = (UNITS / "sbx-net.tmpfiles").read_text().splitlines()
    modes = dict(line.split()[1:3] for line in lines if line.startswith("d "))
    for key, folder in (("RuntimeDirectory", "/run"),
                        ("LogsDirectory", "/var/log"),
                        ("ConfigurationDirectory", "/etc")):
        (name,) = settings("sbx-netd.service", key)
        assert settings("sbx-netd.service", f"{key}Mode") == [
            modes[f"{folder}/{name}"]]


def test_rotation_loses_nothing():
    text = (UNITS / "sbx-net.logrotate").read_text(encoding="utf-8")
    words = [line.strip() for line in text.splitlines()
             if not line.lstrip().startswith("#")]
    assert "copytruncate" not in words
    for word in ("nocreate", "compress", "delaycompress"):
        assert word in words
    (command,) = [line for line in words if line.startswith("systemctl")]
    assert "--signal=USR1" in command and "--kill-who=main" in command
    assert words[words.index(command) - 1] == "postrotate"
    assert words[words.index(command) + 1] == "endscript"
