"""scripts/attach/podman: containers as sandboxes, from before their first packet."""
import os
import pathlib
import subprocess

import pytest

from lab.attach import Attach
from lab.wait import until

POLICY = """\
policies:
  agent: {allow: [{host: "*.lab.test"}]}
"""
FOUR, SIX = "10.211.200.2", "fd73:6278:6e:2::2"
APPLETS = ["sh", "ip", "wget", "timeout", "cat", "ls", "sleep", "nslookup"]
# Of limits and control groups this machine's root may not set what podman wants.
RUN = ["run", "--rm", "--cgroups=disabled", "--ulimit", "nofile=1024:1024",
       "--ulimit", "nproc=1024:1024"]
# Some machines have both kinds of control groups, which crun does not take.
PREPARE = """\
! mountpoint -q /sys/fs/cgroup/unified || umount /sys/fs/cgroup/unified
exec podman "$@"
"""


class Engine:
    """podman on the lab's host, with folders of its own and a root of busybox."""

    def __init__(self, stage, directory):
        self.stage, self.directory = stage, directory
        self.attach = Attach(stage.lab, stage.daemon)
        self.said = directory / "hooks.err"
        self.hooks, self.root = directory / "hooks", directory / "rootfs"
        for name in ("bin", "etc", "proc", "sys", "dev", "tmp", "run"):
            (self.root / name).mkdir(parents=True)
        (self.root / "bin/busybox").write_bytes(pathlib.Path("/bin/busybox").read_bytes())
        (self.root / "bin/busybox").chmod(0o755)
        for name in APPLETS:
            (self.root / "bin" / name).symlink_to("busybox")
        # podman hands on the host's, which may name a server on the host's loopback.
        (directory / "resolv.conf").write_text("nameserver 169.254.1.1\n")
        self.ca = directory / "ca"
        self.ca.mkdir()
        self.attach("podman", "install", "--hooks", str(self.hooks), "--ca-dir", str(self.ca))

    def words(self, *words):
        own = [f"--root={self.directory}/store", f"--runroot={self.directory}/run",
               "--storage-driver=vfs", "--cgroup-manager=cgroupfs", "--events-backend=none",
               f"--hooks-dir={self.hooks}", f"--tmpdir={self.directory}/tmp"]
        return ["nsenter", f"--net=/run/netns/{self.stage.lab.host.name}", "unshare", "--mount", "sh",
                "-ec", PREPARE, "sh", *own, *words]

    def run(self, *command, annotations=("sbx-net.policy=agent",), network="none", options=()):
        return subprocess.run(self.run_words(
            *command, annotations=annotations, network=network, options=options),
            text=True, capture_output=True, timeout=120)

    def run_words(self, *command, annotations, network="none", options=()):
        said = f"run.oci.hooks.stderr={self.said}"  # where crun puts it
        return self.words(*RUN, *(w for a in (*annotations, said) for w in ("--annotation", a)),
                          "--network", network, "-v",
                          f"{self.directory}/resolv.conf:/etc/resolv.conf:ro", *options, "--rootfs", str(self.root), *command)

    def sandboxes(self):
        return [line.split() for line in self.attach.sandboxes().splitlines()[1:]
                if not line.startswith("s1 ")]

    def left(self):
        given = pathlib.Path(f"{self.stage.daemon.runtime}-podman")
        spaces = {n for n in os.listdir("/run/netns") if n.startswith("sbx-net-")}
        links = {x for x in self.attach.links()
                 if x.startswith("sbx-") and not x.startswith("sbx-canary")}
        return (self.sandboxes(), links,
                set(os.listdir(given)) if given.exists() else set(), spaces)


@pytest.fixture(scope="module")
def engine(stage, tmp_path_factory):
    stage.api = stage.origin("api.lab.test", port=80, tls=False)
    stage.netd(POLICY)
    e = Engine(stage, tmp_path_factory.mktemp("podman"))
    yield e
    e.attach("podman", "remove", "--hooks", str(e.hooks))
    e.attach.close()
    assert os.listdir(e.hooks) == []


def test_threat_54_a_container_is_a_sandbox_from_its_first_moment(engine):
    """The first thing that it does is a request; nothing waits for a network."""
    before = engine.left()
    r = engine.run("/bin/wget", "-q", "-O", "-", "http://api.lab.test/",
                   annotations=("sbx-net.policy=agent", "sbx-net.name=job-1"))
    assert (r.returncode, r.stdout) == (0, "hello\n"), r.stderr + engine.said.read_text()
    record = engine.stage.daemon.wait_record(sandbox="job-1", kind="request",
                                             host="api.lab.test", event="decision")
    assert record["verdict"] == "allowed" and record["policy"] == "agent"
    assert len(record["labels"]["container"]) == 64
    assert engine.left() == before == ([], set(), set(), set())


def test_and_gets_nothing_else(engine):
    before = engine.stage.api.connections
    r = engine.run("/bin/sh", "-c", "wget -O - http://denied.test/; "
                   "wget -O - --header 'Host: denied.test' http://203.0.113.10/")
    assert r.returncode != 0 and "bad address" in r.stderr and "403" in r.stderr
    assert engine.stage.api.connections == before


def test_each_has_an_address_of_its_own(engine):
    """Both run at once, each until its input ends."""
    runs = [subprocess.Popen(engine.run_words(
        "/bin/sh", "-c", "ip addr show dev eth0; cat", annotations=("sbx-net.policy=agent",),
        options=("-i",)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(2)]
    until("both containers to be sandboxes", lambda: len(engine.sandboxes()) == 2)
    places = [(s[1], *s[3:]) for s in engine.sandboxes()]
    assert len({x for place in places for x in place}) == 6  # interfaces, v4, v6
    said = sorted(p.communicate("", timeout=60)[0] for p in runs)
    for interface, *addresses in places:
        assert any(all(a.split("/")[0] in text for a in addresses) for text in said)
    assert engine.left() == ([], set(), set(), set())


def test_what_the_annotations_say_is_so(engine):
    ca = engine.ca / "ca.pem"
    ca.write_text("")
    for _ in range(2):  # the second time the file is as the first has left it
        r = engine.run("/bin/sh", "-c", "ip addr show dev eth0; cat /ca.pem",
                       annotations=("sbx-net.policy=agent", "sbx-net.name=named",
                                    f"sbx-net.address={FOUR}+{SIX}", f"sbx-net.ca={ca}"),
                       options=("-v", f"{ca}:/ca.pem:ro"))
        assert r.returncode == 0, r.stderr
        assert f"{FOUR}/32" in r.stdout and f"{SIX}/128" in r.stdout
        assert r.stdout.endswith("-----END CERTIFICATE-----\n")


@pytest.mark.parametrize("annotations, network, why", [
    (["sbx-net.policy=agent"], "host", "has the host's network"),
    (["sbx-net.policy=nosuch"], "none", "there is no policy"),
    (["sbx-net.policy="], "none", "--policy wants"),
    (["sbx-net.policy=agent", "sbx-net.name=a b"], "none", "is no name for a sandbox"),
    (["sbx-net.policy=agent", "sbx-net.address=$(x)"], "none", "is none of 10.211.0.0/16"),
])
def test_what_cannot_be_attached_does_not_start(engine, annotations, network, why):
    engine.said.write_text("")
    r = engine.run("/bin/sh", "-c", "echo it runs", annotations=annotations, network=network)
    assert r.returncode != 0 and "it runs" not in r.stdout
    assert why in engine.said.read_text()
    assert engine.left() == ([], set(), set(), set())


@pytest.fixture
def victim(engine):
    """Another sandbox, that runs, and one that is known by name alone."""
    attach = Attach(engine.stage.lab, engine.stage.daemon)
    ns = attach.space("victim")
    attach("veth", "add", ns.name, "--name", "victim", "--policy", "agent",
           "--address", FOUR, "--address", SIX)
    engine.stage.daemon.ctl("sandbox", "add", "plain", "--interface", "tap7",
                            "--address", "10.77.7.2", "--policy", "agent")
    yield "victim"
    engine.stage.daemon.ctl("sandbox", "rm", "plain")
    attach("veth", "rm", ns.name, "--name", "victim")
    attach.close()


def host_state(engine):
    host = engine.attach.lab.host
    return (engine.left(), host.ip("route", "show", "table", "all").stdout,
            host.ip("-6", "route", "show", "table", "all").stdout,
            engine.stage.daemon.ctl("sandbox", "show", "victim").stdout,
            {p.name: p.read_text() for p in engine.ca.iterdir()})


@pytest.mark.parametrize("annotation, why", [
    ("address=8.8.8.8", "is none of"),
    ("address=10.211.3.4+2001:db8::1", "is none of"),
    ("address=10.211.010.2", "is none of"),
    ("address=10.2111.3.4", "is none of"),
    (f"address={FOUR}", "is taken"),
    ("address=fd73:6278:6e:2:0:0:0:2", "is taken"),
    ("name=victim", "is taken"),
    ("name=plain", "sandbox add plain"),
    ("ca={dir}/passwd", "is no file right in"),
    ("ca={ca}/../passwd", "is no file right in"),
    ("ca={ca}/folder/x", "is no file right in"),
    ("ca={ca}/link", "is a symbolic link"),
    ("ca={ca}/config", "has something else in it"),
])
def test_an_image_says_nothing_that_changes_the_host(engine, victim, annotation, why):
    """podman before 4.6 takes its annotations for the operator's."""
    passwd = engine.directory / "passwd"
    passwd.write_text("")
    (engine.ca / "config").write_text("of the operator's\n")
    (engine.ca / "link").unlink(missing_ok=True)
    (engine.ca / "link").symlink_to(passwd)
    before = host_state(engine)
    engine.said.write_text("")
    r = engine.run("/bin/sh", "-c", "echo it runs", annotations=(
        "sbx-net.policy=agent",
        "sbx-net." + annotation.format(dir=engine.directory, ca=engine.ca)))
    assert r.returncode != 0 and "it runs" not in r.stdout
    assert why in engine.said.read_text()
    assert host_state(engine) == before
    assert passwd.read_text() == ""


def test_two_containers_do_not_share_a_name_or_a_file(engine):
    ca = engine.ca / "one.pem"
    first = ("sbx-net.policy=agent", "sbx-net.name=first", f"sbx-net.ca={ca}",
             f"sbx-net.address={FOUR}")
    one = subprocess.Popen(engine.run_words("/bin/cat", annotations=first, options=("-i",)),
                           stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    until("its authority", lambda: ca.exists() and ca.read_text() and engine.left()[2] > {FOUR})
    before = engine.left(), ca.read_text()
    for what in first[1:]:
        assert engine.run("/bin/true", annotations=(first[0], what)).returncode != 0
        assert (engine.left(), ca.read_text()) == before
    one.communicate("", timeout=60)
    assert engine.left() == ([], set(), set(), set())


@pytest.mark.parametrize("options, why", [
    (["--policies", "agent,other"], "'nosuch' is none of agent,other"),
    (["--policies", "agent,nosuch"], "has no network"),  # the state's process is none
    ([], "has no network"),
])
def test_which_policies_may_be_named_is_said_at_install(engine, options, why):
    r = hook(engine, "attach", *options)
    assert r.returncode != 0 and why in r.stderr
    assert engine.left() == ([], set(), set(), set())


def test_one_that_has_another_network_does_not_start(engine):
    """That would be a way around the daemon."""
    ns = engine.attach.space("other")
    ns.ip("link", "add", "other0", "type", "bridge")
    engine.said.write_text("")
    r = engine.run("/bin/sh", "-c", "echo it runs", network=f"ns:/run/netns/{ns.name}")
    assert r.returncode != 0 and "it runs" not in r.stdout
    assert "has another network already" in engine.said.read_text()
    assert "eth0" not in ns.ip("link").stdout
    ns.ip("link", "del", "other0")
    assert engine.run("/bin/sh", "-c", "echo it runs",
                      network=f"ns:/run/netns/{ns.name}").stdout == "it runs\n"


def test_one_without_the_annotation_is_none_of_ours(engine):
    r = engine.run("/bin/ip", "link", annotations=())
    assert r.returncode == 0 and "eth0" not in r.stdout


def test_a_container_outlives_a_restart_of_the_daemon(engine):
    """Which has forgotten it: it reaches nothing until it is registered again."""
    one = subprocess.Popen(engine.run_words(
        "/bin/sh", "-c", "while read -r x; do timeout 2 wget -q -O - http://api.lab.test/ || "
        "echo none; done", annotations=("sbx-net.policy=agent", "sbx-net.name=stays"),
        options=("-i",)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask():
        one.stdin.write("ask\n")
        one.stdin.flush()
        return one.stdout.readline()

    until("an answer", lambda: ask() == "hello\n")
    label = engine.stage.daemon.records(sandbox="stays", kind="request")[0]["labels"]
    engine.stage.daemon.process.terminate()
    engine.stage.daemon.process.wait(60)
    engine.stage.daemon.start()
    assert ask() == "none\n" and engine.sandboxes() == []
    engine.attach("podman", "again")
    until("an answer again", lambda: ask() == "hello\n")
    record = engine.stage.daemon.records(sandbox="stays", kind="request")[-1]
    assert record["labels"] == label and record["policy"] == "agent"
    one.communicate("", timeout=60)
    assert engine.left() == ([], set(), set(), set())


STATE = r"""{"ociVersion":"1.0","id":"c0ffee","pid": 4194999, "bundle":"/b \"id\":\"x\"",
 "annotations":{"a":"\"sbx-net.policy\":\"other\"","pid":"1","id":"no",
 "sbx-net.policy":"nosuch"}, "status":"created","more":{"id":"z","deep":{"pid":5}}}"""


def test_what_a_container_may_write_is_not_taken_for_what_the_runtime_says(engine):
    """Its names and values are strings in the state, whatever they contain."""
    script = engine.attach.lab.host.run(
        "sh", "-c", ". /dev/stdin; printf '%s\\n' \"$STATE\" | read_state",
        input=reader(), env={**os.environ, "STATE": STATE}).stdout.splitlines()
    assert [x for x in script if x.startswith(("id=", "pid="))] == ["id=c0ffee", "pid=4194999"]
    assert "annotations/sbx-net.policy=nosuch" in script
    assert len([x for x in script if x.startswith("annotations/")]) == 4


def reader():
    text = (pathlib.Path(__file__).resolve().parents[2] / "scripts/attach/podman").read_text()
    start = text.index("read_state()")
    return text[start:text.index("\n}\n", start) + 3]


def hook(engine, verb, *options):
    return engine.attach.lab.host.run(
        str(pathlib.Path(__file__).resolve().parents[2] / "scripts/attach/podman"),
        "hook", verb, *options, input=STATE, env=engine.attach.environment(), check=False)


def test_detaching_twice_is_no_error(engine):
    for _ in range(2):
        r = hook(engine, "detach")
        assert r.returncode == 0, r.stderr


def test_dry_run_writes_nothing(engine, tmp_path):
    said = engine.attach("podman", "install", "--hooks", str(tmp_path / "x"), "--policies",
                         "agent", "--dry-run").stdout
    assert '"--policies", "agent"]' in said and "--ca-dir" not in said
    assert "createRuntime" in said and "poststop" in said and not (tmp_path / "x").exists()
