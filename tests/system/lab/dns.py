"""dnsmasq as the internet's name server, which logs every query."""
import subprocess

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
        until("dnsmasq to start", lambda: "started" in self.log.read_text())

    def add(self, name, *addresses):
        with open(self.hosts, "a") as f:
            for a in addresses:
                f.write(f"{a} {name}\n")
        before = self.log.read_text().count("read " + str(self.hosts))
        self.process.send_signal(1)
        until("dnsmasq to read its hosts",
              lambda: self.log.read_text().count("read " + str(self.hosts)) > before)

    def queries(self, name=""):
        return [line for line in self.log.read_text().splitlines()
                if "query[" in line and name in line]

    def close(self):
        self.process.terminate()
        self.process.wait()
