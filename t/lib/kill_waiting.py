#!/usr/bin/env python3
"""Kill what waits for a step of zr-replicate, at random moments, as long as that runs.

    kill_waiting.py PID SEED

PID is zr-replicate's.  Of its children those wait that read from two pipes besides
standard input: the request's, which is closed after it, and the verdict's.  Prints how
many were killed.
"""
import os
import random
import signal
import sys
import time


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            return [int(word) for word in file.read().split()]
    except OSError:
        return None


def pipes(pid, mode):
    """Those that a process has open, for reading (0o400) or for writing (0o200)."""
    found = set()
    try:
        for number in os.listdir(f"/proc/{pid}/fd"):
            path = f"/proc/{pid}/fd/{number}"
            if int(number) > 2 and os.lstat(path).st_mode & 0o600 == mode:
                found.add(os.readlink(path))
    except OSError:
        pass
    return found


def waits(pid, parent):
    with open(f"/proc/{pid}/comm") as file:
        return file.read() == "zr-dataconn\n" and len(pipes(pid, 0o400) & pipes(parent, 0o200)) == 2


def main():
    pid, seed = sys.argv[1:]
    random.seed(seed)
    count = 0
    while (found := children(pid)) is not None:
        random.shuffle(found)
        for child in found:
            try:
                if not waits(child, pid):
                    continue
                # It must not get its request while we look.
                os.kill(child, signal.SIGSTOP)
                if waits(child, pid):
                    os.kill(child, random.choice([signal.SIGKILL, signal.SIGTERM]))
                    count += 1
                os.kill(child, signal.SIGCONT)
                break
            except (ProcessLookupError, FileNotFoundError):
                pass
        time.sleep(random.uniform(0.02, 0.1))
    print(count)


main()
