"""What one sandbox may, has or does is no business of another."""
import pytest

from lab.client import Client

POLICY = """\
policies:
  one: {allow: [{host: api.test}]}
  two: {allow: [{host: else.test}]}
sandboxes:
  s1: {interface: v1, address: 10.77.1.2, policy: one}
  s2: {interface: v2, address: 10.77.2.2, policy: two}
"""


@pytest.fixture
def world(lab, netd, origin):
    """One worker: nothing keeps the two apart but the daemon."""
    other = lab.add_sandbox()
    o = origin("api.test")
    d = netd(POLICY, settings="workers: 1\n")
    return d, o, Client(lab.sandbox).trust(d, "s1"), Client(other).trust(d, "s2")


def get(client, host):
    return client.curl(f"https://{host}/", "--resolve", f"{host}:443:203.0.113.10")


def test_threat_64_one_name_and_two_verdicts(world):
    d, o, one, two = world
    for _ in range(3):
        assert get(one, "api.test").status == 200
        assert get(two, "api.test").status == 403
    assert len(o.requests) == 3


def test_threat_37_nobody_trusts_the_authority_of_another(world):
    d, o, one, two = world
    two.ca = d.ca("s1")
    a = get(two, "else.test")
    assert a.status == 0 and "certificate" in a.error
    d.wait_record(sandbox="s2", reason="client_tls")


def refusal(client, host):
    """All that is said, but for the name that was asked for and the number."""
    a = get(client, host)
    for text in (a.headers.pop("x-sbx-decision"), host):
        a.body = a.body.replace(text.encode(), b"*")
    return a.status, a.headers, a.body


def dns(client, host):
    out = client.ns.run("dig", "+tries=1", "+time=5", "+noall", "+comments", "+answer",
                        "@203.0.113.53", host, "A").stdout
    return [line for line in out.splitlines() if " id: " not in line], "NXDOMAIN" in out


def test_threat_38_a_refusal_says_nothing_about_others(world):
    """Whether another may, has been there, or nobody may: it reads the same."""
    d, o, one, two = world
    before = refusal(two, "api.test"), dns(two, "api.test")
    assert get(one, "api.test").status == 200
    assert "203.0.113.10" in "".join(dns(one, "api.test")[0])
    assert (refusal(two, "api.test"), dns(two, "api.test")) == before
    # As long as the other name: a length would be an answer too.
    assert (refusal(two, "xyz.test"), dns(two, "xyz.test")) == before
    assert before[0][0] == 403 and before[1][1]
    assert b"one" not in before[0][2] and b"s1" not in before[0][2]
