#!/usr/bin/env python3
"""A server's network that does not like data connections which wait for a request.

    unwilling.py idle SECONDS ADDRESS
    unwilling.py one ADDRESS

ADDRESS is the server's, HOST:PORT.  The proxy listens on a port of 127.0.0.1 that it
prints.  idle: a data connection without a request is closed after SECONDS.  one: while
there is a data connection, another one is reset a second after its label.  What it has closed is
counted: a line on standard error each.
"""
import socket
import struct
import sys
import threading
import time

LABEL = b"zrepl_data"
lock = threading.Lock()
open_now = 0


def pump(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def close(client, server):
    print("closed", file=sys.stderr, flush=True)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    for end in client, server:
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def has_room():
    """Does the data connection that is there end within a second?"""
    until = time.monotonic() + 1
    while open_now > 0 and time.monotonic() < until:
        time.sleep(0.01)
    return open_now == 0


def to_server(client, server, mode, seconds):
    """The client's direction, which begins with its banner, a line, and its label."""
    global open_now
    said = b""
    while len(said.partition(b"\n")[2]) < 64:
        data = client.recv(4096)
        if not data:
            return server.shutdown(socket.SHUT_WR)
        said += data
        server.sendall(data)
    begin = said.partition(b"\n")[2]
    if not begin.startswith(LABEL):
        return pump(client, server)
    refused = mode == "one" and not has_room()
    with lock:
        open_now += 1
    try:
        if refused:
            return close(client, server)
        if mode == "idle" and len(begin) == 64:
            client.settimeout(seconds)
            try:
                data = client.recv(65536)
            except TimeoutError:
                return close(client, server)
            client.settimeout(None)
            server.sendall(data)
            if not data:
                return server.shutdown(socket.SHUT_WR)
        pump(client, server)
    finally:
        with lock:
            open_now -= 1


def serve(client, address, mode, seconds):
    server = socket.create_connection(address)
    other = threading.Thread(target=pump, args=(server, client), daemon=True)
    other.start()
    try:
        to_server(client, server, mode, seconds)
    except OSError:
        pass
    other.join()
    client.close()
    server.close()


def main():
    mode, *rest = sys.argv[1:]
    host, port = rest[-1].rsplit(":", 1)
    seconds = float(rest[0]) if mode == "idle" else 0
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    while True:
        client = listener.accept()[0]
        threading.Thread(target=serve, args=(client, (host, int(port)), mode, seconds), daemon=True).start()


main()
