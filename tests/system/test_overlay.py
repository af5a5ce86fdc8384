"""A sandbox's overlay: changed by hand while the sandbox runs."""
import json
import signal
import threading

import pytest

from lab.client import read_all, read_response
from lab.h2 import connect
from lab.origin import ok
from lab.stage import Stage
from lab.wait import until

POLICY = """\
policies:
  agent:
    allow:
      - {host: [api.test, slow.test, mute.test]}
      - {host: pinned.test, tls: passthrough}
    deny:
      - {host: evil.test}
"""


def ask(s, path="/", host="api.test"):
    s.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    head, body = read_response(s)[:2]
    return int(head.split()[1]), body


def status_of(client, host):
    """Over a connection of its own."""
    s = client.tls(host)
    try:
        return ask(s, host=host)[0]
    finally:
        s.close()


def overlay(world, sandbox="s1"):
    return json.loads(world.daemon.ctl("--json", "sandbox", "show", sandbox).stdout).get("overlay", "")


def put(world, document, *headers, sandbox="s1", method="PUT"):
    """By the socket itself: status and JSON."""
    r = world.lab.host.run(
        "curl", "-sS", "--unix-socket", str(world.daemon.runtime / "control.sock"), "-X", method,
        "-w", "\n%{http_code}", *(w for h in headers for w in ("-H", h)),
        *(("--data-binary", document) if document is not None else ()),
        f"http://localhost/v1/sandboxes/{sandbox}/overlay")
    body, _, status = r.stdout.rpartition("\n")
    return int(status), json.loads(body)


@pytest.fixture
def world(tmp_path):
    stage = Stage(tmp_path)
    try:
        stage.origin("api.test")
        stage.netd(POLICY)
        yield stage
    finally:
        stage.close()


def test_seen_by_the_next_request_of_an_open_connection(world):
    s = world.client.tls()
    assert ask(s)[0] == 200
    r = world.daemon.ctl("policy", "set", "s1", "--deny", "api.test")
    assert r.stdout == "set\n"  # nothing was closed
    status, body = ask(s)
    assert status == 403 and b"s1.deny[0]" in body
    record = world.daemon.wait_record(verdict="denied", rule="s1.deny[0]")
    assert record["source"] == "overlay of s1:3" and record["policy"] == "agent"
    world.daemon.ctl("policy", "clear", "s1")
    assert ask(s)[0] == 200


def test_what_is_added_is_added(world):
    for name in ("one.test", "two.test"):
        world.origin(name)
        assert status_of(world.client, name) == 403
    world.daemon.ctl("policy", "set", "s1", "--allow", "one.test")
    world.daemon.ctl("policy", "set", "s1", "--allow", "two.test:443", "--allow", "evil.test")
    assert status_of(world.client, "one.test") == status_of(world.client, "two.test") == 200
    assert status_of(world.client, "evil.test") == 403  # the policy's deny rule stands
    assert overlay(world) == (
        "mode: policy\n"
        "allow:\n"
        "  - host: [one.test]\n    port: [80, 443]\n"
        "  - host: [two.test]\n    port: [443]\n"
        "  - host: [evil.test]\n    port: [80, 443]\n")


def test_of_one_sandbox_alone(world):
    place = world.lab.sandboxes[0].interface
    world.daemon.ctl("sandbox", "add", "s9", "--interface", place, "--address", "10.99.9.9",
                     "--policy", "agent")
    world.daemon.ctl("lockdown", "s1")
    assert overlay(world, "s9") == ""
    assert json.loads(world.daemon.ctl("--json", "explain", "s9", "GET",
                                "https://api.test/").stdout)["verdict"] == "allowed"


def test_lockdown_and_its_end(world):
    world.daemon.ctl("policy", "set", "s1", "--allow", "more.test")
    world.daemon.ctl("lockdown", "s1")
    status, body = ask(world.client.tls())
    assert status == 403 and b"is locked down" in body
    assert world.daemon.wait_record(verdict="denied", reason="lockdown")["rule"] == "s1.lockdown"
    r = world.daemon.ctl("--json", "explain", "s1", "GET", "https://api.test/", check=False)
    assert json.loads(r.stdout)["reason"] == "lockdown"
    r = world.daemon.ctl("explain", "s1", "GET", "https://api.test/", check=False)
    assert "--mode policy" in r.stdout
    world.daemon.ctl("policy", "set", "s1", "--mode", "policy")
    assert status_of(world.client, "api.test") == 200 and "more.test" in overlay(world)


def test_open_but_for_what_is_denied(world):
    world.origin("other.test")
    world.origin("evil.test")
    world.daemon.ctl("open", "s1")
    assert status_of(world.client, "other.test") == 200
    assert world.daemon.wait_record(verdict="allowed", host="other.test")["rule"] == "s1.open"
    assert status_of(world.client, "evil.test") == 403


class Held:
    """Three things under way: a tunnel, half an answer, a request without one."""

    def __init__(self, world):
        origin, client = world.origin, world.client
        self.go = threading.Event()
        origin("pinned.test")
        origin("slow.test", answer=self.half)
        origin("mute.test", answer=self.nothing)
        self.half_way = client.tls("slow.test")
        self.waits = client.tls("mute.test")
        trusted, client.ca = client.ca, world.authority.path
        self.tunnel = client.tls("pinned.test")
        client.ca = trusted
        assert ask(self.tunnel, host="pinned.test")[0] == 200
        self.half_way.sendall(b"GET / HTTP/1.1\r\nHost: slow.test\r\n\r\n")
        head = b""
        while b"half" not in head:
            head += self.half_way.recv(4096)
        self.waits.sendall(b"GET / HTTP/1.1\r\nHost: mute.test\r\n\r\n")

    def half(self, _request, c):
        c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf")
        self.go.wait(60)
        return b"half"

    def nothing(self, _request, _c):
        self.go.wait(60)
        return ok(b"at last")


@pytest.fixture
def held(world):
    h = Held(world)
    world.daemon.wait_record(event="decision", kind="request", host="mute.test")
    yield h
    h.go.set()


def test_tightening_closes_what_it_forbids_and_says_what(world, held):
    r = world.daemon.ctl("policy", "set", "s1", "--deny", "pinned.test", "--deny", "slow.test",
                  "--deny", "mute.test")
    lines = r.stdout.splitlines()
    assert lines[:2] == ["set", "closed 3:"]
    for what, host, rule in (("connection", "pinned.test", 0), ("request", "slow.test", 1),
                             ("request", "mute.test", 2)):
        assert [x for x in lines if x.startswith(f"  {what} ") and f"to {host}:443 of s1" in x
                and x.endswith(f"by s1.deny[{rule}] (overlay of s1:{rule + 3})")], lines
        record = world.daemon.wait_record(event="outcome", reason="revoked",
                                   id=next(x.split()[1] for x in lines if host in x))
        assert f"s1.deny[{rule}]" in record["detail"]
    assert read_all(held.tunnel) == b""
    assert read_response(held.waits)[0].startswith(b"HTTP/1.1 403")
    # Half an answer does not look whole: of eight bytes four came.
    assert read_all(held.half_way) == b""


def test_what_it_does_not_forbid_goes_on(world, held):
    r = world.daemon.ctl("policy", "set", "s1", "--deny", "pinned.test", "--allow", "more.test")
    assert "closed 1:" in r.stdout
    held.go.set()
    assert held.half_way.recv(4096) == b"half"
    assert read_response(held.waits)[0].startswith(b"HTTP/1.1 200")


def test_loosening_closes_nothing(world, held):
    r = world.daemon.ctl("open", "s1")
    assert "closed" not in r.stdout
    assert ask(held.tunnel, host="pinned.test")[0] == 200


def test_a_reload_has_a_receipt_too(world, held):
    r = world.daemon.reload(world.daemon.text(POLICY.replace("slow.test, ", "")))
    assert r.returncode == 0 and "closed 1:" in r.stdout and "slow.test" in r.stdout


@pytest.mark.parametrize("alpn", ["http/1.1", "h2"])
def test_an_open_request_is_held_against_new_rules_by_its_query_and_fields(world, alpn):
    go = threading.Event()

    def late(_request, _c):
        go.wait(60)
        return ok(b"at last")

    site = world.origin("mute.test", answer=late)
    if alpn == "h2":
        conn = connect(world.client, site.name, site.address)
        s = conn.request("/?q=mine", ("x-mode", "write"), authority=site.name)
    else:
        s = world.client.tls(site.name)
        s.sendall(b"GET /?q=mine HTTP/1.1\r\nHost: mute.test\r\nX-Mode: write\r\n\r\n")
    world.daemon.wait_record(event="decision", kind="request", host=site.name)
    rule = "deny: [{host: mute.test, %s}]"
    try:
        for fits in ("query: {q: other}", "header: {X-Mode: read}", "header: {X-Other: '*'}"):
            status, answer = put(world, rule % fits, method="PUT")
            assert status == 200 and answer["closed"] == 0, answer
        status, answer = put(world, rule % "query: {q: 'm*'}, header: {x-mode: write}")
        assert status == 200 and answer["closed"] == 1, answer
        if alpn == "h2":
            assert s.wait_head().status == 403
        else:
            assert read_response(s)[0].startswith(b"HTTP/1.1 403")
    finally:
        go.set()


# ---- who changes what ------------------------------------------------------


def test_a_stale_tag_changes_nothing(world):
    _, now = put(world, None, method="GET")
    assert now["overlay"] == {}
    assert put(world, "mode: open", f'If-Match: "{now["tag"]}"')[0] == 200
    status, answer = put(world, "mode: lockdown", f'If-Match: "{now["tag"]}"')
    assert status == 412 and answer["error"]["code"] == "stale"
    assert overlay(world) == "mode: open\n"
    assert put(world, None, f'If-Match: "{now["tag"]}"', method="DELETE")[0] == 412
    assert put(world, "mode: lockdown", "If-Match: *")[0] == 200


def test_many_who_add_at_once_lose_nothing(world):
    names = [f"h{i}.test" for i in range(6)]
    adding = [threading.Thread(target=world.daemon.ctl, args=("policy", "set", "s1", "--allow", n))
              for n in names]
    for t in adding:
        t.start()
    for t in adding:
        t.join()
    assert sorted(n for n in names if n in overlay(world)) == names


@pytest.mark.parametrize("document, why", [
    ("mode: shut", 'overlay of s1:1:7: "mode" expects one of policy, lockdown, open'),
    ("allow: [{hots: a.test}]", 'overlay of s1:1:10: unknown key "hots"'),
    ("allow: [{host: '*.com'}]", "broad: true"),
    ("allow: [", "overlay of s1:"),
], ids=["mode", "key", "broad", "yaml"])
def test_a_bad_document_changes_nothing(world, document, why):
    world.daemon.ctl("policy", "set", "s1", "--allow", "kept.test")
    before = overlay(world)
    status, answer = put(world, document)
    assert status == 422 and why in answer["error"]["message"]
    assert overlay(world) == before


def test_errors_of_who_asks(world):
    for words, why in (
            (("policy", "set", "nobody", "--allow", "a.test"), "there is no such sandbox"),
            (("lockdown", "nobody"), "there is no such sandbox"),
            (("policy", "set", "s1", "--allow", "a.test:0"), "HOST or HOST:PORT"),
            (("policy", "set", "s1", "--mode", "ajar"), "expects one of"),
            (("policy", "set"), "usage")):
        r = world.daemon.ctl(*words, check=False)
        assert r.returncode in (1, 2) and why in r.stderr, (words, r)


# ---- what is kept ------------------------------------------------------------


def restart(d, how=signal.SIGTERM):
    d.process.send_signal(how)
    d.process.wait(timeout=60)
    d.start()


def test_kept_over_a_restart_unless_ephemeral(world):
    world.daemon.ctl("policy", "set", "s1", "--deny", "api.test")
    world.daemon.ctl("policy", "clear", "s1", "--ephemeral")
    assert status_of(world.client, "api.test") == 200
    restart(world.daemon)
    world.client.trust(world.daemon)
    assert status_of(world.client, "api.test") == 403
    world.daemon.ctl("policy", "clear", "s1")
    restart(world.daemon)
    assert overlay(world) == ""


def test_goes_with_its_sandbox(world):
    s = world.lab.sandboxes[0]
    place = ["--interface", s.interface, "--address", "10.99.9.9", "--policy", "agent"]
    world.daemon.ctl("sandbox", "add", "late", *place)
    world.daemon.ctl("lockdown", "late")
    restart(world.daemon)
    r = world.daemon.ctl("sandbox", "add", "late", *place)
    assert "the overlay that was kept for it holds" in r.stdout
    assert overlay(world, "late") == "mode: lockdown\n"
    world.daemon.ctl("sandbox", "rm", "late")
    world.daemon.ctl("sandbox", "add", "late", *place)
    assert overlay(world, "late") == ""


def test_a_kept_one_that_is_bad_is_named(world):
    world.daemon.ctl("lockdown", "s1")
    file = world.daemon.runtime / "overlays.d" / "s1.yaml"
    assert file.read_text() == "mode: lockdown\n"
    world.daemon.process.terminate()
    world.daemon.process.wait(timeout=60)
    file.write_text("mode: shut\n")
    r = world.lab.host.run(
        str(world.daemon.programs / "sbx-netd"), "--config", str(world.daemon.config), "--runtime-dir",
        str(world.daemon.runtime), check=False)
    assert r.returncode != 0 and str(file) in r.stderr and "overlay of s1:1:7" in r.stderr


def test_a_keeper_killed_at_any_moment_has_one_or_the_other(world):
    """And never half of one, nor less than it has promised."""
    stop, told, count = threading.Event(), ["lockdown"], [0]

    def change():
        while not stop.is_set():
            mode = "open" if told[0] == "lockdown" else "lockdown"
            r = world.daemon.ctl("policy", "set", "s1", "--mode", mode, check=False)
            if r.returncode == 0:
                told[0] = mode
                count[0] += 1
            else:
                asked.append(mode)
                return

    for few in range(10):
        count[0] = 0
        world.daemon.ctl("policy", "set", "s1", "--mode", told[0])
        stop.clear()
        asked = []
        changer = threading.Thread(target=change)
        changer.start()
        # Any number of changes, and a bit of the next one.
        until("changes", lambda: count[0] >= few)
        world.daemon.process.kill()
        world.daemon.process.wait()
        changer.join()
        world.daemon.start()
        assert overlay(world) in {f"mode: {m}\n" for m in told + asked}
        told[0] = overlay(world).split()[1]


def declared(world, overlay):
    """The configuration, with that overlay for s1 instead of the last one."""
    text = getattr(world, "plain", None) or world.daemon.config.read_text()
    world.plain = text
    return text.replace("policy: agent}", f"policy: agent, overlay: {overlay}}}", 1) if overlay else text


def test_a_declared_one_holds_until_another_is_set(world):
    d, client = world.daemon, world.client
    world.origin("more.test")
    assert status_of(client, "api.test") == 200
    r = d.reload(declared(world, "{deny: [{host: api.test}], allow: [{host: more.test}]}"))
    assert r.returncode == 0, r.stderr
    assert (status_of(client, "api.test"), status_of(client, "more.test")) == (403, 200)
    assert d.wait_record(host="api.test", reason="rule_deny")["rule"] == "s1.deny[0]"
    shown = json.loads(d.ctl("--json", "sandbox", "show", "s1").stdout)
    assert shown["overlay_declared"] is True and "more.test" in shown["overlay"]
    assert "overlay as declared, tag" in d.ctl("sandbox", "show", "s1").stdout
    # It is added to, and what comes of that stays over a reload that declares another.
    d.ctl("policy", "set", "s1", "--allow", "else.test")
    assert all(h in overlay(world) for h in ("api.test", "more.test", "else.test"))
    assert d.reload(declared(world, "{deny: [{host: more.test}]}")).returncode == 0
    assert (status_of(client, "api.test"), status_of(client, "more.test")) == (403, 200)
    # Without it, what is declared by now holds.
    d.ctl("policy", "clear", "s1")
    assert (status_of(client, "api.test"), status_of(client, "more.test")) == (200, 403)
    # A document that declares none takes it away; the same one again changes nothing.
    assert d.reload(declared(world, "{mode: lockdown}")).returncode == 0
    assert status_of(client, "api.test") == 403
    assert d.reload(declared(world, None)).returncode == 0
    assert overlay(world) == "" and status_of(client, "api.test") == 200


def test_what_a_declared_one_forbids_ends_and_is_said(world):
    s = world.client.tls("api.test")
    assert ask(s)[0] == 200
    r = world.daemon.reload(declared(world, "{mode: lockdown}"))
    assert r.returncode == 0
    assert ask(s)[0] == 403
    assert world.daemon.ctl("explain", "s1", "GET", "https://api.test/", check=False).returncode == 1


def test_one_request_adds_a_sandbox_with_its_rules(world):
    place = world.lab.sandboxes[0]
    entry = {"interface": place.interface, "address": "10.99.9.9", "policy": "agent",
             "overlay": {"mode": "policy", "deny": [{"host": "api.test"}]}}
    path = world.daemon.directory / "entry.json"
    path.write_text(json.dumps(entry))
    r = world.daemon.ctl("sandbox", "add", "late", "--file", str(path))
    assert "kept" not in r.stdout
    assert world.daemon.ctl("explain", "late", "GET", "https://api.test/", check=False).returncode == 1
    # One that was set is kept, and holds when the sandbox comes again.
    world.daemon.ctl("policy", "set", "late", "--mode", "lockdown")
    restart(world.daemon)
    r = world.daemon.ctl("sandbox", "add", "late", "--file", str(path))
    assert "the overlay that was kept for it holds" in r.stdout
    assert "lockdown" in overlay(world, "late")
    world.daemon.ctl("policy", "clear", "late")
    assert "lockdown" not in overlay(world, "late") and "api.test" in overlay(world, "late")
    entry["overlay"] = {"mode": "shut"}
    path.write_text(json.dumps(entry))
    r = world.daemon.ctl("sandbox", "add", "bad", "--file", str(path), check=False)
    assert r.returncode == 1 and '"mode" expects' in r.stderr


def test_files_alone_know_a_declared_one(world, tmp_path):
    cases = tmp_path / "x.cases"
    cases.write_text("s1 GET https://api.test/ denied rule=s1.deny[0]\n"
                     "agent GET https://api.test/ allowed\n")
    file = tmp_path / "x.yaml"
    file.write_text(declared(world, "{deny: [{host: api.test}]}"))
    world.daemon.ctl("policy", "test", str(cases), "--policy-file", str(file))
