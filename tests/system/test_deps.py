"""scripts/deps installs what is called, on a Debian that has nothing else."""
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEPS = (ROOT / "scripts" / "deps").read_text(encoding="utf-8")
CHECK = (ROOT / "scripts" / "check").read_text(encoding="utf-8")
# Whose file is in another package than the one that is asked for.
BROUGHT_BY = {"java": "default-jdk-headless", "javac": "default-jdk-headless",
              "go": "golang-go", "node": "nodejs", "npm": "npm",
              "ctags": "universal-ctags", "nginx": "nginx-light"}


def listed(*options):
    return set(subprocess.run(
        [ROOT / "scripts" / "deps", *options, "--list"], check=True, text=True,
        capture_output=True).stdout.split())


def packages_of(tool):
    """Those of Debian that have it, whatever else this machine has."""
    if tool in BROUGHT_BY:
        return {BROUGHT_BY[tool]}
    said = subprocess.run(
        ["dpkg", "-S", *(f"{folder}/{tool}" for folder in (
            "/bin", "/sbin", "/usr/bin", "/usr/sbin"))],
        text=True, capture_output=True).stdout
    return {line.split(":")[0] for line in said.splitlines()}


def is_always_there(package):
    return subprocess.run(
        ["dpkg-query", "-W", "-f", "${Priority}", package], text=True,
        capture_output=True).stdout == "required"


def assert_comes_with(tool, packages):
    found = packages_of(tool)
    assert found, f"no package has {tool}"
    assert found & packages or any(map(is_always_there, found)), (tool, found)


def test_what_check_asks_for_comes_with_all():
    tools = " ".join(re.findall(r'tools="?\'?([^"\']*)', CHECK)).split()
    tools = [tool for tool in tools if not tool.startswith("$")]
    assert {"git", "nft", "setpriv", "systemd-analyze"} <= set(tools)
    for tool in tools:
        assert_comes_with(tool, listed())


def test_to_configure_takes_what_a_build_has():
    """cmake configures the tests too, for whoever only builds."""
    found = []
    for path in [*ROOT.glob("cmake/*.cmake"), ROOT / "CMakeLists.txt",
                 *(p for d in ("ca", "daemon", "nft", "policy", "tests")
                   for p in (ROOT / d).rglob("CMakeLists.txt"))]:
        found += re.findall(r"find_program\(\w+ (\S+)", path.read_text())
    assert "python3" in found
    packages = listed("--build-only") | {"python3-minimal"}  # of python3
    for tool in found:
        assert_comes_with(tool, packages)


@pytest.mark.parametrize("tool", [
    "cmake", "ninja", "gcc", "ip", "nft", "sysctl", "python3", "openssl",
    "curl", "dnsmasq", "unshare", "mount", "realpath", "mkfifo"])
def test_what_the_quickstart_calls_comes_with_it(tool):
    called = "".join((ROOT / "scripts" / name).read_text(encoding="utf-8")
                     for name in ("quickstart", "quickstart-scene"))
    if tool not in ("ninja", "gcc", "nft", "sysctl"):  # others call those
        assert re.search(rf"\b{tool}\b", called)
    assert_comes_with(tool, listed("--quickstart") | {"python3-minimal"})


def test_the_lists_are_contained_in_each_other():
    assert listed("--build-only") < listed("--quickstart") < listed()
    assert all(re.search(rf"\b{re.escape(p)}\b", DEPS) for p in listed())
