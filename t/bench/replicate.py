#!/usr/bin/python3
"""A whole replication: what a step costs, and what a run costs that has nothing to do.

    replicate.py [FILESYSTEMS [SNAPSHOTS]]

zr programs in PATH.  100 filesystems with 10 snapshots each, all of them tiny, go from an
archive to another one behind zr-listen on loopback, once by zr-replicate and once by
examples/by-hand.sh (a tenth of the filesystems, as it takes its time).  The CPU time is that of
all processes of both sides; processes are the forks of the machine meanwhile.  Then a tenth of the
filesystems to a server that is 50 ms away, one step and four at once; their CPU time includes that of
the proxy, t/lib/distance.py.
"""
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, f"{TOP}/t/lib")

from tiny_archive import make


def cpu():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def forks():
    with open("/proc/stat") as stat:
        return next(int(line.split()[1]) for line in stat if line.startswith("processes"))


class Server:
    """The receiving archive, behind TCP, and, where seconds is not 0, that far away."""

    def __init__(self, path, seconds):
        os.makedirs(path, exist_ok=True)
        server = subprocess.Popen(
            ["zr-listen", "-1", "-i", "127.0.0.1=bench", "tcp:127.0.0.1:0", "zr-handshake", "accept", "zr-mux",
             "accept", "zr-serve", "-b", "zr-endpoint", "archive", path], stdout=subprocess.PIPE, text=True)
        self.processes = [server]
        self.address = "127.0.0.1:" + server.stdout.readline().strip()
        if seconds:
            distance = subprocess.Popen([f"{TOP}/t/lib/distance.py", "-s", str(seconds), os.devnull, self.address],
                                        stdout=subprocess.PIPE, text=True)
            self.processes.append(distance)
            self.address = "127.0.0.1:" + distance.stdout.readline().strip()

    def stop(self):
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
            process.wait()


def measure(name, command, target, seconds=0):
    """One run; what it moved is the number of lines it prints."""
    server = Server(target, seconds)
    command = [word.replace("ADDRESS", "tcp:" + server.address) for word in command]
    before, began, processes = cpu(), time.monotonic(), forks()
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    seconds = time.monotonic() - began
    server.stop()
    spent, processes = cpu() - before, forks() - processes
    steps = len(done.stdout.splitlines())
    print(f"{name:34} {steps:6} {seconds:8.2f} {spent:8.2f} {processes:9} "
          f"{steps / spent:12.1f}", flush=True)
    return {"name": name, "steps": steps, "seconds": seconds, "cpu": spent, "processes": processes}


def main():
    filesystems = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    snapshots = int(sys.argv[2]) if len(sys.argv) > 2 else 10
    directory = tempfile.mkdtemp()
    try:
        make(f"{directory}/all", filesystems, snapshots)
        make(f"{directory}/tenth", max(filesystems // 10, 1), snapshots)
        print(f"{'a whole replication':34} {'steps':>6} {'seconds':>8} {'CPU s':>8} {'processes':>9} {'steps/CPU s':>12}")
        replicate = ["zr-replicate", "-q", "-I", "all", "-s", f"zr-endpoint archive {directory}/all", "-r",
                     "zr-remote ADDRESS"]
        far = [word.replace("/all", "/tenth") for word in replicate]
        runs = [
            measure("by-hand.sh, a tenth of them", ["sh", f"{TOP}/examples/by-hand.sh",
                    f"zr-endpoint archive {directory}/tenth", "zr-remote ADDRESS", "-I", "all"], f"{directory}/hand"),
            measure("zr-replicate -P 1", replicate + ["-P", "1"], f"{directory}/one"),
            measure("zr-replicate", replicate, f"{directory}/four"),
            measure("zr-replicate, nothing to do", replicate, f"{directory}/four"),
            measure("50 ms away, -P 1, a tenth", far + ["-P", "1"], f"{directory}/farone", 0.05),
            measure("50 ms away, -P 4, a tenth", far, f"{directory}/farfour", 0.05),
        ]
        with open("replicate.json", "w") as file:
            json.dump(runs, file)
    finally:
        shutil.rmtree(directory)


main()
