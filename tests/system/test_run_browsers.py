"""sbx-netctl run: what trusts only a database in the user's home (Chromium and
its kin) trusts the sandbox's authority, and the user's home stays as it is."""
import os
import subprocess
import tempfile

import pytest

from lab.h2origin import H2Origin
from lab.run import Run
from lab.wait import until

LIST = 'certutil -L -d "sql:$HOME/.pki/nssdb"'
PAGE = b"""<!doctype html><title>page</title><script>
document.write("spoke " + performance.getEntriesByType("navigation")[0].nextHopProtocol);
</script>"""


@pytest.fixture
def run(lab, authority, names, tmp_path):
    r = Run(lab, tmp_path, authority)
    yield r
    r.wait_clean()


@pytest.fixture
def home(tmp_path):
    path = tmp_path / "home"
    path.mkdir()
    return path


def tree(path):
    return {str(p.relative_to(path)): p.read_bytes() if p.is_file() else p.stat().st_mode
            for p in path.rglob("*")}


@pytest.fixture
def database(home, authority):
    """One of the user's own, with an authority in it."""
    path = home / ".pki" / "nssdb"
    path.mkdir(parents=True)
    subprocess.run(["certutil", "-A", "-d", f"sql:{path}", "-n", "mine", "-t", "C,,",
                    "-i", authority.path], check=True)
    return path


def names_in(listing):
    return [line.split()[0] for line in listing.splitlines() if line.rstrip().endswith("C,,")]


def test_it_holds_the_authority_and_nothing_stays(run, home):
    r = run("sh", "-c", f'{LIST}; touch $HOME/.pki/nssdb/more; openssl x509 -noout -fingerprint '
            "-in /run/sbx-net-ca/ca.pem; certutil -L -a -n sbx-net -d sql:$HOME/.pki/nssdb | "
            "openssl x509 -noout -fingerprint", HOME=str(home))
    assert names_in(r.stdout) == ["sbx-net"], r.stdout + r.stderr
    said, held = r.stdout.splitlines()[-2:]
    assert said == held and "Fingerprint" in said
    assert tree(home) == {}


def test_the_users_own_is_covered_and_not_touched(run, home, database):
    before = tree(home)
    r = run("sh", "-c", f'{LIST}; certutil -D -n sbx-net -d "sql:$HOME/.pki/nssdb"; {LIST}; '
            "stat -c %U $HOME/.pki/nssdb $HOME/.pki/nssdb/cert9.db", HOME=str(home))
    assert names_in(r.stdout) == ["sbx-net"], r.stdout + r.stderr
    assert r.stdout.split()[-2:] == ["root", "root"]
    assert tree(home) == before


def test_somebody_elses_is_left_alone(run, home, database):
    os.chown(database, 65534, 65534)
    r = run("sh", "-c", LIST, HOME=str(home))
    assert names_in(r.stdout) == ["mine"], r.stdout + r.stderr


def test_what_was_there_before_stays(run, home):
    (home / ".pki").mkdir()
    before = tree(home)
    assert names_in(run("sh", "-c", LIST, HOME=str(home)).stdout) == ["sbx-net"]
    assert tree(home) == before


@pytest.mark.parametrize("make", [
    lambda h: h.rmdir(),
    lambda h: (h / ".pki").write_text("a file"),
    lambda h: (h / ".pki").symlink_to("nowhere"),
], ids=["no home", "a file", "a loose link"])
def test_where_there_is_no_place_the_command_runs_without(run, home, make):
    make(home)
    r = run("echo", "ran", HOME=str(home))
    assert (r.returncode, r.stdout) == (0, "ran\n"), r.stderr


def test_without_the_program_the_command_runs_without(run, home):
    r = run.lab.host.run("unshare", "-m", "sh", "-c",
                         'mount --bind /dev/null /usr/bin/certutil && exec "$@"', "sh",
                         *run.words("sh", "-c", "find $HOME"), check=False,
                         env=run.environment(HOME=str(home)))
    assert (r.returncode, r.stdout) == (0, f"{home}\n"), r.stderr


def test_killed_it_leaves_nothing(run, home):
    p = run.lab.host.popen(*run.words("sh", "-c", "echo ready; exec sleep 1000"), text=True,
                           env=run.environment(HOME=str(home)), stdout=subprocess.PIPE)
    assert p.stdout.readline() == "ready\n"
    assert (home / ".pki" / "nssdb").is_dir()
    p.kill()
    p.wait()
    until("the home to be empty again", lambda: not os.listdir(home))


def test_the_last_of_two_takes_it_away(netd, lab, home):
    d = netd("policies: {agent: {allow: []}}\n")

    def start(name):
        return d.lab.host.popen(str(d.programs / "sbx-netctl"), "--runtime-dir", str(d.runtime),
                                "run", "--name", name, "--", "sh", "-c",
                                f"echo ready; read -r line; {LIST}", text=True,
                                env={**os.environ, "HOME": str(home)},
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    first, second = start("first"), start("second")
    for p in (first, second):
        assert p.stdout.readline() == "ready\n"
    for p, left in ((first, True), (second, False)):
        out, _ = p.communicate("\n", timeout=60)
        assert names_in(out) == ["sbx-net"]
        assert (home / ".pki" / "nssdb").is_dir() == left


def test_chromium_loads_a_page_over_http2(run, origin, home):
    def answer(s):
        s.wait_end()
        s.respond(200, ("content-type", "text/html"), body=PAGE)

    o = origin("api.test", kind=H2Origin, answer2=answer)
    with tempfile.TemporaryDirectory() as short:  # the path of a socket goes there
        r = run("chromium", "--headless=new", "--no-sandbox", "--disable-gpu",
                "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
                "--disable-component-update", f"--user-data-dir={home}/profile", "--dump-dom",
                "https://api.test/", HOME=str(home), TMPDIR=short)
    assert "spoke h2" in r.stdout, r.stdout + r.stderr
    assert [s.target for s in o.streams][:1] == ["/"]
    assert not (home / ".pki").exists()
