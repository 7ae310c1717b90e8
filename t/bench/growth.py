#!/usr/bin/env python3
"""What grows with the number of filesystems, snapshots, calls, objects and connections, and how fast.

    growth.py [AXIS ...]        in build/bench, with zr in PATH; BENCH_DECADES=3, or 2 where BENCH_RUNS=1

Each program runs at sizes a decade apart; filesystems from 10, snapshots from 100 and so on, BENCH_DECADES
decades (those that would take too long: fewer).  CPU is that of the program and of all that it waited for,
memory that of the largest of these, processes are all of them (spent.c).  The exponent is that of the last
decade, log(CPU ratio) / log(size ratio): 1 is linear, n log n is below 1.2, and what is above that is marked.
It is not given where the CPU time is too short to tell.

Streams have no data but where their size is what grows; zfs(8) is a stand-in that prints what was prepared.
The table goes to standard output, every number to growth.json.
"""
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile

import growth_connections
import growth_data as data

DECADES = int(os.environ.get("BENCH_DECADES") or ("2" if os.environ.get("BENCH_RUNS") == "1" else "3"))
SPENT = os.path.abspath("spent")
MARK = 1.2
SHORT = 0.04            # CPU seconds that are mostly a start, not growth
CONFIG = {"protection": {"Initial": "GuaranteeNothing", "Incremental": "GuaranteeNothing"}}
SERVE = "zr-handshake accept zr-mux accept zr-serve -b zr-endpoint archive a"


def endpoint(path):
    return f"zr-endpoint archive {path}"


def sides(receiver):
    return ["-s", endpoint("a"), "-r", endpoint(receiver)]


KEEP = ["-k", "grid ^zr_ 1x1d(keep=all) | 60x1d"]
AGES = ["-w", "2h", "-c", "26h"]
ZFS_SENDER = "zr-endpoint sender -j web -f 'tank<'"
LISTING = [
    # Name, command; then the file for its standard input, its exit status, the decades it takes at most.
    ("zr-list", ["zr-list", "-e", endpoint("a")]),
    ("zr-list, over a connection", ["zr-list", "-e", "zr-remote exec:./serve"]),
    ("zr-list, sender on zfs(8)", ["zr-list", "-e", ZFS_SENDER]),
    ("zr-plan, nothing to do", ["zr-plan", "-S", "l", "l"]),
    ("zr-plan -I all, everything", ["zr-plan", "-S", "-I", "all", "l", "/dev/null"]),
    ("zr-replicate, nothing to do", ["zr-replicate", "-q", *sides("a/.")]),
    ("zr-replicate -n -I all, everything", ["zr-replicate", "-n", "-q", "-I", "all", *sides("empty")], None, 0, 2),
    ("zr-prune, of a listing", ["zr-prune", *KEEP, "l"]),
    ("zr-prune", ["zr-prune", *KEEP, "-e", endpoint("a")]),
    ("zr-prune, its sender's cursors, too", ["zr-prune", "-S", "l", *KEEP, "l"]),
    ("zr-check", ["zr-check", *AGES, "l"]),
    ("zr-check, both sides", ["zr-check", *AGES, "l", "l"]),
    ("zr-holds list", ["zr-holds", "list"]),
]

FILESYSTEMS = [
    ("ListFilesystems of an archive", ["zr-endpoint", "archive", "a", "ListFilesystems", "{}"]),
    *LISTING,
    ("zr-snap -n -r", ["zr-snap", "-n", "-r", "tank"]),
    ("zr-scrub", ["zr-scrub", "-q", "a"]),
    ("zr-verify", ["zr-verify", "-q", *sides("a/.")], None, 0, 2),
    ("zr-replicate, two steps each", ["zr-replicate", "-q", "-I", "all", "-e", "events", *sides("new")], None, 0, 2),
    ("zr-status", ["zr-status", "events"], None, 0, 2),
    ("zr-status -m", ["zr-status", "-m", "-J", "web", "events"], None, 0, 2),
]

SNAPSHOTS = [
    ("ListFilesystemVersions of an archive",
     ["zr-endpoint", "archive", "a", "ListFilesystemVersions", '{"Filesystem":"tank/f0"}']),
    *LISTING,
    ("zr-snap -n -i 1h -r", ["zr-snap", "-n", "-i", "1h", "-r", "tank"]),
    ("zr-prune -T, as many in turn", ["zr-prune", "-T", "SIZEh", "-E", "1h", *KEEP], None, 0, 2),
    ("Send from an archive", ["zr-endpoint", "archive", "a", "Send"], "send"),
    ("Receive into an archive", ["zr-endpoint", "archive", "a", "Receive"], "receive"),
    ("zr-scrub", ["zr-scrub", "-q", "a"]),
    ("zr-verify", ["zr-verify", "-q", *sides("a/.")], None, 0, 2),
    ("zr-guard, DestroySnapshots of all kept",
     ["zr-guard", "-q", "-k", "regex .*", "zr-endpoint", "archive", "a", "DestroySnapshots"], "destroy"),
    ("DestroySnapshots of all", ["zr-endpoint", "archive", "a", "DestroySnapshots"], "destroy"),
]

CALLS = [
    ("zr-endpoint archive, batch", ["zr-endpoint", "archive", "a", "batch"], "calls"),
    ("zr-rpc batch, serve -b", ["zr-remote", "exec:./serve", "batch"], "calls"),
]

STREAM = [
    ("zr-streamsum", ["zr-streamsum"], "stream"),
    # Here as much memory is new to the machine; after it, what it gave back is not.
    ("cat into a file, for comparison", ["sh", "-c", "cat > copy && rm copy"], "receive"),
    ("Receive into an archive", ["zr-endpoint", "archive", "new", "Receive"], "receive"),
    ("Send from an archive", ["zr-endpoint", "archive", "new", "Send"], "send"),
    ("zr-scrub", ["zr-scrub", "-q", "new"]),
    ("zr-verify", ["zr-verify", "-q", "-s", endpoint("new"), "-r", endpoint("new/.")]),
    ("zr-replicate, a connection", ["zr-replicate", "-q", "-s", endpoint("new"), "-r", "zr-remote exec:./serve"]),
]


def write(name, *parts):
    with open(name, "w") as out:
        out.writelines(json.dumps(part) + "\n" if isinstance(part, dict) else part for part in parts)


def server():
    write("serve", f"#!/bin/sh\nexec {SERVE}\n")
    os.chmod("serve", 0o755)
    for name in ("a", "empty", "new"):
        os.makedirs(name, exist_ok=True)


def step(number, count, base=None):
    request = {"Filesystem": "tank/f0", "To": data.version(number, count), "ReplicationConfig": CONFIG}
    return {**request, "From": data.version(base, count)} if base is not None else request


def filesystems(size):
    data.archive("a", size, 2)
    data.listing("l", size, 2)
    data.zfs(".", size, 2)


def snapshots(size):
    data.archive("a", 1, size)
    data.listing("l", 1, size)
    data.zfs(".", 1, size)
    write("send", step(size - 1, size, size - 2))
    write("destroy", {"Filesystem": "tank/f0", "Snapshots": [data.version(n, size) for n in range(size)]})
    more = data.created(size, size)
    write("receive", {**step(size, size), "ClearResumeToken": False})
    with open("receive", "ab") as out:
        data.Stream(out, data.FIRST + size, data.FIRST + size - 1, more, f"tank/f0@zr_{size}").end()


def calls(size):
    data.archive("a", 10, 2)
    write("calls", *({"id": n, "method": "ListFilesystemVersions", "request": {"Filesystem": f"tank/f{n % 10}"}}
                     for n in range(size)))


def stream(files, length):
    data.stream("stream", files, length)
    write("send", step(0, 1))
    with open("receive", "wb") as out, open("stream", "rb") as whole:
        out.write(json.dumps(step(0, 1)).encode() + b"\n")
        shutil.copyfileobj(whole, out)


AXES = {
    "filesystems": ("of two snapshots each", 10, filesystems, FILESYSTEMS),
    "snapshots": ("of one filesystem", 100, snapshots, SNAPSHOTS),
    "calls": ("on one connection, or in one batch", 100, calls, CALLS),
    "objects": ("of 4 KiB each in a stream", 100, lambda size: stream(size, 4096), STREAM),
    "mebibytes": ("of a stream, one object", 1, lambda size: stream(1, size << 20), STREAM),
}


def run(name, command, size, given=None, status=0):
    command = [word.replace("SIZE", str(size)) for word in command]
    with open(given or os.devnull, "rb") as stdin, open("errors", "w") as errors:
        done = subprocess.run([SPENT, "spent.json", *command], stdin=stdin, stdout=subprocess.DEVNULL, stderr=errors)
    if done.returncode != status:
        with open("errors") as errors:
            raise SystemExit(f"{name}, {size}: status {done.returncode}: {errors.read()[-400:]}")
    with open("spent.json") as file:
        return json.load(file)


def exponent(sizes, values, least=0):
    if len(values) < 2 or None in values[-2:] or values[-1] <= least or values[-2] <= 0:
        return None
    return round(math.log(values[-1] / max(values[-2], least / 10)) / math.log(sizes[-1] / sizes[-2]), 2)


def row(name, sizes, measured):
    cpu = [one["cpu"] for one in measured]
    return {"name": name, "sizes": sizes, "cpu": cpu, "peak_kib": [one["peak_kib"] for one in measured],
            "processes": [one["processes"] for one in measured], "exponent": exponent(sizes, cpu, SHORT),
            "memory_exponent": exponent(sizes, [one["peak_kib"] for one in measured])}


def show(rows):
    sizes = max((one["sizes"] for one in rows), key=len)
    print(f"{'':38}" + "".join(f"{size:>9}" for size in sizes) +
          f"{'exponent':>10}{'MiB':>9}{'MiB':>8}{'processes':>11}{'':>8}")
    for one in rows:
        cpu = "".join(f"{value:9.3f}" for value in one["cpu"]) + " " * 9 * (len(sizes) - len(one["cpu"]))
        mark = "-" if one["exponent"] is None else f"{one['exponent']:.2f}" + "!" * (one["exponent"] > MARK)
        first, last = ("-" if one["processes"][at] is None else one["processes"][at] for at in (0, -1))
        print(f"{one['name']:38}{cpu}{mark:>10}{one['peak_kib'][0] / 1024:9.1f}{one['peak_kib'][-1] / 1024:8.1f}"
              f"{first:>11}{last:>8}", flush=True)


def measure(axis, smallest, prepare, programs):
    """A row for each program; a directory for each size, which is gone before the next one."""
    found = {one[0]: [] for one in programs}
    sizes = [smallest * 10 ** n for n in range(DECADES + 1)]
    for size in sizes:
        with tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as directory:
            os.chdir(directory)
            prepare(size)
            server()
            os.environ["ZR_ZFS"] = f"{directory}/zfs"
            for name, command, given, status, decades in [(*one, *(None, 0, DECADES)[len(one) - 2:]) for one in programs]:
                if size <= smallest * 10 ** decades:
                    found[name].append(run(name, command, size, given, status))
            os.chdir("/")
    return [row(name, sizes[:len(measured)], measured) for name, measured in found.items()]


def main():
    here, result = os.getcwd(), {}
    for axis in sys.argv[1:] or [*AXES, "connections"]:
        if axis == "connections":
            about, rows = "through zr-listen", growth_connections.rows(DECADES, row)
        else:
            about, *how = AXES[axis]
            rows = measure(axis, *how)
        print(f"{axis} {about}: CPU seconds")
        show(rows)
        print()
        result[axis] = {"about": about, "rows": rows}
    with open(f"{here}/growth.json", "w") as file:
        json.dump(result, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
