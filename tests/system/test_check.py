"""scripts/check counts what ran, stops at nothing, and lets nothing skip."""
import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]

PASSED = '<testcase name="a" classname="a" status="run"/>'
FAILED = '<testcase name="b" status="fail"><failure message="no"/></testcase>'
SKIPPED = '<testcase name="c" status="notrun"><skipped message="x"/></testcase>'
DISABLED = '<testcase name="d" status="disabled"/>'

# With --quick there are five gates, format, lint and three builds, and one test
# of what has threads, which passes here.
RUNS = [
    # what ctest reports, its status, the gate that fails; the last line
    (PASSED * 2, 0, None, "8 passed, 0 failed"),
    (PASSED + FAILED, 1, None, "7 passed, 1 failed"),
    (PASSED + SKIPPED, 0, None, "7 passed, 1 failed"),
    (PASSED + DISABLED, 0, None, "7 passed, 1 failed"),
    (PASSED, 1, None, "7 passed, 1 failed"),   # failed, and no test says so
    ("", 0, None, "6 passed, 1 failed"),       # nothing ran
    (None, 0, None, "6 passed, 1 failed"),     # no report
    (PASSED, 0, "scripts/format", "6 passed, 1 failed"),
    (PASSED, 0, "bin/cmake", "4 passed, 3 failed"),
]
CTEST = """#!/bin/sh
while [ "$1" != --output-junit ]; do shift; done
case $2 in
*/threads.xml) echo '<testsuite><testcase name="t" status="run"/></testsuite>' >"$2" ;;
*) [ ! -e report ] || cp report "$2"; exit %d ;;
esac
"""


@pytest.mark.parametrize("report, status, gate, last", RUNS)
def test_the_last_line_tells(tmp_path, report, status, gate, last):
    for name in ("scripts/format", "scripts/lint", "bin/cmake"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\nexit {1 if name == gate else 0}\n")
        path.chmod(0o755)
    ctest = tmp_path / "bin" / "ctest"
    ctest.write_text(CTEST % status)
    ctest.chmod(0o755)
    if report is not None:
        (tmp_path / "report").write_text(f"<testsuite>{report}</testsuite>")
    shutil.copy(ROOT / "scripts" / "check", tmp_path / "scripts" / "check")
    done = subprocess.run(
        [tmp_path / "scripts" / "check", "--quick"], text=True, timeout=60,
        capture_output=True, env={"PATH": f"{tmp_path}/bin:/usr/bin:/bin"})
    assert done.stdout.splitlines()[-1] == last, done.stdout + done.stderr
    assert done.returncode == (0 if last.endswith(" 0 failed") else 1)


def test_a_missing_tool_is_named(tmp_path):
    for tool in ("sh", "dirname", "nproc"):
        (tmp_path / tool).symlink_to(shutil.which(tool))
    done = subprocess.run([ROOT / "scripts" / "check", "--quick"], text=True,
                          capture_output=True, timeout=60,
                          env={"PATH": str(tmp_path)})
    assert done.returncode == 2
    assert " clang-tidy " in done.stderr and "scripts/deps" in done.stderr
