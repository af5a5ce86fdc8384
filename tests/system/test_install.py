"""`cmake --install` puts down a whole that works: programs find their company."""
import os
import subprocess

import pytest

from lab.built import BUILD, ROOT



def run(*command):
    done = subprocess.run([str(word) for word in command], text=True,
                          capture_output=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """The root of a host that has nothing but sbx-net."""
    root = tmp_path_factory.mktemp("root")
    subprocess.run(["cmake", "--install", str(BUILD), "--prefix", "/usr"], check=True,
                   stdout=subprocess.DEVNULL, timeout=60,
                   env={**os.environ, "DESTDIR": str(root)})
    return root


def test_each_program_runs_from_where_it_is(tree):
    for path in ("usr/sbin/sbx-netd", "usr/bin/sbx-netctl",
                 "usr/bin/sbx-netlog"):
        assert run(tree / path, "--version").startswith(path.split("/")[-1])
    assert "doctor" in run(tree / "usr/sbin/sbx-net-setup", "--help")


def test_setup_finds_its_rules_beside_itself(tree):
    setup = tree / "usr/sbin/sbx-net-setup"
    rules = tree / "usr/share/sbx-net/sbx-net.nft"
    said = run("unshare", "--net", setup, "install", "--dry-run", "--user", "65534")
    assert "table inet sbx_net" in said
    rules.rename(rules.with_suffix(".away"))
    done = subprocess.run(
        ["unshare", "--net", setup, "install", "--dry-run", "--user", "65534"],
        capture_output=True, text=True, timeout=60)
    rules.with_suffix(".away").rename(rules)
    assert done.returncode != 0 and "sbx-net.nft" in done.stderr


def test_units_name_what_is_installed(tree):
    units = sorted((tree / "usr/lib/systemd/system").iterdir())
    assert [u.name for u in units] == ["sbx-net-setup.service",
                                       "sbx-netd.service"]
    programs = [line.split("=", 1)[1].split()[0]
                for unit in units for line in unit.read_text().splitlines()
                if line.startswith(("ExecStart=", "ExecReload="))]
    assert len(programs) == 3
    for program in programs:
        assert os.access(tree / program.lstrip("/"), os.X_OK), program


def test_users_folders_rotation_and_pages(tree):
    for path in ("usr/lib/sysusers.d/sbx-net.conf",
                 "usr/lib/tmpfiles.d/sbx-net.conf", "etc/logrotate.d/sbx-net",
                 "usr/share/doc/sbx-net/docs/policy.md"):
        assert (tree / path).stat().st_size > 0
    installed = {p.name for p in (tree / "usr/share/man").glob("man*/*")}
    assert installed == {p.name for p in (ROOT / "docs").glob("*.[1-8]")} | {
        "sbx-net-policy.5", "sbx-netd.yaml.5"}
    assert "sbx-netlog.1" in installed


def test_shells_find_their_scripts(tree):
    """By the command's name; zsh by what the file says it is for."""
    for program in ("sbx-netctl", "sbx-netd", "sbx-netlog"):
        for where in ("bash-completion/completions/{}",
                      "fish/vendor_completions.d/{}.fish"):
            script = tree / "usr/share" / where.format(program)
            assert program in script.read_text(), script
    said = run("env", f"PATH={tree}/usr/bin:{os.environ['PATH']}", "zsh", "-f", "-c", """
        fpath=($1 $fpath)
        autoload -Uz compinit && compinit -u -D
        print -r -- $_comps[sbx-netctl] $_comps[sbx-netd] $_comps[sbx-netlog]
        _describe() { print -rl -- "${(@P)2%%:*}"; }
        words=(sbx-netctl sche) CURRENT=2
        _sbx-netctl
        _sbx-netctl
    """, "zsh", tree / "usr/share/zsh/vendor-completions")
    assert said.split() == ["_sbx-netctl"] * 3 + ["schema"] * 2


def test_attachments_run_from_where_they_are(tree):
    there = tree / "usr/share/sbx-net/attach"
    for name, words in (("veth", ["add", "box"]), ("tap", ["add", "box"]),
                        ("bridge", ["add", "port", "--name", "box"])):
        said = run(there / name, *words, "--policy", "p", "--address", "10.1.1.2", "--dry-run")
        assert "sandbox add box" in said
    assert f'"path": "{there}/podman"' in run(there / "podman", "install", "--dry-run")


def test_presets_and_examples_load(tree):
    documents = sorted((tree / "usr/share/sbx-net").glob("*/*.yaml"))
    assert len(documents) == len(
        [p for where in ("presets", "examples")
         for p in (ROOT / "policy" / where).glob("*.yaml")])
    for document in documents:
        run(tree / "usr/sbin/sbx-netd", "--check", "--config", document)
