#!/usr/bin/env python3
"""tiny_archive.py DIRECTORY FILESYSTEMS SNAPSHOTS: an archive of streams without data.

The filesystems are tank/0, tank/1 ..., each with the snapshots snapshot_0,
snapshot_1 ...; the first one is a full stream, the others are increments.
zr-endpoint must be in PATH."""
import json
import os
import shutil
import struct
import subprocess
import sys

CONFIG = {"protection": {"Initial": "GuaranteeNothing",
                         "Incremental": "GuaranteeNothing"}}


def version(number):
    return {"Name": f"snapshot_{number}", "Guid": str(1000 + number),
            "CreateTXG": str(10 + number),
            "Creation": f"1970-01-01T00:00:{number % 60:02}Z"}


def fletcher4(data):
    a = b = c = d = 0
    for (word,) in struct.iter_unpack("<I", data):
        a, b, c, d = a + word, b + a + word, c + b + a + word, d + c + b + a + word
    return struct.pack("<4Q", *(n % (1 << 64) for n in (a, b, c, d)))


def stream(number):
    """The shortest stream there is: BEGIN and END, nothing in between."""
    begin = struct.pack("<IIQQQIIQQ256s", 0, 0, 0x2F5BACBAC, 1, number % 60, 2, 0,
                        1000 + number, 999 + number if number else 0,
                        f"tank/0@snapshot_{number}".encode())
    end = struct.pack("<II", 5, 0) + fletcher4(begin) + struct.pack("<Q", 1000 + number)
    end += bytes(280 - len(end))
    return begin + end + fletcher4(begin + end)


def make(path, filesystems, snapshots):
    os.makedirs(path, exist_ok=True)
    for number in range(snapshots):
        request = json.dumps({"Filesystem": "tank/0", "To": version(number),
                              "ReplicationConfig": CONFIG})
        subprocess.run(["zr-endpoint", "archive", path, "Receive", request],
                       input=stream(number), stdout=subprocess.DEVNULL, check=True)
    for number in range(1, filesystems):
        shutil.copytree(f"{path}/tank/0", f"{path}/tank/{number}")


if __name__ == "__main__":
    make(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
