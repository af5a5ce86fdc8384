"""A ClientHello may come in any shape; it is served, or refused with a record."""
import ssl
import subprocess

import pytest

from lab import hello as h
from lab.client import Client, BioTls, read_all, read_response
from lab.openssl import TLS1_2, TLS1_3, OpenSsl
from lab.wait import until

POLICY = """\
policies:
  agent:
    allow:
      - host: "**.lab.test"
      - host: through.other.test
        tls: passthrough
"""
REQUEST = b"GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n"


@pytest.fixture(scope="module")
def world(stage):
    stage.lab.add_sandbox()
    stage.o = stage.origin("api.lab.test")
    stage.netd(POLICY)
    return stage


def context_for(client, **options):
    c = ssl.create_default_context(cafile=str(client.ca))
    for name, value in options.items():
        setattr(c, name, value)
    return c


def get(s, host=b"api.lab.test"):
    """The status line that a request over s is answered with."""
    s.sendall(REQUEST % host)
    return read_response(s)[0].split(b"\r\n")[0]


def send(world, data, port=443, address="203.0.113.10"):
    """What comes back for these first bytes, and the one record they leave."""
    s = world.client.connect(address, port)
    source = "%s:%d" % s.getsockname()

    def mine():
        """Others end beside it: the outcome of the test before, for one."""
        return [r for r in world.daemon.lines() if r.get("src") == source]

    try:
        s.sendall(data)
    except ConnectionError:
        pass
    answer = read_all(s)
    new = until("a record", mine)
    s.close()
    assert len(new) == 1, new
    return answer, new[0]


# ---- hellos in odd pieces that are served


@pytest.mark.parametrize("cut", [
    pytest.param(lambda d: [d[i:i + 1] for i in range(len(d))], id="one-byte-segments"),
    pytest.param(lambda d: [h.cut_records(d, 100)], id="records-of-100-bytes"),
    pytest.param(lambda d: [h.cut_records(d, 1)], id="records-of-one-byte"),
    pytest.param(lambda d: [bytes([b]) for b in h.cut_records(d, 3)],
                 id="both"),
    pytest.param(lambda d: [d[:5], d[5:9], d[9:]], id="header-then-length-then-rest"),
])
def test_threat_11_a_hello_in_pieces_is_read_whole(world, cut):
    client = world.client
    s = BioTls(client.connect(), context_for(client), "api.lab.test", cut)
    assert get(s) == b"HTTP/1.1 200 OK"


@pytest.mark.parametrize("name", ["API.LAB.TEST", "api.lab.test."])
def test_threat_7_a_name_is_normalised_before_its_leaf_is_made(world, name):
    context = context_for(world.client, check_hostname=False)
    s = context.wrap_socket(world.client.connect(), server_hostname=name)
    assert s.getpeercert()["subjectAltName"] == (("DNS", "api.lab.test"),)
    assert get(s) == b"HTTP/1.1 200 OK"


# ---- hellos that are refused


def name_of_labels(length):
    labels = b".".join([b"a" * 49] * (length // 50 + 1))
    return labels[:length - 9] + b".lab.test"


BAD_NAMES = {
    "ipv4": b"203.0.113.10", "ipv4-hex": b"0xcb.0.113.10", "ipv4-number": b"3405803786",
    "ipv4-octal": b"0313.0.0161.012", "ipv6": b"2001:db8:113::10", "ipv6-brackets": b"[::1]",
    "nul": b"api.lab.test\0.evil.test", "nul-only": b"\0", "comma": b"api.lab.test,DNS:evil.test",
    "254-bytes": name_of_labels(254), "label-of-64": b"a" * 64 + b".lab.test",
    "space": b"api.lab.test ", "port": b"api.lab.test:443", "at": b"user@api.lab.test",
    "slash": b"api.lab.test/x", "empty-label": b"api..lab.test", "dots": b"..", "dot": b".",
    "star": b"*.lab.test", "newline": b"api.lab.test\nevil", "escape": b"\x1b[31m.lab.test",
    "not-utf8": b"\xff\xfe.lab.test", "cr-lf-json": b'x"\r\n{"event":"decision"}.lab.test',
}


@pytest.mark.parametrize("name", BAD_NAMES.values(), ids=BAD_NAMES)
def test_threat_8_no_leaf_for_what_is_no_host_name(world, name):
    answer, record = send(world, h.hello(h.server_name(name)))
    assert answer == b""  # no ServerHello, so no leaf
    assert record["verdict"] == "denied" and record["reason"] == "bad_name"
    assert record["event"] == "decision" and record["kind"] == "connect"


def test_threat_7_253_bytes_are_a_name(world):
    """The twin of 254-bytes above: what is a name is answered."""
    name = name_of_labels(253)
    s = world.client.connect()
    s.sendall(h.hello(h.server_name(name)))
    assert s.recv(3)[:2] == b"\x16\x03"
    s.close()
    world.daemon.wait_record(host=name.decode(), reason="client_tls")


@pytest.mark.parametrize("name,meant", [
    ("\u00e4pi.lab.test", "xn--pi-uia.lab.test"), ("ap\u00adi7.lab.test", "api7.lab.test"),
    ("api8\u3002lab\uff0etest", "api8.lab.test"), ("\uff41pi9.evil.test", "api9.evil.test")],
    ids=["u-label", "soft-hyphen", "other-dots", "fullwidth"])
def test_threat_7_what_is_not_ascii_is_decided_as_its_a_labels(world, name, meant):
    """One normalisation, before everything: policy, leaf and DNS know no other."""
    s = world.client.connect()
    s.sendall(h.hello(h.server_name(name.encode())))
    assert s.recv(3)[:2] == b"\x16\x03"
    s.close()
    assert world.daemon.wait_record(host=meant)["reason"] == "client_tls"
    assert not world.daemon.records(host=name)


LONG = h.extension(h.PADDING, b"\0" * 17000)
BAD_HELLOS = {
    "300-byte-name": h.hello(h.server_name(name_of_labels(300))),
    "60000-byte-name": h.hello(h.server_name(b"a" * 60000)),
    "empty-name": h.hello(h.server_name(b"")),
    "no-name-in-the-list": h.hello(h.server_name()),
    "two-names": h.hello(h.server_name(b"api.lab.test", b"evil.test")),
    "two-extensions": h.hello(h.server_name(b"api.lab.test"), h.server_name(b"evil.test")),
    "other-name-type": h.hello(h.server_name(b"api.lab.test", kind=1)),
    "list-too-long": h.hello(h.extension(0, b"\xff\xff\0\0\x01a")),
    "list-too-short": h.hello(h.extension(0, b"\0\x03\0\0\x04api.")),
    "over-16-kib": h.hello(h.server_name(b"api.lab.test"), LONG),
    "over-16-kib-in-64-byte-records":
        h.records(h.message(h.server_name(b"api.lab.test"), LONG), 64),
    "10000-extensions": h.hello(h.server_name(b"api.lab.test"),
                                *[h.extension(1000 + i, b"") for i in range(10000)]),
    "length-of-16-mib": b"\x16\x03\x01\x00\x04\x01\xff\xff\xff",
    "empty-record": b"\x16\x03\x01\0\0" + h.hello(h.server_name(b"api.lab.test")),
    "oversized-record": b"\x16\x03\x01\xff\xff" + b"\x01" * 100,
    "alert-inside": b"\x16\x03\x01\0\x02\x01\0" + b"\x15\x03\x01\0\x02\x02\x28",
    "server-hello-first": h.records(b"\x02" + h.message()[1:]),
    "extension-past-the-end": h.records(
        b"\x01" + h.vector(h.message()[4:] + b"\0", 3)),
    "cut-off-message": h.records(b"\x01" + h.vector(h.message()[4:60], 3)),
}


@pytest.mark.parametrize("data", BAD_HELLOS.values(), ids=BAD_HELLOS)
def test_threat_11_a_hello_that_can_be_read_two_ways_or_is_too_large(world, data):
    answer, record = send(world, data)
    assert answer == b""
    assert record["verdict"] == "denied" and record["reason"] == "bad_hello"
    assert record["detail"]


def test_threat_9_no_name_is_denied_by_default(world):
    before = world.o.connections, world.o.raw
    answer, record = send(world, h.hello(), address=world.o.address)
    assert answer == b""  # no leaf either: there is no name to make it for
    assert record["event"] == "decision" and record["verdict"] == "denied"
    assert record["reason"] == "no_name" and record["proto"] == "tls"
    assert record["rule"] == "agent.default"
    assert (world.o.connections, world.o.raw) == before


def test_threat_12_an_old_ssl_hello_is_no_tls(world):
    answer, record = send(world, bytes.fromhex("802e0103010015000000100100800300800600400400"
                                               "8002008000") + b"\0" * 16)
    assert answer == b"" and record["reason"] == "no_name"


def test_threat_12_tls_on_port_80_is_still_tls(world):
    s = context_for(world.client).wrap_socket(world.client.connect(port=80),
                                              server_hostname="api.lab.test")
    assert b" 502 " in get(s, b"api.lab.test:80")  # the origin has no port 80
    world.daemon.wait_record(host="api.lab.test", dport=80, reason="connect_failed")


# ---- what the hello offers


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_versions(world, version):
    context = context_for(world.client, minimum_version=version, maximum_version=version)
    s = world.client.tls("api.lab.test", context=context)
    assert s.version() == version.name.replace("_", ".")
    assert get(s) == b"HTTP/1.1 200 OK"


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")  # old is what is wanted
def test_a_version_that_is_too_old_is_refused(world):
    context = context_for(world.client, minimum_version=ssl.TLSVersion.TLSv1)
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    before = len(world.daemon.records(reason="client_tls"))
    with pytest.raises(ssl.SSLError):
        world.client.tls("api.lab.test", context=context)
    until("its record", lambda: len(world.daemon.records(reason="client_tls")) > before)


@pytest.mark.parametrize("offers,chosen", [
    ((), None), (("http/1.1",), "http/1.1"), (("h2", "http/1.1"), "http/1.1")])
def test_protocols_that_are_offered(world, offers, chosen):
    """The origin speaks HTTP/1.1."""
    s = world.client.tls("api.lab.test", alpn=offers) if offers else world.client.tls(
        "api.lab.test", context=context_for(world.client))
    assert s.selected_alpn_protocol() == chosen
    assert get(s) == b"HTTP/1.1 200 OK"


def test_no_protocol_in_common(world):
    before = len(world.daemon.records(reason="client_tls"))
    with pytest.raises(ssl.SSLError, match="(?i)no.application.protocol"):
        world.client.tls("api.lab.test", alpn=("grpc-exp", "smtp"))
    r = until("its record",
              lambda: world.daemon.records(reason="client_tls")[before:])[0]
    assert r["host"] == "api.lab.test" and r["verdict"] == "error"


@pytest.mark.parametrize("options", [
    ["-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256"],
    ["-tls1_3", "-sigalgs", "RSA-PSS+SHA256:RSA+SHA256"],
    ["-tls1_2", "-sigalgs", "RSA+SHA256"],
], ids=["suites", "algorithms-1.3", "algorithms-1.2"])
def test_a_client_without_ecdsa_gets_an_rsa_leaf(world, options):
    def ask():
        r = subprocess.run(
            ["ip", "netns", "exec", world.client.ns.name, "openssl", "s_client", "-quiet",
             "-connect", "203.0.113.10:443", "-servername", "api.lab.test",
             "-verify_hostname", "api.lab.test", "-verify_return_error",
             "-CAfile", str(world.client.ca), *options],
            input=REQUEST % b"api.lab.test" + b"\n", capture_output=True, timeout=30)
        return r.stdout.startswith(b"HTTP/1.1 200 OK")

    # Its key takes 200 ms and is made after the start, so as not to delay it.
    until("the RSA key", ask)


GREASE = bytes.fromhex("00000100010a0020") + b"\x42" * 32 + h.vector(b"\x99" * 144, 2)


@pytest.mark.parametrize("size", [len(GREASE), 0, 1, 8000])
def test_threat_10_ech_is_answered_as_the_outer_name(world, size):
    """… and not passed on: the origin sees our hello, not the client's."""
    name = f"ech{size}.lab.test"
    o = world.origin(name, tls=False)
    ech = GREASE if size == len(GREASE) else b"\xee" * size
    with OpenSsl(world.client.ca, extension=(h.ECH, ech)) as c:
        assert c.connect(world.client.connect(), name)
        c.write(REQUEST % name.encode())
        until("our own hello", lambda: o.raw)
        assert h.SERVER_NAME in h.extensions_of(o.raw)
        assert h.ECH not in h.extensions_of(o.raw)


def test_threat_10_ech_is_refused_where_nobody_would_look_inside(world):
    o = world.origin("through.other.test")
    with OpenSsl(world.client.ca, extension=(h.ECH, GREASE)) as c:
        assert not c.connect(world.client.connect(), "through.other.test")
    r = world.daemon.wait_record(reason="ech_passthrough", host="through.other.test")
    assert r["verdict"] == "denied" and o.connections == 0


# ---- after the hello


def test_threat_43_a_stalled_handshake_is_cut_off(netd, origin, client):
    origin("api.lab.test")
    d = netd(POLICY, settings="limits: {hello: 3s}\n")
    client.trust(d)
    stalled = {
        "nothing": (b"", "no_client_data"),
        "half a hello": (h.hello(h.server_name(b"api.lab.test"))[:100], "no_client_data"),
        "no second flight": (h.hello(h.server_name(b"api.lab.test")), "client_tls"),
        "half a request line": (b"GE", "no_client_data"),
    }
    open_ones = []
    for data, _ in stalled.values():
        open_ones.append(client.connect())
        open_ones[-1].sendall(data)
    for s in open_ones:
        read_all(s)  # ends because the daemon closes it
    reasons = sorted(r for _, r in stalled.values())
    until("a record each", lambda: sorted(r["reason"] for r in d.lines()) == reasons)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_session_is_resumed(world, version):
    context = context_for(world.client, minimum_version=version, maximum_version=version)
    first = world.client.tls("api.lab.test", context=context)
    assert get(first) == b"HTTP/1.1 200 OK" and not first.session_reused
    second = context.wrap_socket(world.client.connect(), server_hostname="api.lab.test",
                                 session=first.session)
    assert second.session_reused
    assert get(second) == b"HTTP/1.1 200 OK"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_threat_35_a_ticket_is_worth_nothing_in_another_sandbox(world, version):
    other = Client(world.lab.sandboxes[1])
    context = context_for(world.client, minimum_version=version, maximum_version=version)
    context.load_verify_locations(str(world.daemon.ca("s2")))
    first = world.client.tls("api.lab.test", context=context)
    assert get(first) == b"HTTP/1.1 200 OK"
    stolen = context.wrap_socket(other.connect(), server_hostname="api.lab.test",
                                 session=first.session)
    assert not stolen.session_reused  # a full handshake, as for any newcomer
    assert get(stolen) == b"HTTP/1.1 200 OK"


def test_threat_35_no_data_before_the_handshake_has_ended(world, tmp_path):
    """Early data could be sent again by anybody who has seen it."""
    early, session = tmp_path / "early", tmp_path / "session"
    early.write_bytes(REQUEST % b"api.lab.test")

    def connect(*options):
        r = subprocess.run(
            ["ip", "netns", "exec", world.client.ns.name, "openssl", "s_client", "-connect",
             "203.0.113.10:443", "-servername", "api.lab.test", "-tls1_3", "-CAfile",
             str(world.client.ca), "-ign_eof", *options],
            input=REQUEST % b"api.lab.test", capture_output=True, timeout=30)
        assert b"HTTP/1.1 200 OK" in r.stdout
        return r.stdout

    assert b"Max Early Data: 0" in connect("-sess_out", str(session))
    assert b"Early data was not sent" in connect("-sess_in", str(session), "-early_data", str(early))


def test_threat_45_one_byte_in_each_record(world):
    s = BioTls(world.client.connect(), context_for(world.client), "api.lab.test")
    body = bytes(range(256)) * 64
    s.sendall(b"POST / HTTP/1.1\r\nHost: api.lab.test\r\nConnection: close\r\n"
              b"Content-Length: %d\r\n\r\n" % len(body))
    for at in range(len(body)):
        s.tls.write(body[at:at + 1])
        if at % 1024 == 1023:
            s.sendall(b"")
    assert read_response(s)[0].startswith(b"HTTP/1.1 200 OK")
    assert world.o.requests[-1].body == body


def test_threat_45_key_updates_do_no_harm(world):
    with OpenSsl(world.client.ca) as c:
        assert c.connect(world.client.connect(), "api.lab.test")
        assert c.version == "TLSv1.3"
        for _ in range(1000):
            assert c.key_update()
        c.write(REQUEST % b"api.lab.test")
        assert c.read().startswith(b"HTTP/1.1 200 OK")


def test_threat_45_renegotiation_is_refused(world):
    with OpenSsl(world.client.ca, maximum=TLS1_2) as c:
        assert c.connect(world.client.connect(), "api.lab.test")
        assert not c.renegotiate()
    # Only that client has lost its connection.
    with OpenSsl(world.client.ca, maximum=TLS1_3) as c:
        assert c.connect(world.client.connect(), "api.lab.test")
        c.write(REQUEST % b"api.lab.test")
        assert c.read().startswith(b"HTTP/1.1 200 OK")


def test_no_worker_was_lost(world):
    assert not world.daemon.records(reason="worker_crashed")
