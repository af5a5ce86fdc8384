"""scripts/attach/tap: a virtual machine as a sandbox, with a real one."""
import pytest

from lab.attach import Attach
from lab.guest import Guest

POLICY = """\
policies:
  agent: {allow: [{host: "*.lab.test"}]}
"""
FOUR, SIX = "10.77.101.2", "fd77:101::2"


@pytest.fixture(scope="module")
def world(stage, tmp_path_factory):
    """The guest is told what the script prints, and nothing else."""
    stage.api = stage.origin("api.lab.test", port=80, tls=False)
    stage.netd(POLICY)
    attach = Attach(stage.lab, stage.daemon)
    said = attach("tap", "add", "vm1", "--policy", "agent", "--address", FOUR,
                  "--address", SIX).stdout.splitlines()
    [options] = [line.split(" ", 1)[1] for line in said if line.startswith("qemu: ")]
    stage.attach = attach
    stage.guest = Guest(stage.lab, tmp_path_factory.mktemp("guest"), *options.split())
    try:
        for line in said:
            if line.startswith("guest: "):
                assert stage.guest.run(line.removeprefix("guest: ")) == (0, "")
        yield stage
    finally:
        stage.guest.close()
        attach("tap", "rm", "vm1")
        attach.close()


def spoofed(world):
    text = world.lab.host.run("nft", "list", "counter", "inet", "sbx_net", "spoof").stdout
    return int(text.split("packets ")[1].split()[0])


def test_a_guest_gets_what_policy_allows(world):
    status, text = world.guest.run("wget -q -O - http://api.lab.test/")
    assert (status, text.replace("\r", "")) == (0, "hello\n")
    r = world.daemon.wait_record(sandbox="vm1", kind="request", host="api.lab.test",
                                 event="decision")
    assert r["verdict"] == "allowed" and r["src"].startswith(FOUR + ":")
    assert len(world.api.requests) == 1


def test_and_nothing_else(world):
    before = world.api.connections
    status, text = world.guest.run("wget -q -O - http://denied.test/")
    assert status != 0 and "bad address" in text
    assert not world.names.queries("denied.test")
    status, text = world.guest.run(
        f"wget -O - --header 'Host: denied.test' http://{world.api.address}/")
    assert status != 0 and "403 Forbidden" in text
    world.daemon.wait_record(sandbox="vm1", kind="request", host="denied.test",
                             verdict="denied")
    assert world.api.connections == before


def test_threat_14_over_ipv6_too(world):
    for host, answer in (("api.lab.test", "200 OK"), ("denied.test", "403 Forbidden")):
        _, text = world.guest.run(
            f"printf 'GET / HTTP/1.1\\r\\nHost: {host}\\r\\nConnection: close\\r\\n\\r\\n' |"
            " nc 2001:db8:113::10 80")
        assert f"HTTP/1.1 {answer}" in text
        r = world.daemon.wait_record(sandbox="vm1", kind="request", host=host,
                                     event="decision", dst="2001:db8:113::10")
        assert r["src"].startswith(f"[{SIX}]:")
    status, text = world.guest.run("nslookup api.lab.test fd73:6278:6e::1")
    assert status == 0 and world.api.address in text


@pytest.mark.parametrize("source, destination, ping", [
    ("10.77.1.2", "203.0.113.10", "ping"), ("fd77:1::2", "2001:db8:113::10", "ping6")],
    ids=["v4", "v6"])
def test_threat_55_a_guest_that_takes_the_address_of_another(world, source, destination, ping):
    """That of the sandbox s1; a TAP is an interface of its own."""
    before = spoofed(world)
    world.guest.run(f"ip addr add {source} dev eth0")
    status, _ = world.guest.run(f"{ping} -c 1 -W 1 -I {source} {destination}")
    assert status != 0 and spoofed(world) > before
    assert not world.daemon.records(sandbox="s1")
    world.guest.run(f"ip addr del {source} dev eth0")


def test_again_stops_nothing(world):
    world.attach("tap", "add", "vm1", "--policy", "agent", "--address", FOUR,
                 "--address", SIX)
    assert world.guest.run("wget -q -O /dev/null http://api.lab.test/")[0] == 0


def test_a_user_may_open_it_and_rm_takes_it(world):
    world.attach("tap", "add", "vm2", "--policy", "agent", "--address", "10.77.102.2",
                 "--user", "65534")
    [line] = [x for x in world.lab.host.ip("tuntap").stdout.splitlines() if "sbx-vm2" in x]
    assert "user 65534" in line
    for _ in range(2):
        world.attach("tap", "rm", "vm2")
        assert "sbx-vm2" not in world.attach.links()
        assert "vm2" not in world.attach.sandboxes()


def test_what_fails_leaves_nothing(world):
    before = world.attach.links(), world.attach.sandboxes()
    r = world.attach("tap", "add", "vm2", "--policy", "nosuch", "--address", "10.77.102.2",
                     check=False)
    assert r.returncode == 1 and "there is no policy" in r.stderr and "qemu:" not in r.stdout
    assert (world.attach.links(), world.attach.sandboxes()) == before


def test_threat_54_the_machine_is_gone_and_its_device_stays_caged(world):
    """A guest that is not told to go still reaches nothing, when its sandbox is
    removed; and nothing of it is left when the device is."""
    world.daemon.ctl("sandbox", "rm", "vm1")
    before = world.api.connections, spoofed(world)
    status, _ = world.guest.run(f"nc -w 1 {world.api.address} 80 </dev/null")
    assert status != 0 and spoofed(world) > before[1]
    assert world.api.connections == before[0]
    world.attach("tap", "rm", "vm1")
    assert "sbx-vm1" not in world.attach.links()
    assert FOUR not in world.lab.host.ip("route").stdout
    assert world.guest.process.poll() is None
