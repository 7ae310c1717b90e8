#!/usr/bin/python3 -IS
"""Copy between the network and a unix socket, each direction to its own end.

    relay.py PATH READ WRITE

Started in the middle of a connection that measures time: what it imports is
what it needs.
"""
import os, stat, sys
from _socket import AF_UNIX, SHUT_WR, socket
from _thread import allocate_lock, start_new_thread


def read(fd):
    try:
        return os.read(fd, 1 << 16)
    except OSError:
        return b""


def copy(source, sink):
    try:
        while piece := read(source):
            while piece:
                piece = piece[os.write(sink, piece):]
        if stat.S_ISSOCK(os.fstat(sink).st_mode):
            socket(fileno=os.dup(sink)).shutdown(SHUT_WR)
        else:
            os.close(sink)
    except OSError:
        while read(source):     # whoever writes must not be held up
            pass


def copy_out(ended):
    copy(ours.fileno(), int(sys.argv[3]))
    ended.release()


ours = socket(AF_UNIX)
ours.connect(sys.argv[1])
ended = allocate_lock()
ended.acquire()
start_new_thread(copy_out, (ended,))
copy(int(sys.argv[2]), ours.fileno())
ended.acquire()
