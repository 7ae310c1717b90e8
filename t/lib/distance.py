#!/usr/bin/env python3
"""Stand between a client and a server, and far away from both.

    distance.py [-s SECONDS] LOG ADDRESS
    distance.py -r LOG

ADDRESS is the server's, HOST:PORT.  The proxy listens on a port of 127.0.0.1 that it
prints.  Everything, a connection included, takes SECONDS (0.05) in each direction.
When a connection has ended, LOG gets a line of JSON: its label (of zr-mux, or "tls"), the
moments when the client sent that and closed the connection, "said": how many bytes the
sides sent in turn, positive numbers the client's, negative ones the server's, and "awaited":
was the client still there when the server's reply to its end arrived?

-r: an object with, for each label, the number of "connections", how many were open "at
once" at most, and the round "trips" that the longest took: how often the client said
something and then the server did, one if the client waited for the server's end after its
own, and one for connect(2), which the proxy does not see.  Open is what has a label: when
one connection follows the other at once, the proxy may see the new one before the end of
the old one.
"""
import asyncio
import getopt
import json
import socket
import sys

# No call and no answer is shorter than this.  What is acknowledges something, says that a
# side is alive or ends the connection: SETTINGS, PING and WINDOW_UPDATE of HTTP/2,
# heartbeats, an alert of TLS.
QUESTION = 40


def trips(connection):
    count, asked = 1 + connection["awaited"], False
    for amount in connection["said"]:
        if amount <= -QUESTION:
            count += asked
            asked = False
        elif amount >= QUESTION:
            asked = True
    return count


def at_once(connections):
    moments = sorted([(c["labelled"], 1) for c in connections] +
                     [(c["closed"], -1) for c in connections])
    most = now = 0
    for _, change in moments:
        now += change
        most = max(most, now)
    return most


def report(path):
    with open(path) as log:
        connections = [json.loads(line) for line in log]
    labels = {}
    for label in sorted({c["label"] for c in connections}):
        some = [c for c in connections if c["label"] == label]
        labels[label] = {"connections": len(some), "at once": at_once(some),
                         "trips": max(map(trips, some))}
    print(json.dumps(labels))


def has_owner(address):
    """Does a process still have this socket of 127.0.0.1?  If only the kernel has it, its inode is 0."""
    host, port = address
    wanted = f"{int.from_bytes(socket.inet_aton(host), sys.byteorder):08X}:{port:04X}"
    with open("/proc/net/tcp") as sockets:
        return any(fields[1] == wanted and fields[9] != "0" for fields in map(str.split, sockets))


class Connection:
    def __init__(self, log, seconds):
        self.log, self.seconds = log, seconds
        self.time = asyncio.get_running_loop().time
        self.labelled = self.closed = self.awaited = None
        self.said, self.first, self.label = [], b"", ""

    def note(self, data, sign):
        if sign > 0:
            self.first = (self.first + data)[:256]
            label = self.first.partition(b"\n")[2]      # after the banner
            if self.first.startswith(b"\x16"):
                label = b"tls".ljust(64, b"\0")         # a ClientHello; the rest is not for us
            if self.labelled is None and len(label) >= 64:
                self.label = label[:64].rstrip(b"\0").decode(errors="replace")
                self.labelled = self.time()
            if not data:
                self.closed = self.time()
        if not data:
            return
        if self.said and self.said[-1] * sign > 0:
            self.said[-1] += sign * len(data)
        else:
            self.said.append(sign * len(data))

    async def read(self, source, sign, way):
        data = b"."
        while data:
            try:
                data = await source.read(65536)
            except OSError:
                data = b""
            self.note(data, sign)
            way.put_nowait((self.time() + self.seconds, data))

    async def write(self, sink, way):
        data = b"."
        while data:
            due, data = await way.get()
            replies = self.closed is not None and due > self.closed + 2 * self.seconds
            await asyncio.sleep(due - self.time())
            if sink is self.client and replies and self.awaited is None:
                self.awaited = has_owner(sink.get_extra_info("peername"))
            try:
                sink.write(data) if data else sink.write_eof()
            except (OSError, RuntimeError):
                pass                    # it has gone; the rest is for nobody

    async def run(self, reader, writer, address):
        self.client = writer
        up, down = asyncio.Queue(), asyncio.Queue()
        reading = asyncio.create_task(self.read(reader, 1, up))
        await asyncio.sleep(self.seconds)
        try:
            far_reader, far_writer = await asyncio.open_connection(*address)
        except OSError:
            reading.cancel()
            writer.transport.abort()
            return
        await asyncio.gather(reading, self.read(far_reader, -1, down),
                             self.write(far_writer, up), self.write(writer, down))
        writer.close()
        far_writer.close()
        if self.labelled is None:
            self.labelled = self.closed
        print(json.dumps({"label": self.label, "labelled": self.labelled,
                          "closed": self.closed, "said": self.said,
                          "awaited": bool(self.awaited)}),
              file=self.log, flush=True)


async def serve(log, address, seconds):
    server = await asyncio.start_server(
        lambda reader, writer: Connection(log, seconds).run(reader, writer, address),
        "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def main():
    options, operands = getopt.getopt(sys.argv[1:], "rs:")
    options = dict(options)
    if "-r" in options:
        report(*operands)
        return
    log, address = operands
    with open(log, "a") as out:
        asyncio.run(serve(out, address.rsplit(":", 1), float(options.get("-s", 0.05))))


main()
