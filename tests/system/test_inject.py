"""Credentials reach the verified origin they are bound to, and nothing else."""
import base64

import pytest

from lab.origin import ok

SECRET = "s3cret-canary-0815"

POLICY = """\
credentials:
  api:
    source: {env: API_TOKEN}
    inject:
      - host: api.test
        header: Authorization
        format: "Bearer ${value}"
policies:
  agent:
    allow:
      - host: [api.test, other.test]
    credentials: [api]
"""


@pytest.fixture
def world(netd, origin, client):
    api, other = origin("api.test"), origin("other.test", address="203.0.113.11")
    d = netd(POLICY, environment={"API_TOKEN": SECRET})
    client.trust(d)
    return d, api, other, client


def test_secret_reaches_only_its_host(world):
    d, api, other, client = world
    assert client.curl("https://api.test/v1").status == 200
    assert client.curl("https://other.test/").status == 200
    assert api.requests[0].all("authorization") == [f"Bearer {SECRET}"]
    assert "authorization" not in other.requests[0].headers
    d.wait_record(host="api.test", event="decision", injected="api")
    assert SECRET not in str(d.lines()) + d.log()
    assert SECRET.encode() not in other.raw


def test_threat_19_what_the_sandbox_sends_is_overridden(world):
    d, api, other, client = world
    client.curl("https://api.test/", "-H", "Authorization: Bearer mine",
                "-H", "AUTHORIZATION: Basic eHg=", "-H", "Proxy-Authorization: x",
                "-H", "X-Forwarded-For: 192.0.2.1", "-H", "Forwarded: for=192.0.2.1")
    r = api.requests[0]
    assert r.all("authorization") == [f"Bearer {SECRET}"]
    for name in ("proxy-authorization", "x-forwarded-for", "forwarded"):
        assert name not in r.headers


def test_threat_20_connection_cannot_remove_it(world):
    d, api, other, client = world
    a = client.curl("https://api.test/", "-H", "Connection: authorization, close")
    assert a.status == 200
    assert api.requests[0].all("authorization") == [f"Bearer {SECRET}"]
    assert "authorization" not in api.requests[0].headers.get("connection", "").lower()


def test_threat_21_lookalikes_are_not_forwarded(netd, origin, client):
    api = origin("api.test")
    d = netd(POLICY.replace("header: Authorization", "header: X-Api-Key"),
             environment={"API_TOKEN": SECRET})
    client.trust(d)
    client.curl("https://api.test/", "-H", "X_Api_Key: mine", "-H", "x-API_key: mine2")
    names = [k.lower().replace("_", "-") for k, _ in api.requests[0].fields]
    assert names.count("x-api-key") == 1
    assert api.requests[0].all("x-api-key") == [f"Bearer {SECRET}"]


def test_threat_24_pipelined_requests_are_decided_one_by_one(world):
    d, api, other, client = world
    s = client.tls()
    s.sendall(b"GET /1 HTTP/1.1\r\nHost: api.test\r\n\r\n"
              b"GET /2 HTTP/1.1\r\nHost: other.test\r\n\r\n"
              b"GET /3 HTTP/1.1\r\nHost: api.test\r\nConnection: close\r\n\r\n")
    data = b""
    while True:
        part = s.recv(65536)
        if not part:
            break
        data += part
    # Nothing is heard of a client that changes the authority of a connection.
    assert [data.count(b"HTTP/1.1 200"), data.count(b"HTTP/1.1 403")] == [1, 1]
    assert [r.target for r in api.requests] == ["/1"]
    assert other.connections == 0
    d.wait_record(path="/2", verdict="denied", reason="authority")


def test_threat_33_no_injection_without_verified_tls(netd, origin, client):
    plain = origin("api.test", port=80, tls=False)
    d = netd(POLICY, environment={"API_TOKEN": SECRET})
    client.trust(d)
    assert client.curl("http://api.test/").status == 200
    assert "authorization" not in plain.requests[0].headers
    assert SECRET.encode() not in plain.raw


def test_threat_31_trace_does_not_reflect(world):
    d, api, other, client = world
    a = client.curl("https://api.test/", "-X", "TRACE")
    assert a.status == 405
    assert SECRET not in a.text and not api.requests


@pytest.mark.parametrize("mode,sent,expected", [
    ("always", "Bearer mine", [f"Bearer {SECRET}"]),
    ("if-absent", None, [f"Bearer {SECRET}"]),
    ("if-absent", "Bearer mine", ["Bearer mine"]),
    ("if-placeholder", None, []),
    ("if-placeholder", "Bearer mine", ["Bearer mine"]),
    ("if-placeholder", "token PLACEHOLDER-api-1", [f"Bearer {SECRET}"]),
])
def test_modes(netd, origin, client, mode, sent, expected):
    api = origin("api.test")
    text = POLICY.replace('format:', f"mode: {mode}\n        format:")
    if mode == "if-placeholder":
        text = text.replace("mode:", "placeholder: PLACEHOLDER-api-1\n        mode:")
    client.trust(netd(text, environment={"API_TOKEN": SECRET}))
    options = ["-H", f"Authorization: {sent}"] if sent else []
    assert client.curl("https://api.test/", *options).status == 200
    assert api.requests[0].all("authorization") == expected


def test_threat_32_a_placeholder_anywhere_else_is_a_word(netd, origin, client):
    """Only that field, to that host: whatever else holds it goes as it came."""
    api, other = origin("api.test"), origin("other.test", address="203.0.113.11")
    word = "PLACEHOLDER-api-1"
    text = POLICY.replace(
        "format:", f"mode: if-placeholder\n        placeholder: {word}\n        format:")
    d = netd(text, environment={"API_TOKEN": SECRET})
    client.trust(d)
    basic = base64.b64encode(f"user:{word}".encode()).decode()
    options = ["-H", f"X-Other: {word}", "-H", f"Cookie: a={word}",
               "--data-raw", f'{{"key": "{word}"}}']
    for host in ("api.test", "other.test"):
        for more in (["-H", f"Authorization: Basic {basic}"], ["-H", f"{word}: x"]):
            url = f"https://{host}/{word}?key={word}"
            assert client.curl(url, *options, *more).status == 200
    wrong = client.curl("https://other.test/", "-H", f"Authorization: Bearer {word}")
    assert wrong.status == 200
    assert other.requests[-1].all("authorization") == [f"Bearer {word}"]
    for r in api.requests[:1] + other.requests[:1]:
        assert r.target == f"/{word}?key={word}" and r.body == f'{{"key": "{word}"}}'.encode()
        assert (r.headers["x-other"], r.headers["cookie"]) == (word, f"a={word}")
        assert r.headers["authorization"] == f"Basic {basic}"
    assert SECRET.encode() not in api.raw + other.raw
    # Where it belongs it is replaced.
    client.curl("https://api.test/", "-H", f"Authorization: token {word}")
    assert api.requests[-1].all("authorization") == [f"Bearer {SECRET}"]


def test_an_unset_source_is_named_in_the_record(netd, origin, client):
    api = origin("api.test")
    d = netd(POLICY)
    client.trust(d)
    assert client.curl("https://api.test/").status == 200
    assert "authorization" not in api.requests[0].headers
    d.wait_record(host="api.test", event="decision", skipped="api")


def test_a_file_is_read_again_when_it_changes(netd, origin, client, tmp_path):
    file = tmp_path / "token"
    file.write_text("first\n")
    file.chmod(0o600)
    api = origin("api.test")
    d = netd(POLICY.replace("{env: API_TOKEN}", f"{{file: {file}}}"))
    client.trust(d)
    client.curl("https://api.test/1")
    assert api.requests[-1].all("authorization") == ["Bearer first"]
    new = tmp_path / "token.new"
    new.write_text("second\n")
    new.chmod(0o600)
    new.rename(file)

    def rotated():
        client.curl("https://api.test/2")
        return api.requests[-1].all("authorization") == ["Bearer second"]

    from lab.wait import until
    until("the new value on the wire", rotated)


def test_threat_36_secrets_stay_out_of_the_wrong_processes(world):
    d, api, other, client = world
    client.curl("https://api.test/")
    for pid in d.children():
        for name in ("environ", "cmdline"):
            with open(f"/proc/{pid}/{name}", "rb") as f:
                assert SECRET.encode() not in f.read()


def test_trailers_cannot_carry_the_injected_field(world):
    d, api, other, client = world
    s = client.tls()
    s.sendall(b"POST / HTTP/1.1\r\nHost: api.test\r\nTransfer-Encoding: chunked\r\n"
              b"Connection: close\r\n\r\n"
              b"3\r\nabc\r\n0\r\nAuthorization: Bearer mine\r\nX-Sum: 1\r\n\r\n")
    assert s.recv(65536).startswith(b"HTTP/1.1 400")
    assert not api.requests  # it never became complete
    d.wait_record(event="outcome", reason="malformed_http")


def test_harmless_trailers_pass(world):
    d, api, other, client = world
    s = client.tls()
    s.sendall(b"POST / HTTP/1.1\r\nHost: api.test\r\nTransfer-Encoding: chunked\r\n"
              b"Connection: close\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n")
    assert s.recv(65536).startswith(b"HTTP/1.1 200")
    assert api.requests[0].body == b"abc"
    assert api.requests[0].all("authorization") == [f"Bearer {SECRET}"]
    assert api.requests[0].all("x-sum") == ["1"]


def test_the_response_of_an_origin_is_passed_on_unchanged(netd, origin, client):
    origin("api.test", answer=lambda r, c: ok(b"x" * 70000, "X-One: 1", "Alt-Svc: h3=\":443\""))
    client.trust(netd(POLICY))
    a = client.curl("https://api.test/")
    assert a.body == b"x" * 70000
    assert a.headers["x-one"] == "1" and "alt-svc" not in a.headers
