"""Answers are believed for what they are, and over TLS from whom they are from."""
import json
import ssl
import threading

import pytest

from lab.answers import AnswerServer, address, record
from lab.answers import name as wire_name
from lab.wait import until

POLICY = """\
policies:
  agent: {allow: [{host: ["*.lab.test", b.elsewhere.test]}]}
"""
SERVER, SERVER6 = "203.0.113.54", "2001:db8:113::54"
TLS_NAME = "dns.lab.test"


def dig(sandbox, name, kind="A", *words):
    return sandbox.run("dig", "+tries=1", "+time=20", "+noedns", "@192.0.2.1", name, kind,
                       *words).stdout


def lab_set(lab, name):
    out = lab.host.run("nft", "-j", "list", "set", "inet", "sbx_net", name).stdout
    elements = [o["set"]["elem"] for o in json.loads(out)["nftables"] if "set" in o]
    return [" . ".join(str(w) for w in e["concat"]) for e in elements[0]]


class TlsServer(AnswerServer):
    """The same over TLS, at port 853; plain DNS is counted and not answered."""

    def __init__(self, lab, at, serve, certificate):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate)
        self.connections, self.open, self.failed = 0, [], 0
        self.plain = AnswerServer(lab, at, lambda q: [], 53)
        super().__init__(lab, at, serve, 853)

    def talk(self, c):
        with self.lock:
            self.connections += 1
        try:
            c = self.context.wrap_socket(c, server_side=True)
        except (ssl.SSLError, OSError):
            with self.lock:
                self.failed += 1
            return
        with self.lock:
            self.open.append(c)
        super().talk(c)

    def close(self):
        super().close()
        self.plain.close()


@pytest.fixture(scope="module")
def place(stage):
    for a in (SERVER + "/24", SERVER6 + "/64"):
        stage.lab.internet.ip("addr", "add", a, "dev", "eth0", *(["nodad"] if ":" in a else []))
    return stage


@pytest.fixture
def world(place):
    """world(serve, tls=...): the daemon with that server as its resolver."""
    opened = []

    def start(serve, at=SERVER, tls=None, documents=POLICY):
        if tls is None:
            server, text = AnswerServer(place.lab, at, serve), at
        else:
            server = TlsServer(place.lab, at, serve, place.authority.issue(tls))
            text = f"tls://[{at}]#{TLS_NAME}" if ":" in at else f"tls://{at}#{TLS_NAME}"
        opened.append(server)
        place.daemons.resolver = f"'{text}'"
        opened.append(place.daemons(documents, "workers: 1\n"))
        return server, opened[-1], place.lab.sandbox

    yield start
    for one in reversed(opened):
        one.close()


def lies(q):
    """What a server can say about names that nobody asked for."""
    if q.kind != "A":
        return [q.reply()]
    return [q.reply(*{
        "chain.lab.test": [record(None, "CNAME", 60, wire_name("b.elsewhere.test")),
                           address("203.0.113.20", owner="b.elsewhere.test"),
                           address("203.0.113.66", owner="evil.test")],
        "alone.lab.test": [record(None, "CNAME", 60, wire_name("b.elsewhere.test")),
                           address("203.0.113.66", owner="evil.test")],
        "circle.lab.test": [record(None, "CNAME", 60, wire_name("circle.lab.test"))],
        "zero.lab.test": [address("203.0.113.21", ttl=0)],
        "huge.lab.test": [address("203.0.113.22", ttl=0x7fffffff)],
        "inside.lab.test": [address("127.0.0.1"), address("169.254.169.254")],
        "other.lab.test": [address("203.0.113.66", owner="evil.test")],
    }.get(q.name, [address("203.0.113.23")]))]


def test_threat_16_only_what_was_asked_for_is_believed(world):
    server, d, sandbox = world(lies)
    out = dig(sandbox, "chain.lab.test", "A", "+short").split()
    assert out == ["203.0.113.20"]
    for name in ("alone", "other"):
        out = dig(sandbox, name + ".lab.test")
        assert "NOERROR" in out and "ANSWER: 0" in out
    assert "SERVFAIL" in dig(sandbox, "circle.lab.test")
    for name, ttl in (("zero", 5), ("huge", 300)):
        # dig asks right after: the cache has counted a second at most.
        for _ in range(2):
            line = [w.split() for w in dig(sandbox, name + ".lab.test", "A", "+noall",
                                           "+answer").splitlines()][0]
            assert ttl - 2 <= int(line[1]) <= ttl
        assert len(server.asked(name + ".lab.test")) == 1
    assert not server.asked("b.elsewhere.test") + server.asked("evil.test")


def test_threat_16_case_is_drawn_and_has_to_come_back(world):
    spelt = set()

    def serve(q):
        spelt.add(q.spelt)
        if q.tcp:
            return [q.reply(address("203.0.113.20"))]
        forged = q.reply(address("203.0.113.66"))
        return [forged.replace(q.question, q.question.swapcase())]

    server, d, sandbox = world(serve)
    for i in range(4):
        assert dig(sandbox, f"abcdefghijklmnop{i}.lab.test", "A", "+short").split() == \
            ["203.0.113.20"]
    assert [q.tcp for q in server.queries if q.kind == "A"] == [False, True] * 4
    assert len({s[:16] for s in spelt}) == 4 and not all(s.islower() for s in spelt)


def test_threat_17_late_and_long_answers(world):
    """Nothing of a datagram that says it was cut is used; what comes by TCP is."""
    def serve(q):
        if not q.tcp:
            return [q.reply(address("203.0.113.66"), flags=0x8380)]
        return [q.reply(*[address(f"203.0.113.{n}") for n in range(1, 13)])]

    server, d, sandbox = world(serve, at=SERVER6)
    out = dig(sandbox, "long.lab.test", "A", "+short").split()
    assert sorted(out) == sorted(f"203.0.113.{n}" for n in range(1, 13))


@pytest.mark.parametrize("at", [SERVER, SERVER6])
def test_threat_16_one_connection_over_tls_and_nothing_in_plain(world, at):
    server, d, sandbox = world(lambda q: [q.reply(address("203.0.113.20"))], at, TLS_NAME)
    names = [f"n{i}.lab.test" for i in range(20)]
    out = sandbox.run("dig", "+tries=1", "+time=20", "+short", "@192.0.2.1",
                      *[w for n in names for w in (n, "A")]).stdout
    assert out.split() == ["203.0.113.20"] * 20
    assert server.connections == 1 and len(server.queries) == 20
    # The server goes away, as servers do: asked again, over another.
    with server.lock:
        for c in server.open:
            c.shutdown(2)
    assert dig(sandbox, "again.lab.test", "A", "+short").split() == ["203.0.113.20"]
    assert server.connections == 2
    assert not server.plain.queries
    # Workers may reach that port of it, by the kernel's rules, and no other.
    have = lab_set(d.lab, "resolver6" if ":" in at else "resolver4")
    assert have == [f"{at} . 853"]
    # Who explains asks in the same way.
    out = d.ctl("explain", "--resolve", "s1", "GET", "https://explained.lab.test/").stdout
    assert "203.0.113.20" in out and "may be dialled" in out
    assert server.asked("explained.lab.test") and not server.plain.queries


def test_threat_16_many_at_a_time_out_of_order(world):
    """Answers are found by id and question, not by their place."""
    held, lock = [], threading.Lock()

    def serve(q):
        with lock:
            held.append(q.reply(address("203.0.113.%d" % (10 + int(q.name[1:q.name.index(".")])))))
            if len(held) < 8:
                return []
            out = held[::-1]
            held.clear()
            return out

    server, d, sandbox = world(serve, SERVER, TLS_NAME)
    digs = [sandbox.popen("dig", "+tries=1", "+time=30", "+short", "@192.0.2.1",
                          f"n{i}.lab.test", "A", stdout=-1, text=True) for i in range(8)]
    for i, p in enumerate(digs):
        assert p.communicate()[0].split() == [f"203.0.113.{10 + i}"]
    assert server.connections == 1


@pytest.mark.parametrize("whose", ["other.lab.test", "*.test"])
def test_threat_16_another_certificate_is_not_believed(world, whose):
    server, d, sandbox = world(lambda q: [q.reply(address("203.0.113.66"))], SERVER, whose)
    assert "SERVFAIL" in dig(sandbox, "a.lab.test")
    d.wait_record(kind="dns", event="outcome", host="a.lab.test", reason="resolve",
                  detail="TLS with the name server failed")
    until("the server to have seen it fail", lambda: server.failed >= 1)
    assert not server.queries and not server.plain.queries


def many(q):
    """Records of every kind, of names that have them."""
    svc = b"\0\1\0"  # of ourselves
    alpn, h3 = b"\0\1\0\x06\x02h2\x02h3", b"\0\1\0\3\x02h3"
    hints = b"\0\4\0\4" + bytes([203, 0, 113, 66]) + b"\0\5\0\3ech"
    data = {
        "TXT": [b"\5hello\3you", b"\x03v=1"],
        "MX": [b"\0\x0a" + wire_name("mail.lab.test")],
        "SRV": [b"\0\1\0\2\x14\x6a" + wire_name("host.lab.test")],
        "HTTPS": [svc + alpn + hints, svc + h3],
    }.get(q.kind, [])
    return [q.reply(*[record(None, q.kind, 100000, d) for d in data],
                    address("203.0.113.66", owner="evil.test"))]


LISTED = """\
policies:
  agent:
    allow:
      - {host: "*.lab.test"}
      - {host: rich.lab.test, dns: [TXT, MX, SRV, HTTPS]}
"""


@pytest.mark.parametrize("transport", ["+notcp", "+tcp"])
def test_threat_15_types_that_a_rule_lists(world, transport):
    server, d, sandbox = world(many, documents=LISTED)
    for kind, expected in (("TXT", ['"hello" "you"', '"v=1"']), ("MX", ["10 mail.lab.test."]),
                           ("SRV", ["1 2 5226 host.lab.test."])):
        out = dig(sandbox, "rich.lab.test", kind, "+short", transport)
        assert sorted(out.splitlines()) == sorted(expected)
    line = dig(sandbox, "rich.lab.test", "HTTPS", "+noall", "+answer", transport).split()
    assert int(line[1]) <= 300 and line[3:5] == ["HTTPS", "1"]
    assert line[5:] == [".", 'alpn="h2"']
    d.wait_record(kind="dns", event="decision", host="rich.lab.test", verdict="allowed",
                  rule="agent.allow[1]", detail="SRV")
    before = len(server.queries)
    for name, kind in (("rich.lab.test", "ANY"), ("rich.lab.test", "TYPE10"),
                       ("rich.lab.test", "CAA"), ("poor.lab.test", "TXT")):
        out = dig(sandbox, name, kind, transport)
        assert "NOERROR" in out and "ANSWER: 0" in out
    assert len(server.queries) == before


def test_threat_15_drill_and_whole_zones(world):
    server, d, sandbox = world(many, documents=LISTED)
    out = sandbox.run("drill", "@192.0.2.1", "rich.lab.test", "MX").stdout
    assert "10 mail.lab.test." in out
    out = sandbox.run("drill", "-t", "@192.0.2.1", "rich.lab.test", "TXT").stdout
    assert '"hello" "you"' in out
    assert "mail" not in sandbox.run("dig", "+time=5", "@192.0.2.1", "rich.lab.test", "AXFR",
                                     check=False).stdout
    assert all(q.kind in ("MX", "TXT") for q in server.queries)
