#!/usr/bin/python3
"""A whole replication: what a step costs, and what a run costs that has nothing to do.

    replicate.py [FILESYSTEMS [SNAPSHOTS]]

zr programs in PATH.  100 filesystems with 10 snapshots each, all of them tiny, go from an
archive to another one behind zr-listen on loopback, once by zr-replicate and once by
examples/by-hand.sh (a tenth of the filesystems, as it takes its time).  The CPU time is that of
all processes of both sides; processes (forks), TCP connections and KiB (IP packets) are what
the machine counts meanwhile: in a network namespace (unshare -n) the latter are ours alone.
Executions are counted by strace(1) in a run of their own, of a tenth of the filesystems, which
is not timed.  Then a tenth of the filesystems to a server that is 50 ms away, one step and four
at once; their CPU time includes that of the proxy, t/lib/distance.py.
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


def network(name, table, column):
    """A counter of /proc/net, whose lines are the names and the numbers of a table."""
    with open(f"/proc/net/{name}") as lines:
        names, numbers = [line.split() for line in lines if line.startswith(table + ":")]
    return int(numbers[names.index(column)])


def counters():
    return (cpu(), time.monotonic(), forks(), network("snmp", "Tcp", "ActiveOpens"),
            network("netstat", "IpExt", "OutOctets"))


class Server:
    """The receiving archive, behind TCP, and, where seconds is not 0, that far away."""

    def __init__(self, path, seconds=0, before=()):
        os.makedirs(path, exist_ok=True)
        server = subprocess.Popen(
            [*before, "zr-listen", "-1", "-i", "127.0.0.1=bench", "tcp:127.0.0.1:0", "zr-handshake", "accept", "zr-mux",
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


def executions(command, target):
    """How many programs a run executes on both sides, for each line that it prints."""
    traces = [f"{target}.client", f"{target}.server"]
    client, server = [["strace", "-D", "-f", "-qq", "-e", "trace=execve", "-e", "status=successful", "-o", trace]
                      for trace in traces]
    receiver = Server(target, before=server)
    command = [word.replace("ADDRESS", "tcp:" + receiver.address) for word in command]
    done = subprocess.run(client + command, stdout=subprocess.PIPE, check=True, timeout=600)
    receiver.stop()
    count = 0
    for trace in traces:
        with open(trace) as lines:
            count += sum("execve(" in line for line in lines)
    return count / len(done.stdout.splitlines())


def measure(name, command, target, seconds=0, small=None):
    """One run; what it moved is the number of lines it prints."""
    executed = executions(small, target + ".small") if small else None
    server = Server(target, seconds)
    command = [word.replace("ADDRESS", "tcp:" + server.address) for word in command]
    before = counters()
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    seconds = time.monotonic() - before[1]
    server.stop()
    spent, _, processes, connections, octets = [now - then for now, then in zip(counters(), before)]
    steps = len(done.stdout.splitlines())
    print(f"{name:34} {steps:6} {seconds:8.2f} {spent:8.2f} {processes:9} {executed and round(executed * steps) or '-':>8} "
          f"{connections:11} {octets / 1024:8.0f} {1000 * spent / steps if steps else 0:11.1f}", flush=True)
    return {"name": name, "steps": steps, "seconds": seconds, "cpu": spent, "processes": processes,
            "executions_per_step": executed, "connections": connections, "octets": octets}


def main():
    filesystems = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    snapshots = int(sys.argv[2]) if len(sys.argv) > 2 else 10
    directory = tempfile.mkdtemp()
    try:
        make(f"{directory}/all", filesystems, snapshots)
        make(f"{directory}/tenth", max(filesystems // 10, 1), snapshots)
        print(f"{'a whole replication':34} {'steps':>6} {'seconds':>8} {'CPU s':>8} {'processes':>9} {'executed':>8} "
              f"{'connections':>11} {'KiB':>8} {'CPU ms/step':>11}")
        replicate = ["zr-replicate", "-q", "-I", "all", "-s", f"zr-endpoint archive {directory}/all", "-r",
                     "zr-remote ADDRESS"]
        far = [word.replace("/all", "/tenth") for word in replicate]
        hand = ["sh", f"{TOP}/examples/by-hand.sh", f"zr-endpoint archive {directory}/tenth", "zr-remote ADDRESS",
                "-I", "all"]
        runs = [
            measure("by-hand.sh, a tenth of them", hand, f"{directory}/hand", small=hand),
            measure("zr-replicate -P 1", replicate + ["-P", "1"], f"{directory}/one", small=far + ["-P", "1"]),
            measure("zr-replicate", replicate, f"{directory}/four", small=far),
            measure("zr-replicate, nothing to do", replicate, f"{directory}/four"),
            measure("50 ms away, -P 1, a tenth", far + ["-P", "1"], f"{directory}/farone", 0.05),
            measure("50 ms away, -P 4, a tenth", far, f"{directory}/farfour", 0.05),
        ]
        with open("replicate.json", "w") as file:
            json.dump(runs, file)
    finally:
        shutil.rmtree(directory)


main()
