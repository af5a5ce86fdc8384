"""Shells complete our commands: words from the tables, names from the daemon."""
import os
import subprocess

import pytest

from lab.built import BIN

POLICY = """\
policies:
  agent:
    allow: [{host: api.test}]
"""

SCRIPTS = {
    # The function that bash calls, with what it would give it.
    "bash": """\
source <(sbx-netctl completion bash)
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
complete -p "$1" >/dev/null || exit
_sbx_net "$1"
[[ ${#COMPREPLY[@]} = 0 ]] || printf '%s\\n' "${COMPREPLY[@]}"
""",
    # The same of zsh, with what it is completed by as functions that print.
    "zsh": """\
compset() { :; }
_files() { print -r -- "files $*"; }
_command_names() { print -r -- "commands"; }
_describe() { print -rl -- "${(@P)2%%:*}"; }
compdef() { print -r -- "$*" >&2; }
source <(sbx-netctl completion zsh)
words=("$@") CURRENT=$#
_sbx_net
""",
    "fish": """\
sbx-netctl completion fish | source
complete -C (string join -- ' ' $argv) | string replace -r '\\t.*' ''
true
""",
}


def complete(shell, *words, cwd="/"):
    """What is offered in place of the last word."""
    arguments = {"bash": ["bash", "--norc", "-c", SCRIPTS["bash"], "bash"],
                 "zsh": ["zsh", "-f", "-c", SCRIPTS["zsh"], "zsh"],
                 "fish": ["fish", "--no-config", "-c", SCRIPTS["fish"]]}
    done = subprocess.run(
        [*arguments[shell], *words], text=True, capture_output=True, cwd=cwd,
        timeout=60, env={**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"})
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


SHELLS = pytest.mark.parametrize("shell", sorted(SCRIPTS))


@SHELLS
@pytest.mark.parametrize("words, offered", [
    (["sbx-netctl", "sa"], ["sandbox"]),
    (["sbx-netctl", "sandbox", ""], ["ls", "show", "add", "rm", "env"]),
    (["sbx-netctl", "--json", "policy", "s"], ["set", "show"]),
    (["sbx-netctl", "policy", "set", "x", "--mode", "l"], ["lockdown"]),
    (["sbx-netctl", "ca", "env", "x", "--f"], ["--format"]),
    (["sbx-netctl", "ca", "env", "x", "--format", "d"], ["docker"]),
    (["sbx-netctl", "explain", "x", "PU"], ["PUT"]),
    (["sbx-netctl", "completion", ""], ["bash", "zsh", "fish"]),
    (["sbx-netctl", "nothing", ""], []),
    (["sbx-netd", "--print"], ["--print", "--print-schema"]),
    (["sbx-netd", "--print-schema", "d"], ["documents"]),
    (["sbx-netlog", "--verdict", "den"], ["denied"]),
    (["sbx-netlog", "--su"], ["--suggest", "--summary"]),
])
def test_words_come_from_the_tables(shell, words, offered):
    assert sorted(complete(shell, *words)) == sorted(offered)


@SHELLS
def test_every_command_is_offered(shell):
    said = subprocess.run([BIN / "sbx-netctl", "help"], text=True, check=True,
                          capture_output=True).stdout
    commands = [line.split()[0] for line in said.splitlines()
                if line.startswith("  ") and line[2].isalpha()]
    assert {"status", "run", "completion"} < set(commands)
    assert sorted(complete(shell, "sbx-netctl", "")) == sorted(commands)


def test_a_value_behind_an_equals_sign():
    """Bash breaks the word there, the others leave it whole."""
    assert complete("bash", "sbx-netlog", "--color", "=", "n") == ["never"]
    assert complete("bash", "sbx-netlog", "--color", "=") == [
        "always", "never", "auto"]
    assert complete("zsh", "sbx-netlog", "--color=n") == ["--color=never"]
    assert complete("fish", "sbx-netlog", "--color=n") == ["--color=never"]
    assert complete("bash", "sbx-netlog", "--verdict", "denied,e") == [
        "denied,error"]


def test_files_folders_and_commands_are_the_shells(tmp_path):
    (tmp_path / "agent.yaml").write_text("version: 1\n")
    (tmp_path / "agents").mkdir()
    for shell in ("bash", "fish"):
        assert "agent.yaml" in complete(shell, "sbx-netctl", "check", "ag",
                                        cwd=tmp_path)
        found = complete(shell, "sbx-netctl", "--runtime-dir", "ag",
                         cwd=tmp_path)
        assert [f.rstrip("/") for f in found] == ["agents"]
        assert "setpriv" in complete(shell, "sbx-netctl", "run", "--", "setpr")
    assert complete("zsh", "sbx-netctl", "check", "") == ["files "]
    assert complete("zsh", "sbx-netctl", "--runtime-dir", "") == ["files -/"]
    assert complete("zsh", "sbx-netctl", "run", "") == ["commands"]


@SHELLS
def test_names_come_from_the_daemon(netd, shell):
    daemon = netd(POLICY)
    here = ["sbx-netctl", "--runtime-dir", str(daemon.runtime)]
    assert complete(shell, *here, "sandbox", "show", "") == ["s1"]
    assert complete(shell, *here, "policy", "show", "a") == ["agent"]
    assert complete(shell, *here, "sandbox", "show", "x") == []
    assert "agent" in complete(shell, *here, "run", "--policy", "ag")
    assert complete(shell, "sbx-netlog", "--runtime-dir", str(daemon.runtime),
                    "--sandbox", "s") == ["s1"]


@SHELLS
def test_without_a_daemon_there_is_silence(shell, tmp_path):
    assert complete(shell, "sbx-netctl", "--runtime-dir", str(tmp_path),
                    "sandbox", "show", "") == []


@pytest.mark.parametrize("words", [
    [], ["tcsh"], ["words"], ["words", "sbx-netctl"], ["bash", "zsh"]])
def test_wrong_usage(words):
    done = subprocess.run([BIN / "sbx-netctl", "completion", *words],
                          text=True, capture_output=True)
    assert (done.returncode, done.stdout) == (2, "")


@SHELLS
def test_the_scripts_are_sound(shell, tmp_path):
    script = tmp_path / "script"
    script.write_bytes(subprocess.run(
        [BIN / "sbx-netctl", "completion", shell], check=True,
        capture_output=True).stdout)
    subprocess.run([shell, "-n", script], check=True)
    if shell == "bash":
        subprocess.run(["shellcheck", "-s", "bash", script], check=True)
