"""Nobody's clock has to be right: neither the sandbox's nor, for its limits,
the host's (tests/unit/io/test_deadline.c sets that one)."""
import subprocess
import time

import pytest

POLICY = "policies: {agent: {allow: [{host: api.test}]}}\n"
MINUTE, DAY = 60, 24 * 60 * 60


@pytest.fixture
def trusts_at(netd, origin, client):
    """Whether a client trusts the leaf when its clock is off by so much."""
    origin("api.test")
    client.trust(netd(POLICY))

    def go(seconds, *options):
        r = subprocess.run(
            ["ip", "netns", "exec", client.ns.name, "openssl", "s_client",
             "-connect", "203.0.113.10:443", "-servername", "api.test",
             "-verify_hostname", "api.test", "-verify_return_error", "-CAfile",
             str(client.ca), "-attime", str(int(time.time()) + seconds), *options],
            input=b"", capture_output=True, timeout=30)
        return b"Verify return code: 0 (ok)" in r.stdout

    return go


def test_threat_59_a_guest_that_is_late_or_early_trusts_its_leaf(trusts_at):
    # A guest that was resumed from a snapshot is days behind.
    for off in (0, -10 * MINUTE, 10 * MINUTE, -29 * DAY, 20 * DAY):
        assert trusts_at(off), f"{off} s"
    # That far nobody is off, and it shows that the others were looked at.
    for off in (-40 * DAY, 40 * DAY):
        assert not trusts_at(off), f"{off} s"
