#!/usr/bin/python3
"""sbx-net beside HAProxy, nginx and nghttpx: one table, figures and no test.

    tests/bench/beside.py RIG [ROUNDS]

RIG is the rig's program (three namespaces, an origin, the peers; its own help
says what it needs).  All take turns in each of ROUNDS rounds (3); a cell is the
median of work per CPU second of the interceptor's processes, the last column the
median of each round's ratio to the best peer (more is better in all).  Latency
is at 200 requests a second, with what the way without an interceptor takes
taken off.  Needs root, a Release build (or SBX_BUILD), wrk, h2load and curl.
"""
import contextlib
import importlib.util
import os
import pathlib
import statistics
import sys
import tempfile
import time

OWN = pathlib.Path(__file__).resolve().parent / "rig-own.sh"
PEERS = ("haproxy", "nginx", "nghttpx")
SECONDS, RATE = 3, 200
PAGE = "https://a.origin.test/1k"
ROWS = (
    ("keepalive", "HTTP/1.1 requests, kept alive"),
    ("h2", "HTTP/2 requests"),
    ("connect", "new connections, one request each"),
    ("connect12", "the same, the client offers TLS 1.2 only"),
    ("bulk", "MB of a download, HTTP/2 offered"),
    ("bulk1", "MB of a download, HTTP/1.1"),
    ("mint", "connections to a new name"),
    ("idle", "KB per idle connection (less is better)"),
    ("idle0", "the same, in a process that had no load before"),
    ("p50", "ms added at 200 requests/s, p50"),
    ("p99", "ms added at 200 requests/s, p99"),
)
LESS = ("idle", "idle0", "p50", "p99")
TLS12 = """openssl_conf = all
[all]
ssl_conf = ssl
[ssl]
system_default = clients
[clients]
MaxProtocol = TLSv1.2
"""


def load(path):
    spec = importlib.util.spec_from_file_location("rig", path)
    rig = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(rig)
    for workers in (1, 2):
        command = f"env SBX_WORKERS={workers} {OWN}"
        rig.PEERS[f"own{workers}"] = (
            None, lambda c=command: rig.spawn(rig.H, c, cpu=0, log=rig.W / "own.out"))
    return rig


@contextlib.contextmanager
def peer(rig, name):
    mode, start = rig.PEERS[name]
    rig.steer(mode)
    process = start()
    time.sleep(4 if name.startswith("own") else 1)
    try:
        yield process
    finally:
        rig.stop(process)
        rig.steer(None)


@contextlib.contextmanager
def clients_without_tls13():
    with tempfile.NamedTemporaryFile("w", suffix=".cnf") as config:
        config.write(TLS12)
        config.flush()
        os.environ["OPENSSL_CONF"] = config.name
        try:
            yield
        finally:
            del os.environ["OPENSSL_CONF"]


def run_fresh(rig, name):
    """In a process of its own: memory that a load has left would be used again."""
    got = {}
    with peer(rig, name) as process:
        rig.wrk(PAGE, 8, 1)
        before = rig.rss(process.pid)
        clients, n = rig.idle(2000)
        time.sleep(1)
        if n:
            got["idle0"] = (rig.rss(process.pid) - before) / n
        clients.kill()
        before = rig.cpu(process.pid)
        with clients_without_tls13():
            asked = rig.wrk(PAGE, 32, SECONDS, ["Connection: close"])
        spent = rig.cpu(process.pid) - before
        if spent and " non2xx" not in asked["err"]:
            got["connect12"] = asked["n"] / spent
    return got


def download(rig, pid):
    before = rig.cpu(pid)
    got = rig.ns(rig.S, "taskset -c 1 curl --http1.1 -sSk --max-time 60 -o /dev/null "
                 "-w '%{size_download}' https://a.origin.test/512M", check=False).stdout
    spent = rig.cpu(pid) - before
    return float(got or 0) / 1e6 / spent if spent else None


def latencies(rig):
    """Sorted, in ms, of requests that come evenly over one connection."""
    with tempfile.NamedTemporaryFile() as log:
        rig.ns(rig.S, f"taskset -c 1 timeout 30 h2load --h1 -c1 --rps={RATE} -D{2 * SECONDS} "
               f"--log-file={log.name} {PAGE}", check=False)
        rows = [line.split("\t") for line in pathlib.Path(log.name).read_text().splitlines()]
    return sorted(int(r[2]) / 1e3 for r in rows if r[1] == "200")


def run(rig, name):
    got = run_fresh(rig, name)
    with peer(rig, name) as process:
        all_of = rig.measure(name, process, SECONDS)
        got.update({k: all_of[k]["per_cpu_s"]
                    for k in ("keepalive", "h2", "connect", "bulk", "mint")})
        if " non2xx" in all_of["keepalive"]["err"]:  # it has refused them all
            got["keepalive"] = got["connect"] = None
        got["idle"] = all_of["idle"]["KB_per_conn"]
        got["bulk1"] = download(rig, process.pid)
        times = latencies(rig)
        if times:
            got["p50"], got["p99"] = times[len(times) // 2], times[len(times) * 99 // 100]
        return got


def without(rig):
    rig.steer(None)
    times = latencies(rig)
    return {"p50": times[len(times) // 2], "p99": times[len(times) * 99 // 100]}


def ratio(key, got):
    """Ours to the best of the peers, so that more is better."""
    theirs = [v for v in (got[p].get(key) for p in PEERS) if v is not None and v > 0]
    own = got["own1"].get(key)
    if not theirs or not own or own < 0:
        return None
    return min(theirs) / own if key in LESS else own / max(theirs)


def middle(values):
    values = [v for v in values if v is not None]
    return statistics.median(values) if values else None


def show(value):
    return "-" if value is None else f"{value:,.2f}" if abs(value) < 100 else f"{value:,.0f}"


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    rig = load(sys.argv[1])
    rig.up()
    names, rounds = ("own1", "own2", *PEERS), []
    try:
        for _ in range(int(sys.argv[2]) if len(sys.argv) > 2 else 3):
            direct = without(rig)
            got = {name: run(rig, name) for name in names}
            for one in got.values():
                for p in direct:
                    one[p] = one[p] - direct[p] if p in one else None
            rounds.append(got)
    finally:
        rig.down()
    print("| per CPU second | 1 worker | 2 workers | HAProxy | nginx | nghttpx | own / best |")
    print("|---|---|---|---|---|---|---|")
    for key, text in ROWS:
        cells = [show(middle([g[n].get(key) for g in rounds])) for n in names]
        cells.append(show(middle([ratio(key, g) for g in rounds])))
        print(f"| {text} | " + " | ".join(cells) + " |")


main()
