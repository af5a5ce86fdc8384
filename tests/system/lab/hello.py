"""ClientHellos built by hand, also such as no TLS library would send."""
import os
import struct

SERVER_NAME, PADDING, ECH = 0, 21, 0xfe0d


def vector(data, length_bytes):
    return len(data).to_bytes(length_bytes, "big") + data


def extension(number, data):
    return struct.pack(">H", number) + vector(data, 2)


def server_name(*names, kind=0):
    return extension(SERVER_NAME, vector(
        b"".join(bytes([kind]) + vector(n, 2) for n in names), 2))


# What a server needs to go on with TLS 1.2 or 1.3: groups, points, signature
# algorithms, versions, a key share (a point of small order serves as well as
# any other: nobody here gets as far as using it).
ORDINARY = (
    extension(10, vector(bytes.fromhex("001d0017"), 2)),
    extension(11, vector(b"\0", 1)),
    extension(13, vector(bytes.fromhex("0403080408050806040105010601"), 2)),
    extension(43, vector(bytes.fromhex("03040303"), 1)),
    extension(51, vector(bytes.fromhex("001d") + vector(b"\x09" + b"\0" * 31, 2), 2)),
)


def message(*extensions):
    body = (b"\x03\x03" + os.urandom(32) + vector(os.urandom(32), 1)
            + vector(bytes.fromhex("130113021303c02bc02fc02cc030"), 2)
            + vector(b"\0", 1) + vector(b"".join(extensions), 2))
    return b"\x01" + vector(body, 3)


def records(message, size=16384):
    """The message as handshake records of at most size bytes."""
    return b"".join(b"\x16\x03\x01" + vector(message[i:i + size], 2)
                    for i in range(0, len(message), size))


def hello(*extensions):
    """On the wire, with these extensions in front of the ordinary ones."""
    return records(message(*extensions, *ORDINARY))


def cut_records(wire, size):
    """The records of a hello that a TLS library made, cut smaller."""
    handshake, at = b"", 0
    while at < len(wire):
        n = int.from_bytes(wire[at + 3:at + 5], "big")
        handshake += wire[at + 5:at + 5 + n]
        at += 5 + n
    return records(handshake, size)


def extensions_of(wire):
    """The numbers of the extensions in a hello, as somebody received it."""
    handshake = cut_records(wire, 1 << 14)[5:]
    at = 4 + 2 + 32
    at += 1 + handshake[at]
    at += 2 + int.from_bytes(handshake[at:at + 2], "big")
    at += 1 + handshake[at] + 2
    found = []
    while at < len(handshake):
        number, n = struct.unpack(">HH", handshake[at:at + 4])
        found.append(number)
        at += 4 + n
    return found
