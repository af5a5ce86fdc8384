"""`sbx-netctl check FILE...` reads the files together, as they would be loaded."""
import json
import subprocess

import pytest

from lab.built import BIN

FILES = {
    "agent.yaml": "policies:\n  agent: {allow: [{host: a.test}]}\n",
    "box.yaml": "sandboxes:\n  s: {interface: i, address: 10.0.0.1, policy: agent}\n",
    "bad.yaml": "sandboxes:\n  s: {interface: i, address: 10.0.0.1, policy: agnt}\n",
    "main.yaml": "workers: 2\n",
    "two.yaml": "workers: two\n",
    "with-kit.yaml": "policies:\n  k: {kit: ./kit.yaml}\n",
}
KIT = """\
schemaVersion: "2"
kind: sandbox
name: k
permissions: {network: {allow: [api.test]}}
"""


@pytest.fixture
def check(tmp_path):
    for folder in tmp_path, tmp_path / "policies.d":
        folder.mkdir(exist_ok=True)
        for name, text in FILES.items():
            (folder / name).write_text("version: 1\n" + text)
        (folder / "kit.yaml").write_text(KIT)
    alone = tmp_path / "policies.d"

    def run(*names, folder=alone, options=()):
        return subprocess.run(
            [BIN / "sbx-netctl", "--runtime-dir", tmp_path / "run", *options, "check",
             *names], cwd=folder, text=True, capture_output=True)
    return run


@pytest.mark.parametrize("names", [["agent.yaml", "box.yaml"], ["box.yaml", "agent.yaml"]])
def test_one_has_what_the_other_names(check, names):
    r = check(*names)
    assert (r.returncode, r.stdout, r.stderr) == (0, "", "")


def test_what_is_wrong_names_its_file(check):
    r = check("agent.yaml", "bad.yaml")
    assert r.returncode == 1
    assert r.stderr.startswith('bad.yaml:3:48: there is no policy "agnt"')
    assert "agent.yaml:" not in r.stderr
    assert check("agent.yaml", "none.yaml").stderr == "none.yaml: No such file or directory\n"


def test_settings_stand_in_one_main_file(check, tmp_path):
    main, two = tmp_path / "main.yaml", tmp_path / "two.yaml"
    assert check(main, "agent.yaml", "box.yaml").returncode == 0
    assert check("agent.yaml", main, "box.yaml").returncode == 0
    r = check("agent.yaml", two)
    assert r.returncode == 1 and f"{two}:2:10: \"workers\" expects" in r.stderr
    r = check(main, two)
    assert r.returncode == 1 and f"{two}:2:1: \"workers\" is a setting" in r.stderr
    # What is to lie in policies.d has none, from wherever it is named.
    for r in (check("main.yaml"), check("main.yaml", "agent.yaml"),
              check("policies.d/main.yaml", folder=tmp_path)):
        assert r.returncode == 1 and "main.yaml:2:1: \"workers\" is a setting" in r.stderr


def test_a_main_file_is_read_with_its_neighbours(check, tmp_path):
    for path in (tmp_path / "policies.d").iterdir():
        if path.name != "agent.yaml":
            path.unlink()
    (tmp_path / "sandboxes.d").mkdir()
    (tmp_path / "sandboxes.d" / "s.yaml").write_text("version: 1\n" + FILES["bad.yaml"])
    for main in "main.yaml", "with-kit.yaml":
        r = check(main, folder=tmp_path)
        assert r.returncode == 1 and r.stderr.startswith("sandboxes.d/s.yaml:3:48:")
    (tmp_path / "sandboxes.d" / "s.yaml").write_text("version: 1\n" + FILES["box.yaml"])
    assert check("main.yaml", folder=tmp_path).returncode == 0
    assert check(options=["--config", tmp_path / "main.yaml"]).returncode == 0
    # One that has neither is a document, whatever is registered on this host.
    (tmp_path / "run" / "sandboxes.d").mkdir(parents=True)
    (tmp_path / "run" / "sandboxes.d" / "t.yaml").write_text("version: 1\n" + FILES["bad.yaml"])
    assert check("agent.yaml").returncode == 0
    assert check("main.yaml", folder=tmp_path).returncode == 1


def test_json_is_printed_where_it_is_wanted(check):
    for names, ok, words in ((["agent.yaml", "box.yaml"], True, ""),
                             (["agent.yaml", "bad.yaml"], False, "bad.yaml:3:48:"),
                             (["with-kit.yaml"], True, "kit.yaml:1:1: note:")):
        r = check(*names, options=["--json"])
        answer = json.loads(r.stdout)
        assert (answer["ok"], r.returncode, r.stderr) == (ok, 0 if ok else 1, "")
        assert answer["report"].startswith(words) and bool(answer["report"]) == bool(words)
    assert "kit.yaml:1:1: note:" in check("with-kit.yaml", "agent.yaml").stderr
    r = check("b\udcff.yaml", options=["--json"])
    assert json.loads(r.stdout)["report"].startswith("b?.yaml: No such file")
