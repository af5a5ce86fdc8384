"""dnsmasq as the internet's name server, which logs every query; and a server
whose answers cannot be relied on."""
import contextlib
import socket
import struct
import subprocess
import threading

from .wait import until


class NameServer:
    def __init__(self, lab, directory):
        self.log = directory / "dnsmasq.log"
        self.log.write_text("")
        (directory / "hosts").write_text("")
        self.hosts = directory / "hosts"
        self.process = lab.internet.popen(
            "dnsmasq", "-k", "-p", "53", f"--listen-address={lab.DNS}",
            "--bind-interfaces", "--no-resolv", "--no-hosts", "--user=root",
            f"--addn-hosts={self.hosts}", "--log-queries", "--local=/test/",
            "--local-ttl=5", f"--log-facility={self.log}",
            "--pid-file=" + str(directory / "dnsmasq.pid"),
            stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
        # It reads them only after it has said that it has started.
        until("dnsmasq to have read its hosts", lambda: self._reads() > 0)

    def _reads(self):
        return self.log.read_text().count("read " + str(self.hosts))

    def add(self, name, *addresses):
        with open(self.hosts, "a") as f:
            for a in addresses:
                f.write(f"{a} {name}\n")
        before = self._reads()
        self.process.send_signal(1)
        until("dnsmasq to read its hosts", lambda: self._reads() > before)

    def queries(self, name=""):
        return [line for line in self.log.read_text().splitlines()
                if "query[" in line and name in line.lower()]  # 0x20

    def close(self):
        self.process.terminate()
        self.process.wait()


class FickleServer:
    """In the place of the name server: answers A with one address the first
    time it is asked, and with another from then on; to be kept no second."""

    def __init__(self, lab, first, then):
        self.first, self.then, self.asked = first, then, []
        self.socket = lab.internet.within(self._bind, lab.DNS)
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    @staticmethod
    def _bind(address):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.bind((address, 53))
        return s

    def _run(self):
        while True:
            query, peer = self.socket.recvfrom(2000)
            if not query:  # closed
                return
            end = query.index(b"\0", 12) + 5  # of the one question
            answers = b""
            if query[end - 4:end - 2] == b"\0\1":
                address = self.then if self.asked else self.first
                self.asked.append(query[12:end - 5])
                answers = struct.pack(">HHHIH4s", 0xc00c, 1, 1, 0, 4,
                                      socket.inet_aton(address))
            self.socket.sendto(query[:2] + b"\x81\x80\0\1" +
                               struct.pack(">HHH", bool(answers), 0, 0) +
                               query[12:end] + answers, peer)

    def close(self):
        with contextlib.suppress(OSError):  # not connected, but it wakes up
            self.socket.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.socket.close()
