#!/usr/bin/env python3
"""Connect a client program and a server program over loopback TCP.

    pair.py [-s FILE] CLIENT... -- SERVER...

The client finds the network on descriptors 6 and 7, the server on 0 and 1.
Exits with the client's status (128+N for signal N), having waited for the
server, whose status goes to FILE.
"""
import fcntl, os, socket, subprocess, sys


def status(code):
    return code if code >= 0 else 128 - code


arguments = sys.argv[1:]
server_status = None
if arguments[0] == "-s":
    server_status, arguments = arguments[1], arguments[2:]
split = arguments.index("--")
listener = socket.create_server(("127.0.0.1", 0))
near = socket.create_connection(listener.getsockname())
far, _ = listener.accept()


# A high number, so that it is in nobody's way; bash moves it to 6 and 7.
high = fcntl.fcntl(near, fcntl.F_DUPFD, 100)
near.close()
to_6_and_7 = ["bash", "-c", f'exec 6<&{high} 7>&{high} {high}>&-; exec "$@"', "client"]
for_the_client = ("ZR_VERDICT", "ZR_PROGRESS")
server = subprocess.Popen(arguments[split + 1:], stdin=far, stdout=far,
                          env={k: v for k, v in os.environ.items() if k not in for_the_client})
far.close()
listener.close()
inherited = [fd for name in for_the_client if (fd := os.environ.get(name))]
client = subprocess.Popen(to_6_and_7 + arguments[:split],
                          pass_fds=[high] + [int(fd) for fd in inherited])
os.close(high)
code = status(client.wait())
served = status(server.wait())
if server_status:
    with open(server_status, "w") as f:
        print(served, file=f)
sys.exit(code)
