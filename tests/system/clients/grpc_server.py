"""A gRPC server without a schema: messages are bytes as they are.

    grpc_server.py ADDRESS:PORT CERTIFICATE LOG

Prints "ready"; writes a line of JSON to LOG for each call: its method, its
metadata, and "cancelled" when it ended so.
"""
import json
import sys
import threading
from concurrent import futures

import grpc

log_lock = threading.Lock()


def note(context, method, **more):
    line = {"method": method, "metadata": [[k, v] for k, v in context.invocation_metadata()
                                           if isinstance(v, str)], **more}
    with log_lock, open(sys.argv[3], "a") as f:
        f.write(json.dumps(line) + "\n")


def unary(request, context):
    note(context, "Unary")
    context.send_initial_metadata((("x-initial", "i"),))
    context.set_trailing_metadata((("x-trailing", "t"), ("x-bytes-bin", b"\0\xff")))
    return request[::-1]


def collect(requests, context):
    note(context, "Collect")
    return b",".join(requests)


def spread(request, context):
    note(context, "Spread")
    for i in range(int(request)):
        yield b"%d" % i


def chat(requests, context):
    note(context, "Chat")
    for r in requests:
        yield b"<" + r + b">"


def fail(request, context):
    note(context, "Fail")
    context.abort(grpc.StatusCode.NOT_FOUND, "no such thing: ü %")


def hang(request, context):
    note(context, "Hang", stage="begun")
    over = threading.Event()
    if context.add_callback(over.set):  # else it is over already
        over.wait(60)
    note(context, "Hang", stage="cancelled" if not context.is_active() else "timeout")
    return b""


class Handlers(grpc.GenericRpcHandler):
    METHODS = {
        "/t.Test/Unary": grpc.unary_unary_rpc_method_handler(unary),
        "/t.Test/Collect": grpc.stream_unary_rpc_method_handler(collect),
        "/t.Test/Spread": grpc.unary_stream_rpc_method_handler(spread),
        "/t.Test/Chat": grpc.stream_stream_rpc_method_handler(chat),
        "/t.Test/Fail": grpc.unary_unary_rpc_method_handler(fail),
        "/t.Test/Hang": grpc.unary_unary_rpc_method_handler(hang),
    }

    def service(self, details):
        return self.METHODS.get(details.method)


def main():
    with open(sys.argv[2], "rb") as f:
        pem = f.read()
    server = grpc.server(futures.ThreadPoolExecutor(32), options=[
        ("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)])
    server.add_generic_rpc_handlers((Handlers(),))
    server.add_secure_port(sys.argv[1], grpc.ssl_server_credentials([(pem, pem)]))
    server.start()
    print("ready", flush=True)
    server.wait_for_termination()


main()
