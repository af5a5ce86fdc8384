"""Headless Chromium in a sandbox, which trusts what its own database of
authorities (NSS) says; and a page that tries everything and reports."""
import json
import os
import queue
import signal
import subprocess
import time

from . import h2wire as w
from . import ws
from .h2origin import H2Origin
from .wait import until

RESOURCES = 60
EVENTS = 10

PAGE = """<!doctype html><meta charset=utf-8><title>page</title>
<link rel=icon href="data:,">
<script>
"use strict";
let loaded = 0;
const report = what => fetch("/report", {method: "POST", body: JSON.stringify(what)});
window.onerror = (text, file, line) => report({error: `${file}:${line}: ${text}`});
window.onunhandledrejection = e => report({error: String(e.reason)});
</script>
""" + "".join(f'<script src="/r/{i}.js"></script>\n' for i in range(RESOURCES)) + """
<script>
function events() {
	return new Promise((resolve, reject) => {
		const got = [], source = new EventSource("/events");
		source.onmessage = e => {
			got.push(e.data);
			if (got.length === @EVENTS@) {
				source.close();
				resolve(got);
			}
			fetch("/ack", {method: "POST"});
		};
		source.onerror = () => reject(new Error("event source"));
	});
}

function chat() {
	return new Promise((resolve, reject) => {
		const got = [], socket = new WebSocket(`wss://${location.host}/ws`);
		const say = n => socket.send("x".repeat(10 ** n));
		socket.onopen = () => say(0);
		socket.onmessage = e => {
			got.push(e.data.length);
			got.length < 6 ? say(got.length) : socket.close(1000);
		};
		socket.onclose = e => resolve([got, e.code, e.wasClean]);
		socket.onerror = () => reject(new Error("web socket"));
	});
}

window.onload = async () => {
	const body = new Uint8Array(1 << 20).map((_, i) => i % 251);
	const echo = await fetch("/echo", {method: "POST", body});
	const back = new Uint8Array(await echo.arrayBuffer());
	const denied = await fetch("/denied/x");
	report({
		loaded,
		echoed: back.length === body.length && back.every((b, i) => b === body[i]),
		denied: denied.status,
		events: await events(),
		chat: await chat(),
		protocols: performance.getEntriesByType("resource")
			.filter(e => e.name.includes("/r/")).map(e => e.nextHopProtocol),
		page: performance.getEntriesByType("navigation")[0].nextHopProtocol,
	});
};
</script>
""".replace("@EVENTS@", str(EVENTS))

ALT_SVC = ("alt-svc", 'h3=":443"; ma=86400')


class Site:
    """What answers to that page, over HTTP/2; it offers HTTP/3 with each answer."""

    def __init__(self):
        self.reports, self.acknowledged = queue.Queue(), queue.Queue()

    def origin(self, stage, name):
        return stage.origin(name, kind=H2Origin, answer=ws.echo_origin(), answer2=self.answer,
                            settings={w.ENABLE_CONNECT_PROTOCOL: 1, w.INITIAL_WINDOW_SIZE: 1 << 20})

    def answer(self, s):
        if s.method == "CONNECT":
            return self._socket(s)
        path = s.target
        if path == "/events":
            return self._events(s)
        s.wait_end()
        body, kind = b"", "text/plain"
        if path == "/":
            body, kind = PAGE.encode(), "text/html; charset=utf-8"
        elif path.startswith("/r/"):
            body, kind = b"loaded++; //" + b"x" * 5000, "text/javascript"
        elif path == "/echo":
            body = bytes(s.body)
        elif path == "/ack":
            self.acknowledged.put(True)
        elif path == "/report":
            self.reports.put(json.loads(bytes(s.body)))
        s.respond(200, ("content-type", kind), ALT_SVC, body=body)

    def _events(self, s):
        s.send_head([(":status", "200"), ("content-type", "text/event-stream"),
                     ("cache-control", "no-store"), ALT_SVC])
        for i in range(EVENTS):
            s.send_data(b"data: event %d\n\n" % i)
            self.acknowledged.get(timeout=60)

    def _socket(self, s):
        s.send_head([(":status", "200")])
        ws.Socket(ws.StreamCarrier(s), False).echo()
        s.send_data(b"", end=True)


class Browser:
    def __init__(self, ns, home):
        self.ns, self.home, self.process = ns, home, None
        self.database = home / ".pki" / "nssdb"
        self.database.mkdir(parents=True)
        self._certutil("-N", "--empty-password")

    def _certutil(self, *words):
        subprocess.run(["certutil", "-d", f"sql:{self.database}", *words], check=True,
                       capture_output=True)

    def trust(self, path):
        self._certutil("-A", "-t", "C,,", "-n", "sandbox", "-i", str(path))

    def remember_http3(self, name):
        """As if that host had offered HTTP/3 in an answer of long ago."""
        profile = self.home / "profile" / "Default"
        profile.mkdir(parents=True)
        since_1601 = int((time.time() + 11644473600 + 86400) * 1e6)
        (profile / "Network Persistent State").write_text(json.dumps(
            {"net": {"http_server_properties": {"version": 5, "servers": [{
                "server": f"https://{name}", "anonymization": [],
                "alternative_service": [{
                    "advertised_alpns": ["h3"], "expiration": str(since_1601),
                    "port": 443, "protocol_str": "quic"}]}]}}}))

    def open(self, url, *options):
        """A new process each time; ends the one before."""
        self.close()
        self.log = self.home / "chromium.log"
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(self.home), "TMPDIR": str(self.home)}
        with open(self.log, "wb") as log:
            # The sandbox of Chromium's own needs a user that is not root.
            self.process = self.ns.popen(
                "chromium", "--headless=new", "--no-sandbox", "--disable-gpu",
                "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
                "--disable-component-update", "--remote-debugging-port=0",
                f"--user-data-dir={self.home}/profile", *options, url, env=environment,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

    def report_of(self, site):
        """What the page says in the end."""
        def said():
            assert self.process.poll() is None, self.log.read_text()
            try:
                return site.reports.get(timeout=0.1)
            except queue.Empty:
                return None

        return until("the page to report", said, 60)

    def close(self):
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
