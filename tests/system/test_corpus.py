"""What once made a parser stumble, and whatever else the fuzzers start from,
is said to a running daemon: it goes on with the same processes."""
import pathlib
import socket
import struct

import pytest

from lab.client import read_all
from lab.wait import until

CORPUS = pathlib.Path(__file__).resolve().parents[1] / "fuzz" / "corpus"
POLICY = """\
policies:
  agent: {allow: [{host: [a.test, b.test, api.test]}]}
"""


def inputs(name):
    found = sorted((CORPUS / name).iterdir())
    assert len(found) > 3
    return [path.read_bytes() for path in found]


@pytest.fixture(scope="module")
def world(stage):
    stage.lab.add_sandbox()
    stage.api = stage.origin("api.test")
    stage.a = stage.origin("a.test", tls=False, port=80)
    stage.netd(POLICY, settings="workers: 1\nlimits: {connections_per_second: 10000, "
               "dns_per_second: 10000, hello: 2s, idle: 5s}\n")
    return stage


@pytest.fixture(autouse=True)
def the_same_go_on(world):
    workers = world.daemon.children()
    yield
    assert world.client.curl("https://api.test/").status == 200
    assert world.daemon.children() == workers
    assert not world.daemon.records(reason="worker_crashed")


def say(world, data, port):
    """All of it, and that it is all; what comes back."""
    with world.client.connect(port=port) as s:
        try:
            s.sendall(data)
            s.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # closed already
        return read_all(s)


@pytest.mark.parametrize("port", [80, 443])
@pytest.mark.parametrize("corpus", ["hello", "sniff", "h1_request"])
def test_threat_61_first_bytes(world, corpus, port):
    for data in inputs(corpus):
        say(world, data, port)


def test_threat_61_as_many_requests_as_were_allowed(world):
    """The law of smuggling, over all that the fuzzer knows of requests."""
    def allowed():
        return len(world.daemon.records(kind="request", event="decision", host="a.test",
                                        verdict="allowed"))

    before = allowed(), len(world.a.requests)
    for data in inputs("h1_request"):
        say(world, data, 80)

    def none_is_one_too_many():
        """What broke off within its body was allowed, and never became a request;
        that is on record a moment after its client has heard of it."""
        broken = len(world.daemon.records(kind="request", event="outcome", host="a.test",
                                          reason="malformed_http"))
        return allowed() - before[0] <= len(world.a.requests) - before[1] + broken

    until("an outcome of each that broke off", none_is_one_too_many)
    assert 20 < len(world.a.requests) - before[1] <= allowed() - before[0]


def test_threat_61_answers(world):
    """From a hostile origin.  What it leaves open and closes a moment after may be
    asked once more, and then is a connection of its own: hence no POST."""
    answers = iter(inputs("h1_response"))
    said = []

    def serve(c):
        c.recv(65536)
        said.append(next(answers))
        c.sendall(said[-1])

    world.origin("b.test", tls=False, port=80).serve = serve
    for _ in inputs("h1_response"):
        say(world, b"GET / HTTP/1.1\r\nHost: b.test\r\nConnection: close\r\n\r\n", 80)
    assert len(said) == len(inputs("h1_response"))


def test_threat_61_questions(world):
    def ask():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.connect(("203.0.113.53", 53))
            for data in inputs("dns"):
                s.send(data)

    world.lab.sandbox.within(ask)
    for data in inputs("dns"):
        say(world, struct.pack(">H", len(data)) + data, 53)
        say(world, data, 53)
    out = world.lab.sandbox.run("dig", "+tries=1", "+time=5", "@203.0.113.53", "api.test", "A")
    assert world.api.address in out.stdout


def test_threat_60_what_is_said_to_the_control_socket(world):
    """By somebody who may; the first two bytes of each are the fuzzer's."""
    keeper = world.daemon.process
    for data in inputs("control"):
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(30)
            s.connect(str(world.daemon.runtime / "control.sock"))
            try:
                s.sendall(data[2:])
                s.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            read_all(s)
    until("an answer", lambda: world.daemon.ctl("status", check=False).returncode == 0)
    assert keeper.poll() is None
