"""What a rule's limit leaves is used, and no more; then it is refused and said."""
import json

import pytest

from lab.client import Client, Responses, read_all
from lab.h2 import connect
from lab.h2origin import H2Origin
from lab.origin import ok
from lab.wait import until

POLICY = """\
policies:
  agent:
    allow:
      - {host: few.test, method: GET, limit: {requests: 2/d}}
      - {host: few.test, method: POST}
      - {host: down.test, limit: {down: 100kB/d}}
      - {host: up.test, limit: {up: 100kB/d}}
      - {host: pin.test, tls: passthrough, limit: {down: 100kB/d}}
      - {host: far.test, tls: passthrough, limit: {down: 20MB/d}}
"""
NAMES = ["few.test", "down.test", "up.test", "pin.test", "far.test"]
BOTH = pytest.mark.parametrize("version", ["--http1.1", "--http2"])
BIG = bytes(1000000)


@pytest.fixture
def world(lab, netd, origin, client):
    o = {}
    for i, name in enumerate(NAMES):
        lab.internet.ip("addr", "add", f"203.0.113.{60 + i}/24", "dev", "eth0")
        o[name] = origin(name, address=f"203.0.113.{60 + i}", kind=H2Origin)
    d = netd(POLICY, settings="workers: 2\n")
    client.trust(d)
    return d, o, client


@BOTH
def test_requests_are_counted(world, version):
    d, o, client = world
    url = "https://few.test/"
    assert [client.curl(url, version).status for _ in range(4)] == [200, 200, 429, 429]
    assert len(o["few.test"].requests) == 2
    a = client.curl(url, version)
    body = json.loads(a.body)
    assert body["error"] == "budget" and "requests" in body["reason"]
    assert body["rule"].startswith("agent.allow[0]")
    # One in twelve hours; what has passed of them is less than one.
    assert 11 * 3600 < int(a.headers["retry-after"]) <= 12 * 3600
    r = d.wait_record(id=a.headers["x-sbx-decision"])
    assert (r["verdict"], r["reason"], r["rule"], r["status"]) == (
        "denied", "budget", "agent.allow[0]", 429)
    assert "requests" in r["detail"]
    # Another rule for the same host has nothing to do with it.
    assert client.curl(url, version, "-d", "x").status == 200


def test_one_connection_may_be_refused_and_go_on(world):
    d, o, client = world
    s = client.tls("few.test", "203.0.113.60")
    answers = Responses(s)
    for status in (200, 200, 429, 429):
        s.sendall(b"GET / HTTP/1.1\r\nHost: few.test\r\n\r\n")
        assert answers.next().status == status
    c = connect(client, "few.test", "203.0.113.60")
    assert c.get("/", authority="few.test").status == 429
    s = c.request("/", method="POST", authority="few.test", body=b"x").wait_end()
    assert s.status == 200


def test_an_answer_ends_where_the_budget_does_over_http1(world):
    d, o, client = world
    o["down.test"].answer = lambda r, c: ok(BIG)
    a = client.curl("https://down.test/", "--http1.1")
    # It does not look whole; the last of it may have been cut off on its way.
    assert a.status == 200 and a.error
    r = d.wait_record(host="down.test", kind="request", event="outcome")
    assert (r["verdict"], r["reason"]) == ("error", "budget")
    assert 100000 <= r["bytes_down"] < 200000 and len(a.body) <= r["bytes_down"]
    assert "bytes from the origin" in r["detail"]
    a = client.curl("https://down.test/", "--http1.1")
    assert a.status == 429 and int(a.headers["retry-after"]) >= 1


def test_an_answer_ends_where_the_budget_does_over_http2(world):
    d, o, client = world
    o["down.test"].answer2 = lambda s: s.respond(200, body=BIG)
    c = connect(client, "down.test", "203.0.113.61")
    s = c.request("/", authority="down.test").wait_over()
    assert s.reset is not None and not s.ended
    r = d.wait_record(host="down.test", kind="request", event="outcome")
    assert (r["verdict"], r["reason"]) == ("error", "budget")
    assert 100000 <= r["bytes_down"] < 200000 and len(s.body) <= r["bytes_down"]
    # The connection is none the worse.
    assert c.get("/", authority="down.test").status == 429


def test_a_body_ends_where_the_budget_does_over_http1(world, tmp_path):
    d, o, client = world
    big = tmp_path / "big"
    big.write_bytes(BIG)
    a = client.curl("https://up.test/", "-T", str(big), "-H", "Expect:")
    assert a.status == 429 and json.loads(a.body)["error"] == "budget"
    assert int(a.headers["retry-after"]) >= 1
    body_was_cut(d)
    assert client.curl("https://up.test/", "-d", "x").status == 429


def test_a_body_ends_where_the_budget_does_over_http2(world):
    d, o, client = world
    c = connect(client, "up.test", "203.0.113.62")
    s = c.request("/", method="PUT", authority="up.test", end=False)
    try:
        s.send_data(BIG, True)
    except ConnectionResetError:
        pass  # so that it stops
    assert s.wait_head().status == 429 and s.headers["retry-after"]
    body_was_cut(d)
    c.wait("the reset of what was left", lambda: s.ended or s.reset is not None)
    assert c.request("/", method="POST", authority="up.test", body=b"x").wait_end().status == 429


def body_was_cut(d):
    r = d.wait_record(host="up.test", kind="request", event="outcome")
    assert (r["verdict"], r["reason"], r["status"]) == ("error", "budget", 429)
    assert 100000 <= r["bytes_up"] < 200000


def test_what_is_not_opened_counts_bytes(world, authority):
    d, o, client = world
    client.ca = authority.path
    o["pin.test"].serve = lambda c: c.sendall(BIG)
    s = client.tls("pin.test", "203.0.113.63")
    try:
        got = len(read_all(s))
    except OSError:
        got = 0  # reset in the middle: the record has the figure
    assert got < 500000  # the limit, and what a pipe holds (docs/policy.md)
    r = d.wait_record(host="pin.test", kind="connect", event="outcome")
    assert (r["verdict"], r["reason"]) == ("error", "budget")
    with pytest.raises(OSError):
        client.tls("pin.test", "203.0.113.63")
    # On record, and closed before the origin was dialled.
    def ends():
        return d.records(host="pin.test", event="outcome", reason="budget")

    until("the second to be on record", lambda: len(ends()) == 2)
    second = ends()[1]
    assert "upstream" not in second and "bytes_down" not in second


def test_what_the_kernel_carries_is_counted_too(world, authority):
    d, o, client = world
    client.ca = authority.path

    def pour(c):
        for _ in range(100):
            c.sendall(BIG)

    o["far.test"].serve = pour
    s = client.tls("far.test", "203.0.113.64")
    try:
        while s.recv(1 << 16):
            pass
    except OSError:
        pass
    r = d.wait_record(host="far.test", kind="connect", event="outcome")
    assert (r["verdict"], r["reason"]) == ("error", "budget")
    # What one turn moves beyond it is less than this.
    assert 20000000 <= r["bytes_down"] < 24000000


def test_a_reload_keeps_what_was_used_of_the_same_rule(world):
    d, o, client = world
    url = "https://few.test/"
    assert [client.curl(url).status for _ in range(3)] == [200, 200, 429]
    text = d.config.read_text()
    moved = text.replace("    allow:\n", "    allow:\n      - {host: other.test}\n")
    assert d.reload(moved).returncode == 0
    a = client.curl(url)
    assert a.status == 429 and "agent.allow[1]" in json.loads(a.body)["rule"]
    assert d.reload(text.replace("requests: 2/d", "requests: 3/d")).returncode == 0
    assert [client.curl(url).status for _ in range(4)] == [200, 200, 200, 429]


def test_sandboxes_have_budgets_of_their_own(lab, netd, origin, client):
    lab.add_sandbox()
    origin("few.test")
    d = netd(POLICY)
    client.trust(d)
    other = Client(lab.sandboxes[1]).trust(d, "s2")
    for c in (client, other):
        assert [c.curl("https://few.test/").status for _ in range(3)] == [200, 200, 429]


def test_explain_says_the_limits(world):
    d, o, client = world
    said = d.ctl("explain", "s1", "GET", "https://few.test/").stdout
    assert "2 requests a day, by agent.allow[0] (" in said
    answer = json.loads(d.ctl("--json", "explain", "s1", "GET", "https://far.test/").stdout)
    (limit,) = answer["limits"]
    assert (limit["by"], limit["down"]) == ("agent.allow[5]", "20MB/d")
    assert limit["text"] == "20 MB a day from the origin"
    answer = json.loads(d.ctl("--json", "explain", "s1", "POST", "https://few.test/").stdout)
    assert answer["limits"] == []


def boxes(lab, limit, more=""):
    s = lab.sandbox
    return (f"sandboxes:\n  s1:\n    interface: {s.interface}\n    address: [{s.address4}]\n"
            f"    policy: agent\n{more}    limit: {limit}\n")


OPEN = "policies: {agent: {default: allow, allow: [{host: pin.test, tls: passthrough}]}}\n"


@BOTH
def test_a_sandbox_has_a_limit_of_its_own(lab, netd, origin, client, version):
    a = origin("few.test", kind=H2Origin)
    b = origin("more.test", address="203.0.113.11", kind=H2Origin)
    d = netd(OPEN + boxes(lab, "{requests: 3/d}"))
    client.trust(d)
    hosts = ["few.test", "more.test", "few.test", "more.test"]
    assert [client.curl(f"https://{h}/", version).status for h in hosts] == [200, 200, 200, 429]
    assert len(a.requests) + len(b.requests) == 3
    r = client.curl("https://few.test/", version)
    line = d.config.read_text().splitlines().index("    limit: {requests: 3/d}") + 1
    body = json.loads(r.body)
    assert (r.status, body["error"]) == (429, "budget")
    assert body["rule"] == f"s1.limit ({d.config}:{line})"
    assert 7 * 3600 < int(r.headers["retry-after"]) <= 8 * 3600
    record = d.wait_record(id=r.headers["x-sbx-decision"])
    assert (record["verdict"], record["reason"]) == ("denied", "budget")
    assert (record["rule"], record["source"]) == ("s1.limit", f"{d.config}:{line}")
    # A reload that leaves it alone leaves what was used of it alone; another is full.
    moved = d.config.read_text().replace("    limit:", "    labels: {a: b}\n    limit:")
    assert d.reload(moved).returncode == 0
    assert client.curl("https://few.test/", version).status == 429
    assert d.reload(moved.replace("3/d", "4/d")).returncode == 0
    assert [client.curl("https://few.test/", version).status for _ in range(5)] == [200] * 4 + [429]
    assert d.reload(moved.replace("    limit: {requests: 3/d}\n", "")).returncode == 0
    assert client.curl("https://few.test/", version).status == 200


def test_bytes_of_a_sandbox_are_counted_over_all_its_flows(lab, netd, origin, client, authority):
    o = origin("few.test")
    pin = origin("pin.test", address="203.0.113.11", kind=H2Origin)
    d = netd(OPEN + boxes(lab, "{down: 100kB/d}"))
    client.trust(d)
    o.answer = lambda r, c: ok(bytes(50000))
    assert client.curl("https://few.test/").status == 200
    client.ca = authority.path
    pin.serve = lambda c: c.sendall(BIG)
    s = client.tls("pin.test", "203.0.113.11")
    try:
        read_all(s)
    except OSError:
        pass  # reset in the middle: the record has the figure
    r = d.wait_record(host="pin.test", kind="connect", event="outcome")
    assert (r["verdict"], r["reason"]) == ("error", "budget")
    assert f"({d.config}:" in r["detail"]
    # Half of it was used before.
    assert 40000 <= r["bytes_down"] < 100000
    client.trust(d)
    a = client.curl("https://few.test/")
    assert a.status == 429 and json.loads(a.body)["rule"].startswith("s1.limit")


def test_a_flow_that_nobody_opens_is_one_request(lab, netd, origin, client, authority):
    pin = origin("pin.test", kind=H2Origin)
    pin.serve = lambda c: c.sendall(b"x" * 100)
    d = netd(OPEN + boxes(lab, "{requests: 1/d}"))
    client.ca = authority.path
    assert len(read_all(client.tls("pin.test", "203.0.113.10"))) == 100
    with pytest.raises(OSError):
        client.tls("pin.test", "203.0.113.10")
    r = d.wait_record(host="pin.test", event="outcome", reason="budget")
    assert f"({d.config}:" in r["detail"]


def test_audit_spends_it_too(lab, netd, origin, client):
    origin("few.test")
    d = netd("policies: {agent: {audit: true}}\n" + boxes(lab, "{requests: 1/d}"))
    client.trust(d)
    assert [client.curl("https://few.test/").status for _ in range(2)] == [200, 429]


def test_a_sandbox_added_at_run_time_has_one(lab, netd, origin, client):
    origin("few.test")
    s = lab.sandbox
    d = netd(OPEN + "sandboxes: {}\n")
    d.ctl("sandbox", "add", "s1", "--interface", s.interface, "--address", s.address4,
          "--policy", "agent", "--label", "a=b", "--limit", "requests=2/d", "--limit", "up=1MB/h")
    client.trust(d)
    assert [client.curl("https://few.test/").status for _ in range(3)] == [200, 200, 429]
    shown = d.ctl("sandbox", "show", "s1").stdout
    assert "requests 2/d" in shown and "up 1MB/h" in shown
    answer = json.loads(d.ctl("--json", "explain", "s1", "GET", "https://few.test/").stdout)
    (limit,) = answer["limits"]
    assert (limit["by"], limit["requests"], limit["up"]) == ("s1.limit", "2/d", "1MB/h")
    assert "2 requests a day, 1 MB an hour to the origin, by s1.limit (" in d.ctl(
        "explain", "s1", "GET", "https://few.test/").stdout
    bad = d.ctl("sandbox", "add", "s2", "--interface", "x", "--address", "10.9.9.9",
                "--policy", "agent", "--limit", "requests=many", check=False)
    assert bad.returncode == 1 and '"requests" expects' in bad.stderr
