"""Real servers in the internet, as processes: nginx, nghttpd, Node, gRPC.

And the programs of tests/system/clients, which run inside a sandbox; what they
need from npm, scripts/deps puts into build-clients/.
"""
import json
import os
import pathlib
import socket
import subprocess

from .wait import until

ROOT = pathlib.Path(__file__).resolve().parents[3]
PROGRAMS = ROOT / "tests" / "system" / "clients"
MODULES = ROOT / "build-clients" / "node_modules"
PYTHON = "/usr/bin/python3"

NGINX = """\
daemon off; worker_processes 1; pid {d}/nginx.pid; error_log {d}/nginx.log;
events {{ worker_connections 1024; }}
http {{
  access_log {d}/access.log; client_body_temp_path {d}/t1; proxy_temp_path {d}/t2;
  fastcgi_temp_path {d}/t3; uwsgi_temp_path {d}/t4; scgi_temp_path {d}/t5;
  types {{}} default_type text/plain; http2_max_concurrent_streams 128;
  keepalive_requests 100000; client_max_body_size 0;
  server {{ listen {address}:443 ssl http2; root {d}/web;
    ssl_certificate {cert}; ssl_certificate_key {cert};
    location /protocol {{ return 200 "$server_protocol"; }} }} }}
"""


def node_environment(**more):
    assert MODULES.is_dir(), f"no {MODULES}: run scripts/deps"
    return {"PATH": os.environ["PATH"], "HOME": "/nonexistent",
            "NODE_PATH": str(MODULES), **more}


def program(name):
    """The words that run a program of tests/system/clients."""
    runner = "node" if name.endswith(".js") else PYTHON
    return [runner, str(PROGRAMS / name)]


def open_to_all(directory):
    """For a server with a user of its own: it may read what is there, and pass
    through what is above it, where others come and go and have secrets."""
    subprocess.run(["chmod", "-R", "a+rX", str(directory)], check=True)
    for above in directory.parents[:2]:
        above.chmod(above.stat().st_mode | 0o111)


class Servers:
    """Each method starts a server and waits until it can be connected to."""

    def __init__(self, lab, directory):
        self.lab, self.directory, self.processes = lab, directory, []

    def _start(self, address, *words, port=443, **options):
        log = open(self.directory / f"server{len(self.processes)}.log", "wb")
        p = self.lab.internet.popen(*words, stdout=log, stderr=log, **options)
        p.log = pathlib.Path(log.name)
        self.processes.append(p)

        def listens():
            assert p.poll() is None, p.log.read_text()
            try:
                socket.create_connection((address, port), 5).close()
                return True
            except OSError:
                return False

        until(f"{words[0]} to listen", lambda: self.lab.internet.within(listens))
        return p

    def nginx(self, address, certificate, files=None):
        web = self.directory / "web"
        web.mkdir(exist_ok=True)
        for name, data in (files or {}).items():
            (web / name).write_bytes(data)
        open_to_all(self.directory)
        conf = self.directory / "nginx.conf"
        conf.write_text(NGINX.format(d=self.directory, cert=certificate, address=address))
        p = self._start(address, "nginx", "-c", str(conf))
        p.access = self.directory / "access.log"
        return p

    def nghttpd(self, address, certificate, files=None):
        web = self.directory / "web"
        web.mkdir(exist_ok=True)
        for name, data in (files or {}).items():
            (web / name).write_bytes(data)
        return self._start(address, "nghttpd", "-a", address, "-d", str(web), "443",
                           str(certificate), str(certificate))

    def node(self, name, address, certificate):
        return self._start(address, *program(name), address, "443", str(certificate),
                           env=node_environment())

    def grpc(self, address, certificate):
        log = self.directory / "calls.json"
        log.write_text("")
        p = self._start(address, *program("grpc_server.py"), f"{address}:443",
                        str(certificate), str(log))
        p.calls = lambda **want: [c for c in map(json.loads, log.read_text().splitlines())
                                  if all(c.get(k) == v for k, v in want.items())]
        return p

    def unbound(self, address, config, port):
        return self._start(address, "unbound", "-c", str(config), port=port)

    def close(self):
        for p in self.processes:
            p.kill()
            p.wait()
