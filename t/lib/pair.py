#!/usr/bin/env python3
"""Connect a client program and a server program (transport.py says over what).

    pair.py [-s FILE] CLIENT... -- SERVER...

The client finds the network on descriptors 6 and 7, the server on 0 and 1.
Exits with the client's status (128+N for signal N), having waited for the
server, whose status goes to FILE.
"""
import os, sys
import transport


def status(code):
    return code if code >= 0 else 128 - code


arguments = sys.argv[1:]
server_status = None
if arguments[0] == "-s":
    server_status, arguments = arguments[1], arguments[2:]
split = arguments.index("--")
for_the_client = ("ZR_VERDICT", "ZR_PROGRESS", "ZR_REQUEST")
inherited = [int(fd) for name in for_the_client if (fd := os.environ.get(name))]
client, server = transport.pair(
    arguments[:split], arguments[split + 1:], {"pass_fds": inherited},
    {"env": {k: v for k, v in os.environ.items() if k not in for_the_client}})
code = status(client.wait())
served = status(server.wait())
if server_status:
    with open(server_status, "w") as f:
        print(served, file=f)
sys.exit(code)
