"""Ordinary tools just work."""
import subprocess

import pytest

from lab.servers import open_to_all
from lab.wait import until

POLICY = """\
credentials:
  forge: {source: {env: FORGE}, inject: [{host: git.test, header: Authorization, format: "Bearer ${value}"}]}
policies:
  agent: {allow: [{host: [git.test]}], credentials: [forge]}
"""
NGINX = """\
daemon off; worker_processes 1; pid {d}/nginx.pid; error_log {d}/nginx.log;
events {{ worker_connections 256; }}
http {{
  access_log {d}/access.log; client_body_temp_path {d}/t1; proxy_temp_path {d}/t2;
  fastcgi_temp_path {d}/t3; uwsgi_temp_path {d}/t4; scgi_temp_path {d}/t5;
  gzip on; gzip_types text/plain; gzip_min_length 1; types {{}} default_type text/plain;
  server {{ listen 203.0.113.10:443 ssl; root {d}/web;
    ssl_certificate {cert}; ssl_certificate_key {cert};
    if ($http_authorization != "Bearer f0rge") {{ return 401; }} }} }}
"""


@pytest.fixture
def world(lab, netd, names, authority, client, tmp_path):
    web = tmp_path / "web"
    work = tmp_path / "work"
    web.mkdir()
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-C", str(work)]
    for words in (["git", "init", "-q", str(work)],
                  [*git, "commit", "-q", "--allow-empty", "-m", "one"],
                  ["git", "clone", "-q", "--bare", str(work), str(web / "r.git")],
                  ["git", "-C", str(web / "r.git"), "update-server-info"]):
        subprocess.run(words, check=True, env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)})
    (web / "hello").write_text("hello from nginx\n" * 100)
    open_to_all(tmp_path)
    conf = tmp_path / "nginx.conf"
    conf.write_text(NGINX.format(d=tmp_path, cert=authority.issue("git.test")))
    p = lab.internet.popen("nginx", "-c", str(conf), stderr=subprocess.DEVNULL)
    until("nginx to start", lambda: (tmp_path / "nginx.pid").exists())
    names.add("git.test", "203.0.113.10")
    d = netd(POLICY, environment={"FORGE": "f0rge"})
    ca = client.trust(d).ca
    env = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "SSL_CERT_FILE": str(ca),
           "GIT_SSL_CAINFO": str(ca), "NODE_EXTRA_CA_CERTS": str(ca), "CURL_CA_BUNDLE": str(ca)}

    def run(*words):
        return lab.sandbox.run(*words, check=False, env=env)

    yield run
    p.terminate()
    p.wait()


def test_git_clones_with_a_token_it_never_had(world, tmp_path):
    r = world("git", "clone", "-q", "https://git.test/r.git", str(tmp_path / "clone"))
    assert r.returncode == 0, r.stderr
    assert (tmp_path / "clone" / ".git" / "HEAD").exists()


@pytest.mark.parametrize("words", [
    ["curl", "-sS", "--compressed", "https://git.test/hello"],
    ["wget", "-q", "-O", "-", "--ca-certificate=@CA@", "https://git.test/hello"],
    ["/usr/bin/python3", "-c", "import urllib.request as u;"
     "print(u.urlopen('https://git.test/hello').read().decode(), end='')"],
    ["node", "-e", "fetch('https://git.test/hello').then(r => r.text())"
     ".then(t => process.stdout.write(t))"],
    ["node", "-e", "require('https').get('https://git.test/hello',"
     " r => r.pipe(process.stdout))"],
], ids=["curl", "wget", "python", "node-fetch", "node-https"])
def test_clients(world, client, words):
    r = world(*[w.replace("@CA@", str(client.ca)) for w in words])
    assert r.returncode == 0, r.stderr
    assert r.stdout == "hello from nginx\n" * 100
