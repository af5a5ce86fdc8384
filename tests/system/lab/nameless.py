"""Servers in the internet whose protocols show no name: ssh, PostgreSQL, Redis, SMTP.

And what their clients need; each server is a real one, as a process, but SMTP's.
"""
import os
import pathlib
import socket
import subprocess
import threading

from .servers import Servers, open_to_all

SSHD = """\
Port 22
ListenAddress {address}
HostKey {d}/host_key
AuthorizedKeysFile {d}/key.pub
PidFile none
UsePAM no
StrictModes no
PermitRootLogin yes
PasswordAuthentication no
"""
# It wants /run/sshd, which is the machine's.
IN_ITS_OWN_RUN = "mount -t tmpfs none /run && mkdir /run/sshd && exec /usr/sbin/sshd -D -e -f "
NOBODY = ("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups")


def postgres_program(name):
    """Debian keeps the server's programs, one version beside the other, out of PATH."""
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    assert found, f"no {name}: run scripts/deps"
    return str(found[-1])


class NamelessServers(Servers):
    def ssh(self, address):
        d = self.directory
        for key in ("host_key", "key"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", d / key],
                           check=True)
        (d / "sshd.conf").write_text(SSHD.format(address=address, d=d))
        return self._start(address, "unshare", "-m", "sh", "-c",
                           IN_ITS_OWN_RUN + str(d / "sshd.conf"), port=22)

    def ssh_words(self, *options):
        return ("ssh", "-F", "none", "-i", str(self.directory / "key"), "-o", "BatchMode=yes",
                "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
                "-o", "ConnectTimeout=20", *options)

    def postgres(self, address):
        data = self.directory / "postgres"
        data.mkdir()
        open_to_all(self.directory)
        (self.directory / "key").chmod(0o600)
        os.chown(data, 65534, 65534)
        subprocess.run([*NOBODY, postgres_program("initdb"), "-D", data, "-U", "agent",
                        "--auth=trust", "--no-sync", "--no-instructions"], check=True,
                       stdout=subprocess.DEVNULL, cwd="/")
        with open(data / "pg_hba.conf", "a", encoding="ascii") as f:
            f.write("host all all 0.0.0.0/0 trust\n")
        return self._start(address, *NOBODY, postgres_program("postgres"), "-D", str(data),
                           "-h", address, "-c", "unix_socket_directories=", "-c", "fsync=off",
                           port=5432, cwd="/")

    def redis(self, address):
        return self._start(address, "redis-server", "--bind", address, "--port", "6379",
                           "--save", "", "--protected-mode", "no", "--dir",
                           str(self.directory), port=6379)


class Smtp:
    """Speaks first, takes one message a connection."""

    def __init__(self, lab, address, port=25):
        self.messages = []
        self.socket = lab.internet.within(
            lambda: socket.create_server((address, port), family=socket.AF_INET6
                                         if ":" in address else socket.AF_INET))
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while True:
            try:
                c, _ = self.socket.accept()
            except OSError:
                return
            with c:
                self._speak(c)

    def _speak(self, c):
        lines = c.makefile("rwb")

        def say(text):
            lines.write(text + b"\r\n")
            lines.flush()

        say(b"220 mail.test")
        for line in lines:
            word = line[:4].upper()
            say({b"DATA": b"354 go", b"QUIT": b"221 bye"}.get(word, b"250 ok"))
            if word == b"DATA":
                self.messages.append(b"".join(iter(lines.readline, b".\r\n")))
                say(b"250 taken")
            elif word == b"QUIT":
                return

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)  # the thread waits no more
        self.socket.close()
