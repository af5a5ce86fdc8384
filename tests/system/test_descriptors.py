"""A worker that runs out of descriptors waits, and loses and hides nothing."""
import os
import socket
import threading

from lab.client import read_response
from lab.cpu import assert_rests
from lab.wait import until

POLICY = """\
policies:
  agent: {allow: [{host: [api.test, other.test]}]}
"""
LIMIT = 60       # descriptors of each process; a worker begins with about 20
MOST = 90        # connections that certainly use them up
WATCHED = 3      # seconds of shortage


def get(s, host="api.test"):
    s.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    return read_response(s)[0].split(b"\r\n")[0]


def open_descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def test_threat_50_accepting_pauses_and_goes_on(netd, origin, client):
    api, other = origin("api.test"), origin("other.test", address="203.0.113.11")
    d = netd(POLICY, settings="workers: 1\nlimits: {hello: 300s}\n",
             wrapper=("prlimit", f"--nofile={LIMIT}:{LIMIT}"))
    client.trust(d)
    worker, = d.children()
    served = client.tls()
    assert get(served) == b"HTTP/1.1 200 OK"

    held = [client.connect() for _ in range(MOST)]  # the kernel takes them all
    until("accepting to pause", lambda: "accepting pauses" in d.log())
    assert open_descriptors(worker) == LIMIT

    assert_rests(worker, WATCHED)
    assert d.children() == [worker]
    assert open_descriptors(worker) == LIMIT
    assert d.log().count("accepting pauses") == 1  # said once

    # What is open goes on; what would need another descriptor is answered.
    assert get(served) == b"HTTP/1.1 200 OK"
    held[0] = client.wrap(held[0], "other.test")
    assert get(held[0], "other.test").startswith(b"HTTP/1.1 502 ")
    d.wait_record(event="outcome", host="other.test", verdict="error")

    for s in held:
        s.close()
    until("descriptors to be free again",
          lambda: open_descriptors(worker) < LIMIT // 2)
    assert client.curl("https://other.test/").status == 200
    assert get(served) == b"HTTP/1.1 200 OK"
    for o, host in ((api, "api.test"), (other, "other.test")):
        allowed = d.records(event="decision", kind="request", host=host,
                            verdict="allowed")
        # The one that could not be carried out was decided all the same.
        assert len(o.requests) == len(allowed) - (o is other)
    until("a record of each connection", lambda: len(
        {r["src"] for r in d.records(event="decision", kind="connect")}) == MOST - 1)


def receive(s, size):
    data = b""
    while len(data) < size:
        data += s.recv(1 << 18)
    return data


def carry(server, c, size):
    """Down through the worker, whole."""
    sender = threading.Thread(target=server.sendall, args=(b"x" * size,), daemon=True)
    sender.start()
    assert receive(c, size) == b"x" * size
    sender.join()


def has_a_pipe(pid):
    return any(os.readlink(f"/proc/{pid}/fd/{n}").startswith("pipe:")
               for n in os.listdir(f"/proc/{pid}/fd"))


def test_threat_50_without_a_descriptor_for_a_pipe_bytes_are_copied(netd, client, lab):
    size = 3_000_000
    listener = lab.internet.within(lambda: socket.create_server(("203.0.113.10", 2222)))
    d = netd("policies: {agent: {allow: [{address: 203.0.113.10/32, port: 2222}]}}\n",
             settings="workers: 1\nlimits: {hello: 300s}\n",
             wrapper=("prlimit", f"--nofile={LIMIT}:{LIMIT}"))
    worker, = d.children()
    c = client.connect("203.0.113.10", 2222)
    server, _ = listener.accept()
    held = [client.connect() for _ in range(MOST)]
    until("accepting to pause", lambda: "accepting pauses" in d.log())
    carry(server, c, size)
    assert open_descriptors(worker) == LIMIT and not has_a_pipe(worker)

    for s in held:
        s.close()
    until("descriptors to be free again",
          lambda: open_descriptors(worker) < LIMIT // 2)
    carry(server, c, size)
    assert has_a_pipe(worker)
    for s in (c, server, listener):
        s.close()
    assert d.wait_record(event="outcome", dport=2222)["bytes_down"] == 2 * size
    assert d.children() == [worker]
