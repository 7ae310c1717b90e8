#!/usr/bin/env python3
"""Flip one bit of a stored stream, scrub, flip it back, scrub:

    scrub_flips.py ARCHIVE[:FILESYSTEM] STREAM TIMES

Each flip must be found, of that stream alone, at offsets around it if any are given; and the mark must go again.
Ends with 1 at the first that is not so.
"""
import json
import os
import random
import re
import subprocess
import sys


def scrub(archive, status):
    run = subprocess.run(["zr-scrub", "-j", *archive], capture_output=True, text=True, check=False)
    if run.returncode != status or run.stderr:
        raise ValueError(f"exit status {run.returncode}: {run.stdout}{run.stderr}")
    return [json.loads(line) for line in run.stdout.splitlines()]


def flip(path, offset, bit):
    with open(path, "r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ 1 << bit]))


def check(archive, path, offset, bit):
    guid = str(int(re.search("@([0-9a-f]{16})", path)[1], 16))
    flip(path, offset, bit)
    *found, totals = scrub(archive, 1)
    if [(one["state"], one["guid"]) for one in found] != [("damaged", guid)] or totals["damaged"] != "1":
        raise ValueError(found)
    if "from" in found[0] and not int(found[0]["from"]) <= offset < int(found[0]["to"]):
        raise ValueError(found)
    with open(path.replace(".zstream", ".json"), encoding="ascii") as file:
        if "damaged" not in json.load(file):
            raise ValueError("no mark")
    flip(path, offset, bit)
    *found, totals = scrub(archive, 0)
    if [(one["state"], one["guid"]) for one in found] != [("well-again", guid)]:
        raise ValueError(found)


def main():
    archive, path, times = sys.argv[1].split(":"), sys.argv[2], int(sys.argv[3])
    seed = os.environ.get("ZR_TEST_SEED") or str(random.randrange(1 << 32))
    random.seed(seed)
    size = os.path.getsize(path)
    # Headers are few, but of more kinds than data.
    places = [random.randrange(312), size - 1 - random.randrange(312)]
    places += [random.randrange(size) for _ in range(times - 2)]
    for offset in places:
        bit = random.randrange(8)
        try:
            check(archive, path, offset, bit)
        except ValueError as wrong:
            sys.exit(f"ZR_TEST_SEED={seed}: {path}: offset {offset}, bit {bit}: {wrong}")


main()
