"""sbx-netctl policy test: a file of cases holds policy to what is expected."""
import json
import subprocess

import pytest

from lab.built import BIN

POLICIES = """\
credentials:
  demo:
    source: {env: [DEMO_TOKEN]}
    inject:
      - {host: api.test, header: Authorization, format: "Bearer ${value}"}
policies:
  agent:
    default: deny
    allow:
      - {host: api.test, method: [GET], path: "/repos/**"}
      - {host: db.test, port: 5432, tls: passthrough}
      - {host: ask.test, query: {state: open}}
      - {address: 192.0.2.7, port: 123, protocol: udp}
    deny:
      - {host: api.test, path: "/repos/secret"}
    credentials: [demo]
  looks:
    audit: true
    allow: [{host: api.test, path: "/repos/**"}]
    credentials: [demo]
  shut:
    allow: [{host: pin.test, tls: passthrough}]
    deny: [{host: pin.test, path: "/admin/**"}]
"""

GOOD = """\
# nothing but this
agent GET  https://api.test/repos/a       allowed rule=agent.allow[0] credential=demo
agent GET  https://api.test/repos/secret  denied  reason=rule_deny   # closed
agent POST https://api.test/repos/a       denied  reason=method

agent GET  https://db.test:5432/          allowed credential=-
agent GET  https://192.0.2.1:22/          denied  reason=no_name
agent -    tcp://db.test:5432             allowed rule=agent.allow[1]
agent -    tcp://api.test:443             denied  reason=not_raw
agent GET  https://ask.test/?state=open   allowed rule=agent.allow[2]
agent GET  https://ask.test/?state=shut   denied  reason=query
agent -    udp://192.0.2.7:123            allowed rule=agent.allow[3]
agent -    udp://192.0.2.7:443            denied  reason=quic
agent -    icmp://192.0.2.7               denied  reason=protocol
looks GET  https://api.test/repos/b       allowed credential=demo
looks GET  https://api.test/other         allowed  credential=-  # by nobody's leave
shut  GET  https://pin.test/x             denied  rule=shut.deny[0]  # never opened
"""


@pytest.fixture
def run(tmp_path):
    """run(cases, *options): policy test without a daemon."""
    (tmp_path / "p.yaml").write_text("version: 1\n" + POLICIES)

    def run(cases, *options, documents=("--policy-file", "p.yaml")):
        (tmp_path / "t.cases").write_text(cases)
        return subprocess.run(
            [BIN / "sbx-netctl", "policy", "test", "t.cases", *documents,
             *options], cwd=tmp_path, capture_output=True, text=True)
    return run


def test_all_as_expected(run):
    r = run(GOOD)
    assert (r.returncode, r.stdout) == (0, "15 cases, 15 as expected, 0 not\n")
    assert run(GOOD, documents=("--config", "p.yaml")).returncode == 0


def test_each_failure_names_its_line_and_the_rule(run):
    r = run(GOOD.replace("allowed credential=-", "denied")
            .replace("reason=method", "reason=path"))
    assert r.returncode == 1
    assert r.stdout.splitlines() == [
        "t.cases:4: expected denied reason=path, got denied (method) by rule "
        "agent.allow[0] (p.yaml:11)",
        "t.cases:6: expected denied, got allowed (rule_allow) by rule "
        "agent.allow[1] (p.yaml:12)",
        "15 cases, 13 as expected, 2 not"]
    told = json.loads(run(GOOD.replace("credential=demo", "credential=x"),
                          "--json").stdout)
    assert told["failed"] == 2 and told["failures"][0]["line"] == 2
    assert told["failures"][0]["rule"] == "agent.allow[0]"


@pytest.mark.parametrize("cases, says", [
    ("nobody GET https://api.test/ denied\n", 't.cases:1: there is no sandbox'),
    ("\nagent GET api.test denied\n", "t.cases:2: the URL must begin"),
    ("agent GET https://api.test/\n", "t.cases:1: want POLICY-or-SANDBOX"),
    ("agent GET https://api.test/ denied why=x\n", "t.cases:1: "),
])
def test_a_wrong_file_is_no_failed_case(run, cases, says):
    r = run(cases + GOOD)
    assert r.returncode == 2 and says in r.stderr
    assert "15 cases, 15 as expected, 0 not" in r.stdout


def test_wrong_documents_and_wrong_usage(run, tmp_path):
    (tmp_path / "bad.yaml").write_text("version: 1\npolicys: {}\n")
    r = run(GOOD, documents=("--policy-file", "p.yaml", "--policy-file", "bad.yaml"))
    assert r.returncode == 2 and "bad.yaml:2:1: unknown key" in r.stderr
    r = run(GOOD, documents=("--policy-file", "p.yaml", "--policy-file", "no"))
    assert r.returncode == 2 and "no: " in r.stderr
    assert run(GOOD, documents=("--no-such",)).returncode == 2
    assert run(GOOD, documents=("--config", "p.yaml", "--policy-file",
                                "p.yaml")).returncode == 2
    assert run(GOOD, "--log", "x").returncode == 2
    (tmp_path / "t.cases").unlink()
    r = subprocess.run([BIN / "sbx-netctl", "policy", "test", "none", "--config",
                        "p.yaml"], cwd=tmp_path, capture_output=True, text=True)
    assert r.returncode == 2 and "none: " in r.stderr


def test_the_running_daemon_is_asked(netd, tmp_path):
    daemon = netd(POLICIES, environment={"DEMO_TOKEN": "canary-5521"})
    cases = tmp_path / "t.cases"
    cases.write_text(GOOD.replace("agent GET  https://db", "s1 GET https://db"))
    r = daemon.ctl("policy", "test", str(cases))
    assert r.stdout == "15 cases, 15 as expected, 0 not\n"
    cases.write_text("s1 POST https://api.test/repos/a allowed\n"
                     "nobody GET https://api.test/ denied\n")
    r = daemon.ctl("policy", "test", str(cases), check=False)
    assert r.returncode == 2 and ":2: there is no sandbox" in r.stderr
    assert ("expected allowed, got denied (method) by rule agent.allow[0] "
            f"({daemon.config}:") in r.stdout


def test_no_daemon_is_told_apart(tmp_path):
    (tmp_path / "t.cases").write_text(GOOD)
    r = subprocess.run(
        [BIN / "sbx-netctl", "--runtime-dir", tmp_path / "none", "policy", "test",
         tmp_path / "t.cases"], capture_output=True, text=True)
    assert r.returncode == 3
