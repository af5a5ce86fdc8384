"""Policy changes while sandboxes run."""
import ssl
import threading

import pytest

from lab.client import Client, read_all, read_response
from lab.wait import until

LOOSE = """\
policies:
  agent:
    allow:
      - {host: [api.test, other.test]}
      - {host: pinned.test, tls: passthrough}
"""
TIGHT = """\
policies:
  agent:
    allow:
      - {host: api.test, path: "/open/**"}
"""


def get(path):
    return f"GET {path} HTTP/1.1\r\nHost: api.test\r\n\r\n".encode()


def test_threat_53_the_next_request_on_an_open_connection(netd, origin, client):
    origin("api.test")
    d = netd(LOOSE)
    s = client.trust(d).tls()
    s.sendall(get("/a"))
    assert read_response(s)[0].startswith(b"HTTP/1.1 200")
    assert d.reload(d.text(TIGHT)).returncode == 0
    s.sendall(get("/a"))
    assert read_response(s)[0].startswith(b"HTTP/1.1 403")
    s.sendall(get("/open/a"))
    assert read_response(s)[0].startswith(b"HTTP/1.1 200")
    assert d.reload(d.text(LOOSE)).returncode == 0
    s.sendall(get("/a"))
    assert read_response(s)[0].startswith(b"HTTP/1.1 200")


def test_tightening_closes_the_tunnel_that_it_forbids(netd, origin, client, authority):
    origin("pinned.test")
    d = netd(LOOSE)
    client.ca = authority.path
    s = client.tls("pinned.test")
    s.sendall(b"GET / HTTP/1.1\r\nHost: pinned.test\r\n\r\n")
    assert read_response(s)[0].startswith(b"HTTP/1.1 200")
    assert d.reload(d.text(TIGHT)).returncode == 0
    assert read_all(s) == b""
    d.wait_record(event="outcome", reason="revoked", host="pinned.test")


def test_a_bad_file_keeps_the_old_generation_and_says_where(netd, origin, client):
    origin("api.test")
    d = netd(LOOSE)
    client.trust(d)
    r = d.reload(d.text(LOOSE).replace("allow:", "alow:"))
    assert r.returncode == 1
    assert "sbx-netd.yaml:" in r.stdout + r.stderr and "did you mean" in r.stdout + r.stderr
    assert client.curl("https://api.test/").status == 200


def test_threat_53_no_request_fails_while_policy_is_reloaded(netd, origin, client):
    origin("api.test")
    d = netd(LOOSE)
    client.trust(d)
    answers, stop = [], threading.Event()

    def load():
        s = client.tls()
        while not stop.is_set():
            s.sendall(get("/x"))
            answers.append(read_response(s)[0][:12])

    t = threading.Thread(target=load)
    t.start()
    try:
        for i in range(1, 6):
            until("more answers", lambda n=i: len(answers) >= 5 * n)
            assert d.reload(d.text(LOOSE)).returncode == 0
    finally:
        stop.set()
        t.join()
    assert set(answers) == {b"HTTP/1.1 200"}


def test_threat_54_a_sandbox_comes_and_goes(lab, netd, origin, client):
    origin("api.test")
    other = lab.add_sandbox()
    d = netd(LOOSE + "sandboxes:\n  s1: {interface: v1, address: 10.77.1.2, policy: agent}\n")
    late = Client(other)
    d.ctl("sandbox", "add", "late", "--interface", "v2", "--address", "10.77.2.2",
          "--policy", "agent")
    late.trust(d, "late")
    s = late.tls()
    s.sendall(get("/a"))
    assert read_response(s)[0].startswith(b"HTTP/1.1 200")
    d.ctl("sandbox", "rm", "late")
    assert read_all(s) == b""
    with pytest.raises(OSError):
        late.connect(timeout=2)


def test_threat_54_the_next_one_in_the_same_place_is_another(lab, netd, origin):
    """Same interface, same address: its own authority, policy and connections."""
    o = origin("api.test")
    place = lab.add_sandbox()
    d = netd(LOOSE + "  narrow: {allow: [{host: other.test}]}\n"
             "sandboxes:\n  s1: {interface: v1, address: 10.77.1.2, policy: agent}\n",
             settings="workers: 1\n")

    def add(name, policy):
        d.ctl("sandbox", "add", name, "--interface", "v2", "--address", "10.77.2.2",
              "--policy", policy)
        return Client(place).trust(d, name)

    first = add("first", "agent")
    old = ssl.create_default_context(cafile=str(first.ca))
    s = first.tls(context=old)
    s.sendall(get("/a"))
    assert read_response(s)[0].startswith(b"HTTP/1.1 200")
    d.ctl("sandbox", "rm", "first")
    assert read_all(s) == b""
    second = add("second", "narrow")
    with pytest.raises(ssl.SSLCertVerificationError):
        second.tls(context=old)
    new = second.tls()
    new.sendall(get("/a"))
    assert read_response(new)[0].startswith(b"HTTP/1.1 403")
    d.wait_record(sandbox="second", host="api.test", verdict="denied", policy="narrow")
    assert len(o.requests) == 1
