"""Floods and stalls cost the daemon less than a megabyte; and many streams nothing.

With the Release build; see lab/memory.py.
"""
import pytest

from lab import floods
from lab import h2wire as w
from lab.h2 import connect
from lab.h2origin import H2Origin
from lab.memory import RELEASE, Holding
from lab.moody import aborting, moody
from lab.wait import until

MEGABYTE = 1024  # KB
STREAMS = 1500   # tests/bench/soak.py does this with 100,000
POLICY = """\
policies:
  agent:
    allow:
      - host: "**.lab.test"
"""


@pytest.fixture(scope="module")
def world(stage):
    stage.netd(POLICY, programs=RELEASE, settings="workers: 1\nlimits: "
               "{connections_per_second: 10000}\n")
    stage.site = stage.origin("good.lab.test", kind=H2Origin, alpn=("h2",))
    stage.site.keep = False
    stage.worker = Holding(stage.daemon)
    stage.open = lambda **k: connect(stage.client, stage.site.name, stage.site.address, **k)
    return stage


def flood(world, kind):
    f = floods.Flood(kind, world.open(), world.site.name)
    f.conn.wait_settings()
    while not f.over and f.sent < 2000:
        f.step()
    f.conn.close()
    f.conn.wait_closed()
    assert f.conn.goaway is not None, "it was cut"


@pytest.mark.parametrize("kind", floods.Flood.NAMES)
def test_threat_46_a_flood_takes_no_memory(world, kind):
    flood(world, kind)  # what is kept for the next comes from here
    assert world.worker.growth(lambda: flood(world, kind)) < MEGABYTE


def test_threat_46_nor_does_a_bomb(world):
    def explode():
        c = world.open()
        s = c.open()
        c.raw(floods.bomb(world.site.name, s.id))
        try:
            s.wait_over()
        except ConnectionAbortedError:
            pass
        c.close()
        c.wait_closed()

    explode()
    assert world.worker.growth(lambda: [explode() for _ in range(5)]) < MEGABYTE


@pytest.mark.parametrize("shut", ["streams", "connection"])
def test_threat_46_windows_of_0_hold_up_the_origin_and_no_memory(world, shut):
    """A hundred answers of a megabyte each, of which none can go on."""
    sent, stuck = [], []

    def answer2(s):
        stuck.append(s)
        s.send_head([(":status", "200")])
        try:
            for _ in range(64):
                s.send_data(b"x" * 16384)
                sent.append(16384)
            s.send_data(b"", end=True)
        except (OSError, AssertionError):
            pass

    o = world.origin(f"stall{next(world.numbers)}.lab.test", kind=H2Origin, alpn=("h2",),
                     answer2=answer2)

    def stall():
        c = connect(world.client, o.name, o.address, manual=("window",),
                    settings={w.INITIAL_WINDOW_SIZE: 0 if shut == "streams" else 65535})
        c.wait_settings()
        before = len(stuck)
        streams = [c.request(f"/{i}", authority=o.name) for i in range(100)]
        for s in streams:
            s.wait_head()
        until("all at the origin", lambda: len(stuck) == before + 100)
        seen = -1
        while len(sent) > seen:  # until nothing moves for a second
            seen = len(sent)
            try:
                c.wait("more to be sent", lambda: len(sent) > seen, 1)
            except AssertionError:
                pass
        c.abort()
        c.wait_closed()

    stall()
    assert world.worker.growth(stall) < MEGABYTE
    assert world.open().get(authority=world.site.name).status == 200


def test_streams_that_end_anyhow_leave_nothing(world):
    o = world.origin(f"moody{next(world.numbers)}.lab.test", kind=H2Origin, alpn=("h2",),
                     answer2=moody(1))
    o.keep = False

    def open_():
        return connect(world.client, o.name, o.address)

    def part(seed):
        aborting(open_, o.name, STREAMS, seed)
        for e in o.sessions:
            e.close()

    at_rest = world.worker.descriptors()
    part(2)
    world.worker.wait_descriptors(at_rest)
    before = world.worker.memory()
    for seed in range(3, 6):
        part(seed)
        world.worker.wait_descriptors(at_rest)
    assert world.worker.memory() - before < 2 * MEGABYTE
    assert world.open().get(authority=world.site.name).status == 200


def test_no_worker_was_lost(world):
    assert not world.daemon.records(reason="worker_crashed")
