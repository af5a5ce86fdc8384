"""HTTP/2 with the programs that people use: curl, nghttp, h2load, Node; nginx, nghttpd."""
import collections
import json
import subprocess

import pytest

from lab.servers import Servers, node_environment, program

POLICY = """\
policies:
  agent:
    allow:
      - host: "**.lab.test"
"""
PAGE = bytes(range(256)) * 40


@pytest.fixture(scope="module")
def world(stage):
    stage.netd(POLICY, settings="limits: {connections_per_second: 10000}\n")
    return stage


@pytest.fixture
def servers(world, tmp_path):
    s = Servers(world.lab, tmp_path)
    yield s
    s.close()


@pytest.fixture
def site(world, servers):
    """site("nginx"): a name, behind which is that server."""
    def make(kind, **more):
        name = f"{kind}{len(world.origins.opened)}-{next(world.numbers)}.lab.test"
        address = world.address()
        world.names.add(name, address)
        start = getattr(servers, kind)
        certificate = world.authority.issue(name)
        server = (start("h2_server.js", address, certificate) if kind == "node"
                  else start(address, certificate, **more))
        server.name, server.address = name, address
        return server

    return make


@pytest.mark.parametrize("option, version", [("--http2", b"HTTP/2.0"), ("--http1.1", b"HTTP/1.1")])
def test_the_protocol_is_the_same_on_both_legs(world, site, option, version):
    o = site("nginx")
    a = world.client.curl(f"https://{o.name}/protocol", option)
    assert a.status == 200 and a.body == version, a
    r = world.daemon.wait_record(event="decision", kind="request", host=o.name)
    assert r["alpn"] == {"--http2": "h2", "--http1.1": "http/1.1"}[option]


@pytest.mark.parametrize("kind", ["nginx", "nghttpd"])
@pytest.mark.parametrize("tool", ["curl", "nghttp"])
def test_files_arrive_whole(world, site, kind, tool):
    o = site(kind, files={"page": PAGE, "empty": b""})
    for path, data in (("page", PAGE), ("empty", b"")):
        url = f"https://{o.name}/{path}"
        words = (["curl", "-sS", "--fail", "--http2", "--cacert", str(world.client.ca), url]
                 if tool == "curl" else ["nghttp", url])
        p = world.lab.sandbox.popen(*words, stdout=subprocess.PIPE)
        out, _ = p.communicate(timeout=60)
        assert p.returncode == 0 and out == data


@pytest.mark.parametrize("kind", ["nginx", "nghttpd"])
def test_2000_streams_each_with_a_decision_and_an_outcome(world, site, kind):
    o = site(kind, files={"page": PAGE})
    r = world.lab.sandbox.run("h2load", "-n", "2000", "-c", "4", "-m", "25",
                              f"https://{o.name}/page", timeout=300)
    assert "Application protocol: h2" in r.stdout, r.stdout
    assert "2000 total, 2000 started, 2000 done, 2000 succeeded" in r.stdout, r.stdout
    assert "status codes: 2000 2xx" in r.stdout
    if kind == "nginx":
        lines = o.access.read_text().splitlines()
        assert sum("/page HTTP/2.0\" 200" in line for line in lines) == 2000

    seen = world.daemon.wait_requests(o.name, 2000)
    assert collections.Counter((o["verdict"], o["reason"], o["status"]) for _, o in seen) == {
        ("allowed", "complete", 200): 2000}


def test_node_to_node(world, site):
    o = site("node")
    r = world.lab.sandbox.run(*program("h2_client.js"), f"https://{o.name}",
                              str(world.client.ca), "50", env=node_environment(), timeout=120)
    answers = json.loads(r.stdout)
    assert [a["status"] for a in answers] == [200] * 50
    for i, a in enumerate(answers):
        assert a["body"]["version"] == "2.0" and a["body"]["path"] == f"/{i}"
        assert a["body"]["method"] == ("POST" if i else "GET")
        assert a["body"]["size"] == i * 1000 and a["trailer"] == str(i * 1000)
        assert a["hints"] == 1, "the 103 before it"


def test_large_bodies_both_ways(world, site, tmp_path):
    data = PAGE * 2000
    o = site("nginx", files={"large": data})
    a = world.client.curl(f"https://{o.name}/large", "--http2")
    assert a.status == 200 and a.body == data
    (tmp_path / "up").write_bytes(data)
    o = site("node")
    a = world.client.curl(f"https://{o.name}/up", "--http2", "--data-binary", f"@{tmp_path}/up")
    got, _ = json.JSONDecoder().raw_decode(a.text)  # curl prints the trailer behind it
    assert got["size"] == len(data) and got["version"] == "2.0"


def test_no_worker_was_lost(world):
    assert not world.daemon.records(reason="worker_crashed")
