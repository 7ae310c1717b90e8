#!/usr/bin/env python3
"""A zfs send stream whose snapshot was made at another time, as a client can claim:

    redate.py SECONDS < stream > other

Every record has the sum of all before it, so that these change, too.  For a plain
stream of a filesystem (zfs send without -p, -R, -w), on a machine of its byte order.
"""
import array
import struct
import sys

BEGIN, OBJECT, FREEOBJECTS, WRITE, FREE, END, _, SPILL, EMBEDDED = range(9)


def payload(kind, record):
    def word(offset, form="<I"):
        return struct.unpack_from(form, record, offset)[0]
    if kind == BEGIN:
        return word(4)
    if kind == OBJECT:
        return word(36) or (word(28) + 7) & ~7
    if kind == WRITE:
        return word(96, "<Q") if record[50] else word(32, "<Q")
    if kind == SPILL:
        return word(40, "<Q") or word(16, "<Q")
    if kind == EMBEDDED:
        return (word(52) + 7) & ~7
    return 0


class Sum:
    def __init__(self):
        self.words = [0, 0, 0, 0]

    def add(self, data):
        a, b, c, d = self.words
        for word in array.array("I", bytes(data)):
            a += word
            b += a
            c += b
            d += c
        self.words = [n % (1 << 64) for n in (a, b, c, d)]

    def pack(self):
        return struct.pack("<4Q", *self.words)


def main():
    data = sys.stdin.buffer.read()
    total, at = Sum(), 0
    while at < len(data):
        record = bytearray(data[at:at + 312])
        kind = struct.unpack_from("<I", record)[0]
        follows = data[at + 312:at + 312 + payload(kind, record)]
        if kind == BEGIN:
            struct.pack_into("<Q", record, 24, int(sys.argv[1]))
        if kind == END:
            record[8:40] = total.pack()
        total.add(record[:280])
        if kind != BEGIN:
            record[280:] = total.pack()
        total.add(record[280:])
        total.add(follows)
        sys.stdout.buffer.write(record + follows)
        at += 312 + len(follows)


main()
