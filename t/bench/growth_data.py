"""What growth.py measures with: archives, listings, streams and a stand-in for zfs, of any size.

Everything is written as it lies there in the end, as a Receive for each of 100,000 snapshots would take
longer than what is measured.  Snapshots are an hour apart, the newest one is of this hour.
"""
import array
import itertools
import json
import os
import struct
import time

NOW = int(time.time()) // 3600 * 3600
FIRST = 1000            # the first snapshot's guid; the next ones follow
PAYLOAD = b"zfs!" * (128 << 8)          # 128 KiB, the same word again and again


def when(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def created(number, count):
    return NOW - 3600 * (count - 1 - number)


def version(number, count):
    return {"Name": f"zr_{number}", "Guid": str(FIRST + number), "CreateTXG": str(10 + number),
            "Creation": when(created(number, count))}


class Fletcher4:
    def __init__(self):
        self.sums = 0, 0, 0, 0

    def add(self, data):
        words = array.array("I", data)
        for at in range(4):
            words = list(itertools.accumulate(words, initial=self.sums[at]))[1:]
            self.sums = *self.sums[:at], words[-1] % (1 << 64), *self.sums[at + 1:]

    def again(self, word, n):
        """n times the same word."""
        a, b, c, d = self.sums
        two, three, four = n * (n + 1) // 2, n * (n + 1) * (n + 2) // 6, n * (n + 1) * (n + 2) * (n + 3) // 24
        self.sums = [x % (1 << 64) for x in (
            a + n * word, b + n * a + two * word, c + n * b + two * a + three * word,
            d + n * c + two * b + three * a + four * word)]

    def bytes(self):
        return struct.pack("<4Q", *self.sums)


class Stream:
    """A stream that is written as it comes: its BEGIN, records, END."""

    def __init__(self, out, guid, base, creation, name):
        self.out, self.sum, self.guid = out, Fletcher4(), guid
        begin = struct.pack("<IIQQQIIQQ256s", 0, 0, 0x2F5BACBAC, 1, creation, 2, 0, guid, base, name.encode())
        self.sum.add(begin)
        out.write(begin)

    def record(self, kind, fields, payload=b""):
        head = struct.pack("<II", kind, 0) + fields + bytes(272 - len(fields))
        self.sum.add(head)
        head += self.sum.bytes()
        self.sum.add(head[280:])
        if payload:
            self.sum.again(struct.unpack_from("<I", payload)[0], len(payload) // 4)
        self.out.write(head + payload)

    def file(self, number, length):
        """An object, a file, and its blocks."""
        block = min(length, len(PAYLOAD))
        self.record(1, struct.pack("<QIIIIBBBBIIBB6xQ", number, 19, 44, block, 0, 0, 0, 0, 0, 0, 0, 1, 0, self.guid))
        for offset in range(0, length, block):
            self.record(3, struct.pack("<QIIQQQBB", number, 19, 0, offset, block, self.guid, 7, 0), PAYLOAD[:block])

    def end(self):
        self.record(5, self.sum.bytes() + struct.pack("<Q", self.guid))


def stream(path, files, length, name="tank/f0@zr_0"):
    """A full stream of so many files of this length each."""
    with open(path, "wb") as out:
        whole = Stream(out, FIRST, 0, NOW, name)
        for number in range(files):
            whole.file(2 + number, length)
        whole.end()


def snapshots(directory, count):
    """A filesystem of an archive: a full stream and increments, all empty."""
    os.makedirs(directory, 0o700, exist_ok=True)
    for number in range(count):
        guid, base = FIRST + number, FIRST + number - 1 if number else 0
        with open(f"{directory}/@{guid:016x}.zstream", "wb") as out:
            Stream(out, guid, base, created(number, count), f"tank/f0@zr_{number}").end()
            size = out.tell()
        record = {"name": f"zr_{number}", "guid": str(guid), "from_guid": str(base), "createtxg": str(10 + number),
                  "creation": when(created(number, count)), "size": str(size), "arrival": str(number + 1)}
        with open(f"{directory}/@{guid:016x}.json", "w") as out:
            out.write(json.dumps(record, separators=(",", ":")) + "\n")


def archive(path, filesystems, each):
    """tank/f0, tank/f1 ...: the files of one are links to those of the first."""
    os.makedirs(f"{path}/tank", 0o700)
    snapshots(f"{path}/tank/f0", each)
    files = os.listdir(f"{path}/tank/f0")
    for number in range(1, filesystems):
        os.mkdir(f"{path}/tank/f{number}", 0o700)
        for file in files:
            os.link(f"{path}/tank/f0/{file}", f"{path}/tank/f{number}/{file}")


def listing(path, filesystems, each):
    """The same, as zr-list prints it."""
    versions = json.dumps([version(number, each) for number in range(each)], separators=(",", ":"))
    with open(path, "w") as out:
        for number in sorted(range(filesystems), key=str):
            out.write(f'{{"Filesystem":"tank/f{number}","Versions":{versions}}}\n')


ZFS = """#!/bin/bash
# A stand-in for zfs(8), which prints what it was given to print.
cd "${0%/*}/zfs.d" || exit
case $1,$8 in
get,filesystem,volume) exec cat filesystems ;;
get,snapshot,bookmark) exec cat versions ;;
get,filesystem,volume,snapshot) exec cat filesystems versions ;;
get,*) shift 11; exec cat "${@//\\//%}" ;;
holds,*) shift 2; printf '%s\\tzrepl_STEP_J_web\\tMon Nov 23 14:25 2026\\n' "$@" ;;
snapshot,* | release,* | destroy,*) ;;
*) exit 1 ;;
esac
"""


def zfs(directory, filesystems, each):
    """A stand-in for zfs(8) on a pool of that size."""
    os.makedirs(f"{directory}/zfs.d")
    with open(f"{directory}/zfs", "w") as out:
        out.write(ZFS)
    os.chmod(f"{directory}/zfs", 0o755)

    def lines(name, kind, guid, seconds, **more):
        values = {"type": kind, "guid": guid, "createtxg": guid, "creation": seconds, "encryption": "off", "written": 0,
                  "inconsistent": 0, "userrefs": "-", "receive_resume_token": "-", "zrepl:placeholder": "-", **more}
        return "".join(f"{name}\t{key}\t{value}\t-\n" for key, value in values.items())

    with open(f"{directory}/zfs.d/filesystems", "w") as all_filesystems, open(f"{directory}/zfs.d/versions", "w") as versions:
        for name in ["tank", *(f"tank/f{number}" for number in range(filesystems))]:
            own = lines(name, "filesystem", 1, NOW)
            its = "".join(lines(f"{name}@zr_{n}", "snapshot", FIRST + n, created(n, each), userrefs=int(n == each - 1))
                          for n in range(each) if name != "tank")
            all_filesystems.write(own)
            versions.write(its)
            with open(f"{directory}/zfs.d/{name.replace('/', '%')}", "w") as one:
                one.write(own + its)
