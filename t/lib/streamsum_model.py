#!/usr/bin/env python3
"""zr-streamsum once more, from the description in lib/streamsum/stream_digest.h, and streams that were changed.

    streamsum_model.py sum FILE             the lines of zr-streamsum -v
    streamsum_model.py change SEED KIND FILE    the stream with one change, its checksums right, to standard output

KIND: an honest copy has another stream with the same digest
    split       every block in two records, where it can be cut
    zeros       a block of zeros in a hole
    free        FREE and FREEOBJECTS records left out
    name        another dataset's name
or must not have the same
    flip        a bit of a block, a bonus or a spill block
    hole        a block's record left out
    swap        the contents of two blocks of one length, of different contents
    remove      an object with all that belongs to it
    field       a bit of an object's type, block size or bonus type
or is refused
    spill       an embedded spill block, as zfs send -e writes it
    again       a block once more, all zeros
    erase       a block, or a part of it, freed after it was written
    forget      an object freed by a later FREE or FREEOBJECTS
"""
import array
import hashlib
import random
import struct
import sys

BEGIN, OBJECT, FREEOBJECTS, WRITE, FREE, END, BYREF, SPILL, EMBEDDED, RANGE, REDACT = range(11)
RAW = 1 << 24


def u8(record, at):
    return record[8 + at]


def u32(record, at):
    return struct.unpack_from("<I", record, 8 + at)[0]


def u64(record, at):
    return struct.unpack_from("<Q", record, 8 + at)[0]


def up8(n):
    return n + 7 & ~7


def payload_length(kind, record):
    return {BEGIN: lambda: struct.unpack_from("<I", record, 4)[0],
            OBJECT: lambda: u32(record, 28) or up8(u32(record, 20)),
            WRITE: lambda: u64(record, 88) if u8(record, 42) else u64(record, 24),
            SPILL: lambda: u64(record, 32) or u64(record, 8),
            EMBEDDED: lambda: up8(u32(record, 44))}.get(kind, lambda: 0)()


def records(stream):
    """[kind, header, payload] of each."""
    at, out = 0, []
    while at < len(stream):
        header = bytearray(stream[at:at + 312])
        kind = struct.unpack_from("<I", header)[0]
        length = payload_length(kind, header)
        out.append([kind, header, stream[at + 312:at + 312 + length]])
        at += 312 + length
    return out


class Sum:
    def __init__(self):
        self.sha = hashlib.sha256()

    def fields(self, *values):
        for value in values:
            self.sha.update(value if isinstance(value, bytes) else struct.pack("<Q", value))

    def end(self, letter, length):
        self.fields(length)
        self.sha.update(letter)


def runs(blocks):
    """Blocks in the order of the stream: [offset, bytes] of what is not zero."""
    out = []
    for offset, data in blocks:
        for at in range(0, len(data), 512):
            piece = data[at:at + 512]
            if not any(piece):
                continue
            if out and out[-1][0] + len(out[-1][1]) == offset + at:
                out[-1][1] += piece
            else:
                out.append([offset + at, bytearray(piece)])
    return out


def digest(stream):
    whole, lines = Sum(), []
    part = word = number = None
    blocks = []

    def end_blocks():
        for offset, data in runs(blocks):
            part.fields(offset)
            part.sha.update(data)
            part.end(b"d", len(data))
        blocks.clear()

    def end_part():
        if part is None:
            return
        end_blocks()
        lines.append(f"{word} {number} {part.sha.hexdigest()}")
        whole.fields(number)
        whole.sha.update(part.sha.digest())
        whole.end(word[:1].encode(), 32)

    inner = [record for record in records(stream)]
    if u64(inner[0][1], 8) & 3 == 2:        # the wrapper of zfs send -p
        inner = inner[2:-1]
    begin = inner[0][1]
    raw = bool(u64(begin, 8) >> 2 & RAW)
    whole.fields(u64(begin, 32), u64(begin, 40), u64(begin, 16), u32(begin, 24), u32(begin, 28) & 2)
    whole.end(b"R" if raw else b"L", 0)
    for kind, r, payload in inner[1:]:
        if kind in (OBJECT, RANGE):
            end_part()
            part, number, word = Sum(), u64(r, 0), "object" if kind == OBJECT else "range"
        if kind == RANGE:
            part.fields(u64(r, 0), u64(r, 8), u64(r, 24), bytes(r[40:52]), bytes(r[52:68]), u8(r, 60) & 2)
            part.end(b"r", 0)
        elif kind == OBJECT:
            part.fields(u64(r, 0), u32(r, 8), u32(r, 12), u32(r, 20), u8(r, 24), u8(r, 25), u8(r, 26))
            if raw:
                part.fields(u32(r, 28), u8(r, 40), u8(r, 41), u8(r, 42), u64(r, 48))
            part.fields(u32(r, 16) if raw else min(u32(r, 16), 131072))
            part.fields(u8(r, 27) & (6 if raw else 4))
            bonus = payload if raw else payload[:u32(r, 20)]
            part.sha.update(bonus)
            part.end(b"b", len(bonus))
        elif kind == WRITE and raw:
            part.fields(u32(r, 8), u64(r, 16), u64(r, 24), u8(r, 42), u64(r, 88), u64(r, 96), bytes(r[112:124]),
                        bytes(r[124:140]), u8(r, 41) & 2)
            part.sha.update(payload)
            part.end(b"w", len(payload))
        elif kind == WRITE:
            blocks.append((u64(r, 16), payload))
        elif kind == SPILL:
            end_blocks()
            part.fields(u64(r, 8), u32(r, 76))
            if raw:
                part.fields(u8(r, 25), u64(r, 32), u64(r, 40), bytes(r[56:68]), bytes(r[68:84]), u8(r, 24) & 2)
            part.sha.update(payload)
            part.end(b"s", len(payload))
    end_part()
    return lines + [f"{'raw' if raw else 'logical'} {u64(begin, 32)} {whole.sha.hexdigest()}"]


class Fletcher4:
    def __init__(self):
        self.sums = [0, 0, 0, 0]

    def add(self, data):
        a, b, c, d = self.sums
        for word in array.array("I", bytes(data)):
            a += word
            b += a
            c += b
            d += c
        self.sums = [n % (1 << 64) for n in (a, b, c, d)]

    def bytes(self):
        return struct.pack("<4Q", *self.sums)


def write(out, changed):
    total = Fletcher4()
    for kind, header, payload in changed:
        if kind == END:
            header[8:40] = total.bytes()
        if kind != BEGIN:
            total.add(header[:280])
            header[280:312] = total.bytes()
            total.add(header[280:])
        else:
            total.add(header)
        total.add(payload)
        out.write(header + payload)


def with_payload(record, payload):
    return [record[0], record[1], bytes(payload)]


def freed(kind, *numbers):
    header = bytearray(312)
    struct.pack_into("<II", header, 0, kind, 0)
    struct.pack_into(f"<{len(numbers)}Q", header, 8, *numbers)
    return [kind, header, b""]


def change(seed, kind, stream):
    chance, all_records = random.Random(seed), records(stream)
    blocks = [i for i, (k, _, payload) in enumerate(all_records) if k == WRITE and any(payload)]
    objects = [i for i, (k, _, _) in enumerate(all_records) if k == OBJECT]
    if kind == "split":
        out = []
        for record in all_records:
            size = len(record[2])
            if record[0] != WRITE or size < 1024 or u8(record[1], 42):
                out.append(record)
                continue
            half = size // 1024 * 512
            for at, length in (0, half), (half, size - half):
                header = bytearray(record[1])
                struct.pack_into("<QQ", header, 8 + 16, u64(header, 16) + at, length)
                out.append([WRITE, header, record[2][at:at + length]])
        return out
    if kind == "zeros":
        at = chance.choice(blocks)
        header = bytearray(all_records[at][1])
        size = len(all_records[at][2])
        struct.pack_into("<Q", header, 8 + 16, u64(header, 16) + (1 << 40))
        while all_records[at + 1][0] in (WRITE, FREE):
            at += 1
        return all_records[:at + 1] + [[WRITE, header, bytes(size)]] + all_records[at + 1:]
    if kind == "free":
        return [record for record in all_records if record[0] not in (FREE, FREEOBJECTS)]
    if kind == "name":
        all_records[0][1][8 + 48:8 + 56] = b"x/y@zzz\0"
        return all_records
    if kind == "flip":
        at = chance.choice([i for i, (k, r, p) in enumerate(all_records) if k in (WRITE, SPILL) or
                            (k == OBJECT and u32(r, 20))])
        record, payload = all_records[at], bytearray(all_records[at][2])
        length = u32(record[1], 20) if record[0] == OBJECT else len(payload)
        payload[chance.randrange(length)] ^= 1 << chance.randrange(8)
        all_records[at] = with_payload(record, payload)
        return all_records
    if kind == "hole":
        del all_records[chance.choice(blocks)]
        return all_records
    if kind == "swap":
        while True:
            a, b = chance.sample(blocks, 2)
            pa, pb = all_records[a][2], all_records[b][2]
            if len(pa) == len(pb) and pa != pb:
                break
        all_records[a], all_records[b] = with_payload(all_records[a], pb), with_payload(all_records[b], pa)
        return all_records
    if kind == "remove":
        at = chance.choice(objects)
        after = at + 1
        while all_records[after][0] in (WRITE, FREE, SPILL):
            after += 1
        return all_records[:at] + all_records[after:]
    if kind == "field":
        # Block sizes from 128 KiB on are one.
        while True:
            at, header = 8 + chance.choice((8, 12, 16)), all_records[chance.choice(objects)][1]
            was = struct.unpack_from("<I", header, at)[0]
            new = was ^ 1 << chance.randrange(17)
            if at != 24 or min(was, 131072) != min(new, 131072):
                break
        struct.pack_into("<I", header, at, new)
        # The object's blocks are of its type.
        for i, (k, r, _) in enumerate(all_records):
            if k == WRITE and at == 16 and u64(r, 0) == u64(header, 0):
                struct.pack_into("<I", r, 16, struct.unpack_from("<I", header, 16)[0])
        return all_records
    if kind == "spill":
        header = bytearray(312)
        struct.pack_into("<II", header, 0, EMBEDDED, 0)
        struct.pack_into("<QQQQBB6xII", header, 8, u64(all_records[objects[-1]][1], 0), 2 ** 64 - 1024, 512, 0, 2, 0,
                         512, 8)
        return all_records[:-1] + [[EMBEDDED, header, bytes(8)]] + all_records[-1:]
    if kind == "again":
        at = chance.choice(blocks)
        _, header, payload = all_records[at]
        return all_records[:at + 1] + [[WRITE, bytearray(header), bytes(len(payload))]] + all_records[at + 1:]
    if kind == "erase":
        at = chance.choice(blocks)
        _, header, payload = all_records[at]
        number, offset = u64(header, 0), u64(header, 16) + chance.randrange(len(payload) // 512) * 512
        return all_records[:at + 1] + [freed(FREE, number, offset, chance.choice((512, 2 ** 64 - 1)))] + \
            all_records[at + 1:]
    if kind == "forget":
        at = chance.choice(objects[:-1])
        number = u64(all_records[at][1], 0)
        later = chance.randrange(objects[objects.index(at) + 1] + 1, len(all_records))
        record = freed(*chance.choice(((FREE, number, 0, 2 ** 64 - 1), (FREEOBJECTS, number, 1))))
        return all_records[:later] + [record] + all_records[later:]
    raise SystemExit(f"no such change: {kind}")


def main():
    with open(sys.argv[-1], "rb") as file:
        stream = file.read()
    if sys.argv[1] == "sum":
        print("\n".join(digest(stream)))
    else:
        write(sys.stdout.buffer, change(int(sys.argv[2]), sys.argv[3], stream))


if __name__ == "__main__":
    main()
