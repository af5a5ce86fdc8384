"""What sbx-netlog prints, compared byte by byte with NAME.txt beside this file.

    golden_netlog.py /path/to/sbx-netlog [--update]

Each case is a log, options and perhaps a width; NAME.txt holds its exit code,
standard output and standard error.  --update writes the files anew: read the
difference before you commit it.
"""

import os
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).parent

# name, log (None: no --file), options, environment
CASES = [
    ("lines", "mixed.log", [], {}),
    ("lines-3", "mixed.log", ["-n", "3"], {}),
    ("lines-0", "mixed.log", ["-n0"], {}),
    ("lines-all", "mixed.log", ["-n", "all"], {}),
    ("width-60", "mixed.log", [], {"COLUMNS": "60"}),
    ("width-80", "mixed.log", [], {"COLUMNS": "80"}),
    ("width-120", "mixed.log", [], {"COLUMNS": "120"}),
    ("width-160", "mixed.log", [], {"COLUMNS": "160"}),
    ("colour", "mixed.log", ["--color=always"], {"NO_COLOR": "1"}),
    ("no-colour", "mixed.log", ["--color=never", "-n", "2"], {}),
    ("summary", "mixed.log", ["--summary"], {}),
    ("summary-colour", "mixed.log", ["--summary", "--color"], {}),
    ("summary-80", "mixed.log", ["--summary"], {"COLUMNS": "80"}),
    ("summary-denied", "mixed.log", ["--summary", "--verdict=denied"], {}),
    ("json", "mixed.log", ["--json"], {}),
    ("json-last", "mixed.log", ["--json", "-n", "1"], {}),
    ("json-filter", "mixed.log", ["--json", "--host", "DB.*"], {}),
    ("sandbox", "mixed.log", ["--sandbox", "build-[!1]"], {}),
    ("verdict", "mixed.log", ["--verdict", "denied,error"], {}),
    ("host", "mixed.log", ["--host", "*.example.net,telemetry.*"], {}),
    ("kind", "mixed.log", ["--kind", "dns", "--kind", "packet"], {}),
    ("reason", "mixed.log", ["--reason", "timeout"], {}),
    ("since", "mixed.log", ["--since", "2025-11-21T03:25:18Z"], {}),
    ("nothing", "mixed.log", ["--host", "none"], {}),
    ("explain", "mixed.log", ["--explain", "a1"], {}),
    ("explain-error", "mixed.log", ["--explain", "00000000000000A4"], {}),
    ("explain-denied", "mixed.log", ["--explain", "a2"], {}),
    ("explain-open", "mixed.log", ["--explain", "a3"], {}),
    ("explain-colour", "mixed.log", ["--explain", "a4", "--color"], {}),
    ("explain-none", "mixed.log", ["--explain", "99"], {}),
    ("hostile", "hostile.log", [], {}),
    ("hostile-80", "hostile.log", ["--color"], {"COLUMNS": "80"}),
    ("hostile-json", "hostile.log", ["--json"], {}),
    ("hostile-summary", "hostile.log", ["--summary"], {}),
    ("hostile-explain", "hostile.log", ["--explain", "b1"], {}),
    ("hostile-explain-2", "hostile.log", ["--explain", "b2"], {}),
    ("http2", "http2.log", [], {}),
    ("http2-colour", "http2.log", ["--color=always"], {}),
    ("http2-summary", "http2.log", ["--summary"], {}),
    ("http2-explain", "http2.log", ["--explain", "c1"], {}),
    ("http2-explain-failed", "http2.log", ["--explain", "c6"], {}),
    ("http2-explain-stream", "http2.log", ["--explain", "c5"], {}),
    ("suggest", "denied.log", ["--suggest"], {}),
    ("suggest-filter", "denied.log", ["--suggest", "--host", "new.*"], {}),
    ("suggest-mixed", "mixed.log", ["--suggest"], {}),
    ("suggest-hostile", "hostile.log", ["--suggest"], {}),
    ("suggest-denied-hostile", "denied-hostile.log", ["--suggest"], {}),
    ("suggest-empty", "empty.log", ["--suggest"], {}),
    ("bad-mix-3", None, ["--suggest", "--summary"], {}),
    ("audit", "audit.log", [], {}),
    ("audit-colour", "audit.log", ["--color=always"], {}),
    ("audit-verdict", "audit.log", ["--verdict", "audited"], {}),
    ("audit-allowed", "audit.log", ["--verdict", "allowed"], {}),
    ("audit-summary", "audit.log", ["--summary"], {}),
    ("audit-explain", "audit.log", ["--explain", "e3"], {}),
    ("audit-explain-open", "audit.log", ["--explain", "e5"], {}),
    ("audit-suggest", "audit.log", ["--suggest"], {}),
    ("empty", "empty.log", [], {}),
    ("empty-summary", "empty.log", ["--summary"], {}),
    ("help", None, ["--help"], {}),
    ("version", None, ["--version"], {}),
    ("no-log", "none.log", [], {}),
    ("no-log-dir", None, ["--runtime-dir", "none"], {}),
    ("no-log-env", None, [], {"SBX_NET_RUNTIME_DIR": "other"}),
    ("bad-option", None, ["--follow=x"], {}),
    ("bad-lines", None, ["-n", "many"], {}),
    ("bad-lines-2", None, ["-n", "65537"], {}),
    ("bad-verdict", None, ["--verdict", "maybe"], {}),
    ("bad-kind", None, ["--kind", "tcp"], {}),
    ("bad-reason", None, ["--reason", "because"], {}),
    ("bad-since", None, ["--since", "yesterday"], {}),
    ("bad-id", None, ["--explain", "xyz"], {}),
    ("bad-colour", None, ["--color=blue"], {}),
    ("bad-argument", None, ["api.example.org"], {}),
    ("bad-mix", None, ["--json", "--summary"], {}),
    ("bad-mix-2", None, ["-f", "--summary"], {}),
    ("bad-many", None, ["--host", ",".join("abcdefghijklmnopq")], {}),
]


def run(binary, log, options, environment):
    command = ["sbx-netlog"] + (["--file", log] if log else []) + options
    env = {"PATH": os.environ["PATH"], "TZ": "UTC", **environment}
    done = subprocess.run(
        command, executable=binary, cwd=HERE, env=env, capture_output=True,
        stdin=subprocess.DEVNULL, timeout=60)
    text = b"exit %d\n--- stdout\n%s--- stderr\n%s" % (
        done.returncode, done.stdout, done.stderr)
    return re.sub(rb"sbx-netlog \d+\.\d+\.\d+", b"sbx-netlog VERSION", text)


def no_control(name, text, colour):
    """Nothing but newlines and our own colours may steer a terminal."""
    text = text.decode()
    if colour:
        text = re.sub("\x1b\\[(0|1|2|31|32|33)m", "", text)
    for c in text:
        if c != "\n" and (ord(c) < 32 or 127 <= ord(c) < 160
                          or c in "\u202e\u200f\U000e0041"):
            return f"{name}: control character U+{ord(c):04X} in the output"
    return None


def man_page(binary):
    """Every option of --help is in the man page, and none besides."""
    done = subprocess.run([binary, "--help"], capture_output=True, text=True,
                          check=True, timeout=60)
    helped = set(re.findall(r"--([a-z][a-z-]+)", done.stdout))
    page = (HERE / "../../../docs/sbx-netlog.1").read_text(encoding="utf-8")
    known = set(re.findall(r"--([a-z][a-z-]+)", page.replace("\\-", "-")))
    return [f"--{o}: only in one of --help and docs/sbx-netlog.1"
            for o in sorted(helped ^ known)]


def main():
    binary = os.path.abspath(sys.argv[1])
    update = "--update" in sys.argv
    wrong = []
    for name, log, options, environment in CASES:
        got = run(binary, log, options, environment)
        golden = HERE / f"{name}.txt"
        if update:
            golden.write_bytes(got)
        elif not golden.exists() or golden.read_bytes() != got:
            wrong.append(f"{name}: got\n{got.decode(errors='replace')}")
        trouble = no_control(
            name, got, any(o in options for o in ("--color", "--color=always")))
        if trouble:
            wrong.append(trouble)
    known = {f"{case[0]}.txt" for case in CASES}
    for path in HERE.glob("*.txt"):
        if path.name not in known:
            wrong.append(f"{path.name}: no case has that name")
    wrong += man_page(binary)
    print("\n".join(wrong) or f"{len(CASES)} outputs as they should be")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
