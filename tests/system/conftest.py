import pathlib
import signal
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from lab.client import Client  # noqa: E402
from lab.dns import NameServer  # noqa: E402
from lab.namespaces import Lab  # noqa: E402
from lab.pki import Authority  # noqa: E402
from lab.stage import Daemons, Origins, Stage  # noqa: E402

# A shell that starts the tests in its background has SIGINT ignored, and nohup
# SIGHUP; what the tests start would inherit that, and a shell cannot trap it.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)


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
    make = Origins(lab, authority, names)
    yield make
    make.close()


@pytest.fixture
def netd(lab, authority, names, tmp_path):
    """netd(policy): the daemon for the lab's sandboxes; policy: YAML below `policies:`."""
    start = Daemons(lab, authority, tmp_path)
    yield start
    start.close()


@pytest.fixture
def client(lab):
    """Clients inside the first sandbox; client.trust(netd) first."""
    return Client(lab.sandbox)


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    """One lab for a whole file of tests; see lab/stage.py."""
    s = Stage(tmp_path_factory.mktemp("stage"))
    yield s
    s.close()
