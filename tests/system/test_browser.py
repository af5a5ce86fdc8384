"""A real browser inside a sandbox: pages, fetch, events, WebSocket, over HTTP/2;
it trusts the sandbox's authority, and does without QUIC."""
import json

import pytest

from lab.browser import EVENTS, RESOURCES, Browser, Site

POLICY = """\
policies:
  agent:
    allow:
      - host: "**.lab.test"
    deny:
      - {host: "**.lab.test", path: "/denied/**"}
"""


@pytest.fixture(scope="module")
def world(stage):
    stage.netd(POLICY)
    return stage


@pytest.fixture
def site(world):
    s = Site()
    s.name = f"b{next(world.numbers)}.lab.test"
    s.origin = s.origin(world, s.name)
    return s


@pytest.fixture
def browser(world, tmp_path):
    b = Browser(world.lab.sandbox, tmp_path)
    yield b
    b.close()


def check(report):
    assert report == {
        "loaded": RESOURCES, "echoed": True, "denied": 403,
        "events": [f"event {i}" for i in range(EVENTS)],
        "chat": [[1, 10, 100, 1000, 10000, 100000], 1000, True],
        "protocols": ["h2"] * RESOURCES, "page": "h2",
    }


def test_a_page_with_everything(world, site, browser):
    browser.trust(world.client.ca)
    browser.open(f"https://{site.name}/")
    check(browser.report_of(site))
    paths = [r.target for r in site.origin.requests]
    assert sorted(p for p in paths if p.startswith("/r/")) == sorted(
        f"/r/{i}.js" for i in range(RESOURCES)), "each once"
    assert not [p for p in paths if p.startswith("/denied")]
    for path in ("/", "/r/0.js", "/echo", "/ws"):
        d = world.daemon.wait_record(event="decision", host=site.name, path=path)
        assert d["verdict"] == "allowed"
    world.daemon.wait_record(event="decision", host=site.name, path="/denied/x",
                             verdict="denied")


def test_without_the_authority_nothing_is_asked(world, site, browser):
    """What the page shows before depends on the database, and on nothing else."""
    browser.open(f"https://{site.name}/")
    world.daemon.wait_record(kind="connect", host=site.name, reason="client_tls")
    assert not site.origin.requests and site.reports.empty()


def refused_datagrams(world):
    """UDP to port 443 that the kernel's rules refused."""
    r = world.lab.host.run("nft", "-j", "list", "counter", "inet", "sbx_net", "quic")
    return [x["counter"]["packets"] for x in json.loads(r.stdout)["nftables"]
            if "counter" in x][0]


def test_an_offer_of_http3_does_not_arrive(world, site, browser):
    """The origin makes it with each answer; twice, for it is used the next time."""
    browser.trust(world.client.ca)
    before = refused_datagrams(world)
    for _ in range(2):
        browser.open(f"https://{site.name}/")
        check(browser.report_of(site))
    assert refused_datagrams(world) == before


def test_quic_is_refused_and_missed_by_nobody(world, site, browser):
    """A browser that knows of HTTP/3 tries it, and goes on over TCP at once."""
    browser.trust(world.client.ca)
    browser.remember_http3(site.name)
    before = refused_datagrams(world)
    browser.open(f"https://{site.name}/",
                 "--disable-features=PartitionConnectionsByNetworkIsolationKey")
    check(browser.report_of(site))
    assert refused_datagrams(world) > before, "it did try"
    r = world.daemon.wait_record(kind="packet", host=site.name)
    assert (r["proto"], r["verdict"], r["reason"]) == ("quic", "denied", "quic")


def test_no_worker_was_lost(world):
    assert not world.daemon.records(reason="worker_crashed")
