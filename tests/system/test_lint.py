"""scripts/lint finds what it says it finds, and nothing in a clean tree."""
import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]

CLEAN = {
    "daemon/base/CMakeLists.txt": "sbx_module(base SOURCES span.c)\n",
    "daemon/base/span.c": "int\nspan(void)\n{\n\treturn 0;\n}\n",
    "daemon/base/span.h": "int span(void);\n",
    "scripts/go": "#!/bin/sh\nset -eu\n",
    "tests/system/test_x.py": "def test_x():\n    assert 1\n",
    "docs/x.1": ".TH X 1\n.SH NAME\nx \\- y\n",
}

# Words are put together here, so that lint does not find them in this file.
OFFENCES = [
    # a file, what is in it, the rule that it breaks
    ("daemon/base/long.c", "int x;\n" * 701, "a long file"),
    ("daemon/base/f.c", "void\nf(void)\n{\n" + "\tf();\n" * 90 + "}\n",
     "a long function"),
    ("ca/span.h", "", "two files of one name"),
    ("ca/stdio.h", "", "a name of a library's header"),
    ("ca/a.c", '#include ".' + './base/span.h"\n', "climbs out of its folder"),
    ("daemon/lost/CMakeLists.txt", "", "that is no module"),
    ("ca/a.c", "/* TO" + "DO */\n", "unfinished by its own word"),
    ("ca/a.c", 'char *p = "/ho' + 'me/me/x";\n', "a path of one machine"),
    ("tests/system/test_y.py", "import pytest\npytest.sk" + "ip('no')\n",
     "a test that can skip"),
    ("ca/a.c", "int x; \n", "blanks at the end"),
    ("scripts/go", "#!/bin/sh\nrm $1\n", "shellcheck"),
    ("scripts/snake", "#!/usr/bin/python3\ndef\n", "python"),
    ("docs/x.1", ".TH X 1\n.nosuchmacro\n", "man page"),
]


@pytest.fixture
def lint(tmp_path):
    """lint(files): its status and words about a tree of those files."""
    def run(files):
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        shutil.copy(ROOT / "scripts" / "lint", tmp_path / "scripts" / "lint")
        for words in (["init", "-q"], ["add", "-A"]):
            subprocess.run(["git", *words], cwd=tmp_path, check=True)
        done = subprocess.run([tmp_path / "scripts" / "lint", "--tree"],
                              capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout + done.stderr
    return run


def test_a_clean_tree_is_clean(lint):
    assert lint(CLEAN) == (0, "")


@pytest.mark.parametrize("name, text, rule", OFFENCES,
                         ids=[rule.replace(" ", "-") for *_, rule in OFFENCES])
def test_an_offence_is_found(lint, name, text, rule):
    status, said = lint({**CLEAN, name: text})
    assert status == 1 and rule in said and name in said
    assert said.count("lint: ") == 2, said  # the finding, and the sum
