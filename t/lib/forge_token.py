#!/usr/bin/env python3
"""forge_token.py TONAME TOGUID FROMGUID [bytes=N] [FLAG...]: a resume token as zfs
would write it, for something that never was.  FROMGUID is - for a full stream."""
import struct
import sys
import zlib


def pair(name, kind, count, value):
    name = name.encode() + b"\0"
    name += b"\0" * (-(16 + len(name)) % 8)
    value += b"\0" * (-len(value) % 8)
    head = struct.pack("<ihhii", 16 + len(name) + len(value),
                       len(name.rstrip(b"\0")) + 1, 0, count, kind)
    return head + name + value


def number(name, value):
    return pair(name, 8, 1, struct.pack("<Q", value))


def token(to_name, to_guid, from_guid, *flags):
    pairs, received = b"", 1000
    if flags and flags[0].startswith("bytes="):
        received, flags = int(flags[0][6:]), flags[1:]
    if from_guid != "-":
        pairs += number("fromguid", int(from_guid))
    pairs += number("object", 2) + number("offset", 0) + number("bytes", received)
    pairs += number("toguid", int(to_guid))
    pairs += pair("toname", 9, 1, to_name.encode() + b"\0")
    for flag in flags:
        pairs += pair(flag, 1, 0, b"")
    packed = b"\0\1\0\0" + struct.pack("<iI", 0, 1) + pairs + b"\0" * 4
    data = zlib.compress(packed, 6)
    total = check = 0
    whole = data + b"\0" * (-len(data) % 4)
    for (word,) in struct.iter_unpack("<I", whole[:len(data) // 4 * 4]):
        check = (check + word) % 2**64
    return "1-%x-%x-%s" % (check, len(packed), data.hex())


if __name__ == "__main__":
    print(token(*sys.argv[1:]))
