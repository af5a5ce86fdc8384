"""Frames by another's hand: each script in vtc/ is a case, played by varnishtest.

One varnishtest plays both ends, the client and the origin, so that a script reads
as one story.  It lives in the sandbox's namespace; its server listens on a Unix
socket, and what the daemon sends to the origin's address is carried there.  The
daemon speaks HTTP/2 without TLS to both.

A script without a server is one of which nothing may reach the origin.
"""
import os
import pathlib
import re
import socket
import threading

import pytest

SCRIPTS = sorted((pathlib.Path(__file__).parent / "vtc").glob("*.vtc"))
each = pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)

POLICY = """\
policies:
  agent:
    allow:
      - host: "**.lab.test"
        port: 80
"""
# What nearly every script says, there as ${word}; @ is the origin's name.
WORDS = {
    "host": "@",
    # Whole heads.  More of their fields may follow, and no pseudo-fields.
    "get": "txreq -method GET -scheme http -url / -hdr :authority @",
    "post": "txreq -method POST -scheme http -url / -hdr :authority @ -nostrend",
    # A client begins, and has seen all that the daemon begins with.
    "hello": """txpri
        stream 0 {
            txsettings
            rxsettings
            rxwinup
            txsettings -ack
            rxsettings
            expect settings.ack == true
        } -run
        """,
    # An origin begins.  That its SETTINGS were taken may come behind a request.
    "welcome": """rxpri
        stream 0 {
            txsettings
            rxsettings
            rxwinup
            txsettings -ack
        } -run
        """,
    # All that was sent before has been read, and the connection lives.
    "alive": """stream 0 {
            txping -data "alive..?"
            rxping
            expect ping.ack == true
            expect ping.data == "alive..?"
        } -run
        """,
}


@pytest.fixture(scope="module")
def world(stage, tmp_path_factory):
    stage.netd(POLICY, settings="workers: 1\nlimits: {connections_per_second: 10000}\n")
    stage.directory = tmp_path_factory.mktemp("vtc")
    return stage


def pour(source, sink):
    """What comes from one goes into the other, and so does its end."""
    try:
        while data := source.recv(65536):
            sink.sendall(data)
    except OSError:
        pass  # an end, too
    try:
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # it was first


def carry(path):
    """Serves a connection by one to the Unix socket there."""
    def serve(near):
        with socket.socket(socket.AF_UNIX) as far:
            far.connect(path)
            answers = threading.Thread(target=pour, args=(far, near))
            answers.start()
            pour(near, far)
            answers.join()

    return serve


@each
def test_frames(world, script):
    o = world.origin(f"{script.stem}.lab.test", port=80, tls=False)
    back = str(world.directory / f"{script.stem}.sock")
    o.serve = carry(back)
    words = {"front": f"{o.address} 80", "back": back,
             **{word: said.replace("@", o.name) for word, said in WORDS.items()}}
    played = world.lab.sandbox.run(
        "varnishtest", "-t", "30", *(f"-D{w}={said}" for w, said in words.items()),
        str(script), check=False, errors="replace",
        env={**os.environ, "TMPDIR": str(world.directory)})
    assert played.returncode == 0, played.stdout + played.stderr
    if "server s1" not in script.read_text():
        assert not o.connections
        assert not world.daemon.records(host=o.name, verdict="allowed")
    world.retire(o)


@each
def test_each_says_what_it_shows_and_where_that_is_written(script):
    assert re.match(r'vtest "[^"]+ \(RFC (7541|9110|9112|9113) [\d., ]+\)"\n\n',
                    script.read_text())


def test_no_worker_was_lost(world):
    assert not world.daemon.records(reason="worker_crashed")
