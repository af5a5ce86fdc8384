"""Stand-ins in the bodies of requests: swapped where a credential says so, as they
go by, and stopped where they must not go."""
import gzip
import json
import threading
import urllib.parse

import pytest

from lab import h2wire as w
from lab.client import Client, Responses
from lab.h2 import connect
from lab.h2origin import H2Origin
from lab.memory import readable_memory
from lab.origin import ok
from lab.wait import until

SAME = "ghp_CANARYcanary0123456789abcdefgh"
ODD = 'c4nary "quoted"\\with+odd/ones=&%' + "x" * 20
SHORT = "c4nary-s"

POLICY = """\
credentials:
  same: {source: {file: FOLDER/same}, swap: {host: "**.api.test", in: [body]}}
  odd: {source: {file: FOLDER/odd}, swap: {host: "**.api.test", in: [body]}}
  short: {source: {file: FOLDER/short}, swap: {host: "**.api.test", in: [body]}}
  head: {source: {file: FOLDER/head}, swap: {host: "**.api.test"}}
  else: {source: {file: FOLDER/else}, swap: {host: "**.else.test", in: [header, body]}}
policies:
  agent:
    allow: [{host: ["**.api.test", "**.same.test", "**.other.test", "**.else.test"]}]
    credentials: [same, odd, short, head, else]
  one:
    allow: [{host: "**.api.test"}]
    credentials: [same]
sandboxes:
  s1: {interface: v1, address: 10.77.1.2, policy: agent}
  s2: {interface: v2, address: 10.77.2.2, policy: one}
"""
VALUES = {"same": SAME, "odd": ODD, "short": SHORT, "head": "c4nary-of-heads-0123456789",
          "else": "c4nary-of-elsewhere-0123456789"}
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
SPEAKS = [(c, o) for c in (1, 2) for o in (1, 2)]


def take(s):
    """An HTTP/2 origin that answers with how much there was."""
    s.wait_end()
    s.respond(200, body=b"%d" % len(s.body))


class World:
    def __init__(self, stage, folder):
        self.stage, self.folder = stage, folder
        stage.lab.add_sandbox()
        for name, text in VALUES.items():
            self.write(name, text)
        self.d = stage.netd(POLICY.replace("FOLDER", str(folder)),
                            settings="workers: 1\n"
                            "limits: {connections_per_second: 10000}\n")
        self.client = stage.client
        self.second = Client(stage.lab.sandboxes[1]).trust(self.d, "s2")
        self.given = self.stand_ins("s1")

    def write(self, name, text):
        new = self.folder / (name + ".new")
        new.write_text(text)
        new.chmod(0o600)
        new.rename(self.folder / name)

    def stand_ins(self, sandbox):
        out = self.d.ctl("--json", "sandbox", "env", sandbox).stdout
        return json.loads(out)["stand_ins"]

    def origin(self, under="api.test", speaks=1, **more):
        o = self.stage.origin(f"o{next(self.stage.numbers)}.{under}", kind=H2Origin,
                              alpn=("h2",) if speaks == 2 else ("http/1.1",), **more)
        o.before = 0
        return o

    def talk(self, o, learn=False):
        """HTTP/1 to it.  One that speaks only HTTP/2 hangs up on the first request,
        and only one that may be sent twice finds out."""
        t = self.client.tls(o.name, o.address)
        if learn:
            answer, o.answer2 = o.answer2, take
            t.sendall(f"GET /learn HTTP/1.1\r\nHost: {o.name}\r\n\r\n".encode())
            assert Responses(t).next().status == 200
            o.answer2, o.before = answer, 1
            o.requests.clear()
        return t

    def post(self, o, body, *options, kind=JSON):
        return self.client.curl(f"https://{o.name}/", "-H", f"Content-Type: {kind}",
                                "--data-binary", body, *options)

    def ended(self, o, count=1):
        """Decision and outcome of the last of so many requests."""
        return self.d.wait_requests(o.name, count + o.before)[-1]


@pytest.fixture(scope="module")
def world(stage, tmp_path_factory):
    x = World(stage, tmp_path_factory.mktemp("values"))
    yield x
    shown = x.d.log() + str(x.d.lines())
    for text in (*VALUES.values(), *x.given.values()):
        assert text not in shown


# ---- what is put in


@pytest.mark.parametrize("kind", [JSON, "application/vnd.api+json; charset=utf-8", FORM])
@pytest.mark.parametrize("name", ["same", "odd", "short"])
def test_the_reader_reads_the_value(world, name, kind):
    o, s = world.origin(), world.given[name]
    assert (len(s) == len(VALUES[name])) == (name != "short")
    if kind == FORM:
        body, read = f"a=1&key={s}&b=2", lambda b: dict(urllib.parse.parse_qsl(b))["key"]
    else:
        body, read = json.dumps({"a": 1, "key": s}), lambda b: json.loads(b)["key"]
    assert world.post(o, body, kind=kind).status == 200
    r = o.requests[0]
    assert read(r.body.decode()) == VALUES[name] and s.encode() not in o.raw
    decision, outcome = world.ended(o)
    assert decision["injected"] == "same,odd,short" and outcome["injected"] == name
    assert outcome["bytes_up"] == len(r.body) and outcome["reason"] == "complete"


def test_the_length_is_kept_where_it_is_known(world):
    """A sandbox whose values are all as long as what stands for them: the length that
    was said holds.  Else the body says itself where it ends."""
    for client, stays in ((world.second, True), (world.client, False)):
        o = world.origin()
        given = world.stand_ins("s2" if stays else "s1")["same"]
        body = json.dumps({"key": given})
        a = client.curl(f"https://{o.name}/", "-H", f"Content-Type: {JSON}", "-d", body)
        assert a.status == 200
        r = o.requests[0]
        assert json.loads(r.body)["key"] == SAME
        assert (r.headers.get("content-length") == str(len(body))) == stays
        assert (r.headers.get("transfer-encoding") == "chunked") != stays


def test_over_http2_the_length_goes_likewise(world):
    o = world.origin(speaks=2, answer2=take)
    for name, length in (("same", None), ("none", None)):
        body = json.dumps({"key": world.given.get(name, "x")}).encode()
        c = connect(world.client, o.name, o.address)
        r = c.request("/", ("content-type", JSON), ("content-length", str(len(body))),
                      method="POST", authority=o.name, body=body).wait_end()
        assert r.status == 200 and o.streams[-1].headers.get("content-length") == length
    c = connect(world.second, o.name, o.address)
    body = json.dumps({"key": world.stand_ins("s2")["same"]}).encode()
    r = c.request("/", ("content-type", JSON), ("content-length", str(len(body))),
                  method="POST", authority=o.name, body=body).wait_end()
    assert r.status == 200 and json.loads(bytes(o.streams[-1].body))["key"] == SAME
    assert o.streams[-1].headers["content-length"] == str(len(body))


@pytest.mark.parametrize("speaks, origin_speaks", SPEAKS)
@pytest.mark.parametrize("name", ["same", "odd", "short"])
def test_cut_at_any_byte(world, speaks, origin_speaks, name):
    """Each place at which chunks or frames can cut it, one request after the other."""
    o = world.origin(speaks=origin_speaks, answer2=take,
                     answer=lambda r, c: ok(b"%d" % len(r.body)))
    s = world.given[name]
    before, whole = '["', json.dumps([s])
    cuts = range(len(before), len(before) + len(s))
    if speaks == 2:
        c = connect(world.client, o.name, o.address)
    else:
        t = world.talk(o, origin_speaks == 2)
        answers = Responses(t)
    for cut in cuts:
        parts = whole[:cut].encode(), whole[cut:].encode()
        if speaks == 2:
            r = c.request("/", ("content-type", JSON), method="POST", authority=o.name,
                          body=parts[0], end=False)
            c.ping()  # the first piece has been read by itself
            r.send_data(parts[1], True)
            assert r.wait_end().status == 200
        else:
            t.sendall((f"POST / HTTP/1.1\r\nHost: {o.name}\r\nContent-Type: {JSON}\r\n"
                       "Transfer-Encoding: chunked\r\n\r\n").encode())
            for part in parts:
                t.sendall(b"%x\r\n%s\r\n" % (len(part), part))
            t.sendall(b"0\r\n\r\n")
            assert answers.next().status == 200
    assert [json.loads(bytes(r.body)) for r in o.requests] == [[VALUES[name]]] * len(cuts)


def test_trailers_and_what_was_held_back(world):
    """The end of a body that could have become a stand-in goes out before they do."""
    o, half = world.origin(), world.given["same"][:-1]
    t = world.client.tls(o.name, o.address)
    t.sendall((f"POST / HTTP/1.1\r\nHost: {o.name}\r\nContent-Type: {FORM}\r\n"
               "Transfer-Encoding: chunked\r\nTrailer: X-Late\r\n\r\n"
               f"{len(half):x}\r\n{half}\r\n0\r\nX-Late: yes\r\n\r\n").encode())
    assert Responses(t).next().status == 200
    assert o.requests[0].body == half.encode()
    assert o.requests[0].headers["x-late"] == "yes"
    assert "injected" not in world.ended(o)[1], "it might have been, and was not"


def test_expect_continue(world):
    o = world.origin()
    a = world.post(o, json.dumps([world.given["odd"]]), "-H", "Expect: 100-continue")
    assert a.status == 200 and json.loads(o.requests[0].body) == [ODD]
    assert o.requests[0].headers["expect"] == "100-continue"


@pytest.mark.parametrize("origin_speaks", [1, 2])
def test_a_long_one(world, origin_speaks):
    """Eight megabytes with a thousand of them, through a buffer of sixteen kilobytes."""
    o = world.origin(speaks=origin_speaks, answer2=take)
    filling = "y" * 8000
    body = json.dumps([world.given["odd"], filling] * 1000)
    path = world.folder / "long.json"
    path.write_text(body)
    if origin_speaks == 2:
        world.talk(o, True)
    assert world.post(o, f"@{path}", "-H", "Expect:").status == 200
    got = bytes(o.requests[0].body)
    assert json.loads(got) == [ODD, filling] * 1000
    assert world.ended(o)[1]["bytes_up"] == len(got) > len(body)


# ---- what goes as it is


def parts(text):
    return ("--x\r\nContent-Disposition: form-data; name=a\r\n\r\n" + text +
            "\r\n--x--\r\n").encode()


@pytest.mark.parametrize("kind, coding, make", [
    ("multipart/form-data; boundary=x", None, parts),
    ("text/plain", None, str.encode),
    (JSON, "gzip", lambda s: gzip.compress(json.dumps([s]).encode())),
    (JSON, "br", str.encode),
])
def test_bodies_of_another_kind(world, kind, coding, make):
    o, body = world.origin(), make(world.given["same"])
    path = world.folder / "body"
    path.write_bytes(body)
    more = ["-H", f"Content-Encoding: {coding}"] if coding else []
    assert world.post(o, f"@{path}", *more, kind=kind).status == 200
    assert o.requests[0].body == body
    assert o.requests[0].headers["content-length"] == str(len(body))
    decision, outcome = world.ended(o)
    assert "injected" not in decision and "injected" not in outcome


def test_a_place_that_was_not_chosen(world):
    """Bound here, and not in bodies: it is a text like any other."""
    o, s = world.origin(), world.given["head"]
    assert world.post(o, json.dumps([s])).status == 200
    assert json.loads(o.requests[0].body) == [s]


# ---- where it must not go


def refused(world, o, body):
    said = json.loads(body)
    assert said["error"] == "credential_wrong_host" and '"same"' in said["reason"]
    decision, outcome = world.ended(o)
    assert decision["verdict"] == "allowed"
    assert (outcome["verdict"], outcome["reason"]) == ("error", "credential_wrong_host")
    assert '"same"' in outcome["detail"] and "injected" not in outcome
    return outcome


@pytest.mark.parametrize("kind", [JSON, "text/plain", "multipart/form-data; boundary=x"])
@pytest.mark.parametrize("speaks, origin_speaks", SPEAKS)
def test_threat_32_at_a_wrong_host_after_a_megabyte(world, speaks, origin_speaks, kind):
    o = world.origin("other.test", speaks=origin_speaks, answer2=take)
    s = world.given["same"].encode()
    body = b"[" + b"y" * (1 << 20) + b" behind that: " + s + b"and after" + b"z" * 5000
    if speaks == 2:
        c = connect(world.client, o.name, o.address)
        r = c.request("/", ("content-type", kind), method="POST", authority=o.name,
                      body=body, end=False)
        answer = r.wait_head().wait_end()
        assert answer.status == 403
        said = bytes(answer.body)
    else:
        t = world.talk(o, origin_speaks == 2)
        t.sendall((f"POST / HTTP/1.1\r\nHost: {o.name}\r\nContent-Type: {kind}\r\n"
                   f"Content-Length: {len(body) + 1}\r\n\r\n").encode() + body)
        answer = Responses(t).next()
        assert answer.status == 403
        said = answer.body
    assert s not in said
    outcome = refused(world, o, said)
    assert outcome["bytes_up"] < body.index(s) + len(s)
    until("the origin to be left", lambda: not o.streams or o.streams[0].reset is not None
          if origin_speaks == 2 else o.ended == 1)
    seen = bytes(o.streams[0].body) if origin_speaks == 2 else o.raw
    assert s not in seen and b"and after" not in seen


def test_threat_32_where_another_one_is_put_in(world):
    """One is bound to this host and goes in; the other one is not, and stops it."""
    o = world.origin()
    body = json.dumps([world.given["odd"], world.given["else"]])
    a = world.post(o, body)
    assert a.status == 403 and json.loads(a.body)["error"] == "credential_wrong_host"
    assert world.given["else"].encode() not in o.raw
    assert '"else"' in world.ended(o)[1]["detail"]


@pytest.mark.parametrize("speaks", [1, 2])
def test_threat_32_when_the_answer_has_begun(world, speaks):
    """It cannot be told any more: both sides are broken off."""
    o = world.origin("other.test", speaks=2, answer2=lambda s: s.send_head(
        [(":status", "200"), ("content-type", "text/plain")]))
    s = world.given["same"].encode()
    if speaks == 2:
        c = connect(world.client, o.name, o.address)
        r = c.request("/", method="POST", authority=o.name, body=b"begun", end=False)
        assert r.wait_head().status == 200
        r.send_data(s)
        r.wait_reset()
    else:
        t = world.talk(o, True)
        t.sendall(f"POST / HTTP/1.1\r\nHost: {o.name}\r\nContent-Length: 1000\r\n\r\n"
                  "begun".encode())
        answers = Responses(t)
        until("the head of the answer", lambda: b"\r\n\r\n" in answers.data or
              not answers._more() or b"\r\n\r\n" in answers.data)
        t.sendall(s)
        assert not answers.next().complete
    until("the origin's stream to be reset", lambda: o.streams[0].reset is not None)
    assert bytes(o.streams[0].body) == b"begun"
    assert world.ended(o)[1]["reason"] == "credential_wrong_host"


# ---- whatever happens meanwhile


def test_asked_again_it_is_put_in_once(world):
    """The origin has refused the stream: what was made of the body is sent again."""
    seen = []

    def answer2(s):
        seen.append(s)
        if len(seen) == 1:
            s.wait_body(len(ODD))
            s.send_reset(w.REFUSED_STREAM)
        else:
            take(s)

    o, s = world.origin(speaks=2, answer2=answer2), world.given["odd"]
    c = connect(world.client, o.name, o.address)
    whole = json.dumps([s, s]).encode()
    r = c.request("/", ("content-type", JSON), method="POST", authority=o.name,
                  body=whole[:len(s) + 20], end=False)
    until("the request to be sent again", lambda: len(seen) == 2)
    r.send_data(whole[len(s) + 20:], True)
    assert r.wait_end().status == 200
    assert json.loads(bytes(seen[1].body)) == [ODD, ODD]
    assert world.ended(o)[1]["bytes_up"] == len(seen[1].body)


def test_an_origin_that_does_not_read_stops_the_sandbox(world):
    """Windows open for what was taken, and no more is taken than there is room for."""
    o = world.origin(speaks=2, settings={w.INITIAL_WINDOW_SIZE: 1000},
                     manual=("window",), answer2=lambda s: None)
    c = connect(world.client, o.name, o.address)
    r = c.request("/", ("content-type", JSON), method="POST", authority=o.name, end=False,
                  body=b"")
    piece = json.dumps([world.given["odd"]] * 10).encode()
    sent, stop = [0], threading.Event()

    def send():
        try:
            while not stop.is_set():
                r.send_data(piece)
                sent[0] += len(piece)
        except (AssertionError, OSError):
            pass

    threading.Thread(target=send, daemon=True).start()
    # More, if the body began before the origin's settings were there.
    until("the origin's window to be full",
          lambda: o.streams and len(o.streams[0].body) >= 1000)
    last = [-1]

    def stands_still():
        still, last[0] = sent[0] == last[0], sent[0]
        return not stop.wait(0.3) and still

    until("the sandbox to be stopped", stands_still)
    # Its window, the one buffer, and what sockets hold: not what it would send.
    assert sent[0] < 1 << 20
    stop.set()
    r.send_reset()
    world.ended(o)


def test_a_value_that_goes_under_way(world):
    """Withdrawn, the request that carries it ends; rotated, the next one has the new."""
    o = world.origin(answer=lambda r, c: ok(b""))
    t = world.client.tls(o.name, o.address)
    t.sendall((f"POST / HTTP/1.1\r\nHost: {o.name}\r\nContent-Type: {JSON}\r\n"
               "Transfer-Encoding: chunked\r\n\r\n4\r\n[   \r\n").encode())
    until("the body to have begun", lambda: b"[   " in o.raw)
    (world.folder / "short").unlink()
    assert Responses(t).next().status == 502
    assert world.ended(o)[1]["reason"] == "credential_revoked"
    s = world.given["short"]
    assert world.post(o, json.dumps([s])).status == 200
    assert json.loads(o.requests[-1].body) == [s]
    world.write("short", "another value")

    def swapped():
        # 502: it came under this very request.
        assert world.post(o, json.dumps([s])).status in (200, 502)
        return json.loads(o.requests[-1].body) == ["another value"]

    until("the new value on the wire", swapped)
    world.write("short", SHORT)


def test_an_early_answer(world):
    """The origin answers and does not want the rest."""
    o = world.origin(speaks=2, answer2=lambda s: s.respond(200, body=b"enough"))
    c = connect(world.client, o.name, o.address)
    r = c.request("/", ("content-type", JSON), method="POST", authority=o.name,
                  body=json.dumps([world.given["odd"]])[:-1].encode(), end=False)
    assert r.wait_body(6) == b"enough"
    try:
        r.send_data(b"]", True)
    except ConnectionResetError:
        pass  # nobody reads on
    assert world.ended(o)[1]["status"] == 200


def test_who_has_none_is_not_looked_at(world):
    """Another sandbox's is a text like any other, wherever it goes."""
    o = world.origin()
    body = json.dumps([world.given["same"]])
    a = world.second.curl(f"https://{o.name}/", "-H", f"Content-Type: {JSON}", "-d", body)
    assert a.status == 200 and o.requests[0].body == body.encode()


def test_threat_36_nothing_of_it_stays(world):
    """After all of the above: what was put in was wiped wherever it passed through."""
    o = world.origin()
    for kind in (JSON, FORM):
        assert world.post(o, world.given["same"] + world.given["odd"], kind=kind).status == 200
    traces = [SAME[4:], ODD[:12], json.dumps(ODD)[1:12], urllib.parse.quote(ODD)[:12]]
    for pid in (world.d.process.pid, *world.d.children()):
        memory = list(readable_memory(pid))
        assert any(b"api.test" in part for part in memory)  # it would be found
        for trace in traces:
            assert not any(trace.encode() in part for part in memory), trace
