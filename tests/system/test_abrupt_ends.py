"""However a connection ends, nothing of it stays behind."""
import os
import socket
import struct

import pytest

from lab.client import read_response
from lab.memory import Holding
from lab.wait import until

POLICY = """\
policies:
  agent:
    allow:
      - {host: [api.test, silent.test]}
      - {host: pinned.test, tls: passthrough}
"""
GET = b"GET / HTTP/1.1\r\nHost: api.test\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: api.test\r\nContent-Length: 100\r\n\r\n"


@pytest.fixture
def world(netd, origin, client):
    """One worker, and the origins it dials: one answers, one never does."""
    api = origin("api.test")
    silent = origin("silent.test", address="203.0.113.11")
    silent.serve = lambda c: (c.settimeout(30), c.recv(65536), c.recv(1))
    d = netd(POLICY, settings="workers: 1\n")
    client.trust(d)
    return d, (api, silent), client


def reset(s):
    """No FIN: whoever is at the other end is told that all is lost."""
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()


def half_a_hello(client):
    s = client.connect()
    s.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
    return s


def half_a_head(client):
    s = client.tls()
    s.sendall(GET[:20])
    return s


def half_a_body(client):
    s = client.tls()
    s.sendall(POST + b"x" * 50)
    return s


def after_an_answer(client):
    s = client.tls()
    s.sendall(GET)
    assert read_response(s)[0].startswith(b"HTTP/1.1 200")
    return s


def without_an_answer(client):
    s = client.tls("silent.test")
    s.sendall(GET.replace(b"api", b"silent"))
    return s


def out_of_band(client):
    """Urgent data is not part of the stream, and not read."""
    s = client.connect(port=80)
    s.send(b"!", socket.MSG_OOB)
    s.sendall(b"GET / HT")
    return s


STAGES = (half_a_hello, half_a_head, half_a_body, after_an_answer, without_an_answer,
          out_of_band)


@pytest.mark.parametrize("end", [reset, socket.socket.close], ids=["reset", "end"])
@pytest.mark.parametrize("stage", STAGES, ids=lambda f: f.__name__)
def test_threat_49_no_descriptor_stays(world, lab, stage, end):
    d, origins, client = world
    (worker,) = d.children()

    def held():
        """Descriptors of the worker, without its connections to origins."""
        return (len(os.listdir(f"/proc/{worker}/fd"))
                - sum(o.connections - o.ended for o in origins))

    def from_the_sandbox():
        return len(lab.host.run("ss", "-Htn", "state", "connected", "exclude", "time-wait",
                                "dst", lab.sandbox.address4).stdout.splitlines())

    after_an_answer(client).close()  # name servers are known then
    until("the first one to be gone", lambda: from_the_sandbox() == 0)
    # The kernel knows that before the worker has closed its descriptor.
    until("the worker to have done with it", Holding(d).is_asleep)
    before = held()
    ends = [stage(client) for _ in range(20)]
    until("all of them", lambda: from_the_sandbox() == 20 and held() >= before + 20)
    for s in ends:
        end(s)
    until("all of them to be gone", lambda: from_the_sandbox() == 0)
    until(f"{before} descriptors", lambda: held() == before)
    assert client.curl("https://api.test/").status == 200
