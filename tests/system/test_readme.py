"""What README.md and docs/ promise a reader is there."""
import os
import re
import subprocess

import pytest

from lab.built import BIN, ROOT

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md",
         *sorted((ROOT / "docs").glob("*.md"))]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def anchor(heading):
    """As the web sites that show Markdown make it."""
    words = re.sub(r"[^\w\- ]", "", heading.strip().lower())
    return words.replace(" ", "-")


def headings(page):
    text = page.read_text(encoding="utf-8")
    return {anchor(line.lstrip("#")) for line in text.splitlines()
            if line.startswith("#")}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page):
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"),
                  flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith(("http://", "https://")):
            continue
        path, _, fragment = target.partition("#")
        there = page.parent / path if path else page
        assert there.exists(), f"{page.name} links {target}"
        if fragment:
            assert fragment in headings(there), f"{page.name} links {target}"


def test_every_page_can_be_found():
    for page in (ROOT / "docs").glob("*.md"):
        assert f"(docs/{page.name})" in README, page.name


def test_the_commands_are_there_and_run():
    shell = "".join(re.findall(r"```sh\n(.*?)```", README, flags=re.DOTALL))
    commands = re.findall(r"\bscripts/[\w-]+", shell)
    assert {"scripts/quickstart", "scripts/check"} <= set(commands)
    for name in [*commands, "scripts/format", "scripts/lint", "scripts/lab"]:
        assert os.access(ROOT / name, os.X_OK), name
        subprocess.run([ROOT / name, "--help"], check=True,
                       stdout=subprocess.DEVNULL)


def test_what_sources_and_pages_name_exists():
    listed = subprocess.run(["git", "-C", ROOT, "ls-files"], text=True,
                            capture_output=True, check=True).stdout.split()
    for name in listed:
        if not name.endswith((".md", ".c", ".h", ".nft", ".service")) and \
                not name.startswith("scripts/"):
            continue
        text = (ROOT / name).read_text(encoding="utf-8")
        for page in re.findall(r"\bdocs/[\w-]+\.(?:md|[1-8])\b", text):
            assert (ROOT / page).exists(), f"{name} names {page}"


def test_the_folders_of_the_map_exist_and_none_is_missing():
    tree = re.search(r"## The tree\n\n```\n(.*?)```", README, re.DOTALL)[1]
    named = re.findall(r"^(\w+)/", tree, re.MULTILINE)
    for folder in named:
        assert (ROOT / folder).is_dir(), folder
    inner = re.findall(r"(\w+)/", "\n".join(
        line[:30] for line in tree.splitlines() if line.startswith("  ")))
    modules = {p.parent.name for p in ROOT.glob("daemon/*/CMakeLists.txt")}
    assert set(inner) | {"base"} == modules


def test_the_ten_lines_load(tmp_path):
    (text,) = re.findall(r"```yaml\n(.*?)```", README, flags=re.DOTALL)
    assert len(text.splitlines()) <= 12
    document = tmp_path / "agent.yaml"
    document.write_text(text)
    done = subprocess.run([BIN / "sbx-netd", "--check", "--config", document],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def threats():
    """{number: names of test files} of docs/threats.md."""
    text = (ROOT / "docs" / "threats.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \|.*\|.*\| (.*) \|$", text, re.MULTILINE)
    assert len(rows) == len({number for number, _ in rows}), "a number twice"
    return {int(number): re.findall(r"`([^`]+)`", tests) for number, tests in rows}


def carried():
    """{number: names of the test files that carry it}."""
    found = {}
    for path in (*ROOT.glob("tests/unit/*/test_*.c"), *ROOT.glob("tests/system/test_*.py")):
        for number in re.findall(r"(?<![a-z])threat_(\d+)_", path.read_text(encoding="utf-8")):
            found.setdefault(int(number), set()).add(path.name)
    return found


def test_every_threat_is_tried_by_the_tests_that_its_row_names():
    there, rows = carried(), threats()
    for number, names in rows.items():
        assert set(names) <= there.get(number, set()), number
        assert names or number not in there, f"{number} has tests, and its row none"
    assert set(there) <= set(rows) == set(range(1, 65))


# What README.md says is held, and the threats whose tests say so.
HELD = {
    "names that pretend": (2, 7, 8), "SNI and Host that differ": (2,), "look-alikes": (7,),
    "addresses dressed as names": (8,), "DNS that points inside": (16, 17),
    "request smuggling": (5, 22, 23, 24), "a secret sent to another host": (32, 36),
    "over an unverified connection": (33, 34), "spoofed source addresses": (55,),
    "IPv6 as a way around IPv4": (14,), "QUIC and other protocols (refused)": (13,),
    "a killed daemon": (52,), "flushed ruleset (nothing passes)": (52,),
    "a full disk (nothing passes)": (40,),
    "floods of connections, requests, streams and names by one sandbox":
        (41, 42, 44, 46, 58),
}


def test_what_is_held_is_tried():
    (said,) = re.findall(r"\nHeld, and tried by tests: (.*?)\n\n", README, re.DOTALL)
    said, rows = " ".join(said.split()), threats()
    for item, numbers in HELD.items():
        assert item in said
        assert all(rows[number] for number in numbers), item
        said = said.replace(item, "")
    # Nothing is claimed beside: only what explains an item above is left.
    for explained in ("loopback, private, metadata, other sandboxes",
                      "Attack by attack, with its tests: [threats](docs/threats.md)"):
        said = said.replace(explained, "")
    assert re.sub(r"[(),. ]|\b(and|or|a)\b", "", said) == "", said


def test_the_exposure_is_the_one_that_is_measured():
    from test_units import EXPOSURE
    keeper = EXPOSURE["sbx-netd.service"] / 10
    setup = EXPOSURE["sbx-net-setup.service"] / 10
    assert f"says {keeper} for the keeper and {setup} for the setup" in README
