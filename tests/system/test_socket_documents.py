"""Policies and credentials put over the control socket while sandboxes run."""
import http.client
import json
import re
import signal
import socket
import threading

import pytest

from lab.client import Client, read_response
from lab.origin import ok
from lab.stage import Stage
from lab.wait import until

# What files say: a policy nobody is under, a credential nobody lists.
FILES = """\
policies:
  filed:
    allow: [{host: filed.test}]
credentials:
  filed:
    source: {env: SBX_TEST_FILED}
    inject: [{host: filed.test, header: X-Filed}]
sandboxes: {}
"""

AGENT = "allow: [{host: [api.test, slow.test, mute.test]}]\n"


class Answer:
    def __init__(self, status, headers, text):
        self.status, self.headers, self.text = status, headers, text

    @property
    def tag(self):
        return self.headers["ETag"]

    @property
    def json(self):
        return json.loads(self.text)

    @property
    def code(self):
        return self.json["error"]["code"]

    @property
    def why(self):
        return self.json["error"]["message"]


class Line(http.client.HTTPConnection):
    """One connection to the control socket, kept open."""

    def __init__(self, daemon):
        super().__init__("localhost", timeout=60)
        self.path = str(daemon.runtime / "control.sock")

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)

    def ask(self, method, path, body=None, **headers):
        self.request(method, f"/v1/{path}", body,
                     {k.replace("_", "-"): v for k, v in headers.items()})
        r = self.getresponse()
        return Answer(r.status, r.headers, r.read().decode())


class World(Stage):
    def start(self, documents=FILES, **more):
        self.daemon = self.daemons(documents, **more)
        self.client = None
        return self.daemon

    def ask(self, *words, **headers):
        line = Line(self.daemon)
        try:
            return line.ask(*words, **headers)
        finally:
            line.close()

    def put(self, path, body, **headers):
        answer = self.ask("PUT", path, body, **headers)
        assert answer.status == 200, answer.text
        return answer

    def sandbox(self, name="s1", policy="agent"):
        """The lab's first sandbox under that policy, and a client in it."""
        s = self.lab.sandboxes[0]
        self.daemon.ctl("sandbox", "add", name, "--interface", s.interface, "--address",
                        s.address4, "--address", s.address6, "--policy", policy)
        self.client = Client(self.lab.sandbox).trust(self.daemon, name)

    def restart(self, how=signal.SIGTERM):
        self.daemon.process.send_signal(how)
        self.daemon.process.wait(timeout=20)
        self.daemon.start()

    def listed(self, section="policies"):
        return {e["name"]: e for e in self.ask("GET", section).json}

    def kept(self):
        folder = self.daemon.runtime / "socket.d"
        return sorted(f.name for f in folder.iterdir()) if folder.exists() else []


@pytest.fixture
def world(tmp_path):
    stage = World(tmp_path)
    try:
        stage.api = stage.origin("api.test")
        stage.start()
        yield stage
    finally:
        stage.close()


def ask(s, path="/", host="api.test"):
    s.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    return int(read_response(s)[0].split()[1])


# ---- policies ----------------------------------------------------------------


def test_a_policy_is_added_and_seen_by_the_next_request(world, tmp_path):
    (tmp_path / "agent.yaml").write_text(AGENT)
    r = world.daemon.ctl("policy", "add", "agent", str(tmp_path / "agent.yaml"))
    assert r.stdout == "added\n"
    world.sandbox()
    s = world.client.tls()
    assert ask(s) == 200
    record = world.daemon.wait_record(verdict="allowed", host="api.test")
    assert record["rule"] == "agent.allow[0]"
    # The line that the record names is that line of what is shown.
    name, _, line = record["source"].rpartition(":")
    assert name == "socket:policies/agent"
    shown = world.daemon.ctl("policy", "show", "agent").stdout.splitlines()
    assert "api.test" in shown[int(line) - 1]
    world.put("policies/agent", "allow: [{host: other.test}]\n")
    assert ask(s) == 403
    world.put("policies/agent", json.dumps({"default": "allow"}))
    assert ask(s) == 200


def test_what_is_shown_may_be_put_again(world):
    world.put("policies/agent", "# ours\nallow:\n- host: b.test\n  query: {q: 'a#b'}\n")
    shown = world.ask("GET", "policies/agent")
    assert shown.headers["Content-Type"] == "application/yaml"
    assert shown.text == (
        "# policy agent\n# from: socket\n"
        f"# tag: {shown.tag.strip(chr(34))}\n"
        "default: deny\nallow:\n  - host: [b.test]\n    port: [80, 443]\n"
        "    query:\n      q: [\"a#b\"]\n")
    world.put("policies/agent", shown.text, If_Match=shown.tag)
    assert world.ask("GET", "policies/agent").tag == shown.tag
    filed = world.ask("GET", "policies/filed").text.splitlines()
    assert re.fullmatch(r"# from: /.*/sbx-netd.yaml:\d+", filed[1]) and filed[3] == "default: deny"


def test_lists_say_where_each_is_from(world):
    world.put("policies/agent", AGENT)
    world.put("policies/brief?ephemeral=1", AGENT)
    world.put("credentials/key", "{source: {env: SBX_TEST_KEY}, inject: [{host: a.test, "
              "header: X-Key}]}")
    policies = world.listed()
    assert re.fullmatch(r"/.*/sbx-netd.yaml:\d+", policies["filed"]["source"])
    assert (policies["agent"]["source"], policies["agent"]["ephemeral"]) == ("socket", False)
    assert (policies["brief"]["source"], policies["brief"]["ephemeral"]) == ("socket", True)
    assert world.listed("credentials")["key"]["source"] == "socket"
    text = world.daemon.ctl("policy", "ls").stdout
    assert re.search(r"(?m)^agent +socket$", text)
    assert re.search(r"(?m)^brief +socket, until sbx-netd ends$", text)
    assert re.search(r"(?m)^filed +/.*sbx-netd.yaml:\d+$", text)
    assert re.search(r"(?m)^key .* / socket$", world.daemon.ctl("secret", "ls").stdout)


class Held:
    """A download under way, and a request without an answer yet."""

    def __init__(self, world):
        self.go = threading.Event()
        world.origin("slow.test", answer=self.half)
        world.origin("mute.test", answer=self.nothing)
        self.half_way = world.client.tls("slow.test")
        self.waits = world.client.tls("mute.test")
        self.half_way.sendall(b"GET / HTTP/1.1\r\nHost: slow.test\r\n\r\n")
        head = b""
        while b"half" not in head:
            head += self.half_way.recv(4096)
        self.waits.sendall(b"GET / HTTP/1.1\r\nHost: mute.test\r\n\r\n")
        world.daemon.wait_record(event="decision", kind="request", host="mute.test")

    def half(self, _request, c):
        c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf")
        self.go.wait(60)
        return b"half"

    def nothing(self, _request, _c):
        self.go.wait(60)
        return ok(b"at last")


@pytest.fixture
def held(world):
    world.put("policies/agent", AGENT)
    world.sandbox()
    h = Held(world)
    yield h
    h.go.set()


def test_tightening_closes_what_it_forbids_and_says_what(world, held, tmp_path):
    tight = tmp_path / "tight.yaml"
    tight.write_text("allow: [{host: [api.test, mute.test]}]\ndeny: [{host: slow.test}]\n")
    lines = world.daemon.ctl("policy", "add", "agent", str(tight)).stdout.splitlines()
    assert lines[:3] == ["added", "it takes another's place", "closed 1:"]
    assert re.fullmatch(r"  request \w+ to slow.test:443 of s1, by agent.deny\[0\] "
                        r"\(socket:policies/agent:\d+\)", lines[3])
    record = world.daemon.wait_record(event="outcome", reason="revoked", id=lines[3].split()[1])
    assert "agent.deny[0]" in record["detail"]
    with pytest.raises(OSError):  # half an answer does not look whole
        while held.half_way.recv(4096):
            pass
        raise ConnectionError("it ended like an answer that is whole")
    held.go.set()
    assert read_response(held.waits)[0].startswith(b"HTTP/1.1 200")


def test_loosening_closes_nothing(world, held):
    answer = world.put("policies/agent", "default: allow\n")
    assert answer.json["closed"] == 0
    held.go.set()
    assert held.half_way.recv(4096) == b"half"
    assert read_response(held.waits)[0].startswith(b"HTTP/1.1 200")


def test_what_concerns_others_closes_nothing(world, held):
    assert world.put("policies/other", "allow: []\n").json["closed"] == 0
    assert world.ask("DELETE", "policies/other").json["closed"] == 0
    held.go.set()
    assert held.half_way.recv(4096) == b"half"


# ---- credentials -----------------------------------------------------------------


def credential(path, header="Authorization"):
    return (f"source: {{file: {path}}}\n"
            f"inject: [{{host: api.test, header: {header}, format: \"Bearer ${{value}}\"}}]\n")


def secret(folder, text):
    path = folder / text
    path.write_text(text)
    path.chmod(0o600)
    return path


def test_a_credential_is_added_used_replaced_and_revoked(world, tmp_path):
    one, two = secret(tmp_path, "s3cret-one"), secret(tmp_path, "s3cret-two")
    (tmp_path / "key.yaml").write_text(credential(one))
    r = world.daemon.ctl("secret", "add", "key", str(tmp_path / "key.yaml"))
    assert r.stdout == "added\n"
    world.put("policies/agent", AGENT + "credentials: [key]\n")
    world.sandbox()
    s = world.client.tls()

    def sent():
        assert ask(s) == 200
        return world.api.requests[-1].all("authorization")

    world.daemon.ctl("secret", "refresh", "key")
    assert sent() == ["Bearer s3cret-one"]
    world.put("credentials/key", credential(two))
    world.daemon.ctl("secret", "refresh", "key")
    assert sent() == ["Bearer s3cret-two"]
    answer = world.ask("DELETE", "credentials/key")
    assert (answer.status, answer.code) == (409, "in_use")
    assert answer.why == "credential key is in use by policy agent"
    world.put("policies/agent", AGENT)
    assert world.daemon.ctl("secret", "rm", "key").stdout == "removed\n"
    assert sent() == []
    assert "key" not in world.listed("credentials")
    shown = world.daemon.log() + str(world.daemon.lines())
    assert "s3cret" not in shown.replace(str(one), "").replace(str(two), "")


def test_a_request_that_went_out_with_a_credential_ends_with_it(world, tmp_path):
    go = threading.Event()

    def late(_request, _c):
        go.wait(60)
        return ok(b"at last")

    mute = world.origin("mute.test", answer=late)
    key = credential(secret(tmp_path, "s3cret-one")).replace("api.test", "mute.test")
    world.put("credentials/key", key)
    world.put("policies/agent", AGENT + "credentials: [key]\n")
    world.daemon.ctl("secret", "refresh", "key")
    world.sandbox()
    s = world.client.tls("mute.test")
    s.sendall(b"GET / HTTP/1.1\r\nHost: mute.test\r\n\r\n")
    try:
        until("the request at its origin", lambda: mute.requests)
        assert mute.requests[0].all("authorization") == ["Bearer s3cret-one"]
        answer = world.put("policies/agent", AGENT).json
        assert (answer["closed"], answer["list"][0]["rule"]) == (1, "credential key")
        assert world.ask("DELETE", "credentials/key").status == 200
        assert read_response(s)[0].startswith(b"HTTP/1.1 502")
        world.daemon.wait_record(event="outcome", reason="credential_revoked")
    finally:
        go.set()


def test_a_source_is_shown_to_those_who_may_change_it_and_never_its_value(world, tmp_path):
    path = secret(tmp_path, "s3cret-one")
    world.put("credentials/key", credential(path))
    world.put("policies/agent", AGENT + "credentials: [key]\n")
    world.daemon.ctl("secret", "refresh", "key")
    text = world.daemon.ctl("secret", "show", "key").stdout
    assert text.startswith("# credential key\n# from: socket\n# tag: ") and f"file: [{path}]" in text
    path.write_text("an0ther-value")
    world.daemon.ctl("secret", "refresh", "key")
    assert world.daemon.ctl("secret", "show", "key").stdout == text
    assert world.ask("GET", "credentials/none").status == 404


def test_a_required_credential_without_a_value_changes_nothing(world):
    before = world.listed()
    world.put("credentials/key", "required: true\nsource: {env: SBX_TEST_NONE}\n"
              "inject: [{host: api.test, header: X-Key}]\n")
    answer = world.ask("PUT", "policies/agent", AGENT + "credentials: [key]\n")
    assert answer.status == 422 and 'credential "key" is required' in answer.why
    assert world.listed() == before and world.kept() == ["credentials-key.yaml"]


# ---- conflicts, conditions, bad bodies -------------------------------------------------


def test_what_a_file_declares_is_the_files(world):
    for section, body in (("policies", AGENT), ("credentials", credential("/x"))):
        for method in ("PUT", "DELETE"):
            answer = world.ask(method, f"{section}/filed", body if method == "PUT" else None)
            assert (answer.status, answer.code) == (409, "declared_in_file")
            assert re.search(r"filed is declared at /.*/sbx-netd.yaml:\d+: change that file",
                             answer.why)
    assert world.kept() == []


def test_a_file_that_declares_the_same_name_is_not_loaded(world):
    world.put("policies/agent", AGENT)
    config = world.daemon.config.read_text()
    r = world.daemon.reload(config.replace("  filed:\n    allow", "  agent:\n    allow", 1))
    assert r.returncode == 1
    assert "socket:policies/agent:3:3" in r.stderr and "sbx-netd.yaml:" in r.stderr
    assert "policy agent was put over the control socket already" in r.stderr
    # Nor does it start so; what it says is enough to mend it.
    world.daemon.process.terminate()
    world.daemon.process.wait(timeout=20)
    r = world.lab.host.run(
        str(world.daemon.programs / "sbx-netd"), "--config", str(world.daemon.config),
        "--runtime-dir", str(world.daemon.runtime), check=False)
    folder = world.daemon.runtime / "socket.d"
    assert r.returncode != 0 and str(folder) in r.stderr and "socket:policies/agent" in r.stderr
    (folder / "policies-agent.yaml").unlink()
    world.daemon.start()
    assert "sbx-netd.yaml" in world.listed()["agent"]["source"]


def test_a_reload_keeps_what_the_socket_put(world):
    world.put("policies/agent", AGENT)
    config = world.daemon.config.read_text()
    r = world.daemon.reload(config.replace("  filed:\n    allow", "  renamed:\n    allow", 1))
    assert r.returncode == 0, r.stderr
    assert sorted(world.listed()) == ["agent", "renamed"]


def test_a_change_does_not_read_files(world):
    world.daemon.config.write_text("nonsense: [")
    world.put("policies/agent", AGENT)
    assert sorted(world.listed()) == ["agent", "filed"]


def test_what_is_in_use_is_not_removed(world):
    world.put("policies/agent", AGENT)
    world.sandbox()
    r = world.daemon.ctl("policy", "rm", "agent", check=False)
    assert r.returncode == 1 and "policy agent is in use by sandbox s1" in r.stderr
    world.daemon.ctl("sandbox", "rm", "s1")
    assert world.daemon.ctl("policy", "rm", "agent").stdout == "removed\n"
    answer = world.ask("DELETE", "policies/agent")
    assert (answer.status, answer.code) == (404, "not_found")
    assert world.ask("GET", "policies/agent").status == 404


def test_conditions(world):
    assert world.ask("PUT", "policies/agent", AGENT, If_Match="*").status == 412
    world.put("policies/agent", AGENT, If_None_Match="*")
    assert world.ask("PUT", "policies/agent", "default: allow", If_None_Match="*").status == 412
    first = world.ask("GET", "policies/agent").tag
    world.put("policies/agent", "default: allow", If_Match=first)
    answer = world.ask("PUT", "policies/agent", AGENT, If_Match=first)
    assert (answer.status, answer.code) == (412, "stale") and "has changed since" in answer.why
    assert world.ask("DELETE", "policies/agent", If_Match=first).status == 412
    assert world.ask("PUT", "policies/agent", AGENT, If_None_Match='"x"').status == 422
    assert "default: allow" in world.ask("GET", "policies/agent").text
    for words, why in ((("add", "agent", "-", "--if-match", "0123"), "has changed since"),
                       (("add", "agent", "-", "--new"), "is there already"),
                       (("rm", "agent", "--if-match", "0123"), "has changed since")):
        r = world.daemon.ctl("policy", *words, check=False)
        assert r.returncode == 1 and why in r.stderr, r
    tag = world.ask("GET", "policies/agent").tag.strip('"')
    assert world.daemon.ctl("policy", "rm", "agent", "--if-match", tag).stdout == "removed\n"


@pytest.mark.parametrize("path, body, why", [
    ("policies/agent", "allow:\n  - hots: a.test\n  - {host: '*.com'}\nmore: 1\n",
     ['policy agent:2:5: unknown key "hots"', "policy agent:3:", 'policy agent:4:1: unknown key']),
    ("policies/agent", "allow: [", ["policy agent:2:1: not YAML"]),
    ("policies/agent", "[]", ["policy agent:1:1:"]),
    ("policies/agent", "allow: []\n---\nallow: []\n", ["one document only"]),
    ("policies/agent", "credentials: [none]", ['policy agent:1:15: there is no credential "none"']),
    ("policies/Agent", "allow: []", ["the name of a policy"]),
    ("policies/a%2F..%2Fb", "allow: []", ["the name of a policy"]),
    ("credentials/key", "source: {env: X}", ['credential key:1:1']),
    ("credentials/key", "value: s3cret", ['unknown key "value"']),
], ids=["keys", "yaml", "list", "two", "credential", "name", "path", "inject", "value"])
def test_a_bad_body_changes_nothing(world, path, body, why):
    generation = world.ask("GET", "status").json["generation"]
    answer = world.ask("PUT", path, body)
    assert (answer.status, answer.code) == (422, "invalid")
    for w in why:
        assert w in answer.why
    assert world.ask("GET", "status").json["generation"] == generation
    assert world.kept() == []


def test_what_is_not_read_whole_is_no_document(world, tmp_path):
    """An empty text would be a good policy."""
    (tmp_path / "nul.yaml").write_text("allow: []\0\n")
    (tmp_path / "long.yaml").write_text("#" * (1 << 20) + "\n")
    for file, why in ((tmp_path, "Is a directory"), (tmp_path / "none", "No such file"),
                      (tmp_path / "nul.yaml", "it holds a NUL"),
                      (tmp_path / "long.yaml", "it is too long")):
        r = world.daemon.ctl("policy", "add", "agent", str(file), check=False)
        assert r.returncode == 1 and f"cannot read {file}: {why}" in r.stderr
    assert "agent" not in world.listed()
    r = world.lab.host.run(
        str(world.daemon.programs / "sbx-netctl"), "--runtime-dir", str(world.daemon.runtime),
        "policy", "add", "--new", "--ephemeral", "agent", "-", input=AGENT)
    assert r.stdout == "added\n" and world.listed()["agent"]["ephemeral"]
    for words in (("add", "agent"), ("rm",), ("rm", "agent", "--new"), ("add", "a", "b", "c")):
        assert world.daemon.ctl("policy", *words, check=False).returncode == 2


def test_a_change_that_breaks_another_names_it(world):
    world.put("credentials/key", credential("/nonexistent"))
    world.put("policies/agent", AGENT + "credentials: [key]\n")
    answer = world.ask("PUT", "credentials/key",
                       credential("/nonexistent").replace("api.test", "elsewhere.test"))
    assert answer.status == 422 and "agent" in answer.why
    assert "api.test" in world.ask("GET", "credentials/key").text


# ---- what is kept ------------------------------------------------------------------------


def test_kept_over_a_restart_unless_ephemeral(world):
    world.put("policies/agent", AGENT)
    world.put("policies/brief?ephemeral=1", AGENT)
    world.put("policies/agent?ephemeral=1", "default: allow\n")
    world.put("credentials/key", credential("/nonexistent"))
    folder = world.daemon.runtime / "socket.d"
    assert world.kept() == ["credentials-key.yaml", "policies-agent.yaml"]
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "policies-agent.yaml").stat().st_mode & 0o777 == 0o600
    world.restart()
    assert sorted(world.listed()) == ["agent", "filed"]
    assert "default: deny" in world.ask("GET", "policies/agent").text
    assert "key" in world.listed("credentials")
    world.ask("DELETE", "policies/agent?ephemeral=1")
    assert "agent" not in world.listed()
    world.restart()
    assert "agent" in world.listed()
    world.ask("DELETE", "policies/agent")
    world.restart()
    assert "agent" not in world.listed()


def test_nothing_that_is_kept_leans_on_what_is_not(world):
    world.put("credentials/key?ephemeral=1", credential("/nonexistent"))
    answer = world.ask("PUT", "policies/agent", AGENT + "credentials: [key]\n")
    assert answer.status == 422 and "after a restart" in answer.why
    assert 'there is no credential "key"' in answer.why
    world.put("policies/agent?ephemeral=1", AGENT + "credentials: [key]\n")
    world.restart()
    assert sorted(world.listed()) == ["filed"]


def test_a_kept_one_that_is_bad_is_named(world):
    world.put("policies/agent", AGENT)
    world.daemon.process.terminate()
    world.daemon.process.wait(timeout=20)
    folder = world.daemon.runtime / "socket.d"
    good = (folder / "policies-agent.yaml").read_text()
    for name, text, why in (
            ("policies-agent.yaml", good.replace("agent", "other"), "holds not just"),
            ("policies-agent.yaml", good + "settings: 1\n", "holds not just"),
            ("policies-agent.yaml", "version: [", "not YAML"),
            ("what.yaml", good, "neither what nor whose")):
        (folder / name).write_text(text)
        r = world.lab.host.run(
            str(world.daemon.programs / "sbx-netd"), "--config", str(world.daemon.config),
            "--runtime-dir", str(world.daemon.runtime), check=False)
        assert r.returncode != 0 and str(folder / name) in r.stderr and why in r.stderr, r
        (folder / name).unlink()
        (folder / "policies-agent.yaml").write_text(good)


def number_in(text):
    return int(re.search(r"n(\d+)\.test", text).group(1))


def test_a_keeper_killed_at_any_moment_has_one_or_the_other(world):
    """And never half of one, nor less than it has promised."""
    state = {"told": 0, "asked": 0}
    stop = threading.Event()

    def change():
        line = Line(world.daemon)
        try:
            while not stop.is_set():
                state["asked"] = state["told"] + 1
                answer = line.ask("PUT", "policies/agent",
                                  f"allow: [{{host: n{state['asked']}.test}}]")
                assert answer.status == 200, answer.text
                state["told"] = state["asked"]
        except (OSError, http.client.HTTPException):
            pass  # it was killed
        finally:
            line.close()

    for few in range(10):
        before = state["told"]
        changer = threading.Thread(target=change)
        changer.start()
        # Any number of changes, and a bit of the next one.
        until("changes", lambda: state["told"] >= before + 1 + few % 4)
        world.daemon.process.kill()
        world.daemon.process.wait()
        changer.join(60)
        assert not changer.is_alive()
        world.daemon.start()
        now = number_in(world.ask("GET", "policies/agent").text)
        assert now in (state["told"], state["asked"])
        state["told"] = now


def test_a_hundred_changers_over_two_connections(world):
    """Each adds a host to what it has read, on condition that it still holds."""
    world.put("policies/agent", "allow: [{host: n0.test}]\n")
    failures = []

    def add(line, numbers):
        for n in numbers:
            while True:
                now = line.ask("GET", "policies/agent")
                answer = line.ask("PUT", "policies/agent",
                                  now.text + f"  - host: n{n}.test\n", If_Match=now.tag)
                if answer.status == 200:
                    break
                if answer.status != 412:
                    failures.append(answer.text)
                    return

    adding = [threading.Thread(target=add, args=(Line(world.daemon), range(first, 101, 2)))
              for first in (1, 2)]
    for t in adding:
        t.start()
    for t in adding:
        t.join(300)
        assert not t.is_alive()
    assert failures == []
    text = world.ask("GET", "policies/agent").text
    assert sorted(int(n) for n in re.findall(r"n(\d+)\.test", text)) == list(range(101))
    kept = (world.daemon.runtime / "socket.d" / "policies-agent.yaml").read_text()
    assert sorted(int(n) for n in re.findall(r"n(\d+)\.test", kept)) == list(range(101))
