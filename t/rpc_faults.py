#!/usr/bin/python3
"""A hostile client of zr-rpc serve: rpc_faults.py FAULT.  Prints the server's
exit status and its largest memory in KiB."""
import socket, struct, subprocess, sys, hpack

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def frame(kind, flags, stream, payload=b""):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def headers(**more):
    encoder = hpack.Encoder()
    return encoder.encode([(":method", "POST"), (":scheme", "http"), (":path", "/Replication/Ping"),
                           ("content-type", "application/grpc"), ("te", "trailers")] + list(more.items()))


SETTINGS = PREFACE + frame(4, 0, 0)
BLOCK = headers()
bomb = hpack.Encoder()
BOMB = bomb.encode([("x", "y" * 4000)]) + b"\xbe" * 12000
FAULTS = {
    "rapid-reset": SETTINGS + b"".join(frame(1, 4, 2 * i + 1, BLOCK) + frame(3, 0, 2 * i + 1, b"\0\0\0\x08")
                                       for i in range(20000)),
    "settings-flood": SETTINGS + frame(4, 0, 0) * 200000,
    "ping-flood": SETTINGS + frame(6, 0, 0, b"12345678") * 200000,
    "hpack-bomb": SETTINGS + frame(1, 4, 1, BOMB),
    "long-headers": SETTINGS + frame(1, 0, 1, headers(x="y" * 16000)) + b"".join(
        frame(9, 0, 1, b"\x00\x01a\x7f\x81\x7d" + b"b" * 16000) for _ in range(20)),
    "data-on-idle": SETTINGS + frame(0, 1, 7, b"x"),
    "huge-frame": SETTINGS + b"\xff\xff\xff\0\0\0\0\0\1" + b"x" * 100000,
}

ours, theirs = socket.socketpair()
program = subprocess.Popen(["/usr/bin/env", "zr-rpc", "serve", "true"], stdin=theirs, stdout=theirs)
theirs.close()
ours.settimeout(0.2)
data = FAULTS[sys.argv[1]]
while data:
    try:
        data = data[ours.send(data[:65536]):]
    except socket.timeout:
        pass        # it reads no more: so far nothing was read here either
    except OSError:
        break
    try:
        ours.recv(1 << 20)
    except (socket.timeout, OSError):
        pass
code = program.wait(30)
import resource
print(code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
