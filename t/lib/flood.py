#!/usr/bin/env python3
"""Clients that mean no good, against 127.0.0.1:PORT, until ended.

    flood.py PORT silent N     N connections that say nothing, held open; whenever
                               one is closed on us, another one comes
    flood.py PORT touch N      N connections, closed at once; then exits
    flood.py PORT reset N      the same, closed by a reset

Writes a line once N connections have been made.
"""
import selectors, socket, struct, sys

PORT, KIND, N = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])


def connect():
    return socket.create_connection(("127.0.0.1", PORT), 60)


def touch():
    for _ in range(N):
        with connect() as client:
            if KIND == "reset":
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    print(N, flush=True)


def silent():
    held = selectors.DefaultSelector()
    for _ in range(N):
        held.register(connect(), selectors.EVENT_READ)
    print(N, flush=True)
    while True:
        for key, _ in held.select():
            held.unregister(key.fileobj)
            key.fileobj.close()
            held.register(connect(), selectors.EVENT_READ)


silent() if KIND == "silent" else touch()
