#!/usr/bin/env python3
"""Copy standard input to standard output, slowly.

    slow.py [-r RATE -s SECONDS] [-p SECONDS -a OFFSET]

-r: RATE bytes per second for SECONDS, then as fast as it goes.  -p: a pause
after OFFSET bytes, which are written by then; OFFSET "end": after the last
one, with both ends still open.
"""
import getopt, os, sys, time

options = dict(getopt.getopt(sys.argv[1:], "a:p:r:s:")[0])
rate, seconds = int(options.get("-r", 0)), float(options.get("-s", 0))
pause, at = float(options.get("-p", 0)), options.get("-a", "0")
started, done, paused = time.monotonic(), 0, not pause


def write(data):
    while data:
        data = data[os.write(1, data):]


while True:
    if not paused and at != "end" and done >= int(at):
        paused = True
        time.sleep(pause)
    slow = rate and time.monotonic() - started < seconds
    size = rate // 4 if slow else 65536
    if not paused and at != "end":
        size = min(size, int(at) - done)
    data = os.read(0, size)
    if not data:
        break
    write(data)
    done += len(data)
    if slow:
        time.sleep(len(data) / rate)
if not paused:
    time.sleep(pause)
