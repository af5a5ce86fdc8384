"""What people run inside a sandbox takes our leaf for the name it asked for,
and refuses it for any other name and from any other authority.

Each client runs against leafserver.  Nothing is skipped: a client that is not
installed is a failure.
"""
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from lab.built import TESTS

HERE = Path(__file__).resolve().parent
SERVER = str(TESTS / "leafserver")
DEADLINE = 120  # seconds for one client; the first Java or Go is slow

SHORT = "api.sandbox.test"
LONG = "a" * 60 + "." + "b" * 10 + ".sandbox.test"  # no room in a subject
ADDRESS = "127.0.0.1"
NAMES = pytest.mark.parametrize(
    "name", [SHORT, LONG, ADDRESS], ids=["short", "long", "address"])


class Server:
    """One leafserver, its root certificate and its port."""

    def __init__(self, folder, *options):
        self.root = folder / "root.pem"
        self.process = subprocess.Popen(
            [SERVER, str(self.root), *options], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.port = self.process.stdout.readline().strip()
        assert self.port, "leafserver did not start"

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(DEADLINE) == 0, "leafserver failed"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Starts leafserver with the given options, once for each set of them."""
    servers = {}

    def start(*options):
        if options not in servers:
            folder = tmp_path_factory.mktemp("leafserver")
            servers[options] = Server(folder, *options)
        return servers[options]

    yield start
    for one in servers.values():
        one.close()


@pytest.fixture(scope="module")
def go_client(tmp_path_factory):
    folder = tmp_path_factory.mktemp("go")
    binary = folder / "leaf_client"
    env = dict(os.environ, GOFLAGS="-mod=mod", GO111MODULE="off",
               GOPROXY="off", GOCACHE=str(folder / "cache"), GOPATH=str(folder))
    subprocess.run(["go", "build", "-o", binary, HERE / "leaf_client.go"],
                   check=True, env=env, timeout=400)
    return [binary]


@pytest.fixture(scope="module")
def java_client(tmp_path_factory):
    folder = tmp_path_factory.mktemp("java")
    subprocess.run(["javac", "-d", folder, HERE / "LeafClient.java"],
                   check=True, timeout=DEADLINE)
    return ["java", "-cp", folder, "LeafClient"]


def curl(_, root, port, name):
    return ["curl", "-sS", "--noproxy", "*", "--cacert", root, "-o", "/dev/null",
            "--resolve", f"{name}:{port}:127.0.0.1", f"https://{name}:{port}/"]


def gnutls(_, root, port, name):
    sni = [] if name == ADDRESS else [f"--sni-hostname={name}"]
    return ["gnutls-cli", f"--x509cafile={root}", f"--verify-hostname={name}",
            *sni, "-p", port, "127.0.0.1"]


def openssl(_, root, port, name):
    check = ["-verify_ip", name] if name == ADDRESS else \
        ["-verify_hostname", name, "-servername", name]
    return ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-CAfile",
            root, "-x509_strict", "-verify_return_error", *check]


def node(_, *arguments):
    return ["node", HERE / "leaf_client.js", *arguments]


def python(_, *arguments):
    return ["/usr/bin/python3", HERE / "leaf_client.py", *arguments]


def go(request, *arguments):
    return request.getfixturevalue("go_client") + [*arguments]


def java(request, *arguments):
    return request.getfixturevalue("java_client") + [*arguments]


# Each client with how it says that it does not trust: exit status and words.
CLIENTS = {
    curl: (60, "SSL"),
    gnutls: (1, "certificate is NOT trusted"),
    openssl: (1, "verify error"),
    node: (3, ""),
    python: (3, "CERTIFICATE_VERIFY_FAILED"),
    go: (3, "x509: "),
    java: (3, "Exception"),
}
EACH_CLIENT = pytest.mark.parametrize(
    "client", CLIENTS, ids=lambda client: client.__name__)


def run(request, client, root, port, name):
    command = client(request, root, port, name)
    assert shutil.which(command[0]), f"{command[0]} is not installed"
    return subprocess.run(command, input="GET / HTTP/1.0\r\n\r\n", text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=DEADLINE, check=False)


def assert_accepted(request, client, root, port, name):
    done = run(request, client, root, port, name)
    assert done.returncode == 0, done.stdout


def assert_refused(request, client, root, port, name):
    done = run(request, client, root, port, name)
    status, words = CLIENTS[client]
    assert done.returncode == status, done.stdout
    assert words in done.stdout
    assert "HTTP/1.0 200" not in done.stdout


@EACH_CLIENT
@NAMES
def test_accepted_for_its_name(request, server, client, name):
    one = server()
    assert_accepted(request, client, one.root, one.port, name)


@EACH_CLIENT
@NAMES
def test_refused_for_another_name(request, server, client, name):
    other = server("--as", "other.sandbox.test")
    assert_refused(request, client, other.root, other.port, name)


@EACH_CLIENT
def test_a_leaf_covers_no_subdomain(request, server, client):
    parent = server("--as", "sandbox.test")
    assert_refused(request, client, parent.root, parent.port, SHORT)


@EACH_CLIENT
def test_refused_from_another_authority(request, server, client):
    one, other = server(), server("--as", SHORT)
    assert_refused(request, client, other.root, one.port, SHORT)


@EACH_CLIENT
def test_rsa_leaf_is_accepted(request, server, client):
    rsa = server("--rsa")
    assert_accepted(request, client, rsa.root, rsa.port, SHORT)


def test_java_takes_the_root_from_a_keytool_store(request, server, tmp_path):
    one, store = server(), tmp_path / "trust.p12"
    subprocess.run(["keytool", "-importcert", "-noprompt", "-storetype",
                    "PKCS12", "-alias", "root", "-file", one.root, "-keystore",
                    store, "-storepass", "changeit"], check=True,
                   timeout=DEADLINE)
    assert_accepted(request, java, store, one.port, SHORT)
