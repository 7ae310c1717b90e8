#!/usr/bin/env python3
"""opened.py DIRECTORY COMMAND...: run a command, and print the name of each file of the
directory that is opened meanwhile, once for each time; "." for the directory itself."""
import ctypes
import os
import struct
import subprocess
import sys

IN_OPEN, IN_NONBLOCK, IN_Q_OVERFLOW = 0x20, 0x800, 0x4000


def names(watch):
    """What is in the queue; the same name twice in succession would be one event."""
    while True:
        try:
            events = os.read(watch, 65536)
        except BlockingIOError:
            return
        while events:
            _, mask, _, length = struct.unpack_from("iIII", events)
            if mask & IN_Q_OVERFLOW:
                raise SystemExit("too many events")
            yield events[16:16 + length].rstrip(b"\0").decode() or "."
            events = events[16 + length:]


def main(directory, command):
    libc = ctypes.CDLL(None, use_errno=True)
    watch = libc.inotify_init1(IN_NONBLOCK)
    if watch == -1 or libc.inotify_add_watch(watch, directory.encode(), IN_OPEN) == -1:
        raise OSError(ctypes.get_errno(), directory)
    status = subprocess.run(command, stdout=subprocess.DEVNULL).returncode
    for name in names(watch):
        print(name)
    return status


sys.exit(main(sys.argv[1], sys.argv[2:]))
