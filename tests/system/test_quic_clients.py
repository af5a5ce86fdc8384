"""Real clients of QUIC and HTTP/3: refused at once and by name, or carried
untouched where a rule about the address says so."""
import os

import pytest

from lab.wait import until

ADDRESS = ("203.0.113.10", "2001:db8:113::10")
BOTH = pytest.mark.parametrize("v", [0, 1], ids=["v4", "v6"])
OPEN, SHUT = 8443, 443
POLICY = f"""\
policies:
  agent:
    allow:
      - {{host: "*.lab.test"}}
      - {{address: [{ADDRESS[0]}, "{ADDRESS[1]}"], protocol: udp, port: {OPEN}}}
"""


def listens(namespace, port):
    rows = namespace.run("ss", "-Hlun", f"sport = :{port}").stdout
    return rows.strip() != ""


@pytest.fixture(scope="module")
def world(stage, tmp_path_factory):
    """Servers on an open and on a shut port, of both families."""
    folder = tmp_path_factory.mktemp("web")
    (folder / "page").write_bytes(os.urandom(100_000))
    certificate = str(stage.authority.issue("*.lab.test"))
    internet, servers = stage.lab.internet, []
    for address in ADDRESS:
        for port in (OPEN, SHUT):
            log = open(folder / f"log-{len(servers)}", "wb")
            servers.append(internet.popen(
                "gtlsserver", "-d", str(folder), address, str(port), certificate,
                certificate, stdout=log, stderr=log))
    for port in (OPEN, SHUT):
        until(f"servers on port {port}", lambda port=port: listens(internet, port))
    for v, address in enumerate(ADDRESS):
        stage.names.add(f"quic{v}.lab.test", address)
    stage.folder = folder
    stage.netd(POLICY)
    yield stage
    for p in servers:
        p.kill()
        p.wait()


def logs(world, port):
    """How much the servers of that port have said."""
    first = (OPEN, SHUT).index(port)
    return [(world.folder / f"log-{i}").stat().st_size for i in (first, first + 2)]


def get(world, name, port, folder):
    return world.lab.sandbox.run(
        "gtlsclient", "--quiet", "--exit-on-all-streams-close", "--handshake-timeout=3s",
        f"--download={folder}", name, str(port), f"https://{name}:{port}/page",
        check=False, timeout=120)


@BOTH
def test_what_no_rule_allows_is_refused_and_named(world, v, tmp_path):
    before = logs(world, SHUT)
    r = get(world, f"quic{v}.lab.test", SHUT, tmp_path)
    assert not (tmp_path / "page").exists(), r.stderr
    assert logs(world, SHUT) == before
    p = world.daemon.wait_record(kind="packet", host=f"quic{v}.lab.test")
    assert (p["proto"], p["verdict"], p["reason"]) == ("quic", "denied", "quic")
    assert p["dst"] == ADDRESS[v] and p["dport"] == SHUT


@BOTH
def test_what_a_rule_allows_is_carried_whole(world, v, tmp_path):
    r = get(world, f"quic{v}.lab.test", OPEN, tmp_path)
    got = tmp_path / "page"
    assert got.exists(), r.stderr
    assert got.read_bytes() == (world.folder / "page").read_bytes()
    p = world.daemon.wait_record(kind="packet", dst=ADDRESS[v], dport=OPEN)
    assert p["verdict"] == "allowed" and p["rule"] == "agent.allow[1]"
    assert p["proto"] == "quic" and p["via"] == "address"


def test_no_process_was_lost(world):
    assert not world.daemon.records(reason="gate_crashed")
    assert not world.daemon.records(reason="worker_crashed")
