"""What a test is played on: a lab with a name server, origins and the daemon.

The fixtures of conftest.py make a fresh one for each test.  Stage is for a file
of tests that can share one: each test then takes a name of its own, and with it
an origin at an address of its own.
"""
import collections
import itertools

from .client import Client
from .dns import NameServer
from .namespaces import Lab
from .netd import Netd
from .origin import Origin
from .pki import Authority

SETTINGS = """\
version: 1
resolver: [{resolver}]
upstream:
  ca_file: {ca}
  allow_addresses: [203.0.113.0/24, "2001:db8:113::/64"]
"""


class Origins:
    """origins("api.test"): a recording HTTPS origin, known to DNS."""

    def __init__(self, lab, authority, names):
        self.lab, self.authority, self.names = lab, authority, names
        self.opened = []

    def __call__(self, name, *, address="203.0.113.10", port=443, tls=True,
                 answer=None, certificate=None, listed=True, versions=None,
                 kind=Origin, **more):
        """kind: the class; what it takes besides goes in more."""
        if tls and certificate is None:
            certificate = self.authority.issue(name)
        o = kind(self.lab.internet, address, port, certificate if tls else None,
                 answer, versions, **more)
        o.name, o.address = name, address
        self.opened.append(o)
        if listed:
            self.names.add(name, address)
        return o

    def close(self):
        for o in self.opened:
            o.close()


class Daemons:
    """daemons(policy): sbx-netd for the lab's sandboxes."""

    def __init__(self, lab, authority, directory):
        self.lab, self.authority, self.directory = lab, authority, directory
        self.started = []
        self.resolver = lab.DNS

    def config(self, documents, settings=""):
        text = SETTINGS.format(
            ca=self.authority.path, resolver=self.resolver) + settings + documents
        if "workers:" not in settings:
            text += "workers: 2\n"
        if "sandboxes:" not in documents:
            text += "sandboxes:\n"
            for i, s in enumerate(self.lab.sandboxes, 1):
                text += (f"  s{i}: {{interface: {s.interface}, address: "
                         f"[{s.address4}, \"{s.address6}\"], policy: agent}}\n")
        return text

    def __call__(self, documents, settings="", environment=None, **more):
        d = Netd(self.lab, self.directory, self.config(documents, settings),
                 environment, **more)
        d.text = self.config
        self.started.append(d)
        return d

    def close(self):
        for d in self.started:
            d.close()


class Stage:
    """Everything at once; stage.origin("a.lab.test") picks a free address."""

    def __init__(self, directory):
        self.lab = Lab()
        self.lab.__enter__()
        self.authority = Authority(directory)
        self.names = NameServer(self.lab, directory)
        self.origins = Origins(self.lab, self.authority, self.names)
        self.daemons = Daemons(self.lab, self.authority, directory)
        self.free = collections.deque(f"203.0.113.{n}" for n in range(60, 250))
        self.added = set()
        self.numbers = itertools.count()  # for names that nobody had

    def address(self):
        a = self.free.popleft()
        if a not in self.added:
            self.lab.internet.ip("addr", "add", a + "/24", "dev", "eth0")
            self.added.add(a)
        return a

    def retire(self, o):
        """Closes an origin; others may have its address, but not its name."""
        o.close()
        self.origins.opened.remove(o)
        self.free.append(o.address)

    def origin(self, name, **options):
        options.setdefault("address", None)
        if options["address"] is None:
            options["address"] = self.address()
        return self.origins(name, **options)

    def netd(self, documents, settings="", environment=None, **more):
        self.daemon = self.daemons(documents, settings, environment, **more)
        self.client = Client(self.lab.sandbox).trust(self.daemon)
        return self.daemon

    def close(self):
        try:
            self.daemons.close()
        finally:
            self.origins.close()
            self.names.close()
            self.lab.__exit__()
