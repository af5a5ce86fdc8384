"""A name server that never answers costs the sandbox that asks it, and no other."""
from lab.answers import AnswerServer, address
from lab.client import Client

SERVER = "203.0.113.54"
POLICY = """\
policies:
  agent: {allow: [{host: ["*.slow.test", fine.lab.test], port: 80}]}
"""
SETTINGS = """\
workers: 1
limits: {connections_per_second: 2000}
"""
MANY = 600  # names, each two questions; a worker has 1,024 out


def serve(q):
    if q.name.endswith(".slow.test"):
        return []
    return [q.reply(*[address("203.0.113.10")] if q.kind == "A" else [])]


def test_threat_44_names_that_nobody_answers_for_are_one_sandboxs(lab, netd, origin):
    other = lab.add_sandbox()
    lab.internet.ip("addr", "add", SERVER + "/24", "dev", "eth0")
    o = origin("fine.lab.test", port=80, tls=False, listed=False)
    server = AnswerServer(lab, SERVER, serve)
    netd.resolver = SERVER
    d = netd(POLICY, SETTINGS)
    one, two, held = Client(lab.sandbox), Client(other), []
    for i in range(MANY):
        held.append(one.connect(port=80))
        held[-1].sendall(f"GET / HTTP/1.1\r\nHost: n{i}.slow.test\r\n\r\n".encode())
    # The last of them has more out than it may, and is told so.
    r = d.wait_record(sandbox="s1", host=f"n{MANY - 1}.slow.test", event="outcome")
    assert r["reason"] == "resolve" and "of this sandbox" in r["detail"]
    a = two.curl("http://fine.lab.test/", "--resolve", "fine.lab.test:80:203.0.113.10")
    assert a.status == 200 and len(o.requests) == 1
    for s in held:
        s.close()
    server.close()
