"""Many change things at once while sandboxes work: each answer is one that was
right at some moment between its question and itself, and nothing gets lost."""
import contextlib
import math
import re
import ssl
import threading
import time

import pytest

from lab.client import Client, Responses
from lab.control import Control
from lab.h2 import connect
from lab.h2origin import H2Origin
from lab.wait import until

OPEN = """\
policies:
  agent:
    allow: [{host: api.test}]
"""
SHUT = OPEN + """\
    deny: [{host: api.test, path: "/file/**"}]
"""
BAD = OPEN.replace("allow:", "alow:")
ROUNDS = 12


class History:
    """What was in force, and when it may have been: from the moment that somebody
    asked for it until he was told that the next one is in force."""

    def __init__(self, first, over):
        self.lock, self.over = threading.Lock(), over
        self.spans = [[first, -math.inf, math.inf]]
        self.answers = {}

    def __call__(self, change, state):
        """change() brings it about; then it stays for a question of each asker."""
        with self.lock:
            self.spans.append([state, time.monotonic(), math.inf])
        change()
        with self.lock:
            self.spans[-2][2] = time.monotonic()
            before = dict(self.answers)
        # The first of two answers may be to an older question.
        until("each asker to have asked", lambda: self.over.is_set() or all(
            self.answers[a] >= n + 2 for a, n in before.items()))

    def answered(self, asker):
        with self.lock:
            self.answers[asker] = self.answers.get(asker, 0) + 1

    def between(self, begin, end):
        with self.lock:
            return {state for state, since, till in self.spans
                    if since <= end and till >= begin}


class World:
    def __init__(self, lab, netd, origin):
        for _ in range(2):
            lab.add_sandbox()
        self.lab = lab
        self.origin = origin("api.test", kind=H2Origin)
        self.sandboxes = "sandboxes:\n" + "".join(
            f"  s{i}: {{interface: {b.interface}, address: {b.address4}, policy: agent}}\n"
            for i, b in enumerate(lab.sandboxes[:2], 1))
        self.d = netd(OPEN + self.sandboxes,
                      settings="limits: {connections_per_second: 10000}\n")
        self.clients = [Client(b).trust(self.d, f"s{i}")
                        for i, b in enumerate(lab.sandboxes[:2], 1)]
        self.control = Control(self.d)
        self.workers = self.d.children()
        self.over, self.failures = threading.Event(), []

    def thread(self, work, *args):
        def run():
            try:
                work(*args)
            except BaseException as e:  # told by join()
                self.failures.append(e)
                self.over.set()

        t = threading.Thread(target=run)
        t.start()
        return t

    def join(self, *threads):
        for t in threads:
            t.join()
        for e in self.failures:
            raise e


@pytest.fixture
def world(lab, netd, origin):
    return World(lab, netd, origin)


# ---- traffic: each yields (path, status) with 0 for "ended without an answer"


class OverH1:
    def __init__(self, client):
        self.client, self.s = client, None

    def ask(self, path):
        try:
            if self.s is None:
                self.s = self.client.tls()
                self.responses = Responses(self.s)
            self.s.sendall(f"GET {path} HTTP/1.1\r\nHost: api.test\r\n\r\n".encode())
            a = self.responses.next()
        except (OSError, ssl.SSLError):
            a = None
        if a is None or not a.status or a.headers.get("connection") == "close":
            with contextlib.suppress(OSError):
                self.s.close()
            self.s = None
        return a.status if a and a.complete else 0


class OverH2:
    def __init__(self, client):
        self.client, self.c = client, None

    def ask(self, path):
        try:
            if self.c is None:
                self.c = connect(self.client)
            s = self.c.request(path).wait_over()
            return s.status if s.ended else 0
        except OSError:
            self.c = None
            return 0


def least_generation(status):
    """That all workers have: what they said when they were last asked."""
    return min(w.get("generation", 0) for w in status["workers"])


def traffic(world, asker, where, history, count, seen):
    """Asks until the changes are over, and then once more; into seen goes each
    path, its answer, and the generations that may have held then."""
    done = False
    while not done:
        done = world.over.is_set()
        path = f"{where}{next(count)}"
        first = least_generation(world.control.status())
        begin = time.monotonic()
        status = asker.ask(path)
        end = time.monotonic()
        last = world.control.status()["generation"]
        states = history.between(begin, end)
        assert status in states or (status == 0 and 403 in states), (path, status, states)
        seen.append((path, status, first, last))
        history.answered(asker)


class Numbers:
    """One after another, for many threads."""

    def __init__(self):
        self.n, self.lock = 0, threading.Lock()

    def __next__(self):
        with self.lock:
            self.n += 1
            return self.n


# ---- changers


def count_up(world, wins):
    """A counter in s1's overlay, raised by whoever has seen it last."""
    control = Control(world.d)
    for _ in range(ROUNDS):
        while True:
            _, now = control("GET", "sandboxes/s1/overlay")
            n = int((re.findall(r"n(\d+)\.count\.test", str(now["overlay"])) or ["0"])[0])
            status, answer = control(
                "PUT", "sandboxes/s1/overlay",
                f"allow: [{{host: n{n + 1}.count.test}}]\n", now["tag"])
            assert status in (200, 412), answer
            if status == 200:
                wins.append(n + 1)
                break


def lock_and_open(world, history):
    control = Control(world.d)

    def put(mode):
        status, answer = control("PUT", "sandboxes/s2/overlay", f"mode: {mode}\n")
        assert status == 200, answer

    for i in range(ROUNDS):
        history(lambda: put("lockdown"), 403)
        history(lambda i=i: put("open" if i % 2 else "policy"), 200)


def come_and_go(world):
    box = world.lab.sandboxes[2]
    for i in range(ROUNDS // 3):
        world.d.ctl("sandbox", "add", f"late{i}", "--interface", box.interface, "--address",
                    box.address4, "--policy", "agent", "--label", f"n={i}")
        client = Client(box).trust(world.d, f"late{i}")
        assert client.curl("https://api.test/late").status == 200
        world.d.ctl("sandbox", "rm", f"late{i}")
        with pytest.raises(OSError):
            client.connect(timeout=0.2)


def reload_in_turn(world, history):
    d = world.d
    for _ in range(ROUNDS // 2):
        for text, state in ((SHUT, 403), (BAD, None), (OPEN, 200)):
            whole = d.text(text + world.sandboxes,
                           "limits: {connections_per_second: 10000}\n")
            if state is None:
                assert d.reload(whole).returncode == 1
                continue

            def reload(whole=whole):
                r = d.reload(whole)
                assert r.returncode == 0, r.stdout + r.stderr

            history(reload, state)


def test_each_answer_is_right_at_some_moment(world):
    files, mode, numbers = History(200, world.over), History(200, world.over), Numbers()
    one, two = world.clients
    seen = [[], [], [], []]
    work = [(OverH1(one), "/file/", files), (OverH2(one), "/file/", files),
            (OverH1(two), "/mode/", mode), (OverH2(two), "/mode/", mode)]
    askers = [world.thread(traffic, world, asker, path, history, numbers, s)
              for (asker, path, history), s in zip(work, seen)]
    until("each of them to be at it", lambda: len(files.answers) == len(mode.answers) == 2
          or world.failures)
    wins = []
    changers = [world.thread(reload_in_turn, world, files),
                world.thread(lock_and_open, world, mode),
                world.thread(come_and_go, world),
                *(world.thread(count_up, world, wins) for _ in range(3))]
    for t in changers:
        t.join()
    world.over.set()
    world.join(*askers)

    # Each of those who counted has counted once.
    assert sorted(wins) == list(range(1, 3 * ROUNDS + 1))
    assert f"n{3 * ROUNDS}.count.test" in str(world.control("GET", "sandboxes/s1/overlay")[1])
    for s in seen:
        assert {200, 403} <= {status for _, status, *_ in s}, "something changed meanwhile"

    # Nobody was lost, and all know the same.
    status = world.control.status()
    assert world.d.children() == world.workers
    assert not world.d.records(reason="worker_crashed")
    assert [w["restarts"] for w in status["workers"]] == [0, 0]
    until("the workers to have the last generation",
          lambda: least_generation(world.control.status()) == status["generation"])
    assert [s["name"] for s in world.control("GET", "sandboxes")[1]] == ["s1", "s2"]
    for name, client in zip(("s1", "s2"), world.clients):
        for path in ("/file/x", "/mode/x", "/"):
            told = world.d.ctl("explain", name, "GET", f"https://api.test{path}", check=False)
            assert (told.returncode == 0) == (client.curl(
                f"https://api.test{path}").status == 200), told.stdout

    # What was decided is on record, with a generation that held then.
    decided = {r["path"]: r["generation"] for r in world.d.records(
        kind="request", event="decision")}
    for path, status, first, last in sum(seen, []):
        assert path in decided or status == 0
        assert first <= decided.get(path, first) <= last, path
    for name in ("s1", "s2"):
        mine = [r["generation"] for r in world.d.records(
            kind="request", event="decision", sandbox=name)]
        assert mine == sorted(mine), "a worker never goes back"
