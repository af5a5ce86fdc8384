import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from lab.dns import NameServer  # noqa: E402
from lab.namespaces import Lab  # noqa: E402
from lab.netd import Netd  # noqa: E402
from lab.origin import Origin  # noqa: E402
from lab.pki import Authority  # noqa: E402
from lab.client import Client  # noqa: E402


@pytest.fixture
def lab():
    with Lab() as world:
        yield world


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


@pytest.fixture
def names(lab, tmp_path):
    server = NameServer(lab, tmp_path)
    yield server
    server.close()


@pytest.fixture
def origin(lab, authority, names):
    """origin("api.test"): a recording HTTPS origin, known to DNS."""
    opened = []

    def make(name, *, address="203.0.113.10", port=443, tls=True, answer=None,
             certificate=None, listed=True, versions=None):
        if tls and certificate is None:
            certificate = authority.issue(name)
        o = Origin(lab.internet, address, port, certificate if tls else None,
                   answer, versions)
        o.name = name
        opened.append(o)
        if listed:
            names.add(name, address)
        return o

    yield make
    for o in opened:
        o.close()


SETTINGS = """\
version: 1
resolver: [203.0.113.53]
workers: 2
upstream:
  ca_file: {ca}
  allow_addresses: [203.0.113.0/24, "2001:db8:113::/64"]
"""


@pytest.fixture
def netd(lab, authority, names, tmp_path):
    """netd(policy): the daemon for the lab's sandboxes; policy: YAML below `policies:`."""
    started = []

    def config(documents, settings=""):
        text = SETTINGS.format(ca=authority.path) + settings + documents
        if "sandboxes:" not in documents:
            text += "sandboxes:\n"
            for i, s in enumerate(lab.sandboxes, 1):
                text += (f"  s{i}: {{interface: {s.interface}, address: "
                         f"[{s.address4}, \"{s.address6}\"], policy: agent}}\n")
        return text

    def start(documents, settings="", environment=None):
        d = Netd(lab, tmp_path, config(documents, settings), environment)
        d.text = config
        started.append(d)
        return d

    yield start
    for d in started:
        d.close()


@pytest.fixture
def client(lab):
    """Clients inside the first sandbox; client.trust(netd) first."""
    return Client(lab.sandbox)
