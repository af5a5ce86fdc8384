"""A credential's value is where it must be, and in no output, file or memory else.

With the Release build: a sanitizer keeps what was freed, and a build for one is
shut less tightly.
"""
import base64
import json
import os
import pathlib
import signal
import subprocess
import sys

import hpack
import pytest

from lab import no_secret_memory
from lab.canary import Canary, held_by, in_files, readable, told_about
from lab.client import Client
from lab.h2 import connect
from lab.h2origin import H2Origin
from lab.memory import RELEASE
from lab.wait import until

BLIND = [sys.executable, no_secret_memory.__file__]
CREDENTIALS = """\
credentials:
  variable:
    source: {env: CANARY}
    inject: [{host: one.test, header: X-Variable}]
  file:
    source: {file: "SOURCES/file"}
    inject: [{host: one.test, header: Authorization, format: "Bearer ${value}"}]
  command:
    source: {command: [SOURCES/helper], format: json, field: data.token, ttl: 1h}
    inject: [{host: two.test, header: X-Command, format: "token ${value};"}]
  own:
    source: {file: "SOURCES/${label.team}"}
    inject: [{host: one.test, header: X-Own}]
"""
POLICIES = """\
policies:
  one:
    allow: [{host: one.test}]
    deny: [{host: one.test, path: "/denied/**"}]
    credentials: [variable, file, own]
  two:
    allow: [{host: two.test}]
    credentials: [command]
"""


class World:
    """Sandboxes one and two, each in a worker of its own, with other credentials."""

    def __init__(self, lab, netd, origin, folder):
        self.lab, self.start = lab, netd
        self.sources = folder / "sources"
        self.sources.mkdir(mode=0o700)
        lab.internet.ip("addr", "add", "203.0.113.12/24", "dev", "eth0")
        self.one = origin("one.test", kind=H2Origin, address="203.0.113.11")
        self.two = origin("two.test", kind=H2Origin, address="203.0.113.12")
        self.variable, self.file, self.command, self.own, self.beside = self.canaries = [
            Canary(name) for name in ("variable", "file", "command", "own", "beside")]
        self.write("file", self.file.value)
        self.write("red", self.own.value)
        self.write("answer", json.dumps(
            {"beside": self.beside.value, "data": {"token": self.command.value}}))
        self.write("helper", f"#!/bin/sh\ncat {self.sources}/answer\n", 0o700)
        self.boxes = self._apart()

    def write(self, name, text, mode=0o600):
        """Written beside it and moved there: never half of it is seen."""
        new, path = self.sources / f"{name}.new", self.sources / name
        new.write_text(text)
        new.chmod(mode)
        new.rename(path)

    def _apart(self):
        """Two sandboxes of which each lives in another of two workers."""
        def worker(box):  # daemon/link/steer.c
            n = int.from_bytes(bytes(map(int, box.address4.split("."))), "big")
            return (n * 0x9e3779b1 >> 16 & 0xffff) % 2

        boxes = list(self.lab.sandboxes)
        while len({worker(b) for b in boxes}) < 2:
            boxes.append(self.lab.add_sandbox())
        return next(b for b in boxes if worker(b) == 0), next(b for b in boxes if worker(b) == 1)

    def documents(self, policies=POLICIES, sandboxes=("one", "two")):
        text = CREDENTIALS.replace("SOURCES", str(self.sources)) + policies + "sandboxes:\n"
        for name, box in zip(("one", "two"), self.boxes):
            if name in sandboxes:
                text += (f"  {name}: {{interface: {box.interface}, address: {box.address4}, "
                         f"policy: {name}, labels: {{team: red, mark: {self.mark(name)}}}}}\n")
        return text

    @staticmethod
    def mark(name):
        return f"mark-of-{name}-2718281828"

    def begin(self, **more):
        self.d = self.start(self.documents(), environment={"CANARY": self.variable.value},
                            programs=RELEASE, **more)
        self.d.ctl("secret", "refresh")
        self.clients = [Client(b).trust(self.d, n) for b, n in zip(self.boxes, ("one", "two"))]
        with self.clients[0].connect() as first, self.clients[1].connect() as second:
            self.workers = self.d.worker_of(first), self.d.worker_of(second)
        assert len(set(self.workers)) == 2
        return self.d

    def ask(self):
        """Over both versions of HTTP; the fields that the last request came with."""
        for client, o in zip(self.clients, (self.one, self.two)):
            for version in ("--http1.1", "--http2"):
                assert client.curl(f"https://{o.name}/asked", version).status == 200
        return self.one.requests[-1].headers, self.two.requests[-1].headers

    def revoke_own(self):
        (self.sources / "red").unlink()
        self.d.wait_record(kind="control", reason="credential_revoked")
        self.d.ctl("secret", "refresh", "file")  # done when what came before is
        assert "x-own" not in self.ask()[0]

    def everybody(self):
        return [self.d.process.pid, *self.d.children()]

    def holders(self, canary):
        """In words, of its memory but for the environment that it was started with."""
        names = dict(zip((self.d.process.pid, *self.workers), ("keeper", "one", "two")))
        return {names.get(pid, pid) for pid in self.everybody()
                if held_by(pid, [canary], but=("[stack]",))}

    def until_gone(self, canary):
        seen = []

        def gone():
            seen[:] = self.holders(canary)
            return not seen

        try:
            until(f"{canary} to be wiped", gone)
        except AssertionError as e:
            raise AssertionError(f"{e}: {seen}") from None


@pytest.fixture
def world(lab, netd, origin, tmp_path):
    return World(lab, netd, origin, tmp_path)


def test_a_search_finds_each_form():
    c = Canary("c")
    plain = c.value.encode()
    for form in (plain, b"x" + plain[:20], plain[-20:] + b"x", plain.hex().encode(),
                 *(base64.b64encode(b"x" * n + plain + b"y" * m) for n in range(4) for m in range(4)),
                 json.dumps({"k": c.value}).encode(),
                 *(hpack.Encoder().encode([("authorization", "Bearer "[n:] + c.value)])
                   for n in range(8))):
        assert c.is_in(b"before" + form + b"behind"), form
    assert not Canary("d").is_in(plain) and c in held_by(os.getpid(), [c])


def outputs(world):
    """{what: bytes} of all that people and programs are shown."""
    d, shown = world.d, {}
    log = str(d.runtime / "decisions.log")

    def keep(*words):
        r = world.lab.host.run(*map(str, words), check=False)
        shown[" ".join(map(str, words))] = (r.stdout + r.stderr).encode()

    for words in (["status"], ["secret", "ls"], ["secret", "refresh"], ["sandbox", "ls"],
                  ["sandbox", "show", "one"], ["policy", "ls"], ["policy", "show", "one"],
                  ["explain", "one", "GET", "https://one.test/x"],
                  ["explain", "two", "GET", "https://one.test/x"], ["doctor"],
                  ["ca", "env", "one"], ["ca", "bundle", "one"], ["check", d.config],
                  ["reload", "--wait"]):
        for json_too in ([], ["--json"]):
            keep(RELEASE / "sbx-netctl", "--runtime-dir", d.runtime, *json_too, *words)
    for path in ("status", "credentials", "sandboxes", "sandboxes/one", "policies", "policies/one"):
        keep("curl", "-sSi", "--unix-socket", d.runtime / "control.sock",
             f"http://localhost/v1/{path}")
    for options in ([], ["--json"], ["--summary"], ["--suggest"], ["--verdict", "denied"]):
        keep(RELEASE / "sbx-netlog", "--file", log, "-n", "all", *options)
    for r in d.records(event="decision", kind="request")[:3]:
        keep(RELEASE / "sbx-netlog", "--file", log, "--explain", r["id"])
    keep(RELEASE / "sbx-netd", "--check", "--config", d.config)
    shown["the daemon's log"] = d.stderr.read_bytes()
    return shown


def test_threat_36_no_output_and_no_file_holds_one(world):
    """Neither when all goes well nor when something is wrong with it."""
    d = world.begin()
    world.ask()
    first, second = world.clients
    # Where a search has to find something, in the log and all that is made of it.
    mark = "path-3141592653"
    assert first.curl(f"https://one.test/denied/{mark}").status == 403
    assert second.curl("https://one.test/", "--resolve", "one.test:443:203.0.113.11").status == 403
    assert first.curl("https://one.test/", "-X", "TRACE").status == 405
    old, world.file = world.file, Canary("file, second")
    world.write("file", world.file.value)
    until("the second one on the wire", lambda: world.ask()[0]["authorization"] ==
          f"Bearer {world.file.value}")
    world.revoke_own()
    world.write("answer", '{"data": {"token": "' + world.command.value)  # cut off
    good = d.config.read_text()
    assert d.reload(good.replace("allow: [{", "alow: [{")).returncode == 1
    required = good.replace("  own:\n", "  own:\n    required: true\n")
    assert d.reload(required.replace("${label.team}", "none")).returncode == 1
    d.config.write_text(good)
    for pid in d.workers():
        os.kill(pid, signal.SIGABRT)
    d.wait_record(reason="worker_crashed", sandbox="one")
    d.wait_record(reason="worker_crashed", sandbox="two")
    until("other workers", lambda: set(d.workers()).isdisjoint(world.workers))

    canaries = [*world.canaries, old, world.file]
    shown = outputs(world)
    assert len([what for what, said in shown.items() if mark.encode() in said]) >= 3
    assert b"SIGABRT" in shown["the daemon's log"]
    for what, said in shown.items():
        assert not [c for c in canaries if c.is_in(said)], what
    assert len(in_files(world.sources, canaries)) >= 2, "there they are"
    assert in_files(d.runtime, canaries) == {}
    assert not [p for p in d.directory.iterdir() if p.is_file() and [
        c for c in canaries if c.is_in(p.read_bytes())]]


def test_threat_36_no_memory_and_no_proc_holds_one(world):
    """Connections of both versions are kept open, on both legs, while one looks."""
    d = world.begin()
    kept = [connect(c, o.name, o.address) for c, o in zip(world.clients, (world.one, world.two))]
    kept_h1 = [c.tls(o.name, o.address) for c, o in zip(world.clients, (world.one, world.two))]
    for c, o in zip(kept, (world.one, world.two)):
        for _ in range(3):
            assert c.get("/kept", authority=o.name).status == 200
    seen_one, seen_two = world.ask()
    assert seen_one["authorization"] == f"Bearer {world.file.value}"
    assert (seen_one["x-variable"], seen_one["x-own"]) == (world.variable.value, world.own.value)
    assert seen_two["x-command"] == f"token {world.command.value};"
    keeper = d.process.pid
    for pid, name in zip(world.workers, ("one", "two")):
        text = world.mark(name).encode()
        assert any(text in part for part in readable(pid)), "it is looked into"
        assert told_about(pid, world.canaries) == set()
        assert held_by(pid, world.canaries) == set(), name
    # Its environment is what it was given, and can be read there by root.
    assert told_about(keeper, world.canaries) == {world.variable}
    assert held_by(keeper, world.canaries) == {world.variable}
    assert held_by(keeper, world.canaries, but=("[stack]",)) == set()
    for s in (*kept, *kept_h1):
        s.close()


def test_threat_36_who_must_not_hold_it_does_not(world):
    """Where the pages of values can be looked into, those who need one have it:
    so the others do not, and nobody has it when it has ended."""
    d = world.begin(wrapper=BLIND)
    world.ask()
    of_one = {c: {"keeper", "one"} for c in (world.variable, world.file, world.own)}
    expected = {**of_one, world.command: {"keeper", "two"}, world.beside: set()}
    assert {c: world.holders(c) for c in world.canaries} == expected

    # Another value in its place.
    old, world.file = world.file, Canary("file, second")
    world.write("file", world.file.value)
    until("the second one on the wire", lambda: world.ask()[0]["authorization"] ==
          f"Bearer {world.file.value}")
    world.until_gone(old)
    assert world.holders(world.file) == {"keeper", "one"}

    # None in its place.
    world.revoke_own()
    world.until_gone(world.own)

    # No policy lists it; its sandbox is gone.
    listed = d.text(world.documents(POLICIES.replace("\n    credentials: [command]", "")))
    assert d.reload(listed).returncode == 0
    world.until_gone(world.command)
    assert d.reload(d.text(world.documents(sandboxes=("two",)))).returncode == 0
    until("one's worker to forget", lambda: "one" not in
          world.holders(world.file) | world.holders(world.variable))


def boxed(below):
    """Processes below that one which live in another pid namespace."""
    here, found, todo = os.readlink("/proc/self/ns/pid"), [], [below]
    while todo:
        pid = todo.pop()
        for path in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
            todo += map(int, path.read_text().split())
        if os.readlink(f"/proc/{pid}/ns/pid") != here:
            found.append(pid)
    return found


@pytest.mark.parametrize("daemon", ["running", "its own"])
def test_threat_36_neither_does_a_command_in_its_sandbox(world, tmp_path, daemon):
    """… nor sbx-netctl, but for the environment that it was called with."""
    given = Canary("given to the command")
    where = ["--policy", "one", "--name", "box"]
    environment = {**os.environ, "GIVEN": given.value}
    if daemon == "running":
        where = ["--runtime-dir", str(world.begin().runtime), "run", *where]
    else:
        config = tmp_path / "run.yaml"
        config.write_text(world.start.config(
            CREDENTIALS.replace("SOURCES", str(world.sources)) + POLICIES
            + "sandboxes: {}\n", "workers: 1\n"))
        where = ["run", "--config", str(config), *where]
        environment["CANARY"] = world.variable.value
    p = world.lab.host.popen(
        str(RELEASE / "sbx-netctl"), *where, "--", "sh", "-c",
        "curl -sS --fail https://one.test/run && echo done && read -r line",
        text=True, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE)
    try:
        while p.stdout.readline() != "done\n":
            assert p.poll() is None, p.stderr.read()
        assert world.one.requests[-1].headers["x-variable"] == world.variable.value
        inside = boxed(p.pid)
        assert len(inside) >= 2
        for pid in inside:
            assert held_by(pid, [*world.canaries, given]) <= {given}
            assert told_about(pid, world.canaries) == set()
        assert {given} in [held_by(pid, [given]) for pid in inside], "it would be found"
        assert held_by(p.pid, world.canaries, but=("[stack]", "[heap]")) == set()
        if daemon == "running":
            assert held_by(p.pid, world.canaries) == set()
    finally:
        out, err = p.communicate("\n", timeout=60)
    assert not [c for c in world.canaries if c.is_in((out + err).encode())]


def test_threat_36_a_crash_leaves_no_core(world, tmp_path):
    """However large one may be, and although others leave one there."""
    there = tmp_path / "cores"
    there.mkdir()
    there.chmod(0o777)
    shell = ["sh", "-c", f'cd {there} && ulimit -c unlimited && exec "$@"', "sh"]
    control = subprocess.run([*shell, sys.executable, "-c", "import os; os.abort()"])
    assert control.returncode == -signal.SIGABRT
    assert [p.unlink() for p in there.iterdir()] == [None], "such a core would be seen"
    d = world.begin(wrapper=shell)
    world.ask()
    for pid in world.workers:
        os.kill(pid, signal.SIGABRT)
    for name in ("one", "two"):
        d.wait_record(reason="worker_crashed", sandbox=name)
    assert "SIGABRT" in d.log()
    os.kill(d.process.pid, signal.SIGABRT)
    assert d.process.wait(timeout=60) == -signal.SIGABRT
    assert list(there.iterdir()) == []
