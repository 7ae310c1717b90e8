#!/usr/bin/env python3
"""The beginning of a zfs send stream, as the receiver's tests need it:

    stream.py GUID [from=GUID] [features=BITS] [type=N] [properties=BYTES] [package=yes]

One BEGIN record; with properties behind a wrapper whose packed nvlist has about
that many bytes (and, of a package, no mark "not_recursive").  What follows in a
real stream is a line of text here.
"""
import array
import struct
import sys

MAGIC, SUBSTREAM, COMPOUND = 0x2F5BACBAC, 1, 2
NAME = b"tank/a@2"


def begin(kind, guid, given, payload=b""):
    return struct.pack("<IIQQQIIQQ256s", 0, len(payload), MAGIC, kind | given["features"] << 2,
                       1, given["type"], 0, guid, given["from"], NAME) + payload


def fletcher4(data):
    a = b = c = d = 0
    for word in array.array("I", data):
        a += word
        b += a
        c += b
        d += c
    return struct.pack("<4Q", *(n % (1 << 64) for n in (a, b, c, d)))


def pair(name, kind, value):
    name = name.encode()
    name = struct.pack(">I", len(name)) + name + bytes(-len(name) % 4)
    body = name + struct.pack(">II", kind, 0 if kind == 1 else 1) + value
    return struct.pack(">II", len(body) + 8, 64) + body


def properties(size, package):
    text = bytes(size - size % 4)
    text = struct.pack(">I", len(text)) + text.replace(b"\0", b"x")
    return b"\1\1\0\0" + struct.pack(">II", 0, 1) + pair("tosnap", 9, text) + (
        b"" if package else pair("not_recursive", 1, b"")) + bytes(8)


def main():
    given = {"from": 0, "features": 0, "type": 2, "properties": 0, "package": ""}
    for argument in sys.argv[2:]:
        key, value = argument.split("=")
        given[key] = value if key == "package" else int(value)
    inner = begin(SUBSTREAM, int(sys.argv[1]), given)
    out = sys.stdout.buffer
    if given["properties"]:
        wrapper = begin(COMPOUND, 0, given, properties(given["properties"], given["package"]))
        out.write(wrapper + struct.pack("<II", 5, 0) + fletcher4(wrapper) + bytes(312 - 40))
    out.write(inner + b"and what follows\n")


main()
