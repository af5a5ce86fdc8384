"""sbx-netctl run: a command in a sandbox, and nothing of it afterwards."""
import contextlib
import glob
import json
import os
import pwd
import signal

import pytest

from lab.built import BIN
from lab.run import SECRET, Run, runtime_dirs
from lab.wait import until


@pytest.fixture
def run(lab, authority, names, tmp_path):
    r = Run(lab, tmp_path, authority)
    yield r
    r.wait_clean()


def processes_with(text):
    """Pids of all processes whose command line holds text."""
    found = []
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            with open(path, "rb") as f:
                if text.encode() in f.read():
                    found.append(int(path.split("/")[2]))
        except OSError:
            pass
    return found


def test_reaches_what_is_allowed_with_a_credential_it_never_had(run, origin):
    api = origin("api.test")
    r = run("sh", "-c", "curl -sS https://api.test/x; env; "
            "cat /proc/*/environ 2>/dev/null | tr '\\0' '\\n'",
            OTHER_TOKEN=SECRET + "-2")
    assert r.returncode == 0, r.stderr
    assert api.requests[0].headers["authorization"] == f"Bearer {SECRET}"
    assert SECRET not in r.stdout + r.stderr
    assert "DEMO_TOKEN" not in r.stdout and "OTHER_TOKEN" not in r.stdout
    assert "SSL_CERT_FILE=" in r.stdout, "the rest of the environment stays"


def test_says_what_was_refused_and_what_would_allow_it(run, origin):
    origin("api.test")
    r = run("curl", "-sS", "-X", "DELETE", "https://api.test/x")
    assert "policy_denied" in r.stdout
    assert "api.test:443" in r.stderr
    assert "- {host: api.test, method: [DELETE]}" in r.stderr
    r = run("curl", "-sS", "https://evil.test/")
    assert r.returncode == 6
    assert "evil.test" in r.stderr and "- {host: evil.test}" in r.stderr
    r = run("curl", "-sS", "https://evil.test/", options=["--quiet"])
    assert "allow it with" not in r.stderr


@pytest.mark.parametrize("command, status", [
    (["true"], 0),
    (["sh", "-c", "exit 7"], 7),
    (["sh", "-c", "kill -TERM $$"], 128 + signal.SIGTERM),
    (["sh", "-c", "kill -KILL $$"], 128 + signal.SIGKILL),
    (["/etc/passwd"], 126),
    (["no-such-command"], 127),
], ids=["success", "failure", "term", "kill", "not executable", "not found"])
def test_exit_status_is_the_commands(run, command, status):
    assert run(*command).returncode == status


@pytest.mark.parametrize("options, words", [
    (["--policy", "nobody"], "nobody"),
    (["--name", "No Name"], "No Name"),
    (["--addresses", "10.0.0.0/33"], "10.0.0.0/33"),
    (["--no-such-option"], "usage"),
])
def test_what_cannot_be_run_is_125_and_says_why(run, options, words):
    r = run("true", options=options)
    assert r.returncode == 125
    assert words in r.stderr


def test_settings_in_a_policy_file_are_taken_or_their_place_is_said(run):
    sbx_run = [*run.words()[:2], "--policy", str(run.config)]
    said = run.lab.host.run(*sbx_run, "--", "echo", "ran", check=False,
                            env=run.environment())
    assert (said.returncode, said.stdout) == (0, "ran\n"), said.stderr
    log = str(run.directory / "decisions.log")
    said = run.lab.host.run(*sbx_run, "--log", log, "--", "true", check=False,
                            env=run.environment())
    assert said.returncode == 125
    for line in ('policies.d/run.yaml:2:1: "resolver" is a setting of the '
                 "daemon, which belongs into its main file (--config",
                 f"policies.d/run.yaml is {run.config}, beside the settings",
                 "give it with --config"):
        assert line in said.stderr


@pytest.mark.parametrize("name", ["TERM", "INT", "HUP", "USR1"])
def test_signals_reach_the_command(run, name):
    p = run.start("sh", "-c", f"trap 'echo got; exit 3' {name}; echo ready; "
                  "while :; do read -r line || :; done")
    assert p.stdout.readline() == "ready\n"
    p.send_signal(getattr(signal, "SIG" + name))

    def ended():
        """A shell looks after signals between two commands: it has to be given
        some, and the signal may come behind any number of them."""
        with contextlib.suppress(BrokenPipeError):
            p.stdin.write("\n")
            p.stdin.flush()
        return p.poll() is not None

    until("the command to end", ended)
    assert p.returncode == 3
    assert p.stdout.read() == "got\n"


def test_what_the_command_left_running_ends_with_it(run):
    mark = f"98765.{os.getpid()}"
    r = run("sh", "-c", f"sleep {mark} & setsid sleep {mark} & echo started")
    assert r.stdout == "started\n"
    assert processes_with(mark) == []


def test_killed_while_it_runs_it_leaves_nothing(run):
    mark = f"98766.{os.getpid()}"
    p = run.start("sh", "-c", f"sleep {mark} & setsid sleep {mark} & "
                  f"echo ready; exec sleep {mark}")
    assert p.stdout.readline() == "ready\n"
    assert len(run.sandbox_links()) == 1
    p.kill()
    p.wait()
    run.wait_clean()
    until("the command to be gone", lambda: not processes_with(mark))


@pytest.mark.parametrize("moment", ["directory", "daemon", "wire", "table"])
def test_killed_while_it_starts_it_leaves_nothing(run, moment):
    reached = {
        "directory": lambda: runtime_dirs() - run.before,
        "daemon": lambda: [d for d in runtime_dirs() - run.before
                           if os.path.exists(d + "/control.sock")],
        "wire": run.sandbox_links,
        "table": lambda: [x for x in run.left() if x.startswith("table")],
    }[moment]
    p = run.start("sleep", "1000")
    until(moment, reached)
    p.kill()
    p.wait()
    run.wait_clean()


def test_terminated_while_it_starts_it_leaves_nothing(run):
    p = run.start("sleep", "1000")
    until("its directory", lambda: runtime_dirs() - run.before)
    p.terminate()
    p.wait(timeout=60)
    run.wait_clean()


def test_runs_as_the_user_behind_sudo(run):
    nobody = pwd.getpwnam("nobody")
    r = run("sh", "-c", "id -u; id -g; id -G; echo $HOME $USER; "
            "grep -E 'Cap(Prm|Eff|Bnd|Amb)|NoNewPrivs' /proc/self/status",
            SUDO_UID=str(nobody.pw_uid), SUDO_GID=str(nobody.pw_gid),
            SUDO_USER="nobody")
    lines = r.stdout.split("\n")
    assert lines[0] == str(nobody.pw_uid), r.stderr
    assert lines[1] == lines[2] == str(nobody.pw_gid)
    assert lines[3] == f"{nobody.pw_dir} nobody"
    for line in lines[4:8]:
        assert int(line.split()[1], 16) == 0, line
    assert lines[8].split()[1] == "1"


def test_root_keeps_no_right_that_leads_around_the_network(run):
    r = run("sh", "-c", "grep -E 'Cap(Prm|Bnd)' /proc/self/status; "
            "ip link set lo down; mount -t tmpfs x /mnt; umount /run; "
            "echo 1 > /proc/sys/net/ipv4/ip_forward; echo end")
    sets = [int(line.split()[1], 16) for line in r.stdout.split("\n")[:2]]
    forbidden = {"net_admin": 12, "net_raw": 13, "sys_module": 16,
                 "sys_rawio": 17, "sys_ptrace": 19, "sys_admin": 21,
                 "mknod": 27, "bpf": 39}
    for name, bit in forbidden.items():
        assert not any(s >> bit & 1 for s in sets), name
    assert r.stdout.endswith("end\n")
    assert r.stderr.count("not permitted") + r.stderr.count("denied") + \
        r.stderr.count("must be superuser") + \
        r.stderr.count("Read-only") + r.stderr.count("nonexistent") >= 4


SOCKETS = """
import errno, socket
for name, family, kind in (("vsock", 40, 1), ("packet", 17, 3), ("alg", 38, 5),
                           ("xdp", 44, 3), ("inet", 2, 1), ("unix", 1, 1)):
    try:
        socket.socket(family, kind).close()
        print(name, "made")
    except OSError as e:
        print(name, errno.errorcode[e.errno])
"""


def test_sockets_are_of_families_that_we_see(run):
    r = run("/usr/bin/python3", "-c", SOCKETS)
    got = dict(line.split() for line in r.stdout.splitlines())
    assert got == {"vsock": "EAFNOSUPPORT", "packet": "EAFNOSUPPORT",
                   "alg": "EAFNOSUPPORT", "xdp": "EAFNOSUPPORT",
                   "inet": "made", "unix": "made"}


# Of nothing that there is: what is let in fails in another way.  ioctl(2) looks
# at the lower half of its request.
CALLS = """
import ctypes, errno, os
libc = ctypes.CDLL(None, use_errno=True)
key = 248 if os.uname().machine == "x86_64" else 217
high = 1 << 32
for name, function, *args in (
        ("io_uring_setup", libc.syscall, 425, 0, 0),
        ("io_uring_enter", libc.syscall, 426, -1, 0, 0, 0, 0, 0),
        ("io_uring_register", libc.syscall, 427, -1, 0, 0, 0),
        ("add_key", libc.syscall, key, 0, 0, 0, 0, -3),
        ("request_key", libc.syscall, key + 1, 0, 0, 0, 0),
        ("keyctl", libc.syscall, key + 2, 0, -3, 0),
        ("TIOCSTI", libc.ioctl, -1, 0x5412, 0), ("TIOCSTI+", libc.ioctl, -1, high | 0x5412, 0),
        ("TIOCLINUX", libc.ioctl, -1, 0x541c, 0),
        ("TIOCLINUX+", libc.ioctl, -1, high | 0x541c, 0), ("FIONREAD", libc.ioctl, -1, 0x541b, 0)):
    r = function(*(ctypes.c_long(a) for a in args))
    print(name, "made" if r >= 0 else errno.errorcode[ctypes.get_errno()])
"""


def test_no_call_leads_around_the_filter_or_to_what_is_the_callers(run):
    r = run("/usr/bin/python3", "-c", CALLS)
    got = dict(line.split() for line in r.stdout.splitlines())
    assert got == {"io_uring_setup": "ENOSYS", "io_uring_enter": "ENOSYS",
                   "io_uring_register": "ENOSYS", "add_key": "EPERM",
                   "request_key": "EPERM", "keyctl": "EPERM", "TIOCSTI": "EPERM",
                   "TIOCSTI+": "EPERM", "TIOCLINUX": "EPERM", "TIOCLINUX+": "EPERM",
                   "FIONREAD": "EBADF"}, r.stderr


def test_network_inside_is_ours_alone(run):
    r = run("sh", "-c", "cat /etc/resolv.conf; echo --; ip -j address; "
            "echo --; ip -j route; echo --; ip -j -6 route")
    resolv, addresses, routes, routes6 = r.stdout.split("--\n")
    links = {x["ifname"]: x for x in json.loads(addresses)}
    assert set(links) == {"lo", "eth0"}
    own = [a["local"] for a in links["eth0"]["addr_info"]]
    assert len(own) == 2 and not any(a.startswith("fe80") for a in own)
    gateways = [r["gateway"] for r in json.loads(routes) + json.loads(routes6)
                if r["dst"] == "default"]
    assert [f"nameserver {g}" for g in gateways] == resolv.split("\n")[:2]


def test_neither_daemon_nor_host_sockets_can_be_reached(run):
    r = run("sh", "-c", "ls -A /run; find / -xdev -path '*sbx-net-run.*' "
            "2>/dev/null; ps -ef | grep -c '[s]bx-netd'")
    lines = r.stdout.split()
    assert set(lines[:-1]) == {"lock", "sbx-net-ca", "user"}
    assert lines[-1] == "0"


def test_working_directory_does_not_lead_to_what_is_hidden(run):
    p = run.lab.host.run("sh", "-c", 'cd /run && exec "$@"', "sh",
                         *run.words("sh", "-c", "ls -A ."),
                         env=run.environment())
    assert set(p.stdout.split()) == {"lock", "sbx-net-ca", "user"}


def test_open_files_do_not_come_along(run, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    p = run.lab.host.run("sh", "-c", f'exec 7< {secret}; exec "$@"', "sh",
                         *run.words("sh", "-c", "cat <&7; ls /proc/self/fd"),
                         env=run.environment())
    assert SECRET not in p.stdout
    assert "7" not in p.stdout.split()


TOOLS = {
    "curl": "curl -sS --fail https://api.test/",
    "curl, no variables": "env -i curl -sS --fail https://api.test/",
    "wget": "wget -q -O - https://api.test/",
    "python": "/usr/bin/python3 -c \"import urllib.request as u; "
              "u.urlopen('https://api.test/').read()\"",
    "openssl, by directory": "openssl s_client -brief -CApath $SSL_CERT_DIR "
              "-no-CAfile -no-CAstore -verify_return_error "
              "-connect api.test:443 </dev/null",
    "gnutls": "gnutls-cli --x509cafile=/etc/ssl/certs/ca-certificates.crt "
              "api.test </dev/null",
    "git": "! git ls-remote https://api.test/ 2>&1 | grep -i certificate",
    "node": "node -e \"require('https').get('https://api.test/', "
            "r => r.resume()).on('error', e => {console.error(e);"
            "process.exit(1)})\"",
    "java, key store": "keytool -list -keystore "
              "${JAVA_TOOL_OPTIONS#*=} -storepass changeit | grep -c sbx-net-",
}


@pytest.mark.parametrize("tool", TOOLS)
def test_tools_trust_the_sandboxs_authority(run, origin, tool):
    origin("api.test")
    r = run("sh", "-c", TOOLS[tool])
    assert r.returncode == 0, r.stdout + r.stderr


def test_under_a_running_daemon(netd, lab, origin):
    origin("api.test")
    d = netd("policies:\n  agent:\n    default: deny\n"
             "    allow: [{host: api.test}]\n"
             "  other:\n    default: deny\n    allow: []\n")
    before = json.loads(d.ctl("--json", "sandbox", "ls").stdout)
    r = d.ctl("run", "--name", "mine", "--policy", "agent", "--", "curl",
              "-sS", "--fail", "https://api.test/")
    assert r.returncode == 0
    assert d.records(sandbox="mine", host="api.test", verdict="allowed")
    r = d.ctl("run", "--policy", "agent", "--", "ls", "-A", str(d.runtime))
    assert r.stdout == "", "its runtime directory looks empty from inside"
    after = json.loads(d.ctl("--json", "sandbox", "ls").stdout)
    assert after == before, "the sandbox is gone with its command"
    r = d.ctl("run", "--", "true", check=False)
    assert r.returncode == 125 and "agent" in r.stderr and "other" in r.stderr
    r = d.ctl("run", "--name", "s1", "--policy", "agent", "--", "true",
              check=False)
    assert r.returncode == 125
    assert json.loads(d.ctl("--json", "sandbox", "ls").stdout) == before


def test_two_at_once_under_one_daemon(netd, lab, origin):
    api = origin("api.test")
    d = netd("policies:\n  agent:\n    default: deny\n"
             "    allow: [{host: api.test}]\n")
    both = [lab.host.popen(str(BIN / "sbx-netctl"), "--runtime-dir",
                           str(d.runtime), "run", "--name", f"box{i}", "--",
                           "curl", "-sS", "--fail", f"https://api.test/{i}")
            for i in (1, 2)]
    assert [p.wait(timeout=120) for p in both] == [0, 0]
    assert sorted(r.target for r in api.requests) == ["/1", "/2"]
    for i in (1, 2):
        assert d.records(sandbox=f"box{i}", path=f"/{i}", verdict="allowed")
