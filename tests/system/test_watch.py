"""With `watch: true` what is in the files holds, without a word to the daemon."""
import os
import pathlib

import pytest

from lab.wait import until

POLICY = "version: 1\npolicies: {agent: {allow: [{host: %s}]}}\n"
BAD = "version: 1\npolicies: {agent: {alow: []}}\n"


def replace(file, text):
    """As editors do: written beside it, and renamed."""
    fresh = file.with_name("." + file.name + ".new")
    fresh.write_text(text)
    os.rename(fresh, file)


@pytest.fixture
def world(tmp_path, netd):
    folder = tmp_path / "policies.d"
    folder.mkdir()
    file = folder / "agent.yaml"
    file.write_text(POLICY % "one.test")

    def start(watch):
        return netd("policies: {idle: {}}\n", settings=f"watch: {watch}\n"), file

    return start


def holds(d, host):
    until(f"the policy to name {host}",
          lambda: host in d.ctl("policy", "show", "agent").stdout)


def inotifies(d):
    fds = pathlib.Path(f"/proc/{d.process.pid}/fd")
    return sum(os.readlink(f) == "anon_inode:inotify" for f in fds.iterdir())


def test_a_changed_file_holds_for_the_sandbox(world, client, origin):
    origin("one.test"), origin("two.test", address="203.0.113.11")
    d, file = world("true")
    client.trust(d)
    s = client.tls("one.test", "203.0.113.10")
    assert client.curl("https://one.test/").status == 200
    replace(file, POLICY % "two.test")
    holds(d, "two.test")
    assert client.curl("https://two.test/").status == 200
    # An open connection, too: it is the path of every reload.
    s.sendall(b"GET / HTTP/1.1\r\nHost: one.test\r\n\r\n")
    assert b" 403 " in s.recv(1 << 16)
    assert "the documents have changed" in d.log()


def test_a_bad_file_is_said_once_and_changes_nothing(world):
    d, file = world("true")
    replace(file, BAD)
    until("the log to say why", lambda: 'unknown key "alow"' in d.log())
    holds(d, "one.test")
    assert f"{file}:2:" in d.log()
    # Another change behind it has been seen: so was all that came before.
    replace(file, POLICY % "two.test")
    holds(d, "two.test")
    assert d.log().count('unknown key "alow"') == 1


def test_folders_that_come_later_and_sandboxes(world):
    d, file = world("true")

    def there():
        return "late" in d.ctl("sandbox", "ls").stdout

    for folder in (d.runtime / "sandboxes.d", d.directory / "sandboxes.d"):
        folder.mkdir()
        (folder / "late.yaml").write_text(
            "version: 1\nsandboxes: {late: {interface: vx, address: 10.99.9.9, policy: agent}}\n")
        until("the sandbox to come", there)
        (folder / "late.yaml").unlink()
        until("the sandbox to go", lambda: not there())
    d.config.write_text(d.config.read_text().replace("idle: {}", "busy: {}"))
    until("the main file to hold", lambda: "busy" in d.ctl("policy", "ls").stdout)


def test_a_mounted_folder_whose_link_is_turned(world, tmp_path):
    """As Kubernetes mounts a ConfigMap."""
    mount = tmp_path / "mount"
    for i, host in enumerate(["three.test", "four.test"]):
        (mount / f"..{i}").mkdir(parents=True)
        (mount / f"..{i}" / "agent.yaml").write_text(POLICY % host)
    (mount / "..data").symlink_to("..0")
    (mount / "agent.yaml").symlink_to("..data/agent.yaml")
    d, file = world("true")
    file.unlink()
    file.symlink_to(mount / "agent.yaml")
    holds(d, "three.test")
    (mount / "..tmp").symlink_to("..1")
    os.rename(mount / "..tmp", mount / "..data")
    holds(d, "four.test")


def test_off_unless_it_is_wanted(world, tmp_path):
    d, file = world("false")
    assert inotifies(d) == 0
    replace(file, POLICY % "two.test")
    holds(d, "one.test")
    assert d.ctl("reload").returncode == 0
    holds(d, "two.test")


def test_it_is_watched_with_one_descriptor(world):
    d, file = world("true")
    for i in range(3):
        replace(file, POLICY % f"n{i}.test")
        holds(d, f"n{i}.test")
    assert inotifies(d) == 1
