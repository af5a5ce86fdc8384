"""A connection that waits for somebody costs no processor time meanwhile."""
import pytest

from lab.cpu import assert_rests
from lab.wait import until

POLICY = """\
policies:
  agent: {allow: [{host: bad.test}]}
"""


@pytest.fixture
def start(netd, client):
    """start(policy): its only worker."""
    def go(policy=POLICY, settings=""):
        d = netd(policy, settings="workers: 1\n" + settings)
        client.trust(d)
        worker, = d.children()
        return d, worker

    return go


def test_an_origin_that_failed_while_nothing_is_asked(start, origin, client, authority):
    """It was connected to early, to learn which protocol it speaks."""
    o = origin("bad.test", certificate=authority.issue("other.test"))
    d, worker = start()
    with client.tls("bad.test", alpn=("h2", "http/1.1")):
        d.wait_record(event="outcome", reason="upstream_tls", kind="connect")
        until("the origin to have closed", lambda: o.ended == 1)
        assert_rests(worker)

