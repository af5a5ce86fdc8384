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


def test_the_exposure_is_the_one_that_is_measured():
    from test_units import EXPOSURE
    keeper = EXPOSURE["sbx-netd.service"] / 10
    setup = EXPOSURE["sbx-net-setup.service"] / 10
    assert f"says {keeper} for the keeper and {setup} for the setup" in README
