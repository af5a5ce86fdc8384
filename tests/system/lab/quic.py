"""The first datagram of a QUIC version 1 client (RFC 9000, 9001), sealed here by
other code than the daemon's; the ClientHello in it is OpenSSL's."""
import os
import ssl
import struct

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from cryptography.hazmat.primitives.hmac import HMAC

SALT = bytes.fromhex("38762cf7f55934b34d179ae6a4c80cadccbb7f0a")
SIZE = 1200  # of a datagram, which has to be as long


def client_hello(name):
    """The handshake message, without its record."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["h3"])
    out = ssl.MemoryBIO()
    try:
        context.wrap_bio(ssl.MemoryBIO(), out, server_hostname=name).do_handshake()
    except ssl.SSLWantReadError:
        pass
    return out.read()[5:]


def expand(secret, label, length):
    label = b"tls13 " + label
    info = struct.pack("!HB", length, len(label)) + label + b"\0"
    return HKDFExpand(hashes.SHA256(), length, info).derive(secret)


def keys(destination_id):
    mac = HMAC(SALT, hashes.SHA256())
    mac.update(destination_id)
    secret = expand(mac.finalize(), b"client in", 32)
    return (expand(secret, b"quic key", 16), expand(secret, b"quic iv", 12),
            expand(secret, b"quic hp", 16))


def initial(destination_id, number, offset, crypto):
    """One Initial with this part of the hello, padded to a whole datagram."""
    key, iv, mask_key = keys(destination_id)
    frame = b"\x06" + struct.pack("!HH", 0x4000 | offset, 0x4000 | len(crypto)) + crypto
    head = (b"\xc3\0\0\0\1" + bytes([len(destination_id)]) + destination_id
            + b"\0\0")
    frame += bytes(SIZE - len(head) - 2 - 4 - 16 - len(frame))
    head += struct.pack("!HI", 0x4000 | (4 + len(frame) + 16), number)
    nonce = iv[:8] + bytes(a ^ b for a, b in zip(iv[8:], struct.pack("!I", number)))
    sealed = AESGCM(key).encrypt(nonce, frame, head)
    mask = Cipher(algorithms.AES(mask_key), modes.ECB()).encryptor().update(sealed[:16])
    first = bytes([head[0] ^ (mask[0] & 0x0f)])
    tail = bytes(a ^ b for a, b in zip(head[-4:], mask[1:5]))
    return first + head[1:-4] + tail + sealed


def opening(name, parts=1):
    """The datagrams of a client that wants to speak to `name`."""
    hello, destination_id = client_hello(name), os.urandom(8)
    step = -(-len(hello) // parts)
    return [initial(destination_id, i, i * step, hello[i * step:(i + 1) * step])
            for i in range(parts)]
