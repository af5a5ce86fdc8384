"""Values that must be found nowhere, in any form; and where one looks for them."""
import base64
import json
import os
import pathlib
import secrets
import urllib.parse

from hpack.huffman_constants import REQUEST_CODES, REQUEST_CODES_LENGTH


def _base64(data):
    """What base64 makes of it wherever it stands, in "user:value" for one: as far
    as no neighbour has a part in it."""
    for before in range(3):
        text = base64.b64encode(bytes(before) + data)
        text = text[(0, 2, 3)[before]:len(text) // 4 * 4 - 4]
        yield text
        yield text.translate(bytes.maketrans(b"+/", b"-_"))


def _huffman(data):
    """What HPACK makes of it, at each of the bits where it may begin."""
    bits = "".join(f"{REQUEST_CODES[c]:0{REQUEST_CODES_LENGTH[c]}b}" for c in data)
    for skip in range(8):
        whole = bits[skip:skip + (len(bits) - skip) // 8 * 8]
        yield int(whole, 2).to_bytes(len(whole) // 8, "big")


class Canary:
    """value: what a source yields.  It has characters that JSON and URLs escape."""

    PART = 14  # less than this of it gives nothing away

    def __init__(self, name):
        self.name = name
        self.value = f"{secrets.token_hex(9)}\"\\+/%<{secrets.token_hex(9)}"
        data = self.value.encode()
        percent = urllib.parse.quote(self.value, safe="")
        self.forms = {f for f in (
            data[:self.PART], data[-self.PART:], data.hex().encode(), data.hex().upper().encode(),
            percent.encode(), percent.lower().encode(), json.dumps(self.value)[1:-1].encode(),
            *_base64(data), *_huffman(data))}

    def __repr__(self):
        return self.name

    def is_in(self, data):
        return any(f in data for f in self.forms)


def readable(pid, but=()):
    """What root can read of a process's memory, a mapping at a time; `but` are
    names of mappings that are left out.  Secret pages answer with an error."""
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps, \
            open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps.read().splitlines():
            words = line.split(maxsplit=5)
            first, last = (int(x, 16) for x in words[0].split("-"))
            if words[1][0] != "r" or first >> 63 or words[-1] in but:
                continue
            try:
                memory.seek(first)
                yield memory.read(last - first)
            except (OSError, ValueError):
                continue


def held_by(pid, canaries, but=()):
    """Those of them that are in its memory, whole or in part."""
    found = set()
    for part in readable(pid, but):
        found |= {c for c in canaries if c.is_in(part)}
    return found


def told_about(pid, canaries):
    """Those of them that /proc says of it without looking into its memory."""
    text = b"".join(pathlib.Path(f"/proc/{pid}/{what}").read_bytes()
                    for what in ("cmdline", "environ", "comm", "maps"))
    return {c for c in canaries if c.is_in(text)}


def in_files(folder, canaries):
    """{path: those of them that are in its name or its bytes}."""
    found = {}
    for path in pathlib.Path(folder).rglob("*"):
        data = os.fsencode(path) + (path.read_bytes() if path.is_file() else b"")
        if here := {c for c in canaries if c.is_in(data)}:
            found[str(path)] = here
    return found
