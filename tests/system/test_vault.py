"""Credentials that come from Vault's or OpenBao's KV version 2."""
import datetime
import json
import os
import pathlib
import ssl
import warnings

import pytest

from lab.client import Client
from lab.pki import Authority
from lab.vault import Vault
from lab.wait import until
from test_secrets import POLICY, REQUIRED, World

CANARY = "s3cret-canary-2817"
BESIDE = "an0ther-canary-5522"
TOKEN = "hvs.t0ken-canary-9913"
SECRET_ID = "s3cret-id-canary-1144"


class Place(World):
    """A world with a Vault on the host's loopback, over TLS."""

    def __init__(self, lab, authority, *rest):
        super().__init__(*rest)
        self.lab, self.authority, self.vaults = lab, authority, []

    def vault(self, tls=True, names=("127.0.0.1",), **more):
        if tls:
            more["certificate"] = self.authority.issue(*names)
        v = Vault(self.lab.host, **more)
        v.allow(TOKEN)
        self.vaults.append(v)
        self.v = v
        return v

    def source(self, extra="", beside="ttl: 1h", auth=None, **words):
        """A source as documents have it; words None are left out."""
        auth = auth or f"{{token_file: {self.file(TOKEN, 'vault-token')}}}"
        words = {"address": "https://127.0.0.1:8200", "path": "ci/x", "field": "token",
                 "ca_file": self.authority.path, "auth": auth, **words}
        text = ", ".join(f"{k}: {v if k in ('auth', 'version') else json.dumps(str(v))}"
                         for k, v in words.items() if v is not None)
        return f"{{vault: {{{text}}}{', ' if beside else ''}{beside}}}"

    def none_because(self, *words):
        why = until("a reason", lambda: self.secret()["error"])
        assert all(w in why for w in words), why
        assert self.sent() == []
        self.silent(CANARY, BESIDE, TOKEN, SECRET_ID)


@pytest.fixture
def place(lab, authority, netd, origin, client, tmp_path):
    p = Place(lab, authority, netd, origin, client, tmp_path)
    yield p
    for v in p.vaults:
        v.open.set()
        v.close()


def test_threat_36_a_field_of_a_secret(place):
    v = place.vault()
    v.put("ci/x", token=CANARY, other=BESIDE)
    nobody = "http://127.0.0.1:1"  # what is in the environment is no way to a Vault
    place.start(place.source(), environment={"https_proxy": nobody, "ALL_PROXY": nobody})
    place.until_sent(CANARY)
    asked = v.reads()[0]
    assert asked.target == "/v1/secret/data/ci/x"
    assert asked.all("x-vault-token") == [TOKEN]
    assert asked.all("x-vault-namespace") == []
    listed = place.secret()
    assert (listed["from"], listed["state"], listed["error"]) == ("vault", "available", "")
    assert 3000 < listed["expires"] <= 3600
    place.silent(CANARY, BESIDE, TOKEN)


def test_mount_version_namespace(place):
    v = place.vault()
    v.namespace = "team/a"
    v.put("ci/sp ace/?v#1", mount="my/kv", token=CANARY)
    v.put("ci/sp ace/?v#1", mount="my/kv", token=BESIDE)
    place.start(place.source(mount="my/kv", path="ci/sp ace/?v#1", namespace="team/a",
                             version=1))
    place.until_sent(CANARY)
    assert v.reads()[0].target == "/v1/my/kv/data/ci/sp%20ace/%3Fv%231?version=1"
    assert v.reads()[0].all("x-vault-namespace") == ["team/a"]


def test_rotation_within_ttl(place):
    v = place.vault()
    v.put("ci/x", token="first")
    place.start(place.source(beside="ttl: 4s, refresh: 3s"))
    place.until_sent("first")
    v.put("ci/x", token="second")
    place.until_sent("second")


def test_secret_refresh(place):
    v = place.vault()
    v.put("ci/x", token="first")
    d = place.start(place.source(beside="ttl: 7d"))
    place.until_sent("first")
    v.put("ci/x", token="second")
    assert d.ctl("secret", "refresh", "api").stdout == "refreshed\n"
    assert place.sent() == ["Bearer second"]


def test_sealed_and_failure_ttl(place):
    v = place.vault()
    v.put("ci/x", token=CANARY)
    d = place.start(place.source(beside="ttl: 7d, failure_ttl: 1d"))
    place.until_sent(CANARY)
    v.sealed = True
    d.ctl("secret", "refresh", "api")
    failing = place.secret()
    assert failing["state"] == "failing"
    assert failing["error"].startswith("vault secret/ci/x: 503: sealed")
    assert place.sent() == [f"Bearer {CANARY}"]
    v.sealed = False
    d.ctl("secret", "refresh", "api")
    assert place.secret()["state"] == "available"


@pytest.mark.parametrize("change,why", [
    (lambda v: v.versions("ci/x")[0].update(deletion_time="2026-01-02T00:00:00Z"),
     "404: this version of the secret was deleted"),
    (lambda v: v.versions("ci/x")[0].update(destroyed=True),
     "404: this version of the secret was destroyed"),
    (lambda v: v.secrets.clear(), "404: no such secret or version"),
    (lambda v: v.tokens.clear(), "403: permission denied"),
    (lambda v: v.allow(TOKEN, "other/"), "403: permission denied"),
])
def test_what_is_taken_away_is_revoked(place, change, why):
    v = place.vault()
    v.put("ci/x", token=CANARY)
    d = place.start(place.source(beside="ttl: 7d"))
    place.until_sent(CANARY)
    change(v)
    d.ctl("secret", "refresh", check=False)
    gone = d.wait_record(kind="control", reason="credential_revoked")
    assert "credential api has no value any more" in gone["detail"]
    place.none_because("vault secret/ci/x: " + why)


@pytest.mark.parametrize("words,why", [
    ({"field": "tokens"}, 'has no field "tokens"; it has list, number, other, token'),
    ({"field": "number"}, 'field "number" is no text'),
    ({"field": "list"}, 'field "list" is no text'),
    ({"version": 7}, "404: no such secret or version"),
    ({"mount": "other"}, "404: no such secret or version"),
    ({"mount": "old"}, "no KV version 2: is the mount's engine version 1?"),
    ({"namespace": "elsewhere"}, "404"),
    ({"auth": "none"}, "400: the question is refused: is a token missing?"),
    ({"address": "https://127.0.0.1:8201"}, "https://127.0.0.1:8201: Connection refused"),
    ({"address": "https://nowhere.invalid"}, "there is no such host"),
    ({"address": "unix:/nonexistent/agent"}, "/nonexistent/agent: No such file"),
])
def test_why_there_is_no_value(place, words, why):
    v = place.vault()
    v.put("ci/x", list=["a"], number=5, other=BESIDE, token=CANARY)
    v.put_v1("data/ci/x", "old", token=CANARY)
    if not words.get("address", "https").startswith("https"):
        words["ca_file"] = None
    place.start(place.source(**words))
    place.none_because(why)


@pytest.mark.parametrize("response,why", [
    (b"HTTP/1.1 307 X\r\nLocation: https://127.0.0.1:8200/v1/secret/data/ci/y\r\n"
     b"Content-Length: 0\r\n\r\n", "307: a redirect, which is not followed"),
    (b"HTTP/1.1 500 X\r\nContent-Length: 2\r\n\r\n{}", "500: the server failed"),
    (b"HTTP/1.1 418 X\r\nContent-Length: 2\r\n\r\n{}", "418: not an answer"),
    (b"HTTP/1.1 200 X\r\nContent-Length: 5\r\n\r\nhello", "the answer is no JSON"),
    (b"HTTP/1.1 200 X\r\nContent-Length: 1100000\r\n\r\n" + b" " * 1100000,
     "more than 1 MiB of answer"),
    (b"hello\r\n\r\n", "https://127.0.0.1:8200:"),
], ids=["redirect", "500", "418", "text", "much", "no-http"])
def test_answers_that_are_none(place, response, why):
    v = place.vault()
    v.put("ci/y", token=CANARY)
    v.instead = response
    place.start(place.source())
    place.none_because(why)
    assert {r.target for r in v.requests} == {"/v1/secret/data/ci/x"}


def test_threat_36_only_a_verified_vault_is_asked(place, tmp_path):
    """Neither a token nor a question goes to another."""
    other = Authority(tmp_path, "another root")
    v = place.vault()
    v.put("ci/x", token=CANARY)
    d = place.start(place.source(ca_file=other.path))
    place.none_because("its certificate: ")
    config = d.config.read_text()
    # The system does not know the test's authority either.
    assert d.reload(config.replace(f'"ca_file": "{other.path}", ', "").replace(
        f'ca_file: "{other.path}", ', "")).returncode == 0
    place.none_because("its certificate: ")
    assert v.requests == []


def test_threat_36_a_certificate_for_another_name(place):
    v = place.vault(names=("127.0.0.2", "vault.test"))
    v.put("ci/x", token=CANARY)
    place.start(place.source())
    place.none_because("its certificate: it is for another name")
    assert v.requests == []


def test_threat_36_old_tls_is_refused(place):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # it is the point
        v = place.vault(versions=(ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_1))
    v.context.set_ciphers("ALL:@SECLEVEL=0")
    v.put("ci/x", token=CANARY)
    place.start(place.source())
    place.none_because("https://127.0.0.1:8200:")
    assert v.requests == []


def test_an_agent_behind_a_socket(place, tmp_path):
    """In a folder that is root's alone: it is connected to before rights are given up."""
    folder = tmp_path / "agent"
    folder.mkdir(0o700)
    v = place.vault(tls=False, address=str(folder / "agent.sock"), agent=True)
    v.put("ci/x", token=CANARY)
    place.start(place.source(address=f"unix:{folder}/agent.sock", auth="none", ca_file=None))
    place.until_sent(CANARY)
    assert v.reads()[0].all("x-vault-token") == []


def test_an_agent_on_loopback(place):
    v = place.vault(tls=False, agent=True)
    v.put("ci/x", token=CANARY)
    place.start(place.source(address="http://127.0.0.1:8200", auth="none", ca_file=None))
    place.until_sent(CANARY)


APPROLE = "{{approle: {{role_id: {role}, secret_id_file: {file}, mount: {mount}}}}}"


@pytest.mark.parametrize("socket", [False, True])
def test_approle(place, tmp_path, socket):
    """Logs in for each question, and gives the token back."""
    address = str(tmp_path / "vault.sock") if socket else "127.0.0.1"
    v = place.vault(tls=not socket, address=address)
    v.roles["team/approle", "role-1"] = SECRET_ID
    v.put("ci/x", token=CANARY)
    auth = APPROLE.format(role="role-1", file=place.file(SECRET_ID, "sid"),
                          mount="team/approle")
    more = {"address": f"unix:{address}", "ca_file": None} if socket else {}
    d = place.start(place.source(auth=auth, **more))
    place.until_sent(CANARY)
    d.ctl("secret", "refresh")
    assert place.sent() == [f"Bearer {CANARY}"]
    assert [r.target for r in v.requests] == [
        "/v1/auth/team/approle/login", "/v1/secret/data/ci/x",
        "/v1/auth/token/revoke-self"] * 2
    assert set(v.tokens) == {TOKEN}
    place.silent(CANARY, SECRET_ID, "hvs.login")
    place.file("wrong", "sid")
    d.ctl("secret", "refresh", check=False)
    place.none_because("login: 400: the role_id or the secret_id is wrong")


@pytest.mark.parametrize("mode", [0o640, 0o604])
def test_a_token_that_others_could_read(place, mode):
    v = place.vault()
    v.put("ci/x", token=CANARY)
    source = place.source()
    place.file(TOKEN, "vault-token", mode)
    place.start(source)
    place.none_because("token_file is open to group or others (chmod 600)")
    assert v.requests == []


def test_a_token_is_read_anew(place):
    v = place.vault()
    v.put("ci/x", token=CANARY)
    v.tokens = {"new": ""}
    d = place.start(place.source())
    place.none_because("403")
    place.file("new", "vault-token")
    d.ctl("secret", "refresh")
    assert place.sent() == [f"Bearer {CANARY}"]


def test_the_version_says_when_it_ends(place):
    """delete_version_after of KV version 2: no longer than that, whatever ttl says."""
    v = place.vault()
    v.put("ci/x", token=CANARY)
    end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
    v.versions("ci/x")[0].update(later=True, deletion_time=end.strftime(
        "%Y-%m-%dT%H:%M:%S.123456789Z"))
    place.start(place.source(beside="ttl: 7d"))
    place.until_sent(CANARY)
    assert 3000 < place.secret()["expires"] <= 3600


def test_what_is_required_is_waited_for(place):
    v = place.vault()
    v.put("ci/x", token=CANARY)
    d = place.start(place.source(), REQUIRED)
    assert place.sent() == [f"Bearer {CANARY}"]  # from the first request on
    r = d.reload(d.config.read_text().replace('path: "ci/x"', 'path: "ci/none"'))
    assert r.returncode == 1
    assert "is required and has no value: vault secret/ci/none: 404" in r.stdout + r.stderr
    assert place.sent() == [f"Bearer {CANARY}"]


def test_a_vault_that_does_not_answer(place):
    v = place.vault()
    v.put("ci/x", token=CANARY)
    v.open.clear()
    d = place.start(place.source(beside="ttl: 1h, timeout: 2s"))
    until("the question", lambda: v.requests)
    # The keeper does not wait meanwhile.
    assert place.sent() == []
    assert d.ctl("status").returncode == 0
    place.none_because("https://127.0.0.1:8200: no answer in time")


def read(pid, name):
    return pathlib.Path(f"/proc/{pid}/{name}").read_bytes()


def test_threat_36_the_process_that_asks(place):
    """While it waits for the answer: who it is, and what can be seen of it."""
    v = place.vault()
    v.roles["approle", "r0le-canary"] = SECRET_ID
    v.put("ci/x", token=CANARY)
    v.open.clear()
    auth = APPROLE.format(role="r0le-canary", file=place.file(SECRET_ID, "sid"),
                          mount="approle")
    d = place.start(place.source(auth=auth))
    until("the question", lambda: v.requests)
    pid, = d.children("--fetch")
    seen = read(pid, "cmdline") + read(pid, "environ")
    for canary in (SECRET_ID, TOKEN, "r0le-canary", "ci/x", "8200"):
        assert canary.encode() not in seen
    status = dict(x.split(":\t", 1) for x in read(pid, "status").decode().splitlines())
    assert set(status["Uid"].split()) == {"61054"}
    assert set(status["Gid"].split()) == {"61054"}
    assert status["Groups"].split() == []
    for which in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
        assert int(status[which], 16) == 0
    assert status["NoNewPrivs"].strip() == "1"
    # Nothing of the keeper's is open there.
    kinds = {os.readlink(f"/proc/{pid}/fd/{n}").split(":")[0]
             for n in os.listdir(f"/proc/{pid}/fd")}
    assert kinds <= {"pipe", "socket", "anon_inode"}
    v.open.set()
    place.until_sent(CANARY)
    until("the process to end", lambda: not d.children("--fetch"))
    for worker in d.workers():  # and none of its libraries is theirs
        assert b"libcurl" not in read(worker, "maps")
    assert b"libcurl" not in read(d.process.pid, "maps")


def test_one_for_each_sandbox(lab, place):
    second = Client(lab.add_sandbox())
    v = place.vault()
    for n in (1, 2):
        v.put(f"ci/s{n}", token=f"{CANARY}-s{n}")
    d = place.start(place.source(path="ci/${sandbox}"))
    second.trust(d, "s2")
    place.until_sent(f"{CANARY}-s1")

    def sent():
        assert second.curl("https://api.test/").status == 200
        return place.api.requests[-1].all("authorization")

    until("the second's", lambda: sent() == [f"Bearer {CANARY}-s2"])
    assert place.sent() == [f"Bearer {CANARY}-s1"]
