#!/usr/bin/python3
"""Whole runs on real ZFS, as an admin has them: zr-sync, zr-replicate to a server, syncoid.

    sync.py [FILESYSTEMS]

Run as root in the machine of `make check-zfs`, zr programs in PATH.  $SYNCOID is the directory into
which Debian's sanoid was unpacked (t/deps.sh bench); without it that row is missing.  Both pools and
both hosts are this one machine: "backup" is an sshd on loopback.  Each tool replicates 50 filesystems
(FILESYSTEMS) of 64 KiB: first in full, then an increment of 64 KiB each, then a run that has nothing
to do.  CPU is that of the whole machine while the run lasts, processes are its forks.
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

DIRECTORY = tempfile.mkdtemp()
TICKS = os.sysconf("SC_CLK_TCK")


def run(*command, **options):
    return subprocess.run(command, check=True, stdout=subprocess.DEVNULL, **options)


def machine():
    """CPU seconds and forks since it booted."""
    with open("/proc/stat") as stat:
        lines = stat.read().splitlines()
    busy = [int(field) for field in lines[0].split()[1:]]
    forks = next(int(line.split()[1]) for line in lines if line.startswith("processes "))
    return (sum(busy) - busy[3] - busy[4]) / TICKS, forks


def pools(filesystems):
    for pool in "src", "dst":
        path = f"{DIRECTORY}/{pool}.pool"
        with open(path, "wb") as file:
            file.truncate(1 << 30)
        run("zpool", "create", "-O", f"mountpoint={DIRECTORY}/{pool}", pool, path)
    run("zfs", "create", "src/many")
    for i in range(filesystems):
        run("zfs", "create", f"src/many/fs{i}")


def snapshot(name, filesystems):
    for i in range(filesystems):
        with open(f"{DIRECTORY}/src/many/fs{i}/{name}", "wb") as file:
            file.write(os.urandom(65536))
    run("zfs", "snapshot", "-r", f"src/many@{name}")


def sshd():
    """A host "backup" for ssh: this one, over loopback, as root, with our PATH."""
    home, path = os.path.expanduser("~/.ssh"), os.environ["PATH"]
    os.makedirs(home, mode=0o700, exist_ok=True)
    os.makedirs("/run/sshd", exist_ok=True)
    # A machine's memory alone: what its owner's login shell does first is not what is measured.
    open(os.path.expanduser("~/.bashrc"), "w").close()
    for key in "host", "client":
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"{DIRECTORY}/{key}")
    with open(f"{DIRECTORY}/sshd_config", "w") as file:
        file.write(f"HostKey {DIRECTORY}/host\nAuthorizedKeysFile {DIRECTORY}/client.pub\nStrictModes no\n"
                   f"UsePAM no\nPidFile none\nPermitRootLogin yes\nSetEnv PATH={path}\n")
    server = subprocess.Popen(["tcpserver", "-1", "-RHl0", "127.0.0.1", "0", "/usr/sbin/sshd", "-i", "-e", "-f",
                               f"{DIRECTORY}/sshd_config"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    port = server.stdout.readline().strip()
    with open(f"{home}/config", "w") as file:
        file.write(f"Host backup\n HostName 127.0.0.1\n Port {port}\n IdentityFile {DIRECTORY}/client\n"
                   " StrictHostKeyChecking no\n UserKnownHostsFile /dev/null\n LogLevel ERROR\n")
    return server


def listener():
    server = subprocess.Popen(
        ["zr-listen", "-1", "-i", "127.0.0.1=bench", "tcp:127.0.0.1:0", "zr-handshake", "accept", "zr-mux", "accept",
         "zr-serve", "-b", "zr-endpoint", "receiver", "-u", "-e", "inherit", "-j", "server", "dst"],
        stdout=subprocess.PIPE, text=True)
    return server, "tcp:127.0.0.1:" + server.stdout.readline().strip()


def measure(name, what, filesystems, command):
    os.sync()
    (cpu, forks), began = machine(), time.monotonic()
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    seconds = time.monotonic() - began
    after = machine()
    if done.returncode != 0:
        print(done.stdout, file=sys.stderr)
        raise SystemExit(f"{name}, {what}: status {done.returncode}")
    row = {"name": name, "what": what, "seconds": seconds, "cpu": after[0] - cpu, "processes": after[1] - forks}
    print(f"{name:32} {what:12} {seconds:8.1f} {row['cpu']:8.1f} {row['processes']:10} "
          f"{row['processes'] / filesystems:9.1f}", flush=True)
    return row


def main():
    filesystems = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    servers, rows = [], []
    syncoid = os.environ.get("SYNCOID", "") + "/usr/sbin/syncoid"
    try:
        pools(filesystems)
        servers.append(sshd())
        server, address = listener()
        servers.append(server)
        replicate = ["zr-replicate", "-q", "-s", "zr-endpoint sender -j server -f 'src/many<'", "-r", f"zr-remote {address}"]
        tools = [
            ("zr-sync, ssh, none of ours there", ["zr-sync", "-q", "src/many", "backup:dst/zr-sync"]),
            ("zr-replicate to a server, tcp", replicate),
            ("the same with -g nothing", [*replicate, "-g", "nothing", "-m", "src/many=unheld/many"]),
        ]
        if os.access(syncoid, os.X_OK):
            tools.append(("syncoid, ssh", [syncoid, "--recursive", "--no-sync-snap", "--quiet", "src/many",
                                           "root@backup:dst/syncoid"]))
        print(f"{filesystems} filesystems")
        print(f"{'':32} {'':12} {'seconds':>8} {'CPU s':>8} {'processes':>10} {'each':>9}")
        for what in "in full", "an increment", "nothing":
            if what != "nothing":
                snapshot("one" if what == "in full" else "two", filesystems)
            for name, command in tools:
                rows.append(measure(name, what, filesystems, command))
        with open("sync.json", "w") as file:
            json.dump(rows, file)
    finally:
        for server in servers:
            server.terminate()
            server.wait()
        for pool in "src", "dst":
            subprocess.run(["zpool", "destroy", "-f", pool], stderr=subprocess.DEVNULL)
        shutil.rmtree(DIRECTORY)


main()
