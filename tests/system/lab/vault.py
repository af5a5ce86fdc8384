"""A small Vault: KV version 2 (and 1), tokens, AppRole, namespaces, seals.

It answers as Vault's HTTP API is documented to, so far as one who reads a secret
can see.  With agent=True it is an Agent with auto-auth: it adds a token itself.
"""
import itertools
import json
import re
import threading
import urllib.parse

from .origin import Origin


class Vault(Origin):
    def __init__(self, ns, address="127.0.0.1", port=8200, certificate=None, agent=False,
                 **more):
        self.agent, self.sealed, self.namespace = agent, False, ""
        self.secrets, self.tokens, self.roles = {}, {}, {}
        self.numbers, self.open = itertools.count(1), threading.Event()
        self.open.set()  # cleared: nobody is answered
        self.instead = None  # a response, whatever is asked
        super().__init__(ns, address, port, certificate, self._answer, **more)

    # what a test sets up

    def put(self, path, mount="secret", **fields):
        """One more version of it."""
        self.secrets.setdefault((mount, path), []).append(
            {"data": fields, "deletion_time": "", "destroyed": False})

    def put_v1(self, path, mount, **fields):
        """In a mount of KV version 1, which has no versions and no `data`."""
        self.secrets[mount, path] = fields

    def allow(self, token, prefix=""):
        """A token, and which paths it may read."""
        self.tokens[token] = prefix

    def versions(self, path, mount="secret"):
        return self.secrets[mount, path]

    def reads(self):
        return [r for r in self.requests if r.method == "GET"]

    # what a client sees

    def _answer(self, r, c):
        assert self.open.wait(60)
        if self.instead is not None:
            return self.instead
        status, body = self._decide(r)
        text = json.dumps(body).encode()
        return (f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(text)}\r\n\r\n").encode() + text

    def _decide(self, r):
        path, _, query = r.target.partition("?")
        path = urllib.parse.unquote(path)
        token = r.headers.get("x-vault-token", "agent" if self.agent else None)
        if self.sealed:
            return errors(503, "Vault is sealed")
        if r.headers.get("x-vault-request") != "true":
            return errors(412, "missing 'X-Vault-Request' header")
        if r.headers.get("x-vault-namespace", "") != self.namespace:
            return errors(404, "no handler for route")
        login = re.fullmatch(r"/v1/auth/(.*)/login", path)
        if login and r.method == "POST":
            return self._log_in(login[1], json.loads(r.body))
        if token is None:
            return errors(400, "missing client token")
        if path == "/v1/auth/token/revoke-self" and r.method == "POST":
            return (204, {}) if self.tokens.pop(token, None) is not None else errors(403)
        read = re.fullmatch(r"/v1/(.*)/data/(.*)", path)
        if r.method != "GET" or not read:
            return errors(404, "no handler for route")
        mount, name = read.groups()
        if not self.agent and not name.startswith(self.tokens.get(token, "\0")):
            return errors(403, "1 error occurred:\n\t* permission denied\n\n")
        return self._read(mount, name, dict(urllib.parse.parse_qsl(query)))

    def _log_in(self, mount, body):
        if self.roles.get((mount, body["role_id"])) != body["secret_id"]:
            return errors(400, "invalid role or secret ID")
        token = f"hvs.login-{next(self.numbers)}"
        self.tokens[token] = ""
        return 200, {"auth": {"client_token": token, "lease_duration": 60,
                              "renewable": True, "token_policies": ["default"]}}

    def _read(self, mount, name, query):
        if (mount, "data/" + name) in self.secrets:  # as version 1 sees that path
            return 200, {"lease_duration": 2764800, "data": self.secrets[mount, "data/" + name]}
        versions = self.secrets.get((mount, name))
        number = int(query.get("version", 0)) or len(versions or ())
        if not versions or number > len(versions):
            return errors(404)
        v = versions[number - 1]
        gone = v["destroyed"] or (v["deletion_time"] and not v.get("later"))
        return 404 if gone else 200, {"lease_duration": 0, "data": {
            "data": None if gone else v["data"],
            "metadata": {"version": number, "created_time": "2026-01-01T00:00:00.1234567Z",
                         "deletion_time": v["deletion_time"], "custom_metadata": None,
                         "destroyed": v["destroyed"]}}}


def errors(status, *texts):
    return status, {"errors": list(texts)}
