"""A TLS client on libssl itself, for what Python's ssl module does not offer:
extensions of one's own, KeyUpdate, renegotiation.
"""
import ctypes
import ctypes.util

lib = ctypes.CDLL(ctypes.util.find_library("ssl"))
crypto = ctypes.CDLL(ctypes.util.find_library("crypto"))
P, I, L = ctypes.c_void_p, ctypes.c_int, ctypes.c_long
for name, result, arguments in (
        ("TLS_client_method", P, []), ("SSL_CTX_new", P, [P]),
        ("SSL_CTX_free", None, [P]), ("SSL_new", P, [P]), ("SSL_free", None, [P]),
        ("SSL_CTX_load_verify_file", I, [P, ctypes.c_char_p]),
        ("SSL_CTX_set_verify", None, [P, I, P]),
        ("SSL_CTX_ctrl", L, [P, I, L, P]),
        ("SSL_CTX_add_custom_ext", I,
         [P, ctypes.c_uint, ctypes.c_uint, P, P, P, P, P]),
        ("SSL_ctrl", L, [P, I, L, P]), ("SSL_set1_host", I, [P, ctypes.c_char_p]),
        ("SSL_set_fd", I, [P, I]), ("SSL_connect", I, [P]),
        ("SSL_read", I, [P, P, I]), ("SSL_write", I, [P, ctypes.c_char_p, I]),
        ("SSL_key_update", I, [P, I]), ("SSL_do_handshake", I, [P]),
        ("SSL_renegotiate", I, [P]), ("SSL_get_version", ctypes.c_char_p, [P])):
    f = getattr(lib, name)
    f.restype, f.argtypes = result, arguments
crypto.ERR_clear_error.restype = None

SET_NAME, SET_MAX_VERSION = 55, 124
VERIFY_PEER, IN_CLIENT_HELLO, UPDATE_REQUESTED = 1, 0x80, 1
TLS1_2, TLS1_3 = 0x303, 0x304
U, SIZE = ctypes.c_uint, ctypes.c_size_t
ADD = ctypes.CFUNCTYPE(I, P, U, U, ctypes.POINTER(P), ctypes.POINTER(SIZE), P, SIZE, P, P)
FREE = ctypes.CFUNCTYPE(None, P, U, U, P, P)
PARSE = ctypes.CFUNCTYPE(I, P, U, U, P, SIZE, P, SIZE, P, P)


class OpenSsl:
    """connect() it over a blocking socket; then read, write, key_update …"""

    def __init__(self, ca, *, maximum=TLS1_3, extension=None):
        self.context = lib.SSL_CTX_new(lib.TLS_client_method())
        assert lib.SSL_CTX_load_verify_file(self.context, str(ca).encode()) == 1
        lib.SSL_CTX_set_verify(self.context, VERIFY_PEER, None)
        lib.SSL_CTX_ctrl(self.context, SET_MAX_VERSION, maximum, None)
        if extension:
            self._add(*extension)
        self.ssl = lib.SSL_new(self.context)

    def _add(self, number, data):
        held = ctypes.create_string_buffer(data, max(1, len(data)))

        def add(ssl, number, context, out, length, *_):
            out[0], length[0] = ctypes.addressof(held), len(data)
            return 1

        # OpenSSL keeps the pointers; this object keeps what they point to.
        self.held = held, ADD(add), FREE(lambda *_: None), PARSE(lambda *_: 1)
        _, add, free, parse = self.held
        assert lib.SSL_CTX_add_custom_ext(
            self.context, number, IN_CLIENT_HELLO, ctypes.cast(add, P),
            ctypes.cast(free, P), None, ctypes.cast(parse, P), None) == 1

    def connect(self, socket, name):
        self.socket = socket
        crypto.ERR_clear_error()
        # With a timeout Python's sockets do not block, and libssl wants them to.
        socket.settimeout(None)
        socket.setsockopt(1, 20, b"\x1e" + b"\0" * 15)  # SO_RCVTIMEO 30 s
        lib.SSL_set_fd(self.ssl, socket.fileno())
        text = ctypes.create_string_buffer(name.encode())
        lib.SSL_ctrl(self.ssl, SET_NAME, 0, ctypes.addressof(text))
        lib.SSL_set1_host(self.ssl, text)
        return lib.SSL_connect(self.ssl) == 1

    @property
    def version(self):
        return lib.SSL_get_version(self.ssl).decode()

    def write(self, data):
        return lib.SSL_write(self.ssl, data, len(data))

    def read(self, size=65536):
        buffer = ctypes.create_string_buffer(size)
        n = lib.SSL_read(self.ssl, buffer, size)
        return buffer.raw[:n] if n > 0 else b""

    def key_update(self):
        """Asks the peer for one too."""
        assert lib.SSL_key_update(self.ssl, UPDATE_REQUESTED) == 1
        return lib.SSL_do_handshake(self.ssl) == 1

    def renegotiate(self):
        """Whether the peer took part in it."""
        assert lib.SSL_renegotiate(self.ssl) == 1
        return lib.SSL_do_handshake(self.ssl) == 1

    def close(self):
        lib.SSL_free(self.ssl)
        lib.SSL_CTX_free(self.context)
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
