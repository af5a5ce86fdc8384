"""`sbx-netctl run` makes a sandbox of both families."""
import pytest

from lab.run import CONFIG, SECRET, Run

SHELL = """\
curl -sS -6 --fail https://api.test/one &&
for server in $(sed -n 's/^nameserver //p' /etc/resolv.conf); do
	dig +short +tries=1 @$server api.test AAAA
	dig +tries=1 @$server denied.test AAAA | grep -c NXDOMAIN
done
curl -sS -6 -o /dev/null -w '%{http_code}' \
	--connect-to denied.test:443:api.test:443 https://denied.test/
"""


@pytest.fixture
def run(lab, tmp_path, authority):
    r = Run(lab, tmp_path, authority)
    r.config.write_text(CONFIG.format(ca=authority.path).replace(
        "allow_addresses: [", 'allow_addresses: ["2001:db8:113::/64", '))
    yield r
    r.wait_clean()


def test_threat_14_a_command_over_ipv6(run, origin):
    """By curl, which is told the authority by its environment, and by each name
    server of its resolv.conf, of which one has an IPv6 address."""
    o = origin("api.test", address="2001:db8:113::10")
    r = run("sh", "-c", SHELL)
    assert r.stdout == "hello\n" + 2 * "2001:db8:113::10\n1\n" + "403", r.stderr
    [request] = o.requests
    assert request.target == "/one" and request.all("authorization") == [f"Bearer {SECRET}"]
