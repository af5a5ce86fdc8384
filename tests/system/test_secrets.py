"""Credentials: how their sources write them down, how long they hold."""
import json

import pytest

from lab.wait import until

CANARY = "s3cret-canary-0816"
BESIDE = "an0ther-canary-4711"  # stands in the same document, and is as secret

POLICY = """\
credentials:
  api:
    source: SOURCE
    inject:
      - {host: api.test, header: Authorization, format: "Bearer ${value}"}
policies:
  agent:
    allow: [{host: [api.test, other.test]}]
    credentials: [api]
"""


class World:
    def __init__(self, netd, origin, client, folder):
        self.api = origin("api.test")
        self.netd, self.client, self.folder = netd, client, folder

    def file(self, text, name="token", mode=0o600):
        """Written beside it and moved there: never half of it is seen."""
        new, path = self.folder / f"{name}.new", self.folder / name
        new.write_text(text)
        new.chmod(mode)
        new.rename(path)
        return path

    def program(self, text, name="helper"):
        return self.file("#!/bin/sh\n" + text, name, 0o700)

    def start(self, source, policy=POLICY, **more):
        self.d = self.netd(policy.replace("SOURCE", source), **more)
        self.client.trust(self.d)
        return self.d

    def sent(self):
        """What the origin gets with a request that is made now."""
        assert self.client.curl("https://api.test/").status == 200
        return self.api.requests[-1].all("authorization")

    def until_sent(self, *values):
        expected = [f"Bearer {v}" for v in values]
        until(f"{expected} on the wire", lambda: self.sent() == expected)

    def silent(self, *canaries):
        """Nowhere that people look is there any of these."""
        d = self.d
        shown = d.log() + str(d.lines()) + "".join(
            d.ctl(*words, check=False).stdout for words in (
                ["status"], ["--json", "status"], ["doctor"], ["policy", "show", "agent"]))
        for canary in canaries:
            assert canary not in shown


@pytest.fixture
def world(netd, origin, client, tmp_path):
    return World(netd, origin, client, tmp_path)


def aws(secret, token, **more):
    return json.dumps({"Version": 1, "AccessKeyId": "id", "SecretAccessKey": secret,
                       "SessionToken": token, **more})


@pytest.mark.parametrize("text,format", [
    (json.dumps({"data": {"keys": [BESIDE, CANARY]}}), "json, field: data.keys.1"),
    (f"username={BESIDE}\npassword={CANARY}\n", "git-credential"),
    (json.dumps({"ServerURL": "u", "Username": BESIDE, "Secret": CANARY}),
     "docker-credential"),
    (aws(BESIDE, CANARY, Expiration="2099-01-01T00:00:00Z"),
     "aws-process, field: SessionToken"),
])
def test_a_field_of_a_document(world, text, format):
    world.start(f"{{file: {world.file(text)}, format: {format}}}")
    assert world.sent() == [f"Bearer {CANARY}"]
    world.silent(CANARY, BESIDE)


def test_a_helper_is_asked_as_git_asks_it(world):
    helper = world.program(
        'test "$1" = get || exit 1\n'
        'while read -r line; do case $line in host=*) host=${line#host=};; esac; done\n'
        f'echo username={BESIDE}; echo password={CANARY}-for-$host\n'
        f'echo {BESIDE} >&2\n')
    world.start(f'{{command: [{helper}, get], format: git-credential, '
                f'input: "protocol=https\\nhost=api.test\\n\\n"}}')
    world.until_sent(f"{CANARY}-for-api.test")
    world.silent(CANARY, BESIDE)


@pytest.mark.parametrize("text,format,reason", [
    (f'{{"a": "{CANARY}", "a": "{BESIDE}"}}', "json, field: a", 'has the key "a" twice'),
    (f'{{"a": "{CANARY}"', "json, field: a", "is no JSON"),
    (f"{CANARY}\n", "git-credential", 'has a line without "="'),
    (aws(CANARY, BESIDE, Expiration="2001-01-01T00:00:00Z"), "aws-process", "has expired"),
    (aws(CANARY, BESIDE, Expiration=CANARY), "aws-process",
     "has an Expiration that is no date"),
])
def test_what_is_no_value_is_not_shown(world, text, format, reason):
    d = world.start(f"{{file: {world.file(text)}, format: {format}}}")
    assert world.sent() == []
    d.wait_record(host="api.test", event="decision", skipped="api")
    assert reason in d.ctl("status").stdout
    world.silent(CANARY, BESIDE)


def test_a_value_ends_when_its_source_says(world):
    helper = world.program(
        f"echo x >> {world.folder}/runs\n"
        f"echo password={CANARY}-$(wc -l < {world.folder}/runs)\n"
        "echo password_expiry_utc=$(($(date +%s) + 4))\n")
    world.start(f"{{command: [{helper}], format: git-credential, cache: 1d}}")
    first = until("a value", world.sent)
    until("another one", lambda: world.sent() not in ([], first))
