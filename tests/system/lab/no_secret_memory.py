#!/usr/bin/python3
"""Runs a command on a kernel that has no memfd_secret(2), as far as it can tell:
its values are in locked pages then, into which root can look.

    no_secret_memory.py COMMAND [ARGUMENT...]
"""
import ctypes
import errno
import os
import sys

ALLOW = 0x7fff0000
ERRNO = 0x00050000
MEMFD_SECRET = 447  # of every architecture


def main():
    seccomp = ctypes.CDLL("libseccomp.so.2", use_errno=True)
    seccomp.seccomp_init.restype = ctypes.c_void_p
    context = ctypes.c_void_p(seccomp.seccomp_init(ALLOW))
    assert context.value
    assert seccomp.seccomp_rule_add(context, ERRNO | errno.ENOSYS, MEMFD_SECRET, 0) == 0
    assert seccomp.seccomp_load(context) == 0
    os.execv(sys.argv[1], sys.argv[1:])


if __name__ == "__main__":
    main()
