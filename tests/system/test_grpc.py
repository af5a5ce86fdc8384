"""gRPC just works: every kind of call, two implementations, and a credential
in the metadata that the sandbox never had."""
import hashlib
import json

import pytest

from lab import h2wire as w
from lab.h2 import connect
from lab.h2origin import H2Origin
from lab.servers import Servers, node_environment, program
from lab.wait import until

SECRET = "s3cret-canary-grpc"
POLICY = """\
credentials:
  token:
    source: {env: API_TOKEN}
    inject:
      - {host: "**.cred.lab.test", header: Authorization, format: "Bearer ${value}"}
policies:
  agent:
    allow:
      - host: "**.lab.test"
    deny:
      - host: denied.lab.test
    credentials: [token]
"""
BIG = bytes(range(256)) * 16384
EXPECTED = {
    "unary": "cba", "initial": "i", "trailing": "t", "binary": "00ff",
    "collect": "a,b,c", "spread": [str(i) for i in range(20)],
    "chat": [f"<{i}>" for i in range(20)],
    "fail": ["NOT_FOUND", "no such thing: ü %"], "unknown": "UNIMPLEMENTED",
    "deadline": "DEADLINE_EXCEEDED", "cancel": "CANCELLED",
    "big": hashlib.sha256(BIG[::-1]).hexdigest(),
}


@pytest.fixture(scope="module")
def world(stage):
    stage.netd(POLICY, environment={"API_TOKEN": SECRET})
    return stage


@pytest.fixture
def service(world, tmp_path):
    servers = Servers(world.lab, tmp_path)
    name, address = f"g{next(world.numbers)}.cred.lab.test", world.address()
    world.names.add(name, address)
    p = servers.grpc(address, world.authority.issue(name))
    p.name = name
    yield p
    servers.close()


@pytest.mark.parametrize("client", ["grpc_client.py", "grpc_client.js"])
def test_every_kind_of_call(world, service, client):
    r = world.lab.sandbox.run(
        *program(client), f"{service.name}:443", str(world.client.ca), check=False,
        env=node_environment(GRPC_DNS_RESOLVER="native"), timeout=180)
    assert r.returncode == 0, r.stdout + r.stderr
    assert json.loads(r.stdout) == EXPECTED
    assert SECRET not in r.stdout + r.stderr

    calls = service.calls()
    for call in calls:
        assert [v for k, v in call["metadata"] if k == "authorization"] == [
            f"Bearer {SECRET}"], call["method"]
    assert ["x-mine", "m"] in service.calls(method="Unary")[0]["metadata"]
    # The deadline, and the call that was cancelled if it got that far.
    def hanging(stage):
        return len(service.calls(method="Hang", stage=stage))

    until("every call given up to end at the server",
          lambda: 1 <= hanging("begun") == hanging("cancelled"))
    assert not service.calls(method="Hang", stage="timeout")


def test_each_call_is_decided_and_recorded_by_itself(world, service):
    r = world.lab.sandbox.run(*program("grpc_client.py"), f"{service.name}:443",
                              str(world.client.ca), timeout=180,
                              env=node_environment(GRPC_DNS_RESOLVER="native"))
    assert json.loads(r.stdout) == EXPECTED
    paths = ["/t.Test/" + m for m in ("Unary", "Collect", "Spread", "Chat", "Fail", "No", "Hang")]
    for path in paths:
        d = world.daemon.wait_record(event="decision", host=service.name, path=path)
        assert (d["method"], d["verdict"], d["alpn"]) == ("POST", "allowed", "h2")
        assert d["injected"] == "token"
        world.daemon.wait_record(event="outcome", id=d["id"])


def grpc_message(data):
    return b"\0" + len(data).to_bytes(4, "big") + data


FIELDS = (("te", "trailers"), ("content-type", "application/grpc"))


@pytest.fixture
def site(world):
    def make(answer2):
        o = world.origin(f"g{next(world.numbers)}.lab.test", kind=H2Origin, answer2=answer2,
                         alpn=("h2",))
        o.session = connect(world.client, o.name, o.address)
        return o

    return make


def test_te_trailers_and_trailers_only(site):
    """An empty answer whose head is its trailers, as one frame that ends it."""
    def answer2(s):
        s.wait_end()
        s.respond(200, ("content-type", "application/grpc"), ("grpc-status", "5"),
                  ("grpc-message", "no"))

    o = site(answer2)
    s = o.session.request("/t.T/M", *FIELDS, method="POST", authority=o.name,
                          body=grpc_message(b"x")).wait_end()
    assert s.headers["grpc-status"] == "5" and s.trailers is None and not s.body
    assert o.requests[0].all("te") == ["trailers"]
    assert bytes(o.requests[0].body) == grpc_message(b"x")


def test_trailers_behind_an_empty_body(site):
    def answer2(s):
        s.wait_end()
        s.respond(200, ("content-type", "application/grpc"), trailers=[("grpc-status", "0")])

    o = site(answer2)
    s = o.session.request("/t.T/M", *FIELDS, method="POST", authority=o.name, body=b"").wait_end()
    assert s.trailers == [("grpc-status", "0")] and not s.body


def test_messages_pass_one_at_a_time_both_ways(site):
    """Nothing waits for more: neither here nor there, nor for the end of either."""
    def answer2(s):
        s.send_head([(":status", "200"), ("content-type", "application/grpc")])
        for i in range(1, 51):
            s.wait_body(i * 6)
            s.send_data(bytes(s.body[-6:]))
        s.wait_end()
        s.send_head([("grpc-status", "0")], end=True)

    o = site(answer2)
    s = o.session.request("/t.T/Chat", *FIELDS, method="POST", authority=o.name, end=False)
    s.wait_head()
    for i in range(50):
        s.send_data(grpc_message(b"%c" % (65 + i % 26)))
        s.wait_body((i + 1) * 6)
    s.send_data(b"", end=True)
    assert s.wait_end().trailers == [("grpc-status", "0")]
    assert bytes(s.body) == bytes(o.requests[0].body)


@pytest.mark.parametrize("code", [w.CANCEL, w.INTERNAL_ERROR, w.ENHANCE_YOUR_CALM])
def test_a_reset_passes_through_either_way(site, code):
    def answer2(s):
        if s.target == "/t.T/Mine":
            s.wait_body(6)
            s.send_head([(":status", "200")])  # before it, an answer is ours to give
            s.send_reset(code)
        else:
            s.send_head([(":status", "200")])
            s.wait_over()

    o = site(answer2)
    s = o.session.request("/t.T/Mine", *FIELDS, method="POST", authority=o.name, end=False)
    s.send_data(grpc_message(b"x"))
    assert s.wait_reset() == code
    s = o.session.request("/t.T/Yours", *FIELDS, method="POST", authority=o.name, end=False)
    s.wait_head()
    s.send_reset(code)
    other = until("the second call", lambda: o.requests[1:])[0]
    assert other.wait_reset() == code
    assert o.session.request("/t.T/Mine", *FIELDS, method="POST", authority=o.name,
                             body=grpc_message(b"x")).wait_reset() == code, \
        "the connection is as good as before"
    assert o.connections == 1


def test_no_worker_was_lost(world):
    assert not world.daemon.records(reason="worker_crashed")
