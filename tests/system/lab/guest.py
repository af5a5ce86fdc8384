"""A virtual machine: Debian's kernel and busybox, booted by QEMU without KVM.

The kernel and its modules are those that scripts/deps keeps in build-guest/; the
rest is made here.  Inside, a shell reads commands from the serial line.
"""
import gzip
import os
import pathlib
import subprocess
import threading

from .wait import until

KEPT = pathlib.Path(__file__).resolve().parents[3] / "build-guest"
# In the order in which each finds what it needs.
MODULES = ["virtio_ring", "virtio", "virtio_pci_legacy_dev", "virtio_pci_modern_dev",
           "virtio_pci", "failover", "net_failover", "virtio_net"]
INIT = """\
#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t devtmpfs dev /dev
for m in {modules}; do insmod /$m.ko; done
for f in /proc/sys/net/ipv6/conf/*/accept_dad; do echo 0 >$f; done
ip link set lo up
ip link set eth0 up
stty -F /dev/ttyS0 -echo -onlcr
echo ready >/dev/ttyS0
while read -r line; do eval "$line"; done </dev/ttyS0 >/dev/ttyS0 2>&1
"""
QEMU = ["qemu-system-x86_64", "-accel", "tcg", "-cpu", "max", "-m", "192", "-nodefaults",
        "-no-user-config", "-no-reboot", "-display", "none", "-serial", "stdio",
        "-M", "pc"]
CONSOLE = "console=ttyS0 quiet panic=-1"


def archive(files):
    """A cpio archive ("newc"), as the kernel reads it: {name: (mode, bytes)}."""
    out = bytearray()
    for number, (name, (mode, data)) in enumerate([*files.items(), ("TRAILER!!!", (0, b""))]):
        path = name.encode() + b"\0"
        fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(path), 0)
        out += b"070701" + b"".join(b"%08x" % f for f in fields) + path
        out += bytes(-len(out) % 4) + data
        out += bytes(-len(out) % 4)
    return bytes(out)


def initramfs():
    modules = {p.stem: p.read_bytes() for p in (KEPT / "lib").rglob("*.ko")}
    files = {name: (0o040755, b"") for name in ("bin", "proc", "dev", "etc")}
    files["init"] = (0o100755, INIT.format(modules=" ".join(MODULES)).encode())
    files["bin/busybox"] = (0o100755, pathlib.Path("/bin/busybox").read_bytes())
    for name in MODULES:
        files[f"{name}.ko"] = (0o100644, modules[name])
    return gzip.compress(archive(files), 1)


class Guest:
    """network: the words that tell QEMU of its card."""

    def __init__(self, lab, directory, *network):
        assert (KEPT / "vmlinuz").exists(), f"no {KEPT}: run scripts/deps"
        image = directory / "initramfs.gz"
        image.write_bytes(initramfs())
        self.said, self.calls = "", 0
        self.process = lab.host.popen(
            *QEMU, "-kernel", str(KEPT / "vmlinuz"), "-initrd", str(image),
            "-append", CONSOLE, *network, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT)
        threading.Thread(target=self._read, daemon=True).start()
        try:
            until("the guest's shell", lambda: self._alive() and "ready" in self.said)
        except AssertionError as e:
            self.close()
            raise AssertionError(f"{e}; it said: {self.said}") from None

    def _read(self):
        while data := os.read(self.process.stdout.fileno(), 65536):
            self.said += data.decode(errors="replace")

    def _alive(self):
        assert self.process.poll() is None, "the guest ended: " + self.said
        return True

    def run(self, command):
        """(status, output) of a command of its shell."""
        self.calls += 1
        mark, start = f"over-{self.calls}-", len(self.said)
        self.process.stdin.write(f"{command}; echo {mark}$?-\n".encode())
        self.process.stdin.flush()

        def answer():
            text = self.said[start:]
            return self._alive() and text if f"{mark}" in text and \
                text.split(mark, 1)[1].count("-") else None

        text = until(f"the guest's answer to {command}", answer)
        output, _, status = text.partition(mark)
        return int(status.split("-")[0]), output

    def close(self):
        self.process.kill()
        self.process.wait()
