"""One end of an HTTP/2 connection, either one, with every frame in our hands.

What is polite happens by itself: SETTINGS and PING are acknowledged and
windows opened again; name it in `manual` ("settings", "ping", "window") and it
does not.  What is impolite is send() and raw(), which check nothing.

A thread reads.  Whoever waits for something waits with a deadline, and is told
when the connection ends instead.
"""
import collections
import struct
import threading

import hpack

from . import h2wire as w
from .wait import DEADLINE


class Stream:
    """A request and its response, as seen from either end."""

    def __init__(self, conn, number):
        self.conn, self.id = conn, number
        self.fields, self.interims, self.trailers = None, [], None
        self.body, self.pieces = bytearray(), 0
        self.ended, self.sent_end, self.reset = False, False, None
        self.window = conn.peer[w.INITIAL_WINDOW_SIZE]

    def __repr__(self):
        return f"<stream {self.id} {self.fields} {bytes(self.body[:200])!r} reset {self.reset}>"

    # what came

    def all(self, name):
        return [v for k, v in self.fields if k == name]

    @property
    def headers(self):
        return dict(self.fields)

    @property
    def status(self):
        return int(self.headers[":status"])

    @property
    def method(self):
        return self.headers[":method"]

    @property
    def target(self):
        return self.headers[":path"]

    version = "HTTP/2"

    def never_indexed(self, name):
        """Whether each field of that name came as one that no table may hold."""
        found = [f for f in self.fields if f[0] == name]
        return bool(found) and all(isinstance(f, hpack.NeverIndexedHeaderTuple)
                                   for f in found)

    def wait_head(self):
        self.conn.wait(f"the head on stream {self.id}",
                       lambda: self.fields is not None or self.reset is not None)
        assert self.fields is not None, f"reset instead: {self.reset}"
        return self

    def wait_end(self):
        """The end of what the peer sends; a reset is not one."""
        self.wait_over()
        assert self.ended, f"reset instead: {self}"
        return self

    def wait_over(self):
        self.conn.wait(f"stream {self.id} to be over",
                       lambda: self.ended or self.reset is not None)
        return self

    def wait_reset(self):
        self.conn.wait(f"a reset of stream {self.id}", lambda: self.reset is not None)
        return self.reset

    def wait_body(self, size):
        self.conn.wait(f"{size} bytes on stream {self.id}",
                       lambda: len(self.body) >= size or self.reset is not None)
        assert len(self.body) >= size, f"reset instead: {self}"
        return bytes(self.body)

    # what goes out

    def send_head(self, fields, end=False):
        with self.conn.changed:
            self.sent_end = self.sent_end or end
        self.conn.raw(w.head_frames(self.id, w.block(fields), end))
        self.conn.forget(self)

    def send_data(self, data, end=False):
        """As fast as the windows allow; waits while they are shut."""
        view = memoryview(data)
        while True:
            n = self.conn.take_window(self, len(view))
            last = end and n == len(view)
            with self.conn.changed:
                self.sent_end = self.sent_end or last
            self.conn.send(w.DATA, w.END_STREAM if last else 0, self.id, bytes(view[:n]))
            view = view[n:]
            if not view:
                self.conn.forget(self)
                return

    def send_reset(self, code=w.CANCEL):
        self.conn.send(w.RST_STREAM, 0, self.id, struct.pack(">I", code))
        with self.conn.changed:
            self.conn.streams.pop(self.id, None)

    def respond(self, status=200, *fields, body=b"", trailers=None):
        plain = [(":status", str(status)), *fields]
        if not body and not trailers:
            return self.send_head(plain, end=True)
        self.send_head(plain)
        if body:
            self.send_data(body, end=not trailers)
        if trailers:
            self.send_head(trailers, end=True)

    def interim(self, status, *fields):
        self.send_head([(":status", str(status)), *fields])


class Endpoint:
    def __init__(self, s, server=False, settings=None, manual=(), on_stream=None):
        self.pipe, self.server = w.Pipe(s), server
        self.manual, self.on_stream = frozenset(manual), on_stream
        self.changed = threading.Condition(threading.RLock())
        self.streams, self.next_id, self.window = {}, 2 if server else 1, 65535
        self.peer = {w.INITIAL_WINDOW_SIZE: 65535, w.MAX_FRAME_SIZE: 16384}
        self.peer_settings = None
        self.seen, self.goaway, self.ended = collections.Counter(), None, False
        self.error, self.bytes_sent, self.last_id = None, 0, 0
        self.decoder = hpack.Decoder(max_header_list_size=1 << 24)
        first = b"" if server else w.PREFACE
        self.raw(first + w.frame(w.SETTINGS, 0, 0, w.settings(settings or {})))
        threading.Thread(target=self._read, daemon=True).start()

    # sending

    def raw(self, data):
        self.pipe.sendall(data)
        self.bytes_sent += len(data)

    def send(self, kind, flags=0, stream=0, payload=b""):
        self.raw(w.frame(kind, flags, stream, payload))

    def open(self):
        """A stream that nothing has been sent on."""
        with self.changed:
            s = self.streams[self.next_id] = Stream(self, self.next_id)
            self.next_id += 2
        return s

    def request(self, path="/", *fields, method="GET", authority="api.test",
                scheme="https", body=None, trailers=None, end=True):
        """end=False: the request goes on, with the stream's send_data()."""
        s = self.open()
        whole = end and body is None and trailers is None
        s.send_head([(":method", method), (":scheme", scheme),
                     (":authority", authority), (":path", path), *fields], whole)
        if body is not None:
            s.send_data(body, end and not trailers)
        if trailers:
            s.send_head(trailers, True)
        return s

    def get(self, path="/", *fields, **more):
        return self.request(path, *fields, **more).wait_end()

    def give(self, size, stream=0):
        self.send(w.WINDOW_UPDATE, 0, stream, struct.pack(">I", size))

    def say_goaway(self, last, code=w.NO_ERROR, debug=b""):
        self.send(w.GOAWAY, 0, 0, struct.pack(">II", last, code) + debug)

    def ping(self):
        """Until it has come back: everything sent before it has been read."""
        before = self.seen["pong"]
        self.send(w.PING, 0, 0, b"12345678")
        self.wait("a PING to come back", lambda: self.seen["pong"] > before)

    def take_window(self, stream, wanted):
        """How much of it may be sent now; waits until that is something."""
        def room():
            return min(self.window, stream.window, self.peer[w.MAX_FRAME_SIZE])

        with self.changed:
            if wanted:
                self.wait("room to send", lambda: room() > 0 or stream.reset is not None)
            if stream.reset is not None:
                raise ConnectionResetError(f"stream {stream.id}: {stream.reset}")
            n = min(wanted, max(room(), 0))
            self.window -= n
            stream.window -= n
            return n

    def close(self):
        self.pipe.finish()

    def abort(self):
        self.pipe.abort()

    # waiting

    def wait(self, what, probe, seconds=DEADLINE):
        with self.changed:
            if not self.changed.wait_for(lambda: probe() or self.ended, seconds):
                raise AssertionError(f"waited {seconds} s in vain for {what}")
            if not probe():
                raise ConnectionAbortedError(
                    f"ended before {what}: goaway {self.goaway}, {self.error}")

    def wait_goaway(self):
        """Its code; an end without one is None."""
        try:
            self.wait("GOAWAY", lambda: self.goaway is not None)
        except ConnectionAbortedError:
            return None
        return self.goaway[1]

    def wait_closed(self):
        self.wait("the end of the connection", lambda: self.ended)

    def wait_settings(self):
        self.wait("SETTINGS", lambda: self.peer_settings is not None)
        return self.peer_settings

    def forget(self, stream):
        with self.changed:
            if stream.sent_end and stream.ended:
                self.streams.pop(stream.id, None)

    # receiving

    def _read(self):
        data = b""
        try:
            if self.server:
                data = self._exactly(data, len(w.PREFACE))
                assert data.startswith(w.PREFACE), f"no preface: {data[:40]!r}"
                data = data[len(w.PREFACE):]
            while True:
                data = self._exactly(data, 9)
                size = int.from_bytes(data[:3], "big")
                data = self._exactly(data, 9 + size)
                kind, flags = data[3], data[4]
                stream = struct.unpack(">I", data[5:9])[0] & 0x7fffffff
                payload, data = data[9:9 + size], data[9 + size:]
                with self.changed:
                    self.seen[kind] += 1
                    self._take(kind, flags, stream, payload)
                    self.changed.notify_all()
        except EOFError:
            pass
        except (AssertionError, OSError, hpack.HPACKError, struct.error) as e:
            self.error = e
        # Closed first: whoever hears of the end may close the socket, too.
        self.pipe.close()
        with self.changed:
            self.ended = True
            self.changed.notify_all()

    def _exactly(self, data, size):
        while len(data) < size:
            more = self.pipe.recv()
            if not more:
                raise EOFError
            data += more
        return data

    def _take(self, kind, flags, stream, payload):
        if kind in (w.DATA, w.HEADERS) and flags & w.PADDED:
            payload = payload[1:len(payload) - payload[0]]
        if kind in (w.HEADERS, w.CONTINUATION):
            self._take_block(kind, flags, stream, payload)
        elif kind == w.DATA:
            self._take_data(flags, stream, payload)
        elif kind == w.RST_STREAM:
            s = self.streams.pop(stream, None)
            if s:
                s.reset = struct.unpack(">I", payload)[0]
        elif kind == w.SETTINGS:
            self._take_settings(flags, payload)
        elif kind == w.PING:
            if flags & w.ACK:
                self.seen["pong"] += 1
            elif "ping" not in self.manual:
                self.send(w.PING, w.ACK, 0, payload)
        elif kind == w.GOAWAY:
            self.goaway = (*struct.unpack(">II", payload[:8]), payload[8:])
        elif kind == w.WINDOW_UPDATE:
            n = struct.unpack(">I", payload)[0]
            if stream == 0:
                self.window += n
            elif stream in self.streams:
                self.streams[stream].window += n

    def _take_settings(self, flags, payload):
        if flags & w.ACK:
            self.seen["settings ack"] += 1
            return
        got = dict(struct.unpack(">HI", payload[i:i + 6])
                   for i in range(0, len(payload), 6))
        change = (got.get(w.INITIAL_WINDOW_SIZE, self.peer[w.INITIAL_WINDOW_SIZE])
                  - self.peer[w.INITIAL_WINDOW_SIZE])
        for s in self.streams.values():
            s.window += change
        self.peer.update(got)
        self.peer_settings = {**(self.peer_settings or {}), **got}
        if "settings" not in self.manual:
            self.send(w.SETTINGS, w.ACK)

    def _take_data(self, flags, stream, payload):
        s = self.streams.get(stream)
        if s:
            s.body += payload
            s.pieces += 1
            s.ended = s.ended or bool(flags & w.END_STREAM)
            self.forget(s)
        if payload and "window" not in self.manual:
            self.give(len(payload))
            if s and not s.ended:
                self.give(len(payload), stream)

    def _take_block(self, kind, flags, stream, payload):
        if kind == w.HEADERS:
            if flags & w.PRIORITIZED:
                payload = payload[5:]
            self.block, self.block_end = b"", flags & w.END_STREAM
        self.block += payload
        if not flags & w.END_HEADERS:
            return
        fields = [type(f)(f[0].decode("latin-1"), f[1].decode("latin-1"))
                  for f in self.decoder.decode(self.block, raw=True)]
        s = self.streams.get(stream)
        if s is None:
            if not self.server or stream <= self.last_id:
                return  # what comes late, for a stream that was reset
            self.last_id = stream
            s = self.streams[stream] = Stream(self, stream)
        self._take_fields(s, fields)
        s.ended = s.ended or bool(self.block_end)
        self.forget(s)

    def _take_fields(self, s, fields):
        if s.fields is not None:
            s.trailers = fields
        elif not self.server and fields[0][1].startswith("1"):
            s.interims.append(fields)
        else:
            s.fields = fields
            if self.on_stream:
                threading.Thread(target=self.on_stream, args=(s,), daemon=True).start()


def connect(client, name="api.test", address="203.0.113.10", port=443, tls=True, **options):
    """HTTP/2 from a sandbox to where that name is."""
    if not tls:
        return Endpoint(client.connect(address, port), **options)
    s = client.tls(name, address, port, alpn=("h2",))
    assert s.selected_alpn_protocol() == "h2"
    return Endpoint(s, **options)
