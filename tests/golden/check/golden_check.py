"""What sbx-netd --check and --print say, compared byte by byte.

    golden_check.py /path/to/sbx-netd [--update]

Each folder beside this file is a configuration as it would stand in
/etc/sbx-net (run/ in it is the runtime directory); NAME.txt holds exit code,
standard output and standard error.  --update writes the files anew: read the
difference before you commit it.
"""

import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).parent

# name of the .txt, folder, arguments
CASES = [
    ("empty", "empty", ["--check"]),
    ("good", "good", ["--check"]),
    ("good-print", "good", ["--print"]),
    ("bad-settings", "bad-settings", ["--check"]),
    ("bad-values", "bad-values", ["--check"]),
    ("misplaced", "misplaced", ["--check"]),
    ("many-files", "many-files", ["--check"]),
    ("no-such-file", "none", ["--check"]),
    ("no-ca-file", "no-ca-file", ["--check"]),
    ("help", "good", ["--help"]),
    ("version", "good", ["--version"]),
    ("bad-option", "good", ["--chekc"]),
    ("bad-argument", "good", ["--check", "surplus"]),
]


def run(binary, folder, arguments):
    environment = {k: v for k, v in os.environ.items()
                   if not k.startswith("SBX_")}
    done = subprocess.run(
        ["sbx-netd", "--config", f"{folder}/sbx-netd.yaml", "--runtime-dir",
         f"{folder}/run", *arguments],
        executable=binary, cwd=HERE, env=environment, capture_output=True,
        text=True, timeout=60, check=False)
    return (f"exit {done.returncode}\n--- stdout\n{done.stdout}"
            f"--- stderr\n{done.stderr}")


def main():
    binary, update = sys.argv[1], "--update" in sys.argv
    failures = 0
    for name, folder, arguments in CASES:
        path = HERE / f"{name}.txt"
        got = run(binary, folder, arguments)
        if update:
            path.write_text(got)
        elif not path.exists() or path.read_text() != got:
            failures += 1
            print(f"FAIL {name}: got\n{got}")
    print(f"{len(CASES)} cases, {failures} failed")
    return 1 if failures else 0


sys.exit(main())
