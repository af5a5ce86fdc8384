"""What parses strangers' bytes has nothing that it could give away."""
import json
import os
import pathlib
import re
import subprocess

import pytest

from lab.built import SANITIZED
from lab.control import Control
from lab.memory import readable_memory
from lab.wait import until

MARK = "mark-2718281828459045"
AUTHORITY = b"sbxca\0\0\2"  # how one begins on its way to a worker
SECRET = "canary-3141592653589793"
POLICY = """\
credentials:
  api: {source: {env: TOKEN}, inject: [{host: api.test, header: X-Key}]}
policies:
  agent: {allow: [{host: api.test}], credentials: [api]}
"""


@pytest.fixture
def world(netd, origin, client):
    o = origin("api.test")
    d = netd(POLICY, environment={"TOKEN": SECRET})
    client.trust(d)
    assert client.curl("https://api.test/").status == 200
    assert o.requests[0].headers["x-key"] == SECRET
    return d, client


def status(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)


def test_workers_have_no_privilege(world):
    d, _ = world
    workers = d.children()
    assert len(workers) == 2
    for pid in workers:
        s = status(pid)
        assert "0" not in s["Uid"].split() and s["Groups"].strip() == ""
        for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            assert int(s[name], 16) == 0
        assert s["NoNewPrivs"] == "1" and s["Seccomp"] == "2"
        limits = pathlib.Path(f"/proc/{pid}/limits").read_text()
        assert limits.split("Max core file size")[1].split()[0] == "0"


def test_many_things_are_no_strange_call(world):
    """What libraries do with much is within what workers and the gate may do."""
    d, client = world
    sandboxes = [json.dumps({"interface": client.ns.interface, "policy": "agent",
                             "address": [f"10.78.{n}.{i}" for i in range(1, 17)]})
                 for n in range(10)]
    pids = d.children() + d.children("--gate")
    assert len(pids) == 3
    for n, document in enumerate(sandboxes):
        code, answer = Control(d)("PUT", f"sandboxes/many{n}", document)
        assert code in (200, 201), answer
    many = "".join(f"  many{n}: {{default: deny}}\n" for n in range(200))
    done = d.reload(d.config.read_text().replace("policies:\n", "policies:\n" + many))
    assert done.returncode == 0, done.stderr
    assert "many199" in d.config.read_text()
    assert d.children() + d.children("--gate") == pids


def threads(pid):
    return len(os.listdir(f"/proc/{pid}/task"))


def test_each_process_is_one_thread(world):
    """… also at work; the keeper when it has made its RSA key."""
    d, client = world
    seen = {threads(pid) for pid in d.children()}
    busy = [subprocess.Popen(
        ["ip", "netns", "exec", client.ns.name, "curl", "-sS", "--cacert", str(client.ca),
         "-o", "/dev/null", option, "--resolve", "api.test:443:203.0.113.10",
         "https://api.test/[1-100]"]) for option in ("--http1.1", "--http2")]
    while any(p.poll() is None for p in busy):
        seen |= {threads(pid) for pid in d.children()}
    assert [p.returncode for p in busy] == [0, 0]
    d.ctl("secret", "refresh")
    assert d.reload().returncode == 0
    assert seen == {1}
    until("the keeper's second thread to end", lambda: threads(d.process.pid) == 1)


def test_nobody_looks_into_a_worker(world):
    """Not dumpable: /proc is root's, and its own user may not trace it."""
    d, _ = world
    for pid in d.children():
        uid = status(pid)["Uid"].split()[0]
        assert os.stat(f"/proc/{pid}/mem").st_uid == (int(uid) if SANITIZED else 0)
        look = subprocess.run(["setpriv", f"--reuid={uid}", "--clear-groups",
                               "cat", f"/proc/{pid}/maps"], capture_output=True)
        assert look.returncode != 0 and b"denied" in look.stderr


def test_workers_hold_what_they_were_given_and_no_more(world):
    d, _ = world
    given = re.compile(r"socket:.*|anon_inode:\[(eventpoll|eventfd|timerfd)\]|/dev/null|"
                       + re.escape(str(d.runtime / "decisions.log")) + "|"
                       + re.escape(str(d.stderr)))
    for pid in d.children():
        for fd in pathlib.Path(f"/proc/{pid}/fd").iterdir():
            assert given.fullmatch(os.readlink(fd)), os.readlink(fd)


def memory(pid):
    """What of its writable memory root can read, piece by piece."""
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as mem:
        for line in pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines():
            span, access = line.split()[:2]
            start, end = (int(x, 16) for x in span.split("-"))
            if "w" not in access or end - start > 1 << 28:  # a sanitizer's shadow
                continue
            try:
                mem.seek(start)
                yield mem.read(end - start)
            except OSError:  # secret memory is nobody's to read
                pass


def workers_with(d, what):
    return {pid for pid in d.children() if any(what in m for m in memory(pid))}


def test_threat_36_a_worker_knows_what_it_serves(lab, netd, origin, client):
    api = origin("api.test")
    d = netd(POLICY + f"""\
sandboxes:
  s1: {{interface: v1, address: {lab.sandbox.address4}, policy: agent, labels: {{a: {MARK}}}}}
""", environment={"TOKEN": SECRET})
    client.trust(d)
    waiting = workers_with(d, AUTHORITY)  # it is opened for the first leaf
    assert client.curl("https://api.test/").status == 200
    assert api.requests[0].headers["x-key"] == SECRET
    with client.connect() as s:
        serving = d.worker_of(s)
    assert waiting == {serving}
    assert serving in workers_with(d, MARK.encode())  # there is something to find
    # Kept in secret memory, wiped wherever it passed through.
    assert workers_with(d, SECRET.encode()) == set()
    assert workers_with(d, AUTHORITY) == set()


def test_threat_36_the_gate_knows_no_secret(lab, netd, origin, client):
    """Who the sandboxes are, and nothing that is theirs."""
    origin("api.test")
    d = netd(POLICY + f"""\
sandboxes:
  s1: {{interface: v1, address: {lab.sandbox.address4}, policy: agent, labels: {{a: {MARK}}}}}
""", environment={"TOKEN": SECRET})
    client.trust(d)
    assert client.curl("https://api.test/").status == 200
    gate, = d.children("--gate")
    held = list(memory(gate))
    assert any(MARK.encode() in m for m in held)  # it would be found
    for secret in (SECRET.encode(), AUTHORITY, b"PRIVATE KEY"):
        assert not any(secret in m for m in held), secret
    assert pathlib.Path(f"/proc/{gate}/environ").read_bytes() == b""
    given = re.compile(r"socket:.*|anon_inode:\[(eventpoll|eventfd|timerfd)\]|/dev/null|"
                       + re.escape(str(d.runtime / "decisions.log")) + "|"
                       + re.escape(str(d.stderr)))
    for fd in pathlib.Path(f"/proc/{gate}/fd").iterdir():
        assert given.fullmatch(os.readlink(fd)), os.readlink(fd)


def test_threat_36_secrets_are_where_they_must_be_and_nowhere_else(world):
    d, _ = world
    for pid in (*d.children(), d.process.pid):
        for name in ("cmdline", "maps"):
            assert SECRET.encode() not in pathlib.Path(f"/proc/{pid}/{name}").read_bytes()
    for pid in d.children():
        assert pathlib.Path(f"/proc/{pid}/environ").read_bytes() == b""
    for path in d.directory.rglob("*"):
        if path.is_file():
            assert SECRET.encode() not in path.read_bytes(), path
    assert "PRIVATE KEY" not in d.log() + str(d.lines())


def test_threat_36_no_memory_holds_a_credential(netd, origin, client, tmp_path):
    """Not even after it was used: it is in secret pages, and wiped elsewhere."""
    file = tmp_path / "token"
    file.write_text(SECRET)
    file.chmod(0o600)
    o = origin("api.test")
    d = netd(POLICY.replace("{env: TOKEN}", f"{{file: {file}}}"), settings="workers: 1\n")
    client.trust(d)
    for _ in range(3):
        assert client.curl("https://api.test/").status == 200
    assert o.requests[-1].headers["x-key"] == SECRET
    for pid in (d.process.pid, *d.children()):
        memory = list(readable_memory(pid))
        assert any(b"api.test" in part for part in memory)  # it would be found
        assert not any(SECRET.encode() in part for part in memory), pid


def test_threat_56_control_socket_and_listener_are_out_of_reach(world, lab):
    """Neither by the host's address, nor by the loopback one."""
    d, client = world
    assert os.stat(d.runtime / "control.sock").st_mode & 0o007 == 0
    for address in ("127.0.0.1", "10.77.1.1"):
        try:
            c = client.connect(address, 15001, timeout=3)
        except OSError:
            continue
        c.sendall(b"GET / HTTP/1.1\r\nHost: api.test\r\n\r\n")
        try:
            assert c.recv(100) == b""
        except OSError:
            pass
