"""What audit lets pass and puts on record; and what it does not let pass."""
import json
import socket
import threading

import pytest

from lab.built import BIN
from lab.client import read_all
from lab.h2 import connect
from lab.h2origin import H2Origin
from lab.wait import until

SECRET = "s3cret-canary-2207"
POLICY = """\
credentials:
  api:
    source: {env: API_TOKEN}
    inject: [{host: api.test, header: X-Token}]
policies:
  agent:
    audit: true
    allow:
      - {host: api.test, method: GET}
      - {host: pin.test, tls: passthrough}
      - {address: 203.0.113.64, port: 443}
    deny:
      - {host: bad.test}
      - {host: pin.test, method: PUT}
    credentials: [api]
"""
BOTH = pytest.mark.parametrize("version", ["--http1.1", "--http2"])


@pytest.fixture
def world(lab, netd, origin, client):
    for n in range(60, 65):
        lab.internet.ip("addr", "add", f"203.0.113.{n}/24", "dev", "eth0")
    o = {name: origin(name, address=f"203.0.113.{60 + i}", kind=H2Origin)
         for i, name in enumerate(["api.test", "bad.test", "new.test", "pin.test"])}
    d = netd(POLICY, environment={"API_TOKEN": SECRET})
    client.trust(d)
    return d, o, client


@BOTH
@pytest.mark.parametrize("host, method, reason, rule", [
    ("api.test", "POST", "method", "agent.allow[0]"),
    ("bad.test", "GET", "rule_deny", "agent.deny[0]"),
    ("new.test", "GET", "no_rule", "agent.default"),
])
def test_what_would_be_denied_passes_and_is_on_record(world, version, host, method, reason, rule):
    d, o, client = world
    a = client.curl(f"https://{host}/x", version, "-X", method)
    assert a.status == 200
    assert [r.method for r in o[host].requests] == [method]
    r = d.wait_record(host=host, kind="request", event="decision")
    assert (r["verdict"], r["reason"], r["rule"]) == ("audited", reason, rule)
    assert "sbx-netd.yaml:" in r["source"]
    done = d.wait_record(id=r["id"], event="outcome")
    assert (done["verdict"], done["status"]) == ("audited", 200)
    assert d.wait_record(host=host, kind="dns", event="decision")["verdict"] == (
        "allowed" if host == "api.test" else "audited")
    # Nothing of value goes where no rule allows it.
    assert "x-token" not in o[host].requests[0].headers and "injected" not in r


@BOTH
def test_what_is_allowed_is_allowed(world, version):
    d, o, client = world
    assert client.curl("https://api.test/", version).status == 200
    r = d.wait_record(host="api.test", kind="request", event="decision")
    assert (r["verdict"], r["injected"]) == ("allowed", "api")
    assert o["api.test"].requests[0].headers["x-token"] == SECRET


def test_plain_http_is_read(world, origin):
    d, o, client = world
    plain = origin("plain.test", address="203.0.113.64", port=80, tls=False)
    assert client.curl("http://plain.test/p").status == 200
    assert plain.requests[0].target == "/p"
    r = d.wait_record(host="plain.test", kind="request", event="decision")
    assert (r["verdict"], r["via"], r["path"]) == ("audited", "inspect", "/p")


def test_a_name_without_inspection_stays_so(world, authority):
    d, o, client = world
    client.ca = authority.path
    assert client.curl("https://pin.test/").status == 200
    r = d.wait_record(host="pin.test", kind="connect", event="decision")
    assert (r["verdict"], r["via"], r["rule"]) == ("audited", "passthrough", "agent.deny[1]")


def test_what_an_address_rule_allows_needs_no_audit(world, origin, authority):
    d, o, client = world
    origin("raw.test", address="203.0.113.64")
    client.ca = authority.path
    assert client.curl("https://raw.test/").status == 200
    r = d.wait_record(host="raw.test", kind="connect", event="decision")
    assert (r["verdict"], r["via"], r["rule"]) == ("allowed", "address", "agent.allow[2]")


def test_what_shows_no_name_goes_where_it_was_dialled(world, lab):
    d, o, client = world
    s = lab.internet.within(lambda: socket.create_server(("203.0.113.10", 2222)))

    def echo():
        c, _ = s.accept()
        with c:
            c.sendall(c.recv(100))

    threading.Thread(target=echo, daemon=True).start()
    c = client.connect("203.0.113.10", 2222)
    c.sendall(b"\x00\x01hello")
    assert read_all(c) == b"\x00\x01hello"
    c.close()
    r = d.wait_record(kind="connect", event="outcome", via="address")
    assert r["verdict"] == "audited"
    s.close()


@BOTH
def test_what_is_not_policys_to_refuse_is_refused(world, names, version):
    d, o, client = world
    # The guard.
    names.add("inside.test", "10.1.2.3")
    a = client.curl("https://inside.test/", version, "--resolve", "inside.test:443:203.0.113.10")
    assert a.status == 403 and "address_refused" in a.text
    # The authority of a connection.
    a = client.curl("https://new.test/", version, "-H", "Host: bad.test")
    assert a.status == (421 if version == "--http2" else 403)
    # Methods that nobody may use.
    assert client.curl("https://new.test/", version, "-X", "TRACE").status == 405
    # This host.
    s = client.connect("10.77.1.1", 443)
    s.sendall(b"GET / HTTP/1.1\r\nHost: new.test\r\n\r\n")
    try:
        assert s.recv(100) == b""
    except ConnectionResetError:
        pass
    d.wait_record(reason="self", verdict="denied")
    # Two readings of one request.
    s = client.tls("new.test", "203.0.113.62")
    s.sendall(b"POST / HTTP/1.1\r\nHost: new.test\r\nContent-Length: 3\r\n"
              b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
    assert s.recv(4096).startswith(b"HTTP/1.1 400 ")
    for record in d.records(event="decision"):
        if record["reason"] in ("authority", "method_refused", "self", "malformed_http"):
            assert record["verdict"] == "denied"
    assert not o["new.test"].requests and not o["bad.test"].requests


def test_a_deny_rule_that_only_looks_on(netd, origin, client):
    o = origin("a.one.test", kind=H2Origin)
    d = netd("""\
policies:
  agent:
    allow: [{host: ".one.test"}]
    deny:
      - {host: ".one.test", query: {old: "*"}, audit: true}
      - {host: ".one.test", path: /admin}
""")
    client.trust(d)

    def decisions():
        return d.records(event="decision", kind="request")

    for path, status, verdict, rule in [
            ("/?old=1", 200, "audited", "agent.deny[0]"),
            ("/?old", 200, "audited", "agent.deny[0]"),
            ("/?new=1", 200, "allowed", "agent.allow[0]"),
            ("/admin?old=1", 403, "denied", "agent.deny[1]")]:
        for version in ("--http1.1", "--http2"):
            before = len(decisions())
            assert client.curl("https://a.one.test" + path, version).status == status
            # Who is refused may read it before the log has it.
            r, = until("its record", lambda n=before: decisions()[n:])
            assert (r["verdict"], r["rule"]) == (verdict, rule)
    assert len(o.requests) == 6


def test_the_tools_say_it(world, lab):
    d, o, client = world
    client.curl("https://new.test/one")
    client.curl("https://api.test/two")
    d.wait_record(host="api.test", kind="request", event="outcome")
    log = str(d.runtime / "decisions.log")

    def netlog(*options):
        return lab.host.run(str(BIN / "sbx-netlog"), "--file", log, *options).stdout

    assert "new.test" in netlog("--verdict", "audited")
    assert "/two" not in netlog("--verdict", "audited")
    assert "new.test" not in netlog("--verdict", "allowed")
    assert "audited: no_rule" in netlog("--summary")
    r = d.ctl("explain", "s1", "GET", "https://bad.test/")
    assert r.stdout.startswith("audited by agent.deny[0]")
    answer = json.loads(d.ctl("--json", "explain", "s1", "POST", "https://api.test/").stdout)
    assert answer["verdict"] == "audited" and answer["credentials"] == []


def test_without_audit_what_passed_by_it_ends(world, authority):
    d, o, client = world
    client.ca = authority.path
    o["pin.test"].serve = lambda c: c.recv(1)
    s = client.tls("pin.test", "203.0.113.63")
    d.wait_record(host="pin.test", event="decision", verdict="audited", kind="connect")
    assert d.reload(d.config.read_text().replace("    audit: true\n", "")).returncode == 0
    until("the connection to end", lambda: ended(s))
    d.wait_record(host="pin.test", event="outcome", reason="revoked")


def ended(s):
    s.settimeout(0.2)
    try:
        return s.recv(1) == b""
    except TimeoutError:
        return False
    except OSError:
        return True


def test_each_stream_is_audited_by_itself(world):
    d, o, client = world
    c = connect(client, "api.test", "203.0.113.60")
    got = [c.request("/", method=m, authority="api.test") for m in ("GET", "PUT")]
    assert [s.wait_end().status for s in got] == [200, 200]
    assert d.wait_record(method="GET", event="decision")["verdict"] == "allowed"
    assert d.wait_record(method="PUT", event="decision")["verdict"] == "audited"
    assert {r.method: "x-token" in r.headers for r in o["api.test"].requests} == {
        "GET": True, "PUT": False}
