"""scripts/attach as somebody uses it, on the lab's host."""
import os
import pathlib

from .built import BIN
from .namespaces import Namespace, sh
from .wait import until

FOLDER = pathlib.Path(__file__).resolve().parents[3] / "scripts" / "attach"


class Attach:
    """attach("veth", "add", …): the script of that name; attach.space("a"): a
    namespace that goes with it."""

    def __init__(self, lab, daemon):
        self.lab, self.daemon, self.spaces = lab, daemon, []

    def environment(self):
        return {**os.environ, "SBX_NETCTL": str(BIN / "sbx-netctl"),
                "SBX_NET_RUNTIME_DIR": str(self.daemon.runtime)}

    def __call__(self, script, *words, check=True):
        return self.lab.host.run(str(FOLDER / script), *words, check=check,
                                 env=self.environment())

    def space(self, name):
        ns = Namespace(f"{self.lab.tag}{name}")
        self.spaces.append(ns)
        return ns

    def links(self):
        """Names of the host's interfaces."""
        return {line.split(": ")[1].split("@")[0] for line in
                self.lab.host.ip("-o", "link").stdout.splitlines()}

    def sandboxes(self):
        return self.daemon.ctl("sandbox", "ls").stdout

    def record_from(self, source, **want):
        """The first record with all that and this source, whatever its port."""
        start = f"[{source}]:" if ":" in source else f"{source}:"
        return until(f"a record with {want} from {source}", lambda: [
            r for r in self.daemon.records(**want) if r["src"].startswith(start)])[0]

    def close(self):
        for ns in self.spaces:
            ns.remove()
            sh("rm", "-rf", f"/etc/netns/{ns.name}")
