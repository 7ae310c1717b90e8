#!/usr/bin/env python3
"""Resume tokens made by hand, without any code of ours: writes made.tsv.

Each line: verdict (what resume_token_decode() says, "-" where it accepts the
token), name of the case, token.  The accepted ones all say the same.
"""
import struct
import zlib

U64, STRING, BOOLEAN = 8, 9, 1
FIELDS = [
    ("fromguid", U64, 0x189b5711514940fa),
    ("object", U64, 2),
    ("offset", U64, 0x123456789abc),
    ("bytes", U64, 1424),
    ("toguid", U64, 0x43f35d1d372d1297),
    ("toname", STRING, b"tank/some data/x.y:z@zrepl_2026-11-23"),
    ("largeblockok", BOOLEAN, None),
    ("embedok", BOOLEAN, None),
    ("compressok", BOOLEAN, None),
    ("rawok", BOOLEAN, None),
    ("savedok", BOOLEAN, None),
]
INNER = [("inside", U64, 7), ("toguid", U64, 1)]
SCALARS = {2: "B", 3: "h", 4: "H", 5: "i", 6: "I", 7: "q", 8: "Q", 18: "q",
           21: "i", 22: "b", 23: "B", 27: "d"}
ARRAYS = {10: "B", 11: "h", 12: "H", 13: "i", 14: "I", 15: "q", 16: "Q",
          24: "i", 25: "b", 26: "B"}
EVERY = ([("scalar %d" % t, t, 1) for t in SCALARS] +
         [("array %d" % t, t, [1, 2, 3]) for t in ARRAYS] +
         [("empty %d" % t, t, []) for t in ARRAYS] +
         [("strings", 17, [b"one", b"", b"three three"]),
          ("list", 19, INNER), ("lists", 20, [INNER, [], INNER])])


def pad(data, to):
    return data + b"\0" * (-len(data) % to)


def native(fields, e):
    out = struct.pack(e + "iI", 0, 1)
    for name, kind, value in fields:
        name, count, behind = name.encode() + b"\0", 1, b""
        if kind == BOOLEAN:
            count, data = 0, b""
        elif kind == STRING:
            data = value + b"\0"
        elif kind in SCALARS:
            data = struct.pack(e + SCALARS[kind], value)
        elif kind in ARRAYS:
            count = len(value)
            data = b"".join(struct.pack(e + ARRAYS[kind], v) for v in value)
        elif kind == 17:
            count = len(value)
            data = b"\0" * 8 * count + b"".join(v + b"\0" for v in value)
        elif kind == 19:
            data, behind = b"\0" * 24, native(value, e)[8:]
        elif kind == 20:
            count = len(value)
            data = b"\0" * 32 * count
            behind = b"".join(native(v, e)[8:] for v in value)
        header = 16 + len(name)
        body = pad(b"\0" * header, 8)[header:] + pad(data, 8)
        out += struct.pack(e + "ihhiI", header + len(body), len(name), 0,
                           count, kind) + name + body + behind
    return out + struct.pack(e + "i", 0)


def xdr_string(text):
    return struct.pack(">I", len(text)) + pad(text, 4)


def xdr(fields):
    wide = "qQd"
    out = struct.pack(">iI", 0, 1)
    for name, kind, value in fields:
        count = 1
        if kind == BOOLEAN:
            count, data = 0, b""
        elif kind == STRING:
            data = xdr_string(value)
        elif kind in SCALARS:
            f = SCALARS[kind]
            data = struct.pack(">" + (f if f in wide else "i"), value)
        elif kind == 10:
            count, data = len(value), pad(bytes(value), 4)
        elif kind in ARRAYS:
            count, f = len(value), ARRAYS[kind]
            data = struct.pack(">I", count) + b"".join(
                struct.pack(">" + (f if f in wide else "i"), v) for v in value)
        elif kind == 17:
            count, data = len(value), b"".join(map(xdr_string, value))
        elif kind == 19:
            data = xdr(value)
        elif kind == 20:
            count, data = len(value), b"".join(map(xdr, value))
        body = xdr_string(name.encode()) + struct.pack(">Ii", kind, count) + data
        out += struct.pack(">II", len(body) + 8, 64) + body
    return out + b"\0" * 8


def packed(fields, how="<"):
    if how == "xdr":
        return b"\1\1\0\0" + xdr(fields)
    return (b"\0\1\0\0" if how == "<" else b"\0\0\0\0") + native(fields, how)


def token(data, how="<", size=None, level=6, behind=b""):
    z = zlib.compress(data, level) + behind
    order = ">" if how == ">" else "<"
    words = struct.unpack("%s%dI" % (order, len(z) // 4), z[:len(z) // 4 * 4])
    return "1-%x-%x-%s" % (sum(words), len(data) if size is None else size,
                           z.hex())


def without(*names):
    return [f for f in FIELDS if f[0] not in names]


def cases():
    good = token(packed(FIELDS))
    version, checksum, size, data = good.split("-")
    for how in "<", ">", "xdr":
        yield "-", "encoding " + how, token(packed(FIELDS, how), how)
        yield "-", "every type " + how, token(packed(EVERY + FIELDS, how), how)
    for level in 0, 1, 9:
        yield "-", "level %d" % level, token(packed(FIELDS), level=level)
    yield "-", "unknown names", token(packed(FIELDS + [("new", U64, 1)]))

    form = "not of the form"
    for name, text in [
            ("empty", ""), ("minus", "-"), ("version 2", good.replace("1", "2", 1)),
            ("upper case", good.upper()), ("blank in front", " " + good),
            ("newline behind", good + "\\n"), ("option", "-t" + good)]:
        yield form, name, text
    parts = "not 1-CHECKSUM-SIZE-DATA"
    for name, text in [
            ("version only", "1-"), ("no data", "-".join([version, checksum, size, ""])),
            ("two parts", "1-%s-%s" % (checksum, data)),
            ("five parts", good + "-00"), ("part before the data",
            "-".join([version, checksum, size, "00", data])),
            ("empty checksum", "-".join([version, "", size, data])),
            ("empty size", "-".join([version, checksum, "", data])),
            ("17 digits", "-".join([version, "0" * 8 + checksum, size, data])),
            ("half a byte", good + "0")]:
        yield parts, name, text
    at = len(good) - len(data) // 2
    yield "checksum", "one digit", good[:at] + "%x" % (15 - int(good[at], 16)) + good[at + 1:]
    yield "checksum", "other checksum", "-".join([version, "1", size, data])
    yield "checksum", "cut", good[:-8]
    for name, size in ("too small", 100), ("too large", 4000), ("by one", len(packed(FIELDS)) + 1):
        yield "inflate", "size " + name, token(packed(FIELDS), size=size)
    yield "inflate", "bytes behind", token(packed(FIELDS), behind=b"\0\0\0\0")
    yield "inflates to too much", "size 0", token(packed(FIELDS), size=0)
    yield "inflates to too much", "size max", token(packed(FIELDS), size=2**64 - 1)
    yield "inflates to too much", "bomb", token(b"\0" * 65537)
    yield "inflate", "bomb that lies", token(b"\0" * 1000000, size=65536)
    yield "not an nvlist", "text", token(b"hello, hello, hello")
    yield "not an nvlist", "4 bytes", token(b"\0\1\0\0")
    yield "not an nvlist", "encoding 2", token(b"\2" + packed(FIELDS)[1:])
    yield "not an nvlist", "trailing", token(packed(FIELDS) + b"\0" * 8)
    yield "not an nvlist", "no end", token(packed(FIELDS)[:-4])
    deep = INNER
    for _ in range(17):
        deep = [("deep", 19, deep)]
    for how in "<", "xdr":
        yield "not an nvlist", "deep " + how, token(packed(FIELDS + deep, how))
    for name in "toguid", "object", "offset", "toname":
        yield name, "without " + name, token(packed(without(name)))
    for name, kind, value in FIELDS:
        other = ("string" if kind != STRING else "number")
        wrong = (name, STRING, b"1") if kind != STRING else (name, U64, 1)
        yield name, "%s a %s" % (name, other), token(packed(without(name) + [wrong]))
        yield name, name + " twice", token(packed(FIELDS + [(name, kind, value)]))
    for name in "toguid", "fromguid":
        yield "is 0", name + " 0", token(packed(without(name) + [(name, U64, 0)]))
    for text in (b"", b"tank", b"tank/a@", b"@a", b"/tank@a", b"tank/../x@a",
                 b"tank@a@b", b"tank@a%b", b"tank@a,b", b"-tank/\x1b[2J@a",
                 b"tank@a/b", b"t" * 256 + b"@a"):
        yield "toname", "toname %r" % text, token(
            packed(without("toname") + [("toname", STRING, text)]))


with open("made.tsv", "w") as out:
    for verdict, name, text in cases():
        out.write("%s\t%s\t%s\n" % (verdict, name, text))
