"""sbx-netlog --suggest: what was denied, as rules that can be pasted."""
import re
import subprocess

import pytest

from lab.built import BIN

POLICIES = """\
policies:
  agent:
    default: deny
    allow:
      - {host: api.test, method: GET, path: "/open/**"}
    deny:
      - {host: api.test, path: "/secret"}
"""


def suggested(daemon, *options):
    done = subprocess.run(
        [BIN / "sbx-netlog", "--runtime-dir", daemon.runtime, "--suggest", *options],
        capture_output=True, text=True, check=True)
    return done.stdout


def rules_of(text):
    """The lines that a person would paste."""
    return re.findall(r"^ +(- \{.*\})  #", text, re.M)


@pytest.fixture
def daemon(netd, origin, client):
    origin("api.test"), origin("new.test", address="203.0.113.11")
    daemon = netd(POLICIES)
    client.trust(daemon)
    return daemon


def test_pasted_rules_allow_what_was_denied_and_no_more(daemon, client, tmp_path):
    denied = [("PUT", "/open/a"), ("GET", "/users/1/keys"), ("GET", "/users/2/keys"),
              ("GET", "/users/31/keys"), ("GET", "/it's*here")]
    for method, path in denied:
        assert client.curl(f"https://api.test{path}", "-X", method).status == 403
    assert client.curl("https://api.test/secret").status == 403
    assert client.curl("https://new.test/").status == 0
    daemon.wait_record(kind="dns", host="new.test", verdict="denied")
    daemon.wait_requests("api.test", len(denied) + 1)
    text = suggested(daemon)
    rules = rules_of(text)
    assert '- {host: api.test, port: 443, method: GET, path: "/users/*/keys"}' in rules
    assert '- {host: api.test, port: 443, method: GET, path: "/it\'s%2Ahere"}' in rules
    assert "- {host: new.test, port: 443, method: [GET, HEAD]}" in rules
    assert len(rules) == 4
    assert "rule_deny by agent.deny[0]" in text
    # As it is, below a version, it is a document.
    alone = tmp_path / "alone.yaml"
    alone.write_text("version: 1\n" + text)
    daemon.ctl("check", str(alone))
    pasted = "".join(f"      {rule}\n" for rule in rules)
    config = daemon.config.read_text()
    daemon.reload(config.replace("    deny:\n", pasted + "    deny:\n"))
    for method, path in denied:
        assert client.curl(f"https://api.test{path}", "-X", method).status == 200
    assert client.curl("https://new.test/").status == 200
    for method, path in [("DELETE", "/open/a"), ("PUT", "/users/1/keys"),
                         ("GET", "/users/1"), ("GET", "/it's/here"),
                         ("GET", "/secret")]:
        assert client.curl(f"https://api.test{path}", "-X", method).status == 403
    assert client.curl("https://new.test/", "-X", "POST").status == 403


def test_an_allowed_sandbox_gets_no_suggestion(daemon, client):
    assert client.curl("https://api.test/open/x").status == 200
    daemon.wait_record(kind="request", path="/open/x")
    text = suggested(daemon)
    assert rules_of(text) == [] and "policies:" not in text
