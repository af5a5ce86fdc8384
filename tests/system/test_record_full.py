"""What cannot be recorded is not let through."""
import itertools
import json
import os
import socket

import pytest

from lab.namespaces import sh
from lab.packets import nothing_waits, seen, sock, start_counting
from lab.wait import until

POLICY = """\
policies:
  agent: {allow: [{host: api.test}]}
"""


@pytest.fixture
def small_disk(tmp_path):
    path = tmp_path / "small"
    path.mkdir()
    sh("mount", "-t", "tmpfs", "-o", "size=256k,mode=755", "tmpfs", str(path))
    yield path
    sh("umount", "-l", str(path))


def test_threat_40_a_full_disk_denies_and_room_heals(netd, origin, client, small_disk):
    o = origin("api.test")
    d = netd(POLICY, settings=f"log: {{file: {small_disk}/decisions.log}}\n")
    client.trust(d)
    assert client.curl("https://api.test/before").status == 200
    filler = small_disk / "filler"
    with open(filler, "wb") as f:
        with pytest.raises(OSError):
            while True:
                os.write(f.fileno(), b"x" * 4096)
    # What room the last page of the log has left is used up first.
    def refused():
        a = client.curl("https://api.test/full", "--resolve", "api.test:443:203.0.113.10")
        return a if a.status == 503 else None

    a = until("a refusal", refused)
    assert "log_full" in a.text
    reached = len(o.requests)
    assert refused() and len(o.requests) == reached
    filler.unlink()
    until("an answer", lambda: client.curl(
        "https://api.test/after", "--resolve", "api.test:443:203.0.113.10").status == 200)
    bad = 0
    for line in (small_disk / "decisions.log").read_text().splitlines():
        try:
            json.loads(line)
        except ValueError:
            bad += 1
    assert bad <= 2  # one half line for each of two workers


def test_threat_40_no_packet_passes_unrecorded(netd, lab, small_disk):
    start_counting(lab.internet)
    netd("policies: {agent: {allow: [{address: 203.0.113.10, protocol: udp, "
         "port: 1000-60000}]}}\n", settings=f"log: {{file: {small_disk}/decisions.log}}\n")
    ports = itertools.count(1000)
    s = sock(lab.sandbox, socket.AF_INET, socket.SOCK_DGRAM)

    def passes():
        """Whether the first packet of a new flow arrives."""
        before = seen(lab.internet)
        s.sendto(b"hello", ("203.0.113.10", next(ports)))
        until("it to be judged", lambda: nothing_waits(lab.host))
        return seen(lab.internet) > before

    until("a packet to pass", passes)
    filler = small_disk / "filler"
    with open(filler, "wb") as f:
        with pytest.raises(OSError):
            while True:
                os.write(f.fileno(), b"x" * 4096)
    until("nothing to pass", lambda: not passes())
    assert not any(passes() for _ in range(5))
    filler.unlink()
    until("a packet to pass again", passes)
    s.close()


@pytest.mark.parametrize("path", ["/%1b[31m", "/" + "a" * 8000, "/\"},{\"x\":\"", "/é"])
def test_threat_39_a_hostile_path_is_one_line_of_json(netd, origin, client, path):
    origin("api.test")
    d = netd(POLICY)
    client.trust(d)
    s = client.tls()
    s.sendall(f"GET {path} HTTP/1.1\r\nHost: api.test\r\nConnection: close\r\n\r\n".encode())
    assert s.recv(65536).startswith(b"HTTP/1.1 ")
    d.wait_record(kind="request", event="decision")
    for line in (d.runtime / "decisions.log").read_bytes().splitlines():
        json.loads(line)
        assert b"\x1b" not in line and len(line) <= 4096
