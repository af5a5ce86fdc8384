"""Every kind of call over one channel; prints what came of them as JSON.

    grpc_client.py HOST:PORT CA

grpc_client.js does and prints the same.
"""
import hashlib
import json
import queue
import sys

import grpc

BIG = bytes(range(256)) * 16384  # 4 MB
MAX = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
TIMEOUT = 60


def chat(channel, count):
    """Says the next thing only when the last was answered."""
    say, got = queue.Queue(), []
    call = channel.stream_stream("/t.Test/Chat")(iter(say.get, None), timeout=TIMEOUT)
    for i in range(count):
        say.put(b"%d" % i)
        got.append(next(call).decode())
    say.put(None)
    assert list(call) == []
    return got


def cancel(channel):
    call = channel.unary_unary("/t.Test/Hang").future(b"cancel", timeout=TIMEOUT)
    call.cancel()
    return call.code().name


def status(call, *args, **more):
    try:
        call(*args, **more)
    except grpc.RpcError as e:
        return [e.code().name, e.details()]


def main():
    with open(sys.argv[2], "rb") as f:
        credentials = grpc.ssl_channel_credentials(f.read())
    with grpc.secure_channel(sys.argv[1], credentials, options=MAX) as channel:
        unary = channel.unary_unary("/t.Test/Unary")
        answer, call = unary.with_call(b"abc", timeout=TIMEOUT,
                                       metadata=(("x-mine", "m"), ("authorization", "none")))
        out = {
            "unary": answer.decode(),
            "initial": dict(call.initial_metadata()).get("x-initial"),
            "trailing": dict(call.trailing_metadata()).get("x-trailing"),
            "binary": dict(call.trailing_metadata())["x-bytes-bin"].hex(),
            "collect": channel.stream_unary("/t.Test/Collect")(
                iter([b"a", b"b", b"c"]), timeout=TIMEOUT).decode(),
            "spread": [m.decode() for m in channel.unary_stream("/t.Test/Spread")(
                b"20", timeout=TIMEOUT)],
            "chat": chat(channel, 20),
            "fail": status(channel.unary_unary("/t.Test/Fail"), b"", timeout=TIMEOUT),
            "unknown": status(channel.unary_unary("/t.Test/No"), b"", timeout=TIMEOUT)[0],
            "deadline": status(channel.unary_unary("/t.Test/Hang"), b"d", timeout=3)[0],
            "big": hashlib.sha256(unary(BIG, timeout=TIMEOUT)).hexdigest(),
            "cancel": cancel(channel),
        }
    print(json.dumps(out))


main()
