"""The daemon's resolver beside a real name server: unbound, plain and over TLS,
with answers that fit into no datagram, and when it is started anew."""
import pytest

from lab.servers import Servers

SERVER, TLS_NAME = "203.0.113.54", "dns.lab.test"
MANY = [f"203.0.113.{n}" for n in range(20, 140)]
KEPT = 16  # RESOLVER_ADDRESSES
POLICY = 'policies: {agent: {allow: [{host: "*.lab.test"}]}}\n'
UNBOUND = """\
server:
  do-daemonize: no
  chroot: ""
  username: ""
  directory: "{d}"
  pidfile: ""
  use-syslog: no
  logfile: ""
  module-config: "iterator"
  interface: {at}@{port}
  tls-port: 853
  tls-service-key: "{certificate}"
  tls-service-pem: "{certificate}"
  access-control: 0.0.0.0/0 allow
  minimal-responses: yes
  local-zone: "lab.test." static
  local-data: "one.lab.test. 60 IN A 203.0.113.20"
  local-data: "one.lab.test. 60 IN AAAA 2001:db8:113::20"
  local-data: "other.lab.test. 60 IN A 203.0.113.21"
  local-data: "txt.lab.test. 60 IN TXT hello"
{many}
remote-control:
  control-enable: no
"""


class Unbound:
    def __init__(self, place, directory, port):
        self.servers = Servers(place.lab, directory)
        self.config, self.port = directory / "unbound.conf", port
        certificate = place.authority.issue(TLS_NAME)
        many = "\n".join(f'  local-data: "many.lab.test. 60 IN A {a}"' for a in MANY)
        self.config.write_text(UNBOUND.format(
            d=directory, at=SERVER, port=port, certificate=certificate, many=many))

    def start(self):
        self.process = self.servers.unbound(SERVER, self.config, self.port)

    def stop(self):
        self.process.terminate()
        self.process.wait()


@pytest.fixture(scope="module")
def place(stage):
    stage.lab.internet.ip("addr", "add", SERVER + "/24", "dev", "eth0")
    return stage


@pytest.fixture(scope="module", params=["plain", "tls"])
def world(place, request, tmp_path_factory):
    """(dig, the server): nothing else answers, and of TLS only its port."""
    tls = request.param == "tls"
    server = Unbound(place, tmp_path_factory.mktemp("unbound"), 853 if tls else 53)
    server.start()
    place.daemons.resolver = f"'tls://{SERVER}#{TLS_NAME}'" if tls else SERVER
    daemon = place.daemons(POLICY, "workers: 1\n")

    def dig(*words):
        return place.lab.sandbox.run(
            "dig", "+tries=1", "+time=20", "@192.0.2.1", *words).stdout

    yield dig, server
    daemon.close()
    server.stop()


def test_names_have_addresses_or_are_not_there(world):
    dig, _ = world
    assert dig("one.lab.test", "A", "+short").split() == ["203.0.113.20"]
    assert dig("one.lab.test", "AAAA", "+short").split() == ["2001:db8:113::20"]
    none = dig("other.lab.test", "AAAA")
    assert "NOERROR" in none and "ANSWER: 0" in none
    assert "NXDOMAIN" in dig("gone.lab.test", "A")


def test_an_answer_that_fits_into_no_datagram(world):
    """It is fetched over TCP, and as many addresses as a dial could use are kept."""
    dig, _ = world
    got = dig("many.lab.test", "A", "+short", "+tcp").split()
    assert len(got) == len(set(got)) == KEPT and set(got) < set(MANY)


def test_the_server_is_started_anew(world):
    """What it had open is gone, and the next question finds it."""
    dig, server = world
    assert dig("one.lab.test", "A", "+short").split() == ["203.0.113.20"]
    server.stop()
    server.start()
    assert "NXDOMAIN" in dig("never-asked.lab.test", "A")
