"""sbx-netctl asks, changes and explains; its exit codes are a promise."""
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
      - {host: api.test, method: [GET]}
      - {host: db.test, port: 5432, tls: passthrough}
    credentials: [demo]
"""


@pytest.fixture
def daemon(netd):
    return netd(POLICIES, environment={"DEMO_TOKEN": "canary-5521"})


def asked(daemon, *words):
    return json.loads(daemon.ctl("--json", *words).stdout)


def test_status_tells_everything_but_values(daemon):
    text = daemon.ctl("status").stdout
    assert "generation" in text and "demo: available" in text
    status = asked(daemon, "status")
    assert status["kernel"]["ok"] is True
    assert status["log"] == str(daemon.runtime / "decisions.log")
    assert "canary-5521" not in text + json.dumps(status)


@pytest.mark.parametrize("method, url, status, words", [
    ("GET", "https://api.test/x", 0, ["allowed", "agent.allow[0]", "inspect", "demo"]),
    ("GET", "http://api.test/x", 0, ["allowed"]),
    ("POST", "https://api.test/x", 1, ["denied", "method"]),
    ("GET", "https://api.test:8443/", 1, ["denied", "port"]),
    ("GET", "https://db.test:5432/", 0, ["allowed", "passthrough"]),
    ("GET", "https://evil.test/", 1, ["denied", "no_rule"]),
    ("GET", "https://192.0.2.1/", 1, ["denied", "no_name"]),
])
def test_explain_is_what_enforces(daemon, method, url, status, words):
    r = daemon.ctl("explain", "s1", method, url, check=False)
    assert r.returncode == status, r.stderr
    for word in words:
        assert word in r.stdout


def test_explain_says_what_would_allow_it(daemon):
    r = daemon.ctl("explain", "s1", "PUT", "https://api.test/it's", check=False)
    assert "agent.allow[0]" in r.stdout and "other methods" in r.stdout
    rule = '- {host: api.test, port: 443, method: PUT, path: "/it\'s"}'
    assert f"\n    {rule}\n" in r.stdout
    config = daemon.config.read_text()
    daemon.reload(config.replace("    credentials: [demo]",
                                 f"      {rule}\n    credentials: [demo]"))
    r = daemon.ctl("explain", "s1", "PUT", "https://api.test/it's")
    assert "allowed by agent.allow[2]" in r.stdout


def test_explain_asks_no_name_server_by_itself(daemon, origin, names):
    origin("api.test")
    r = daemon.ctl("explain", "s1", "GET", "https://api.test/")
    assert "--resolve" in r.stdout
    assert names.queries("api.test") == []
    r = daemon.ctl("explain", "--resolve", "s1", "GET", "https://api.test/")
    assert "may be dialled" in r.stdout and "--resolve" not in r.stdout
    assert names.queries("api.test") != []
    r = daemon.ctl("explain", "--resolve", "s1", "GET", "https://none.test/",
                   check=False)
    assert r.returncode == 1


def test_explain_says_what_the_guard_refuses(daemon):
    r = daemon.ctl("explain", "s1", "GET", "https://127.0.0.1/", check=False)
    assert "127.0.0.1: never dialled: this host or a sandbox" in r.stdout
    assert "no rule opens 127.0.0.1" in r.stdout
    r = asked_unchecked(daemon, "explain", "s1", "GET", "https://10.9.9.9/")
    assert r["guard"]["addresses"] == [{"address": "10.9.9.9",
                                        "refused": "private"}]


def asked_unchecked(daemon, *words):
    return json.loads(daemon.ctl("--json", *words, check=False).stdout)


def test_explain_names_what_is_skipped(netd):
    daemon = netd(POLICIES)
    r = daemon.ctl("explain", "s1", "GET", "https://api.test/x")
    assert "skipped      demo: it has no value" in r.stdout


def test_sandboxes_come_and_go(daemon, lab):
    box = lab.add_sandbox()
    add = ["sandbox", "add", "new", "--interface", box.interface, "--address",
           box.address4, "--address", box.address6, "--policy", "agent",
           "--label", "team=search"]
    assert daemon.ctl(*add).stdout == "added\n"
    assert asked(daemon, "sandbox", "show", "new")["labels"] == {"team": "search"}
    assert "new" in daemon.ctl("sandbox", "ls").stdout
    assert "BEGIN CERTIFICATE" in daemon.ctl("ca", "show", "new").stdout
    again = daemon.ctl(*add, "--new", check=False)
    assert again.returncode == 1 and "sbx-netctl:" in again.stderr
    assert daemon.ctl("sandbox", "rm", "new").stdout == "removed\n"
    gone = daemon.ctl("sandbox", "show", "new", check=False)
    assert gone.returncode == 1 and "no such sandbox" in gone.stderr
    declared = daemon.ctl("sandbox", "rm", "s1", check=False)
    assert declared.returncode == 1 and "file" in declared.stderr


def test_a_document_of_a_sandbox_is_checked(daemon):
    r = daemon.lab.host.run(
        str(BIN / "sbx-netctl"), "--runtime-dir", str(daemon.runtime), "sandbox",
        "add", "bad", "--file", "-", check=False,
        input="interface: x\naddress: [1.2.3]\npolicy: agent\n")
    assert r.returncode == 1
    assert "address" in r.stderr or "1.2.3" in r.stderr


def test_policies_are_shown_as_they_are_enforced(daemon):
    listed = daemon.ctl("policy", "ls").stdout.splitlines()[1:]
    assert [x.split()[0] for x in listed] == ["agent"]
    assert listed[0].split()[1].startswith(f"{daemon.config}:")
    text = daemon.ctl("policy", "show", "agent").stdout
    assert text.startswith("# policy agent\n# from: /") and "\ndefault: deny\n" in text
    assert "db.test" in text and "credentials: [demo]" in text


def test_reload_keeps_the_old_when_the_new_is_wrong(daemon):
    good = daemon.config.read_text()
    daemon.config.write_text(good.replace("default: deny", "default: maybe"))
    r = daemon.ctl("reload", "--wait", check=False)
    assert r.returncode == 1
    assert f"{daemon.config}:" in r.stderr and "maybe" in r.stderr
    assert daemon.ctl("explain", "s1", "GET", "https://api.test/").returncode == 0
    daemon.config.write_text(good.replace("host: api.test, method",
                                          "host: new.test, method")
                             .replace("host: api.test, header",
                                      "host: new.test, header"))
    assert daemon.ctl("reload").stdout.startswith("reloaded\n")
    assert daemon.ctl("explain", "s1", "GET", "https://new.test/").returncode == 0


def test_variables_and_bundle(daemon):
    text = daemon.ctl("ca", "env", "s1", "--dir", "/x'y").stdout
    shell = subprocess.run(["sh", "-c", text + 'echo "$SSL_CERT_FILE"'],
                           text=True, capture_output=True)
    assert shell.stdout == "/x'y/bundle.pem\n"
    env = json.loads(daemon.ctl("ca", "env", "s1", "--format", "json").stdout)
    assert env["NODE_EXTRA_CA_CERTS"].endswith("/ca.pem")
    lines = daemon.ctl("ca", "env", "s1", "--format", "docker").stdout
    assert "SSL_CERT_FILE=/run/sbx-net-ca/bundle.pem\n" in lines
    bundle = daemon.ctl("ca", "bundle", "s1").stdout
    assert bundle.endswith(daemon.ctl("ca", "show", "s1").stdout)
    assert bundle.count("BEGIN CERTIFICATE") == 2, "the lab's root and ours"


def test_log_and_check_lead_to_their_programs(daemon):
    assert "usage" in daemon.ctl("log", "--help").stdout.lower()
    assert daemon.ctl("log", "--json").returncode == 0
    assert daemon.ctl("check", str(daemon.config)).returncode == 0
    daemon.config.write_text("version: 1\npolicy: {}\n")
    r = daemon.ctl("check", str(daemon.config), check=False)
    assert r.returncode == 1 and f"{daemon.config}:2:" in r.stderr


@pytest.mark.parametrize("words, status", [
    (["status"], 3), (["sandbox", "ls"], 3), (["explain", "a", "GET", "x"], 3),
    (["run", "--", "true"], 125),
    (["no-such"], 2), (["status", "x"], 2), (["sandbox"], 2),
    (["sandbox", "show"], 2), (["sandbox", "add", "x"], 2),
    (["explain", "a"], 2), (["ca", "env"], 2),
    (["ca", "env", "a", "--format", "x"], 2), (["reload", "now"], 2),
    ([], 2), (["help"], 0), (["--version"], 0), (["--no-such"], 2),
])
def test_exit_codes_without_a_daemon(lab, tmp_path, words, status):
    r = lab.host.run(str(BIN / "sbx-netctl"), "--runtime-dir", str(tmp_path),
                     *words, check=False)
    assert r.returncode == status, r.stdout + r.stderr
    assert bool(r.stderr) == (status != 0), "errors say what is wrong"


def test_threat_60_strangers_are_kept_out(daemon):
    r = daemon.lab.host.run("setpriv", "--reuid=65534", "--regid=65534",
                            "--clear-groups", str(BIN / "sbx-netctl"),
                            "--runtime-dir", str(daemon.runtime), "status",
                            check=False)
    assert r.returncode != 0 and "generation" not in r.stdout
