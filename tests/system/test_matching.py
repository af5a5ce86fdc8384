"""Rules on the query and on fields, over both versions of HTTP."""
import json

import pytest

from lab.client import Responses
from lab.h2 import connect
from lab.h2origin import H2Origin

POLICY = """\
policies:
  agent:
    allow:
      - host: ".search.test"
        method: [GET, POST]
        path: "/search"
        query: {q: "*", scope: [public, "team-*"]}
      - {host: ".fields.test", header: {X-Mode: read, Cookie: "*a=1*"}}
      - {host: ".quiet.test"}
    deny:
      - {host: ".quiet.test", query: {admin: "*"}}
      - {host: ".quiet.test", header: {X-Debug: "*on*"}}
"""
BOTH = pytest.mark.parametrize("version", ["--http1.1", "--http2"])


@pytest.fixture(scope="module")
def world(stage):
    stage.netd(POLICY, settings="workers: 1\n")
    for name in ("a.search.test", "a.fields.test", "a.quiet.test"):
        stage.by_name = {**getattr(stage, "by_name", {}),
                         name: stage.origin(name, kind=H2Origin)}
    return stage


def get(world, version, url, *options):
    """The answer; the origin has seen what was allowed, and nothing else."""
    o = world.by_name[url.split("/")[2]]
    before = len(o.requests)
    a = world.client.curl(url, version, *options)
    assert (len(o.requests) > before) == (a.status == 200)
    return a


@BOTH
@pytest.mark.parametrize("query, reason", [
    ("q=x&scope=public", None),
    ("scope=team-a&q=", None),
    ("q=1&q=2&scope=team-", None),
    ("%71=x&s%63ope=%70ublic", None),
    ("q=%2561&scope=public&other=1", None),
    ("", "query"),
    ("q=x", "query"),
    ("q=x&scope=private", "query"),
    ("q=x&scope=public&scope=private", "query"),
    ("q=x&scope=private&scope=public", "query"),
    ("q=x&scope=public%00", "query_ambiguous"),
    ("q=x&scope=public&Scope=private", "query_ambiguous"),
    ("q=x&scope=public&scope[]=private", "query_ambiguous"),
    ("q=x;scope=private&scope=public", "query_ambiguous"),
    ("q=%zz&scope=public", "query_ambiguous"),
    ("q=%c0%a1&scope=public", "query_ambiguous"),
])
def test_the_query_decides(world, version, query, reason):
    a = get(world, version, f"https://a.search.test/search?{query}", "--globoff")
    if reason is None:
        assert a.status == 200, a
        return
    assert a.status == 403 and "query" in json.loads(a.body)["reason"]
    r = world.daemon.wait_record(id=a.headers["x-sbx-decision"])
    assert r["reason"] == reason and r["rule"] == "agent.allow[0]"
    assert "scope" not in json.dumps(r)  # queries are never on record


@BOTH
def test_what_comes_before_the_query_is_named_first(world, version):
    a = get(world, version, "https://a.search.test/other?q=x")
    assert world.daemon.wait_record(id=a.headers["x-sbx-decision"])["reason"] == "path"
    a = get(world, version, "https://a.search.test/search?%zz", "-X", "PUT")
    assert world.daemon.wait_record(id=a.headers["x-sbx-decision"])["reason"] == "method"


@BOTH
@pytest.mark.parametrize("fields, status", [
    (["x-mode: read", "Cookie: b=2; a=1"], 200),
    (["X-MODE:  read", "Cookie: a=1"], 200),
    (["X-Mode: read", "X-Mode: read", "Cookie: a=1"], 200),
    (["X-Mode: read", "X_Mode: read", "Cookie: a=1"], 200),
    (["X-Mode: read"], 403),
    (["X-Mode: Read", "Cookie: a=1"], 403),
    (["X-Mode: read, write", "Cookie: a=1"], 403),
    (["X-Mode: read", "X-Mode: write", "Cookie: a=1"], 403),
    (["X-Mode: read", "X_Mode: write", "Cookie: a=1"], 403),
    (["X_Mode: read", "Cookie: a=1"], 403),
    (["X-Mode;", "Cookie: a=1"], 403),
])
def test_fields_decide(world, version, fields, status):
    options = [x for f in fields for x in ("-H", f)]
    a = get(world, version, "https://a.fields.test/", *options)
    assert a.status == status
    if status == 403:
        r = world.daemon.wait_record(id=a.headers["x-sbx-decision"])
        assert r["reason"] == "header" and r["rule"] == "agent.allow[1]"


@BOTH
@pytest.mark.parametrize("target, field, reason", [
    ("/?user=admin", "X-Debug: off", None),
    ("/?a=1;b=%zz", "X-Debug: off", "query_ambiguous"),
    ("/?x=1&admin", "X-Debug: off", "rule_deny"),
    ("/?admin=0&x=1", "X-Debug: off", "rule_deny"),
    ("/?%61dmin=", "X-Debug: off", "rule_deny"),
    ("/?ADMIN=1", "X-Debug: off", "query_ambiguous"),
    ("/?admin[a]=1", "X-Debug: off", "query_ambiguous"),
    ("/", "X-Debug: a,on", "rule_deny"),
    ("/", "x_debug: on", "rule_deny"),
])
def test_one_match_denies(world, version, target, field, reason):
    a = get(world, version, "https://a.quiet.test" + target, "--globoff", "-H", field)
    assert a.status == (403 if reason else 200)
    if reason:
        assert world.daemon.wait_record(id=a.headers["x-sbx-decision"])["reason"] == reason


def test_cookie_crumbs_are_one_line(world):
    o = world.by_name["a.fields.test"]
    c = connect(world.client, o.name, o.address)
    s = c.get("/", ("x-mode", "read"), ("cookie", "b=2"), ("cookie", "a=1"), authority=o.name)
    assert s.status == 200
    s = c.get("/", ("x-mode", "read"), ("cookie", "b=2"), ("cookie", "a=2"), authority=o.name)
    assert s.status == 403


def ask(world, name, text):
    o = world.by_name[name]
    s = world.client.tls(o.name, o.address)
    s.sendall(text.replace("\n", "\r\n").encode())
    return Responses(s).next()


def test_a_field_that_is_taken_away_was_never_there(world):
    """Connection would have us match it, and the origin not see it."""
    head = "GET / HTTP/1.1\nHost: a.fields.test\nCookie: a=1\nX-Mode: read\n"
    assert ask(world, "a.fields.test", head + "\n").status == 200
    assert ask(world, "a.fields.test", head + "Connection: x-mode\n\n").status == 403


def test_what_a_rule_looked_at_does_not_come_late(world):
    o = world.by_name["a.fields.test"]
    a = ask(world, "a.fields.test",
            "POST / HTTP/1.1\nHost: a.fields.test\nCookie: a=1\nX-Mode: read\n"
            "Transfer-Encoding: chunked\nTrailer: X-Mode, X-Sum\n\n"
            "1\na\n0\nX-Mode: write\nX_mode: write\nX-Sum: 7\n\n")
    assert a.status == 200
    r = o.requests[-1]
    late = r.trailers if hasattr(r, "trailers") else r.fields
    assert [v for k, v in late if k.lower() == "x-sum"] == ["7"]
    assert "write" not in json.dumps(late)


def test_explain_says_the_same(world):
    def explained(url, *options):
        r = world.daemon.ctl("--json", "explain", "s1", "GET", url, *options, check=False)
        answer = json.loads(r.stdout)
        assert (answer["verdict"] == "allowed") == (r.returncode == 0)
        return answer["reason"]

    search = "https://a.search.test/search"
    assert explained(search + "?q=&scope=public") == "rule_allow"
    assert explained(search + "?q=#&scope=public") == "query"
    assert explained(search + "?q=%") == "query_ambiguous"
    fields = "https://a.fields.test/"
    assert explained(fields, "--header", "x-mode: read", "--header", "Cookie:a=1") == "rule_allow"
    assert explained(fields, "--header", "x-mode: read") == "header"
    r = world.daemon.ctl("explain", "s1", "GET", fields, "--heder", "x", check=False)
    assert r.returncode == 2 and "--header" in r.stderr
