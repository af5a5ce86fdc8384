"""sbx-netctl policy replay: what a new policy would have changed in a log."""
import json
import pathlib
import subprocess

import pytest

from lab.built import BIN

LOGS = pathlib.Path(__file__).parents[1] / "golden" / "netlog"

POLICIES = """\
policies:
  agent:
    default: deny
    allow:
      - {host: api.test, method: [GET, POST], path: "/a/**"}
"""


@pytest.fixture
def replay(tmp_path):
    """replay(document, log, *options): without a daemon."""
    def replay(document, log, *options):
        (tmp_path / "new.yaml").write_text("version: 1\n" + document)
        return subprocess.run(
            [BIN / "sbx-netctl", "policy", "replay", "new.yaml", "--log", log,
             *options], cwd=tmp_path, capture_output=True, text=True)
    return replay


def test_what_is_foretold_comes(netd, origin, client, replay):
    origin("api.test")
    daemon = netd(POLICIES)
    client.trust(daemon)
    requests = [("GET", "/a/x"), ("POST", "/a/x"), ("GET", "/b"), ("GET", "/b"),
                ("DELETE", "/b")]

    def statuses():
        return [client.curl(f"https://api.test{path}", "-X", method).status
                for method, path in requests]

    before = statuses()
    assert before == [200, 200, 403, 403, 403]
    daemon.wait_requests("api.test", 5)
    log = daemon.runtime / "decisions.log"
    same = replay(POLICIES, log)
    assert same.returncode == 0, same.stderr
    assert "the same, 0 would be allowed, 0 would be denied\n" in same.stdout
    assert same.stdout.count("\n") == 1
    new = POLICIES.replace("GET, POST", "GET").replace("/a/**", "/**")
    told = json.loads(replay(new, log, "--json").stdout)
    assert (told["allowed"], told["denied"], told["unclear"]) == (2, 1, 0)
    assert told["decisions"] == told["same"] + 3
    changes = {(c["method"], c["path"]): c for c in told["changes"]}
    assert set(changes) == {("POST", "/a/x"), ("GET", "/b")}
    assert changes["GET", "/b"]["count"] == 2
    assert changes["POST", "/a/x"]["sandbox"] == "s1"
    old = daemon.wait_record(method="POST", event="decision")
    assert changes["POST", "/a/x"]["old"] == {
        k: old[k] for k in ("verdict", "reason", "rule", "source")}
    assert changes["POST", "/a/x"]["new"] == {
        "verdict": "denied", "reason": "method", "rule": "agent.allow[0]",
        "source": "new.yaml:6"}
    daemon.reload(daemon.config.read_text().replace("GET, POST", "GET")
                  .replace("/a/**", "/**"))
    assert statuses() == [200, 403, 200, 200, 403]


NEW = """\
policies:
  agent:
    allow:
      - {host: api.example.org, method: [GET, POST]}
      - {host: unknown.example.net}
"""


def test_a_line_for_each_change_and_a_sum(replay):
    r = replay(NEW, LOGS / "mixed.log")
    assert r.returncode == 0
    assert "2 lines" in r.stderr and "skipped" in r.stderr, "half lines are no end"
    assert r.stdout.splitlines() == [
        "     1x build-2 connect db.example.org:5432",
        "        allowed (rule_allow) by agent.allow[2] (agent.yaml:15)",
        "     -> denied (no_rule) by agent.default (new.yaml:3)",
        "     7x build-2 dns unknown.example.net",
        "        denied (no_rule) by agent.default (agent.yaml:9)",
        "     -> allowed (rule_allow) by agent.allow[1] (new.yaml:6)",
        "13 decisions, 5 the same, 7 would be allowed, 1 would be denied"]


def packets(proto, reason, detail="", **more):
    return json.dumps({"ts": "2026-01-01T00:00:00.000000Z", "id": "0000000000000001",
                       "event": "decision", "kind": "packet", "sandbox": "s1",
                       "policy": "agent", "dst": "192.0.2.7", "proto": proto,
                       "verdict": "denied", "reason": reason, "detail": detail,
                       "rule": "agent.default", "source": "old.yaml:3", **more})


def test_packets_are_judged_by_their_rules(replay, tmp_path):
    log = tmp_path / "packets.log"
    log.write_text("\n".join((
        packets("udp", "protocol", dport=123),
        packets("icmpv6", "protocol", dst="2001:db8::7"),
        packets("quic", "quic", dport=443, host="q.test"),
        packets("udp", "protocol", "a fragment", dport=123),
        packets("udp", "rule_allow", dport=9, verdict="allowed"),
        packets("udp", "lockdown", dport=123),
        packets("tcp", "not_raw", kind="connect", dport=443, host="api.test"))) + "\n")
    r = replay("""\
policies:
  agent:
    allow:
      - {address: 192.0.2.7, port: 123, protocol: udp}
      - {address: "2001:db8::7", protocol: icmp}
      - {host: api.test, port: 443, protocol: tcp}
""", log)
    assert r.stdout.splitlines() == [
        "     1x s1 udp 192.0.2.7:9",
        "        allowed (rule_allow) by agent.default (old.yaml:3)",
        "     -> denied (protocol) by agent.allow[0] (new.yaml:5)",
        "     1x s1 connect api.test:443",
        "        denied (not_raw) by agent.default (old.yaml:3)",
        "     -> allowed (rule_allow) by agent.allow[2] (new.yaml:7)",
        "     1x s1 icmpv6 [2001:db8::7]",
        "        denied (protocol) by agent.default (old.yaml:3)",
        "     -> allowed (rule_allow) by agent.allow[1] (new.yaml:6)",
        "     1x s1 udp 192.0.2.7:123",
        "        denied (protocol) by agent.default (old.yaml:3)",
        "     -> allowed (rule_allow) by agent.allow[0] (new.yaml:5)",
        "7 decisions, 3 the same, 3 would be allowed, 1 would be denied"]


def by_overlay(rule, verdict, reason, policy="agent", source="overlay of s1:3", **more):
    return json.dumps({"ts": "2026-01-01T00:00:00.000000Z", "id": "0000000000000001",
                       "event": "decision", "kind": "request", "sandbox": "s1",
                       "policy": policy, "proto": "tls", "dport": 443, "method": "GET",
                       "path": "/", "verdict": verdict, "reason": reason, "rule": rule,
                       "source": source, **more})


def test_what_an_overlay_decided_is_not_the_policys(replay, tmp_path):
    log = tmp_path / "overlay.log"
    own = {"host": "api.example.org", "source": "old.yaml:3"}
    log.write_text("\n".join((
        by_overlay("s1.allow[0]", "allowed", "rule_allow", host="new.test"),
        by_overlay("s1.deny[0]", "denied", "rule_deny", host="api.example.org"),
        by_overlay("agent.allow[0]", "allowed", "rule_allow", **own))) + "\n")
    assert replay(NEW, log).stdout == (
        "3 decisions, 3 the same, 0 would be allowed, 0 would be denied\n")
    # A deny rule of the policy comes before what the overlay allows.
    r = replay(NEW + "    deny: [{host: new.test}]\n", log)
    assert r.stdout.endswith("2 the same, 0 would be allowed, 1 would be denied\n")
    # One that a document declared is what the new document says.
    log.write_text(by_overlay("s1.allow[0]", "allowed", "rule_allow", host="new.test",
                              source="old.yaml:9") + "\n")
    assert "1 the same" in replay(NEW, log).stdout
    box = "sandboxes:\n  s1: {interface: i, address: 10.77.1.3, policy: agent%s}\n"
    assert "1 would be denied" in replay(NEW + box % "", log).stdout
    kept = ", overlay: {allow: [{host: new.test}]}"
    assert "1 the same" in replay(NEW + box % kept, log).stdout


def test_what_an_overlay_only_nearly_allowed_is(replay, tmp_path):
    log = tmp_path / "near.log"
    log.write_text(by_overlay("s1.allow[0]", "denied", "method", host="api.example.org"))
    assert "1 would be allowed" in replay(NEW, log).stdout


def test_the_sandbox_of_the_new_document_counts(replay):
    moved = NEW.replace("  agent:", "  moved:\n    default: allow\n  agent:") + (
        "sandboxes:\n"
        "  build-2: {interface: veth-2, address: 10.77.1.3, policy: moved}\n")
    r = replay(moved, LOGS / "mixed.log")
    assert "0 would be denied" in r.stdout and "moved.default" in r.stdout
    r = replay(NEW.replace("agent", "other"), LOGS / "mixed.log")
    assert "13 cannot be judged" in r.stdout, "no such policy there"


def test_nothing_of_the_log_reaches_the_terminal(replay):
    for log in ("hostile.log", "denied-hostile.log"):
        r = replay(NEW + "      - {host: h.example}\n  \"no\": {default: allow}\n",
                   LOGS / log)
        assert r.returncode == 0
        assert all(c == "\n" or " " <= c <= "~" for c in r.stdout)
        assert "would be allowed" in r.stdout.splitlines()[-1]
    assert "x\\x0apolicies: {} GET h.example" in r.stdout


def test_standard_input_and_an_older_log(replay, tmp_path):
    (tmp_path / "decisions.log.1").write_bytes((LOGS / "mixed.log").read_bytes()[:700])
    r = replay(NEW, "decisions.log.1")
    assert r.returncode == 0 and "1 decisions" in r.stdout, "cut in the middle"
    (tmp_path / "new.yaml").write_text("version: 1\n" + NEW)
    r = subprocess.run(
        [BIN / "sbx-netctl", "policy", "replay", "new.yaml", "--log", "-"],
        cwd=tmp_path, input=(LOGS / "mixed.log").read_text(), capture_output=True,
        text=True)
    assert "13 decisions" in r.stdout


@pytest.mark.parametrize("document, log, options, status, says", [
    (NEW, "none.log", (), 1, "none.log: No such file"),
    ("policys: {}\n", "none.log", (), 2, "new.yaml:2:1: unknown key"),
    (NEW, "none.log", ("--config", "new.yaml"), 2, "usage"),
    (NEW, "none.log", ("--policy-file", "no.yaml"), 2, "no.yaml: No such file"),
])
def test_what_is_wrong_is_said(replay, document, log, options, status, says):
    r = replay(document, log, *options)
    assert r.returncode == status and says in r.stderr
