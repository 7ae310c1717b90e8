#!/usr/bin/env python3
"""resume_model.py WHOLE TOKEN > RESUMED: what zfs send -t TOKEN would send.

WHOLE is a stream of zfs send.  RESUMED is what goes on with it at the token's object and
offset, as OpenZFS makes it:
- BEGIN has the bit RESUMING, and a payload that names the two numbers;
- properties do not wrap it;
- the object's OBJECT comes again, with what belongs to it (FREE, SPILL, of a raw stream
  OBJECT_RANGE, pieces of the block in which the offset lies), before the first block;
- what is freed there is freed in other pieces: OpenZFS merges FREEs as they come;
- all checksums are its own.

The token must be of this stream: its guids and its flags, and an object that is in it.
Pure, and written without a look at lib/format."""
import array
import random
import struct
import sys
import zlib

BEGIN, OBJECT, FREEOBJECTS, WRITE, FREE, END, BYREF, SPILL, EMBEDDED, RANGE, REDACT = range(11)
MAGIC, SIZE, ENTIRE = 0x2F5BACBAC, 312, 2**64 - 1
RESUMING, FLAGS = 1 << 20, {"embedok": 1 << 16, "largeblockok": 1 << 19,
                            "compressok": 1 << 22, "rawok": 1 << 24}


class Refused(Exception):
    """zfs send would not send this."""


class Record:
    def __init__(self, head, payload):
        self.head, self.payload = bytearray(head), payload
        self.type, = struct.unpack_from("<I", head)

    def u64(self, at):
        return struct.unpack_from("<Q", self.head, at)[0]

    def key(self):
        """The object and the offset that a token would have for it; None: none has."""
        at = {OBJECT: None, WRITE: 24, EMBEDDED: 16}
        if self.type not in at:
            return None
        return self.u64(8), self.u64(at[self.type]) if at[self.type] else 0


def payload_length(head):
    kind, begin = struct.unpack_from("<II", head)
    u32 = lambda at: struct.unpack_from("<I", head, at)[0]
    u64 = lambda at: struct.unpack_from("<Q", head, at)[0]
    if kind == BEGIN:
        return begin
    if kind == OBJECT:
        return u32(36) or u32(28) + -u32(28) % 8
    if kind == WRITE:
        return u64(96) if head[50] else u64(32)
    if kind == SPILL:
        return u64(40) or u64(16)
    if kind == EMBEDDED:
        return u32(52) + -u32(52) % 8
    return 0


def records_of(data):
    """Those of the snapshot, without what wraps it."""
    at, inner = 0, []
    while at + SIZE <= len(data):
        head = data[at:at + SIZE]
        length = payload_length(head)
        inner.append(Record(head, data[at + SIZE:at + SIZE + length]))
        at += SIZE + length
        if inner[-1].type == BEGIN and inner[-1].u64(16) & 3 == 2:
            inner = []                  # it is the wrapper's, and its END follows
            at += SIZE
        elif inner[-1].type == END:
            return inner
    raise Refused("the stream is not whole")


class Sum:
    """fletcher4"""
    def __init__(self):
        self.words = [0] * 4

    def add(self, data):
        a, b, c, d = self.words
        for word in array.array("I", data):
            a += word
            b += a
            c += b
            d += c
        self.words = [n % 2**64 for n in (a, b, c, d)]

    def bytes(self):
        return struct.pack("<4Q", *self.words)


def written(records):
    """A stream of these records, each with the sum of everything before it."""
    total = Sum()
    for record in records:
        head = bytearray(record.head)
        if record.type == END:
            head[8:40] = total.bytes()
        total.add(head[:280])
        if record.type != BEGIN:
            head[280:] = total.bytes()
        total.add(head[280:])
        total.add(record.payload)
        yield bytes(head) + record.payload


def read_token(text):
    """A token as {name: value}; a flag is True."""
    _, _, size, data = text.split("-")
    packed = zlib.decompress(bytes.fromhex(data))
    if len(packed) != int(size, 16) or packed[:2] != b"\0\1":
        raise Refused("not a token that can be read here")
    pairs, at = {}, 12
    while True:
        length, = struct.unpack_from("<i", packed, at)
        if length == 0:
            return pairs
        name_size, _, _, kind = struct.unpack_from("<hhii", packed, at + 4)
        name = packed[at + 16:at + 15 + name_size].decode()
        value = packed[at + (16 + name_size + 7) // 8 * 8:at + length]
        if name in pairs:
            raise Refused("the token has a name twice")
        if kind == 1:
            pairs[name] = True
        elif kind == 8:
            pairs[name], = struct.unpack("<Q", value)
        elif kind == 9:
            pairs[name] = value[:value.index(b"\0")].decode()
        at += length


def numbers(**pairs):
    """A packed nvlist of numbers."""
    packed = b"\0\1\0\0" + struct.pack("<iI", 0, 1)
    for name, value in pairs.items():
        size = len(name) + 1
        name = name.encode() + bytes(-(16 + size) % 8 + 1)
        packed += struct.pack("<ihhii", 24 + len(name), size, 0, 1, 8) + name
        packed += struct.pack("<Q", value)
    return packed + bytes(4)


def check(begin, token):
    """What zfs send -t looks at, and that it would send the same kind of stream."""
    if token["toguid"] != begin.u64(40):
        raise Refused("cannot resume send: the snapshot is no longer the same")
    if token.get("fromguid", 0) != begin.u64(48):
        raise Refused("cannot resume send: incremental source no longer exists")
    if "bytes" not in token:
        raise Refused("cannot resume send: the token has no bytes")
    for name, bit in FLAGS.items():
        if bool(begin.u64(16) >> 2 & bit) != token.get(name, False):
            raise Refused(f"the token's {name} is not the stream's")


def other_pieces(record, chance):
    """A FREE or FREEOBJECTS as it may come again: not, as it was, or in two."""
    way = chance.randrange(3)
    at = 16 if record.type == FREE else 8
    start, length = record.u64(at), record.u64(at + 8)
    if way < 2 or length == ENTIRE or length < 2:
        return [record] if way else []
    halves = [Record(record.head, b""), Record(record.head, b"")]
    struct.pack_into("<QQ", halves[0].head, at, start, length // 2)
    struct.pack_into("<QQ", halves[1].head, at, start + length // 2, length - length // 2)
    return halves


def again(before, wanted, chance):
    """Of the records before the one that the token names, those that come again."""
    for record in before:
        if record.type == RANGE and record.u64(8) <= wanted[0] < record.u64(8) + record.u64(16):
            yield record
        elif record.type == FREEOBJECTS and record.u64(8) + record.u64(16) == wanted[0]:
            yield from other_pieces(record, chance)
        elif record.type in (OBJECT, SPILL) and record.u64(8) == wanted[0]:
            yield record
        elif record.type == FREE and record.u64(8) == wanted[0]:
            yield from other_pieces(record, chance)
        elif record.type == WRITE and record.u64(8) == wanted[0]:
            # Pieces of a block of 1 MiB, sent without -L.
            if record.u64(24) >> 20 == wanted[1] >> 20 and record.u64(32) < 1 << 20:
                yield record


def resumed(whole, text):
    """The pieces of the stream, a record each."""
    token, records = read_token(text), records_of(whole)
    wanted = token["object"], token["offset"]
    check(records[0], token)
    start = next((i for i, record in enumerate(records) if record.key() == wanted), None)
    if start is None:
        raise Refused("cannot resume send: no such object")
    begin = Record(records[0].head, numbers(resume_object=wanted[0], resume_offset=wanted[1]))
    struct.pack_into("<I", begin.head, 4, len(begin.payload))
    struct.pack_into("<Q", begin.head, 16, begin.u64(16) | RESUMING << 2)
    return written([begin, *again(records[1:start], wanted, random.Random(text)),
                    *records[start:]])


def main():
    with open(sys.argv[1], "rb") as file:
        whole = file.read()
    try:
        for piece in resumed(whole, sys.argv[2]):
            sys.stdout.buffer.write(piece)
    except Refused as refused:
        sys.exit(f"resume_model.py: {refused}")


if __name__ == "__main__":
    main()
