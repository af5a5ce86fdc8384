#!/usr/bin/python3
"""What systemd would put around a service, without systemd.

    unit_walls.py UNIT COMMAND [ARGUMENT...]

Runs the command with the capabilities, the NoNewPrivileges and the system
calls that the unit leaves it.  To be run as root.
"""
import ctypes
import os
import re
import subprocess
import sys

ALLOW = 0x7fff0000
ERRNO_EPERM = 0x00050000 | 1
# LeakSanitizer looks at its own process from another one; nobody else does.
SANITIZERS_ALSO = {"ptrace"}


def settings(unit, key):
    with open(unit, encoding="utf-8") as f:
        return re.findall(rf"^{key}=(.*)$", f.read(), re.MULTILINE)


def members(name):
    """The calls of a set like @setuid, and of the sets in it."""
    said = subprocess.run(
        ["systemd-analyze", "syscall-filter", "--no-pager", name],
        check=True, text=True, capture_output=True).stdout
    found = set()
    for word in said.split("\n")[1:]:
        word = word.strip()
        if word and not word.startswith("#"):
            found |= members(word) if word.startswith("@") else {word}
    return found


def allowed_calls(unit):
    """As systemd.exec(5) has it: the first line makes it a list of what is
    allowed, the next ones add to it or, with a ~, take away from it."""
    allowed = set()
    for line in settings(unit, "SystemCallFilter"):
        words = line.lstrip("~").split()
        assert allowed or not line.startswith("~"), "a list of what is denied"
        calls = set().union(*({w} if w[0] != "@" else members(w)
                              for w in words))
        allowed = allowed - calls if line.startswith("~") else allowed | calls
    return allowed | members("@default")  # what systemd allows always


def lock_in(calls):
    seccomp = ctypes.CDLL("libseccomp.so.2", use_errno=True)
    seccomp.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(seccomp.seccomp_init(ERRNO_EPERM))
    assert context.value
    for call in calls:
        number = seccomp.seccomp_syscall_resolve_name(call.encode())
        if number >= 0:  # this architecture has it
            assert seccomp.seccomp_rule_add(context, ALLOW, number, 0) == 0
    assert seccomp.seccomp_load(context) == 0


def main():
    unit, *command = sys.argv[1:]
    if os.environ.pop("BEHIND_UNIT_WALLS", None):
        lock_in(allowed_calls(unit) | SANITIZERS_ALSO)
        os.execv(command[0], command)
    kept = " ".join(settings(unit, "CapabilityBoundingSet")).lower().split()
    assert settings(unit, "NoNewPrivileges") == ["yes"]
    os.environ["BEHIND_UNIT_WALLS"] = "1"
    os.execvp("setpriv", [
        "setpriv", "--no-new-privs", "--inh-caps=-all", "--bounding-set",
        ",".join(["-all", *(k.replace("cap_", "+") for k in kept)]),
        sys.executable, __file__, unit, *command])


if __name__ == "__main__":
    main()
