"""What docs/record.md says of HTTP/2: what the daemon asks an origin is on record,
and how a stream ended is told by its outcome."""
import pytest

from lab import h2wire as w
from lab.built import BIN
from lab.h2 import connect
from lab.h2origin import H2Origin, hello

POLICY = """\
policies:
  agent:
    allow:
      - host: "**.lab.test"
    deny:
      - host: "no.lab.test"
"""


@pytest.fixture(scope="module")
def world(stage):
    stage.netd(POLICY, settings="workers: 1\nlimits: {connections_per_second: 10000}\n")
    return stage


@pytest.fixture
def site(world):
    def make(answer2=hello, name="r{}.lab.test", **options):
        options.setdefault("alpn", ("h2",))
        o = world.origin(name.format(next(world.numbers)), kind=H2Origin, answer2=answer2,
                         **options)
        o.open = lambda **k: connect(world.client, o.name, o.address, **k)
        return o

    return make


def end_of(world, o, path="/", kind="request"):
    want = {"path": path} if kind == "request" else {}
    d = world.daemon.wait_record(event="decision", kind=kind, host=o.name, **want)
    return d, world.daemon.wait_record(event="outcome", id=d["id"])


def shown(world, *options):
    return world.lab.host.run(str(BIN / "sbx-netlog"), "--file",
                              str(world.daemon.runtime / "decisions.log"), *options).stdout


@pytest.mark.parametrize("alpn", ["h2", "http/1.1"])
def test_what_an_origin_speaks_is_asked_once_and_on_record_first(world, site, alpn):
    o = site(alpn=(alpn,))
    for _ in range(2):
        with world.client.tls(o.name, o.address, alpn=("h2", "http/1.1")) as s:
            assert s.selected_alpn_protocol() == alpn
    d, end = end_of(world, o, kind="connect")
    assert (d["verdict"], d["reason"], d["via"]) == ("allowed", "rule_allow", "inspect")
    assert d["rule"] == "agent.allow[0]" and "alpn" not in d and "path" not in d
    assert (end["verdict"], end["reason"], end["alpn"]) == ("allowed", "complete", alpn)
    assert end["upstream"] == f"{o.address}:443"
    assert not {"bytes_up", "bytes_down", "status"} & set(end)
    assert len(world.daemon.records(kind="connect", host=o.name, verdict="allowed",
                                    event="decision")) == 1
    (line,) = [x for x in shown(world, "-n", "all", "--host", o.name, "--verdict", "allowed")
               .splitlines() if d["id"] in x]
    assert "asks which HTTP" in line and f"learnt {alpn} " in line
    assert f"learnt      {alpn}" in shown(world, "--explain", d["id"])


def test_an_origin_that_is_not_there_was_asked_too(world):
    name, address = f"r{next(world.numbers)}.lab.test", world.address()
    world.names.add(name, address)
    with world.client.tls(name, address, alpn=("h2", "http/1.1")):
        pass
    d = world.daemon.wait_record(event="decision", kind="connect", host=name, verdict="allowed")
    end = world.daemon.wait_record(event="outcome", id=d["id"])
    assert (end["verdict"], end["reason"]) == ("error", "connect_failed")
    assert end["detail"] and "alpn" not in end


@pytest.mark.parametrize("name, alpn", [("no.lab.test", ("h2", "http/1.1")),
                                        ("r{}.lab.test", ("http/1.1",))],
                         ids=["denied", "offers none"])
def test_nobody_is_asked_without_need(world, site, name, alpn):
    o = site(name=name)
    with world.client.tls(o.name, o.address, alpn=alpn) as s:
        s.sendall(b"GET / HTTP/1.1\r\nHost: %s\r\n\r\n" % o.name.encode())
        assert s.recv(100).startswith(b"HTTP/1.1 ")
    world.daemon.wait_record(event="decision", kind="request", host=o.name)
    assert not world.daemon.records(kind="connect", host=o.name, event="decision")
    assert bool(o.sessions) == (name != "no.lab.test")


def test_a_stream_that_the_client_gives_up(world, site):
    o = site(lambda s: s.wait_reset())
    s = o.open().request(authority=o.name)
    world.daemon.wait_record(event="decision", host=o.name, path="/")
    s.send_reset(w.CANCEL)
    d, end = end_of(world, o)
    assert d["alpn"] == "h2" and end["reason"] == "client_gone"


def test_a_stream_that_the_origin_resets(world, site):
    def answer2(s):
        if s.target == "/half":
            s.send_head([(":status", "200")])
            s.send_data(b"half")
        s.send_reset(w.INTERNAL_ERROR)

    o = site(answer2)
    c = o.open()
    for path, status in (("/", 502), ("/half", 200)):
        c.request(path, authority=o.name).wait_over()
        end = end_of(world, o, path)[1]
        assert (end["verdict"], end["reason"]) == ("error", "origin_gone")
        assert end["status"] == status, "that which the client was told"


@pytest.mark.parametrize("kind, count", [(w.DATA, 1), (w.PING, 3000)],
                         ids=["broken", "useless"])
def test_a_connection_that_is_cut_off(world, site, kind, count):
    o = site()
    c = o.open()
    c.wait_settings()
    try:
        c.raw(w.frame(kind, 0, 0, b"12345678") * count)
    except OSError:
        pass  # cut off before it was all sent
    c.wait_goaway()
    r = world.daemon.wait_record(kind="connect", host=o.name, verdict="error")
    assert r["reason"] == "malformed_http" and r["detail"]


def test_no_worker_was_lost(world):
    assert not world.daemon.records(reason="worker_crashed")
