"""What could be read in two ways is read in none: as many requests reach an
origin as there are records that allowed one, and no answer is taken for more
than it is."""
import itertools
import json

import pytest

from lab.client import Responses
from lab.wait import until

numbers = itertools.count()
POLICY = """\
policies:
  agent:
    allow:
      - host: "**.lab.test"
    deny:
      - host: evil.lab.test
"""


@pytest.fixture(scope="module")
def world(stage):
    stage.netd(POLICY, settings="workers: 1\n"
               "limits: {connections_per_second: 10000}\n")
    return stage


@pytest.fixture
def site(world):
    made = []

    def make(serve=None, **options):
        o = world.origin(f"s{next(numbers)}.lab.test", **options)
        o.host = o.name.encode()
        o.serve = serve
        made.append(o)
        return o

    yield make
    for o in made:
        world.retire(o)


def converse(world, o, data, port=443):
    """Sends it all; the responses until the daemon closes."""
    s = world.client.tls(o.name) if port == 443 else world.client.connect(port=port)
    try:
        s.sendall(data)
    except OSError:
        pass
    responses, got = Responses(s), []
    while (a := responses.next()).status:
        got.append(a)
        if a.headers.get("connection") == "close":
            assert responses.is_closed()
            break
    s.close()
    return got


# ---- requests, from a hostile sandbox

GET = b"GET / HTTP/1.1\r\nHost: ~\r\nConnection: close\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: ~\r\n"
EVIL = b"GET /evil HTTP/1.1\r\nHost: ~\r\n\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


def field(text):
    return b"GET / HTTP/1.1\r\nHost: ~\r\n" + text + b"\r\nConnection: close\r\n\r\n"


def host(text):
    return b"GET / HTTP/1.1\r\nHost:" + text + b"\r\n\r\n"


def framing(text, body=b""):
    return POST + text + b"\r\n\r\n" + body


# name: what is sent ("~" is the origin's name), the status it gets
REFUSED = {
    # authority
    "threat_5_two_hosts": (host(b" ~\r\nHost: ~"), 400),
    "threat_5_two_hosts_evil": (host(b" ~\r\nhOST: evil.lab.test"), 400),
    "threat_5_folded_host": (host(b"\r\n ~"), 400),
    "threat_5_folded_after_host": (host(b" ~\r\n evil.lab.test"), 400),
    "threat_5_first_line_folded": (b"GET / HTTP/1.1\r\n Host: evil\r\nHost: ~\r\n\r\n", 400),
    "threat_5_tab_in_host": (host(b" ~\tevil.lab.test"), 400),
    "threat_5_space_in_host": (host(b" ~ evil.lab.test"), 400),
    "threat_5_nul_in_host": (host(b" ~\0.evil.lab.test"), 400),
    "threat_5_comma_in_host": (host(b" ~, evil.lab.test"), 400),
    "threat_5_userinfo": (host(b" evil@~"), 400),
    "threat_5_userinfo_after_port": (host(b" ~:443@evil.lab.test"), 400),
    "threat_5_path_in_host": (host(b" ~/x"), 400),
    "threat_5_empty_host": (host(b" "), 400),
    "threat_5_no_host": (b"GET / HTTP/1.1\r\n\r\n", 400),
    "threat_5_space_before_colon": (b"GET / HTTP/1.1\r\nHost : ~\r\n\r\n", 400),
    "threat_5_port_of_six_digits": (host(b" ~:000443"), 400),
    "threat_7_percent_in_host": (host(b" ~%00.evil.lab.test"), 400),
    "threat_7_fullwidth_dot": (host(b" evil\xe3\x80\x82~"), 400),
    "threat_7_empty_label": (host(b" a..~"), 400),
    "threat_2_host_of_another": (host(b" evil.lab.test"), 403),
    "threat_2_host_below": (host(b" x.~"), 403),
    "threat_2_port_of_another": (host(b" ~:8443"), 403),
    # targets
    "threat_6_absolute_evil": (b"GET http://evil.lab.test/ HTTP/1.1\r\nHost: ~\r\n\r\n", 400),
    "threat_6_absolute_both_evil":
        (b"GET https://evil.lab.test/ HTTP/1.1\r\nHost: evil.lab.test\r\n\r\n", 403),
    "threat_6_absolute_userinfo": (b"GET https://~@evil.lab.test/ HTTP/1.1\r\nHost: ~\r\n\r\n", 400),
    "threat_6_absolute_ftp": (b"GET ftp://~/ HTTP/1.1\r\nHost: ~\r\n\r\n", 400),
    "threat_6_connect": (b"CONNECT ~:443 HTTP/1.1\r\nHost: ~\r\n\r\n", 405),
    "threat_6_connect_evil": (b"CONNECT evil.lab.test:443 HTTP/1.1\r\nHost: ~\r\n\r\n", 405),
    "threat_6_star_for_get": (b"GET * HTTP/1.1\r\nHost: ~\r\n\r\n", 400),
    "threat_6_fragment": (b"GET /#x HTTP/1.1\r\nHost: ~\r\n\r\n", 400),
    "threat_6_no_slash": (b"GET evil HTTP/1.1\r\nHost: ~\r\n\r\n", 400),
    "threat_6_space_in_target": (b"GET /a b HTTP/1.1\r\nHost: ~\r\n\r\n", 400),
    "threat_6_tab_for_space": (b"GET\t/\tHTTP/1.1\r\nHost: ~\r\n\r\n", 400),
    "threat_6_nul_in_target": (b"GET /\0 HTTP/1.1\r\nHost: ~\r\n\r\n", 400),
    "threat_6_cr_in_target": (b"GET /\rx HTTP/1.1\r\nHost: ~\r\n\r\n", 400),
    "threat_6_8_bit_target": (b"GET /\xc3\xa4 HTTP/1.1\r\nHost: ~\r\n\r\n", 400),
    "http_0_9": (b"GET /\r\n\r\n", 400),
    "http_2_0": (b"GET / HTTP/2.0\r\nHost: ~\r\n\r\n", 505),
    "http_1_2": (b"GET / HTTP/1.2\r\nHost: ~\r\n\r\n", 505),
    "http_1_10": (b"GET / HTTP/1.10\r\nHost: ~\r\n\r\n", 400),
    "threat_25_preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    # fields
    "threat_22_nul_in_value": (field(b"X: a\0b"), 400),
    "threat_22_cr_in_value": (field(b"X: a\rHost: evil.lab.test"), 400),
    "threat_22_lf_in_value": (field(b"X: a\nHost: evil.lab.test"), 400),
    "threat_22_bare_lf_ends": (b"GET / HTTP/1.1\nHost: ~\n\n", 400),
    "threat_22_delete_in_value": (field(b"X: a\x7fb"), 400),
    "threat_22_no_name": (field(b": a"), 400),
    "threat_22_no_colon": (field(b"Xa"), 400),
    "threat_22_space_in_name": (field(b"X a: b"), 400),
    "threat_22_tab_before_colon": (field(b"X\t: b"), 400),
    "threat_22_8_bit_name": (field(b"X\xe9: b"), 400),
    "threat_22_folded": (field(b"X: a\r\n b"), 400),
    "threat_22_only_blank": (field(b" "), 400),
    # framing
    "threat_23_cl_te": (framing(b"Content-Length: 6\r\nTransfer-Encoding: chunked",
                                b"0\r\n\r\nG"), 400),
    "threat_23_te_cl": (framing(b"Transfer-Encoding: chunked\r\nContent-Length: 4",
                                b"1c\r\n" + EVIL + b"\r\n0\r\n\r\n"), 400),
    "threat_23_te_te": (framing(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x",
                                b"0\r\n\r\n" + EVIL), 400),
    "threat_23_te_twice": (framing(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
                                   b"0\r\n\r\n" + EVIL), 400),
    "threat_23_te_list": (framing(b"Transfer-Encoding: chunked, chunked",
                                  b"0\r\n\r\n"), 400),
    "threat_23_te_identity": (framing(b"Transfer-Encoding: identity", EVIL), 400),
    "threat_23_te_gzip": (framing(b"Transfer-Encoding: gzip, chunked", b"0\r\n\r\n"), 501),
    "threat_23_te_quoted": (framing(b'Transfer-Encoding: "chunked"', b"0\r\n\r\n"), 400),
    "threat_23_te_vertical_tab": (framing(b"Transfer-Encoding: \x0bchunked", b"0\r\n\r\n"), 400),
    "threat_23_te_space_colon": (framing(b"Transfer-Encoding : chunked", b"0\r\n\r\n"), 400),
    "threat_23_te_folded": (framing(b"Transfer-Encoding:\r\n chunked", b"0\r\n\r\n"), 400),
    "threat_23_te_in_1_0": (b"POST / HTTP/1.0\r\nHost: ~\r\nTransfer-Encoding: chunked\r\n\r\n"
                            b"0\r\n\r\n" + EVIL, 400),
    "threat_23_cl_twice": (framing(b"Content-Length: 3\r\nContent-Length: 3", b"abc"), 400),
    "threat_23_cl_two_values": (framing(b"Content-Length: 0\r\nContent-Length: 33", EVIL), 400),
    "threat_23_cl_list": (framing(b"Content-Length: 5, 5", b"abcde"), 400),
    "threat_23_cl_plus": (framing(b"Content-Length: +5", b"abcde"), 400),
    "threat_23_cl_minus": (framing(b"Content-Length: -1", EVIL), 400),
    "threat_23_cl_hex": (framing(b"Content-Length: 0x5", b"abcde"), 400),
    "threat_23_cl_octal": (framing(b"Content-Length: 05", b"abcde"), 400),
    "threat_23_cl_blank_inside": (framing(b"Content-Length: 3 3", EVIL), 400),
    "threat_23_cl_empty": (framing(b"Content-Length:", EVIL), 400),
    "threat_23_cl_over_64_bits": (framing(b"Content-Length: 18446744073709551617", b"a"), 400),
    "threat_23_cl_over_63_bits": (framing(b"Content-Length: 9223372036854775808", b"a"), 400),
    "threat_25_other_expectation": (framing(b"Content-Length: 0\r\nExpect: 200-ok"), 417),
}


def assert_law(world, o, allowed, complete):
    """Allowed records == request heads at the origin == what is expected."""
    records = world.daemon.records(host=o.name, event="decision", kind="request",
                                   verdict="allowed")
    assert (len(records), len(o.requests)) == (allowed, complete)
    assert o.raw.count(b" HTTP/1.1\r\n") <= allowed
    assert b"/evil" not in o.raw and b"evil.lab.test" not in o.raw


@pytest.mark.parametrize("case", REFUSED)
def test_refused(world, site, case):
    data, status = REFUSED[case]
    o = site()
    got = converse(world, o, data.replace(b"~", o.host))
    assert [a.status for a in got] == [status]
    assert got[0].headers.get("connection") == "close"
    json.loads(got[0].body)
    denied = until("its record", lambda: world.daemon.records(
        host=o.name, event="decision", verdict="denied"))
    assert len(denied) == 1 and denied[0]["status"] == status
    assert_law(world, o, 0, 0)
    assert o.connections == 0


@pytest.mark.parametrize("case", [c for c in REFUSED if not c.startswith("threat_25_pref")])
def test_threat_24_refused_behind_a_good_one(world, site, case):
    """The same, pipelined: the first is answered, then both legs close."""
    data, status = REFUSED[case]
    o = site()
    good = b"GET /good HTTP/1.1\r\nHost: ~\r\n\r\n"
    got = converse(world, o, (good + data + EVIL).replace(b"~", o.host))
    assert [a.status for a in got] == [200, status]
    assert_law(world, o, 1, 1)


BAD_CHUNKS = {
    "negative": b"-1\r\n\r\n", "plus": b"+1\r\na\r\n0\r\n\r\n", "hex_prefix": b"0x1\r\na\r\n",
    "blank_before": b" 1\r\na\r\n0\r\n\r\n", "no_size": b"\r\n\r\n", "only_extension": b";x\r\n",
    "too_many_digits": b"00000000000000001\r\na\r\n0\r\n\r\n",
    "over_64_bits": b"fffffffffffffffff\r\na",
    "bare_lf_after_size": b"1\na\r\n0\r\n\r\n", "bare_cr_after_size": b"1\ra\r\n0\r\n\r\n",
    "bare_lf_in_extension": b"1;x\na\r\n0\r\n\r\n",
    "bare_cr_in_extension": b"1;x\ry\r\na\r\n0\r\n\r\n", "longer_than_said": b"1\r\nab\r\n0\r\n\r\n",
    "no_line_end_after_data": b"1\r\na0\r\n\r\n", "bare_lf_after_data": b"1\r\na\n0\r\n\r\n",
    "nul_in_extension": b"1;\0\r\na\r\n0\r\n\r\n", "long_extension": b"1;" + b"x" * 20000 + b"\r\na\r\n",
    "bare_lf_at_the_end": b"1\r\na\r\n0\n\n", "host_in_trailers": b"0\r\nHost: evil.lab.test\r\n\r\n",
    "length_in_trailers": b"0\r\nContent-Length: 5\r\n\r\n",
    "coding_in_trailers": b"0\r\nTransfer-Encoding: chunked\r\n\r\n",
    "authorization_in_trailers": b"0\r\nAuthorization: x\r\n\r\n",
    "folded_trailer": b"0\r\nX: a\r\n b\r\n\r\n",
}


@pytest.mark.parametrize("case", BAD_CHUNKS)
def test_threat_23_bad_chunks(world, site, case):
    o = site()
    body = BAD_CHUNKS[case]
    got = converse(world, o, (CHUNKED + body + EVIL).replace(b"~", o.host))
    assert [a.status for a in got] == [400]
    until("the outcome", lambda: world.daemon.records(
        host=o.name, event="outcome", reason="malformed_http"))
    assert_law(world, o, 1, 0)


HIDDEN = b"GET /hidden HTTP/1.0\r\nX: y\r\n\r\n"
ACCEPTED = {  # what looks odd and is one request, or says how many
    "threat_6_absolute": (b"GET https://~/a HTTP/1.1\r\nHost: ~\r\n\r\n", ["/a"]),
    "threat_6_options_star": (b"OPTIONS * HTTP/1.1\r\nHost: ~\r\n\r\n", ["*"]),
    "threat_7_host_with_port": (host(b" ~:443"), ["/"]),
    "threat_7_host_without_blank": (host(b"~"), ["/"]),
    "threat_23_body_of_a_get": (b"GET /g HTTP/1.1\r\nHost: ~\r\nContent-Length: %d\r\n\r\n%s"
                                % (len(HIDDEN), HIDDEN), ["/g"]),
    "threat_23_request_in_a_chunk": (CHUNKED + b"%x\r\n%s\r\n0\r\n\r\n"
                                     % (len(HIDDEN), HIDDEN), ["/"]),
    "threat_23_te_case": (framing(b"tRANSFER-eNCODING:  cHUNKED  ", b"1\r\na\r\n0\r\n\r\n"), ["/"]),
    "threat_26_upgrade_and_a_second": (
        b"GET /1 HTTP/1.1\r\nHost: ~\r\nConnection: Upgrade\r\nUpgrade: TLS/1.0\r\n\r\n"
        b"GET /2 HTTP/1.1\r\nHost: ~\r\n\r\n", ["/1", "/2"]),
    "threat_25_upgrade_h2c": (
        b"GET /1 HTTP/1.1\r\nHost: ~\r\nConnection: Upgrade, HTTP2-Settings\r\n"
        b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n\r\n", ["/1"]),
    "threat_23_connection_names_length": (framing(
        b"Content-Length: 3\r\nConnection: content-length, host", b"abc"), ["/"]),
    "threat_19_forwarded_is_dropped": (field(b"X-Forwarded-Host: evil.lab.test"), ["/"]),
    "threat_22_8_bit_value": (field(b"X: \xff\xfe"), ["/"]),
}


@pytest.mark.parametrize("case", ACCEPTED)
def test_accepted(world, site, case):
    data, targets = ACCEPTED[case]
    o = site()
    got = converse(world, o, (data + b"GET /last HTTP/1.1\r\nHost: ~\r\nConnection: close\r\n\r\n"
                              if b"Connection: close" not in data else data
                              ).replace(b"~", o.host))
    if b"Connection: close" not in data:
        targets = targets + ["/last"]
    assert [a.status for a in got] == [200] * len(targets)
    assert [r.target for r in o.requests] == targets
    assert_law(world, o, len(targets), len(targets))
    for r in o.requests:
        assert r.headers["host"] == o.name
        for name in ("upgrade", "http2-settings", "connection"):
            assert name not in r.headers


def test_http_0_9_on_the_plain_port(world, site):
    o = site(tls=False, port=80)
    s = world.client.connect(port=80)
    s.sendall(b"GET /\r\n\r\n")
    assert Responses(s).next().status == 400 and not o.raw


def test_no_worker_was_lost(world):
    assert not world.daemon.records(reason="worker_crashed")
