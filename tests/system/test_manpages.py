"""Manual pages have every option, command and key, and roff takes them."""
import json
import pathlib
import re
import subprocess

import pytest

from lab.built import BIN, BUILD, ROOT

WRITTEN = sorted((ROOT / "docs").glob("*.[1-8]"))
MADE = sorted((BUILD / "man").glob("*.[1-8]"))
POLICY, SETTINGS = BUILD / "man/sbx-net-policy.5", BUILD / "man/sbx-netd.yaml.5"

PROGRAMS = {"sbx-netctl": ("sbx-netctl.1", ["help"]),
            "sbx-netd": ("sbx-netd.8", ["--help"]),
            "sbx-netlog": ("sbx-netlog.1", ["--help"])}


def said(*command):
    return subprocess.run([str(w) for w in command], text=True, check=True,
                          capture_output=True, timeout=60).stdout


def source(page):
    """Without fonts and escapes."""
    text = page.read_text(encoding="utf-8").replace("\\-", "-")
    return re.sub(r'\\f[BIRP]|"', "", text)


def tags(page):
    """The lines that begin an entry."""
    return re.findall(r"^\.T[PQ]\n(.*)$", source(page), re.MULTILINE)


def test_there_are_pages_for_all():
    assert {p.name for p in WRITTEN} == {page for page, _ in PROGRAMS.values()}
    assert set(MADE) == {POLICY, SETTINGS}


@pytest.mark.parametrize("page", [*WRITTEN, *MADE], ids=lambda p: p.name)
def test_roff_takes_it_without_a_word(page):
    for command in (["groff", "-man", "-Tutf8", "-ww", "-z"],
                    ["mandoc", "-Tlint"]):
        done = subprocess.run([*command, page], text=True, capture_output=True)
        assert (done.returncode, done.stdout + done.stderr) == (0, ""), command
    page.read_text(encoding="ascii")


@pytest.mark.parametrize("program", sorted(PROGRAMS))
def test_page_and_help_have_the_same_options(program):
    name, words = PROGRAMS[program]
    helped = set()
    for line in said(BIN / program, *words).splitlines():
        m = re.match(r" +(?:-[^-], |-\?, |    )?--([a-z-]+)", line)
        helped |= {m[1]} if m else set()
    paged = set(re.findall(r"--([a-z][a-z-]*)", "\n".join(tags(ROOT / "docs" / name))))
    assert len(helped) >= 7
    assert paged == helped


def test_page_and_help_have_the_same_commands():
    helped = re.findall(r"^  ([a-z]+) ", said(BIN / "sbx-netctl", "help"),
                        re.MULTILINE)
    part = (ROOT / "docs/sbx-netctl.1").read_text().split(".SH ")
    subcommands = next(p for p in part if p.startswith("SUBCOMMANDS"))
    paged = {re.sub(r"^\.[BRI]+ ", "", re.sub(r'\\f.|"', "", tag)).split()[0]
             for tag in re.findall(r"^\.T[PQ]\n(.*)$", subcommands, re.MULTILINE)}
    # These two have parts of their own.
    assert paged | {"run", "help"} == set(helped)
    assert any(p.startswith("RUN") for p in part)


def keys(schema, tables=None):
    for name, part in (schema.get("$defs") or {}).items():
        if tables is None or name in tables:
            yield from ((name, key) for key in part["properties"])


def test_the_policy_page_has_every_key():
    schema = json.loads(said(BIN / "sbx-netd", "--print-schema", "documents"))
    text = "\n".join(tags(POLICY)).split()
    prose = source(POLICY)
    wanted = set(schema["properties"]) | {key for _, key in keys(schema)}
    assert len(wanted) > 20
    in_prose = {"handler", "timeout", "input", "field", "role_id", "secret_id_file"}
    for key in wanted - in_prose:
        assert key in text, key
    for key in in_prose:
        assert key in prose, key


def test_the_settings_page_has_every_key():
    main = json.loads(said(BIN / "sbx-netd", "--print-schema", "main"))
    documents = json.loads(said(BIN / "sbx-netd", "--print-schema", "documents"))
    text = "\n".join(tags(SETTINGS)).split()
    for key in set(main["properties"]) - set(documents["properties"]):
        reference = main["properties"][key].get("$ref", "").split("/")[-1]
        inner = main["$defs"].get(reference, {}).get("properties")
        for full in [f"{key}.{k}" for k in inner] if inner else [key]:
            assert full in text, full


@pytest.mark.parametrize("markdown, roff", [
    ("A `b-c` and **d**.", "A \\fBb\\-c\\fR and \\fBd\\fR.\n"),
    (".hidden 'x", "\\&.hidden 'x\n"),
    ("x\n\n`.so /x`", "x\n.PP\n\\fB.so /x\\fR\n"),
    ("a\\b ~ ^ é", "a\\eb \\(ti \\(ha \\[u00E9]\n"),
    ("[t](policy.md#x) [u](#y) [v](record.md)",
     "t (sbx\\-net\\-policy(5)) u v (docs/record.md)\n"),
    ("- one\n  more\n- two", ".IP \\(bu 4\none more\n.IP \\(bu 4\ntwo\n"),
    ("1. one", ".IP 1. 4\none\n"),
    ("| k | default | |\n|---|---|---|\n| `a|b` | x | y |",
     ".TP\n\\fBa|b\\fR\nDefault: x.\nY.\n"),
    ("| k | `in` | `out` |\n|---|---|---|\n| a | ✓ | ✓ |",
     ".TP\na\nIn \\fBin\\fR and \\fBout\\fR.\n"),
    ("```\n.x -y\n```", ".RS\n.nf\n\\&.x \\-y\n.fi\n.RE\n"),
    ("## Two\n\nx\n\n### Three\n\ny", ".SH TWO\nx\n.SS Three\ny\n"),
])
def test_markdown_becomes_roff(tmp_path, markdown, roff):
    document = tmp_path / "x.md"
    document.write_text(f"# Title\n\n{markdown}\n")
    page = said(ROOT / "scripts" / "manpage", "x", "5", "about", document)
    begin = ".SH DESCRIPTION\n"
    assert page[page.index(begin) + len(begin):].removeprefix(".PP\n") == roff
