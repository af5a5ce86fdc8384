"""The JSON Schemas that sbx-netd prints: what is in the tree, and what they take.

    golden_schema.py /path/to/sbx-netd /path/to/sbx-netctl [--update]

policy/sbx-net.schema.json and policy/sbx-netd.schema.json are what the program
prints; --update writes them.  Every document that loads must be valid; what is
refused for its shape must not be; and what the schema refuses, the daemon
refuses as well.
"""

import pathlib
import re
import subprocess
import sys
import tempfile

import jsonschema
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[3]
POLICY = ROOT / "tests" / "golden" / "policy"
CHECK = ROOT / "tests" / "golden" / "check"
KIT = ROOT / "tests" / "golden" / "import" / "docker-kit" / "v2.yaml"
FILES = {"documents": "sbx-net.schema.json", "main": "sbx-netd.schema.json"}

# Documents that are refused for what no schema can see.
NOT_OF_SHAPE = {
    "bad-ambiguous": "two bindings for one place",
    "bad-never-fires": "both sides of a credential",
    "bad-shadowed": "the order of bindings",
    "bad-swaps-never": "both sides of a credential",
    "bad-version-late": "the order of keys",
}
# Those that Python's reader of YAML does not even read, or reads otherwise.
NOT_YAML = {"bad-star", "bad-yaml", "bad-duplicate"}

# The place in a document, and two values of it: the second is refused.
RULE = "version: 1\npolicies: {p: {allow: [{%s}]}}\n"
SOURCE = ("version: 1\ncredentials: {c: {source: {%s}, "
          "inject: {host: a.example.org, header: X-A}}}\n")
SWAP = "version: 1\ncredentials: {c: {source: {env: X}, swap: {%s}}}\n"
ENTRY = "version: 1\ncredentials: {c: {source: {env: X}, %s}}\n"
INJECT = "version: 1\ncredentials: {c: {source: {env: X}, inject: {%s}}}\n"
BOX = ("version: 1\npolicies: {p: {}}\nsandboxes: {s: {interface: i, "
       "policy: p, %s}}\n")
CASES = [
    (RULE, "host: example.org", "hots: example.org"),
    (RULE, "host: example.org", ""),
    (RULE, "host: example.org", "host: 'https://example.org'"),
    (RULE, "host: [example.org]", "host: []"),
    (RULE, "host: a.b, port: 443", "host: a.b, port: 0"),
    (RULE, "host: a.b, port: [8000-8999]", "host: a.b, port: [https]"),
    (RULE, "host: a.b, method: get", "host: a.b, method: 'GE T'"),
    (RULE, "host: a.b, path: /x/**", "host: a.b, path: x"),
    (RULE, "host: a.b, path: /x/y", "host: a.b, path: /x//y"),
    (RULE, "host: a.b, path: /x", "host: a.b, path: '/x?y'"),
    (RULE, "host: a.b, query: {q: [x, 'y*']}", "host: a.b, query: {}"),
    (RULE, "host: a.b, header: {X-A: ''}", "host: a.b, header: [X-A]"),
    (RULE, "host: a.b, header: {X-A: x}",
     "host: a.b, header: {X-A: x}, tls: passthrough"),
    (RULE, "host: a.b, dns: [TXT, HTTPS]", "host: a.b, dns: [A]"),
    (RULE, "host: a.b, dns: MX", "host: a.b, dns: ['NULL']"),
    (RULE, "host: a.b, port: 22, dns: SRV", "address: 192.0.2.1, port: 22, dns: SRV"),
    (RULE, "host: a.b, limit: {requests: 60/m, up: 10MB/h}", "host: a.b, limit: {}"),
    (RULE, "host: a.b, limit: {down: 1B/s}", "host: a.b, limit: {requests: 60/w}"),
    (RULE, "host: a.b, tls: passthrough, limit: {up: 1kB/d}",
     "host: a.b, tls: passthrough, limit: {requests: 1/d}"),
    (RULE, "address: 192.0.2.1, port: 22, limit: {up: 1kB/d}",
     "address: 192.0.2.1, port: 22, limit: {requests: 1/d}"),
    (RULE, "host: a.b, tls: inspect", "host: a.b, tls: off"),
    (RULE, "host: a.b, port: 22, protocol: tcp", "host: a.b, protocol: tcp"),
    (RULE, "host: a.b, port: 22, protocol: tcp, limit: {up: 1B/s}",
     "host: a.b, port: 22, protocol: tcp, limit: {requests: 1/s}"),
    (RULE, "host: a.b, port: 22", "host: a.b, port: 22, protocol: udp"),
    (RULE, "host: a.b, port: 22, tls: inspect",
     "host: a.b, port: 22, protocol: tcp, tls: inspect"),
    (RULE, "host: a.b, broad: true", "host: a.b, broad: 'true'"),
    (RULE, "host: a.b, path: /x", "host: a.b, path: /x, tls: passthrough"),
    (RULE, "address: 192.0.2.0/24, port: 22", "address: 192.0.2.0/24"),
    (RULE, "address: '2001:db8::/32', port: 22", "address: a.org, port: 22"),
    (RULE, "address: 192.0.2.1, port: 22",
     "address: 192.0.2.1, port: 22, broad: true"),
    (RULE, "address: 192.0.2.1, port: 22",
     "address: 192.0.2.1, port: 22, host: a.b"),
    (SOURCE, "env: [X, Z]", "env: X, file: /x"),
    (SOURCE, "file: /x", "file: x"),
    (SOURCE, "env: X", "env: A-B"),
    (SOURCE, "systemd: x", "systemd: ../x"),
    (SOURCE, "command: [/bin/x], ttl: 5m", "command: [/bin/x], ttl: 5"),
    (SOURCE, "command: [/bin/x], refresh: 5s", "file: /x, refresh: 5s"),
    (SOURCE, "file: /x, failure_ttl: 5m", "env: X, failure_ttl: 5m"),
    (SOURCE, "command: [/bin/x], timeout: 5s", "env: X, timeout: 5s"),
    (SOURCE, "command: [/bin/x], input: a", "file: /x, input: a"),
    (SOURCE, "file: /x, format: json, field: a.b", "file: /x, format: json"),
    (SOURCE, "file: /x, format: docker-credential",
     "env: X, format: docker-credential"),
    (SOURCE, "file: /x, format: git-credential, field: username",
     "file: /x, format: raw, field: username"),
    (SOURCE, "systemd: x, format: aws-process", "systemd: x, format: aws"),
    (SOURCE, "file: /x, format: json, field: a", "file: /x, field: a"),
    (INJECT, "host: a.b.org, header: X-A", "host: a.b.org"),
    (INJECT, "host: a.b.org, header: X-A", "host: a.b.org, header: 'X A'"),
    (INJECT, "host: a.b.org, header: A, format: 'B ${value}'",
     "host: a.b.org, header: A, format: B"),
    (INJECT, "host: a.b.org, header: A, mode: if-absent",
     "host: a.b.org, header: A, mode: if-placeholder"),
    (INJECT, "host: a.b.org, header: A, mode: if-placeholder, placeholder: abcd",
     "host: a.b.org, header: A, placeholder: abcd"),
    (SWAP, "host: a.b.org, in: [query, body]", "host: a.b.org, in: cookie"),
    (SWAP, "host: a.b.org, port: 8443", "host: a.b.org, header: X-A"),
    (ENTRY, "swap: {host: a.b.org}", "environment: X"),
    (ENTRY, "environment: [X, Z_1], swap: {host: a.b.org}",
     "environment: X-A, swap: {host: a.b.org}"),
    (BOX, "address: 192.0.2.1", "address: 192.0.2.1/32"),
    (BOX, "address: [192.0.2.1]", "address: []"),
    (BOX, "address: 192.0.2.1, labels: {a: b}",
     "address: 192.0.2.1, labels: {a: 5}"),
    (BOX, "address: 192.0.2.1, labels: {a: b}",
     "address: 192.0.2.1, labels: {'a b': c}"),
    (BOX, "address: 192.0.2.1, limit: {requests: 9/s, down: 1TB/d}",
     "address: 192.0.2.1, limit: {}"),
    (BOX, "address: 192.0.2.1, overlay: {mode: open}",
     "address: 192.0.2.1, overlay: {mode: shut}"),
    (BOX, "address: 192.0.2.1, overlay: {deny: [{host: a.b}]}",
     "address: 192.0.2.1, overlay: {deny: [{hots: a.b}]}"),
    (BOX, "address: 192.0.2.1, limit: {up: 1B/s}", "address: 192.0.2.1, limit: {up: 1/s}"),
    ("version: 1\npolicies: {%s}\n", "p: {}", "Upper: {}"),
    ("version: 1\npolicies: {p: {%s}}\n", "default: allow", "default: permit"),
    ("version: 1\npolicies: {p: {deny: [{host: a.b, %s}]}}\n", "audit: true", "audit: 'yes'"),
    ("version: 1\npolicies: {p: {allow: [{host: a.b, %s}]}}\n", "", "audit: true"),
    ("version: 1\npolicies: {p: {%s}}\n", "audit: true", "audit: 1"),
    ("version: 1\npolicies: {p: {%s}}\n", "deny: []", "deny: example.org"),
    ("version: 1\npolicies: {p: {%s}}\n", "", "handler: {name: x}"),
    ("version: 1\n%s\n", "watch: true", "watch: 'true'"),
    ("version: 1\npolicies: {p: {%s}}\n", f"kit: {KIT}", "kit: [a]"),
    ("version: %s\n", "1", "2"),
    ("%s\n", "version: 1", "policies: {}"),
    ("version: 1\nworkers: %s\n", "auto", "0"),
    ("version: 1\nresolver: %s\n", "'[2001:db8::1]:53'", "dns.example.org"),
    ("version: 1\nresolver: %s\n", "192.0.2.1:5353", "[]"),
    ("version: 1\nresolver: %s\n", "'tls://192.0.2.1:8853#dns.example.org'", "'tls://192.0.2.1'"),
    ("version: 1\nresolver: %s\n", "'tls://[2001:db8::1]:8853#d'", "'192.0.2.1#d'"),
    ("version: 1\nupstream: {allow_addresses: %s}\n", "10.0.0.0/8", "x"),
    ("version: 1\nlog: {%s}\n", "journal: false", "journal: true"),
    ("version: 1\nlog: {file: %s}\n", "/x", "x"),
    ("version: 1\nlimits: {idle: %s}\n", "2h", "120"),
    ("version: 1\nlimits: {connections: %s}\n", "1", "0"),
    ("version: 1\nlimits: {dns_label_bytes: %s}\n", "63", "64"),
    ("version: 1\nkernel: {mark: %s}\n", "0x2", "0"),
    ("version: 1\nkernel: {port: %s}\n", "65535", "65536"),
    ("version: 1\nkernel: {install: %s}\n", "false", "sometimes"),
    ("version: 1\ncontrol: {group: %s}\n", "net", "''"),
    ("version: 1\n%s\n", "affinity: flow", "afinity: flow"),
]

failures = []


def expect(good, what, why=""):
    if not good:
        failures.append(what)
        print(f"FAIL {what}\n{why}")


def problems(validator, text):
    return [f"  {'/'.join(map(str, e.absolute_path))}: {e.message}"
            for e in validator.iter_errors(yaml.safe_load(text) or {})]


def check_tree(printed, update):
    for kind, name in FILES.items():
        path = ROOT / "policy" / name
        if update:
            path.write_text(printed[kind])
        expect(path.read_text() == printed[kind],
               f"policy/{name} is not what sbx-netd --print-schema {kind} "
               "prints", "  write it anew with golden_schema.py --update")


def good_documents():
    """(kind, name, text) of all that loads."""
    for path in (*sorted((ROOT / "policy").glob("*/*.yaml")),
                 *(p for p in sorted(POLICY.glob("*.yaml"))
                   if not p.name.startswith("bad-"))):
        yield "documents", path.name, path.read_text()
    for page in ("README.md", "docs/policy.md"):
        blocks = re.findall(r"```yaml\n(version.*?)```",
                            (ROOT / page).read_text(), re.S)
        for number, block in enumerate(blocks):
            yield "documents", f"{page} {number}", block
    for path in sorted((CHECK / "good").rglob("*.yaml")):
        kind = "main" if path.parent == CHECK / "good" else "documents"
        yield kind, str(path.relative_to(CHECK)), path.read_text()


def check_good(validators):
    count = 0
    for kind, name, text in good_documents():
        found = problems(validators[kind], text)
        expect(not found, f"{name} loads, and the schema refuses it",
               "\n".join(found))
        count += 1
    expect(count > 12, f"only {count} documents to try")


def check_bad(validators):
    names = {p.stem for p in POLICY.glob("bad-*.yaml")}
    expect(names >= NOT_OF_SHAPE.keys() | NOT_YAML, "a document is gone")
    for name in sorted(names - NOT_YAML):
        found = problems(validators["documents"],
                         (POLICY / f"{name}.yaml").read_text())
        expect(bool(found) != (name in NOT_OF_SHAPE),
               f"{name}: {NOT_OF_SHAPE.get(name, 'is refused for its shape')}",
               "\n".join(found))
    for name in ("bad-settings", "bad-values"):
        text = (CHECK / name / "sbx-netd.yaml").read_text()
        expect(problems(validators["main"], text), f"check/{name} is valid")


def loads(netd, text):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "sbx-netd.yaml")
        path.write_text(text)
        return subprocess.run(
            [netd, "--check", "--config", path, "--runtime-dir", folder],
            capture_output=True, timeout=60, check=False).returncode == 0


def check_cases(validators, netd):
    for place, good, bad in CASES:
        for value, want in ((good, True), (bad, False)):
            text = place % value
            found = problems(validators["main"], text)
            expect((not found) == want,
                   f"{text!r} is {'refused' if want else 'taken'}",
                   "\n".join(found))
            expect(loads(netd, text) == want,
                   f"sbx-netd disagrees about {text!r}")


def check_docs(schema):
    """docs/policy.md names every key; docs/settings.md has its own test."""
    docs = (ROOT / "docs" / "policy.md").read_text()
    keys = set(schema["properties"])
    for part in schema["$defs"].values():
        keys |= set(part["properties"])
    expect(len(keys) > 20, "there are keys")
    for key in sorted(keys):
        expect(f"`{key}`" in docs, f"docs/policy.md does not name `{key}`")


def check_netctl(netctl, printed):
    for words, status, text in (([], 0, printed["main"]),
                                (["documents"], 0, printed["documents"]),
                                (["documents", "more"], 2, ""),
                                (["settings"], 2, "")):
        done = subprocess.run([netctl, "schema", *words], capture_output=True,
                              text=True, timeout=60, check=False)
        expect((done.returncode, done.stdout) == (status, text),
               f"sbx-netctl schema {words}: {done.returncode}", done.stderr)


def main():
    netd, netctl, update = sys.argv[1], sys.argv[2], "--update" in sys.argv
    printed = {kind: subprocess.run(
        [netd, "--print-schema", kind], capture_output=True, text=True,
        timeout=60, check=True).stdout for kind in FILES}
    check_tree(printed, update)
    schemas = {kind: yaml.safe_load(text) for kind, text in printed.items()}
    validators = {}
    for kind, schema in schemas.items():
        jsonschema.Draft202012Validator.check_schema(schema)
        validators[kind] = jsonschema.Draft202012Validator(schema)
    check_good(validators)
    check_bad(validators)
    check_cases(validators, netd)
    check_netctl(netctl, printed)
    check_docs(schemas["documents"])
    print(f"{len(failures)} failed")
    return 1 if failures else 0


sys.exit(main())
