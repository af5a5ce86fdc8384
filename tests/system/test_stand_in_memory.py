"""A body in which stand-ins are looked for, or swapped, takes no memory.

With the Release build; see lab/memory.py.
"""
import json

import pytest

from lab.h2origin import H2Origin
from lab.memory import RELEASE, Holding

MEGABYTE = 1024  # KB
VALUE = 'c4nary "quoted"\\' + "x" * 30
POLICY = """\
credentials:
  demo: {source: {env: DEMO}, swap: {host: api.test, in: [body]}}
policies:
  agent:
    allow: [{host: [api.test, other.test]}]
    credentials: [demo]
"""


@pytest.mark.parametrize("version", ["--http1.1", "--http2"])
def test_threat_30_a_long_body_takes_no_memory(netd, origin, client, tmp_path, version):
    api = origin("api.test", kind=H2Origin)
    other = origin("other.test", kind=H2Origin, address="203.0.113.11")
    d = netd(POLICY, programs=RELEASE, settings="workers: 1\n", environment={"DEMO": VALUE})
    client.trust(d)
    given = json.loads(d.ctl("--json", "sandbox", "env", "s1").stdout)["stand_ins"]["demo"]
    bodies = {api: [given, "y" * 100] * 60_000, other: [given[:-1], "y" * 100] * 60_000}
    worker = Holding(d)

    def upload(o):
        path = tmp_path / "body.json"
        path.write_text(json.dumps(bodies[o]))
        assert path.stat().st_size > 8_000_000
        a = client.curl(f"https://{o.name}/", version, "-H", "Content-Type: application/json",
                        "-H", "Expect:", "--data-binary", f"@{path}")
        assert a.status == 200, a

    for o in bodies:
        upload(o)  # what is kept for the next comes from here
        assert worker.growth(lambda: upload(o)) < MEGABYTE
    assert json.loads(bytes(api.requests[-1].body)) == [VALUE, "y" * 100] * 60_000
    assert json.loads(bytes(other.requests[-1].body)) == bodies[other]
