#!/usr/bin/python3
"""zr-streamsum beside sha256sum and OpenSSL's SHA-256, on a stream of 64 MiB from a file that is in memory.

zr programs in PATH.  CPU seconds per GiB, medians of BENCH_RUNS (5); the rate is that of one process.
"""
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + "/lib")
from streamsum_model import OBJECT, WRITE, records, u32, u64, write

import struct

BLOCK, BLOCKS = 131072, 512


def stream(path):
    """A real stream's BEGIN, an object and END, and between them blocks of our own."""
    top = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    with open(f"{top}/t/data/streams/data.full.zstream", "rb") as file:
        real = records(file.read())
    target = [record for record in real if record[0] == OBJECT][-1]
    block = [record for record in real if record[0] == WRITE][-1]
    out = [real[0], target]
    for i in range(BLOCKS):
        header = bytearray(block[1])
        struct.pack_into("<QI", header, 8, u64(target[1], 0), u32(target[1], 8))
        struct.pack_into("<QQ", header, 24, i * BLOCK, BLOCK)
        out.append([WRITE, header, os.urandom(BLOCK)])
    with open(path, "wb") as file:
        write(file, out + [real[-1]])


def cpu():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def measure(command, path):
    before = cpu()
    with open(path, "rb") as file:
        subprocess.run(command, stdin=file, stdout=subprocess.DEVNULL, check=True)
    return (cpu() - before) * (1 << 30) / os.path.getsize(path)


def main():
    runs = int(os.environ.get("BENCH_RUNS", 5))
    commands = {"zr-streamsum": ["zr-streamsum"], "zr-streamsum -v": ["zr-streamsum", "-v"],
                "sha256sum": ["sha256sum"], "openssl sha256": ["openssl", "sha256"]}
    with tempfile.NamedTemporaryFile() as file:
        stream(file.name)
        spent = {name: [] for name in commands}
        for _ in range(runs):
            for name, command in commands.items():
                spent[name].append(measure(command, file.name))
    medians = {name: statistics.median(values) for name, values in spent.items()}
    print(f"{'a digest of a stream':24} {'CPU s/GiB':>10} {'to sha256sum':>13}")
    for name, value in medians.items():
        print(f"{name:24} {value:10.2f} {value / medians['sha256sum']:13.2f}")
    with open("streamsum.json", "w") as file:
        json.dump(spent, file)


main()
