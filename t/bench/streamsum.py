#!/usr/bin/python3
"""zr-streamsum beside sha256sum and OpenSSL's SHA-256, on a stream of 64 MiB from a file that is in memory.  And what an
archive does with it: Receive, which makes the digest, beside Receive of the same as an increment, which has none, and cat
into a file; and zr-scrub.

zr programs in PATH.  CPU seconds per GiB, medians of BENCH_RUNS (5); the rate is that of one process.
"""
import datetime
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


BASE = 7


def increment(path, out):
    """The same as an increment of BASE: only BEGIN and the running sums differ."""
    with open(path, "rb") as file:
        all_of_it = records(file.read())
    struct.pack_into("<Q", all_of_it[0][1], 48, BASE)
    with open(out, "wb") as file:
        write(file, all_of_it)


def request(path):
    with open(path, "rb") as file:
        begin = file.read(312)
    name = begin[56:312].split(b"\0")[0].decode().split("@")[1]
    creation = datetime.datetime.fromtimestamp(u64(begin, 16), datetime.timezone.utc)
    return json.dumps({"Filesystem": "a", "To": {"Type": "Snapshot", "Name": name, "Guid": str(u64(begin, 32)),
                       "CreateTXG": "2", "Creation": creation.strftime("%Y-%m-%dT%H:%M:%SZ")},
                       "ReplicationConfig": {"protection": {"Initial": "GuaranteeNothing", "Incremental": "GuaranteeNothing"}}})


def measure_archive(path):
    """Receive into an archive in memory, without waiting for a disk; then scrub it."""
    spent = {}
    with tempfile.TemporaryDirectory(dir="/dev/shm") as box, tempfile.NamedTemporaryFile(dir="/dev/shm") as inc:
        increment(path, inc.name)
        for name, file in (("Receive, with a digest", path), ("Receive, without one", inc.name)):
            os.makedirs(f"{box}/a", 0o700)
            if file == inc.name:
                base = {"name": "base", "guid": str(BASE), "from_guid": "0", "createtxg": "1",
                        "creation": "2020-01-01T00:00:00Z", "size": "1"}
                with open(f"{box}/a/@{BASE:016x}.json", "w") as record:
                    json.dump(base, record)
                with open(f"{box}/a/@{BASE:016x}.zstream", "w") as stream_file:
                    stream_file.write("x")
            spent[name] = measure(["zr-endpoint", "archive", box, "Receive", request(file)], file)
            if file == path:
                spent["zr-scrub"] = measure(["zr-scrub", box], path)
            subprocess.run(["rm", "-rf", f"{box}/a"], check=True)
        spent["cat into a file"] = measure(["sh", "-c", 'cat > "$1"', "sh", f"{box}/copy"], path)
    return spent


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
            for name, value in measure_archive(file.name).items():
                spent.setdefault(name, []).append(value)
    medians = {name: statistics.median(values) for name, values in spent.items()}
    print(f"{'a digest of a stream':24} {'CPU s/GiB':>10} {'to sha256sum':>13}")
    for name, value in medians.items():
        print(f"{name:24} {value:10.2f} {value / medians['sha256sum']:13.2f}")
    with open("streamsum.json", "w") as file:
        json.dump(spent, file)


main()
