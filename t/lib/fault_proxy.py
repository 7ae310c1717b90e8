#!/usr/bin/env python3
"""Stand between a client and a server and break what they say.

    fault_proxy.py [options] KIND ADDRESS

ADDRESS is the server's, HOST:PORT or unix:PATH.  The proxy listens on a port
of 127.0.0.1 that it prints, and treats every connection alike until killed.
KIND happens once per connection, at byte -a OFFSET of direction -d:

    none       nothing: only -r
    cut        both directions end there (FIN)
    reset      both directions end there (RST)
    half       this direction ends there (FIN), the other one goes on
    stall      nothing goes on in this direction, nothing is closed
    freeze     the same in both directions
    delay      this direction pauses for -s SECONDS
    drop       -n COUNT bytes are left out
    duplicate  -n COUNT bytes come twice
    corrupt    one byte is changed by exclusive or with -x MASK

options:
    -a OFFSET  the first byte that is affected (0)
    -d c2s|s2c the direction: client to server (default), server to client
    -n COUNT   bytes (1)
    -r RATE    bytes per second in this direction (unlimited)
    -s SECONDS (1)
    -x MASK    1 to 255 (1)
    -h         this text

Tests in Python import Fault and pump() instead.
"""
import getopt, select, socket, struct, sys, threading, time

KINDS = ("none", "cut", "reset", "half", "stall", "freeze", "delay", "drop",
         "duplicate", "corrupt")
PIECE = 65536


class Fault:
    def __init__(self, kind="none", direction="c2s", offset=0, count=1,
                 seconds=1.0, mask=1, rate=None):
        assert kind in KINDS and direction in ("c2s", "s2c")
        self.kind, self.direction, self.offset = kind, direction, offset
        self.count, self.seconds, self.mask, self.rate = count, seconds, mask, rate
        self.happened = None        # when (monotonic), for the caller

    def __str__(self):
        return f"{self.kind} {self.direction} at {self.offset}" + (
            f" mask {self.mask:#x}" if self.kind == "corrupt" else "")


class Direction:
    """One way: bytes from source, through the fault, to sink."""

    def __init__(self, source, sink, fault):
        self.source, self.sink, self.fault = source, sink, fault
        self.seen = bytearray()     # everything that came, for the caller
        self.out = bytearray()      # may be written
        self.held = bytearray()     # after a delay
        self.release = 0.0          # until then (monotonic)
        self.write_at = 0.0         # not before, because of the rate
        self.fired = fault is None or fault.kind == "none"
        self.left_to_drop = 0
        self.stalled = self.discarding = self.ended = self.closed = False

    def take(self, data):
        """Bytes came (none at the start of the connection); True once the
        connection as a whole is to be cut."""
        at = len(self.seen)
        self.seen += data
        if self.left_to_drop:
            dropped = min(self.left_to_drop, len(data))
            self.left_to_drop -= dropped
            data = data[dropped:]
        inside = self.fault and self.fault.kind in ("drop", "duplicate", "corrupt")
        if self.fired or at + len(data) < self.fault.offset + bool(inside):
            if not self.discarding:
                (self.held if self.release else self.out).extend(data)
            return False
        self.fired = True
        self.fault.happened = time.monotonic()
        kind, split = self.fault.kind, self.fault.offset - at
        head, tail = data[:split], data[split:]
        self.out += head
        if kind == "corrupt":
            self.out += bytes([tail[0] ^ self.fault.mask]) + tail[1:]
        elif kind == "duplicate":
            self.out += tail[:self.fault.count] + tail
        elif kind == "drop":
            self.left_to_drop = max(0, self.fault.count - len(tail))
            self.out += tail[self.fault.count:]
        elif kind == "delay":
            self.held += tail
            self.release = time.monotonic() + self.fault.seconds
        elif kind in ("stall", "freeze"):
            self.stalled = True
        elif kind == "half":
            self.discarding = True
        return kind in ("cut", "reset", "freeze")

    def may_read(self):
        return not (self.ended or self.stalled or self.out or self.held)

    def read(self):
        try:
            data = self.source.recv(PIECE)
        except BlockingIOError:
            return False
        except OSError:
            data = b""
        if not data:
            self.ended = True
            return False
        return self.take(data)

    def write(self, now):
        size = PIECE
        if self.fault and self.fault.rate:
            size = max(1, self.fault.rate // 10)
        try:
            put = self.sink.send(self.out[:size])
        except BlockingIOError:
            return
        except OSError:
            self.discarding = True      # the other way may still say why
            self.out.clear()
            self.held.clear()
            return
        del self.out[:put]
        if self.fault and self.fault.rate:
            self.write_at = now + put / self.fault.rate

    def settle(self, now):
        """What is due without any event."""
        if self.release and now >= self.release:
            self.out += self.held
            self.held.clear()
            self.release = 0.0
        over = self.ended or (self.discarding and self.fired)
        if over and not (self.closed or self.out or self.held or self.stalled):
            self.closed = True
            try:
                self.sink.shutdown(socket.SHUT_WR)
            except OSError:
                pass


def reset(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def pump(near, far, fault=None, stop=lambda: False):
    """Between the client's socket near and the server's far, until both ways
    are over or stop() says so; closes both.  Returns what came from each."""
    fault = fault or Fault()
    up = Direction(near, far, fault if fault.direction == "c2s" else None)
    down = Direction(far, near, fault if fault.direction == "s2c" else None)
    ways = (up, down)
    near.setblocking(False)
    far.setblocking(False)
    broken = any([way.take(b"") for way in ways])
    gone = set()                # sockets that only ever say that they are over
    while not stop():
        now = time.monotonic()
        if broken and not any(way.out for way in ways):
            if fault.kind == "reset":
                reset(near)
                reset(far)
                break
            for way in ways:    # a FIN each way; what still comes is dropped
                way.stalled = fault.kind == "freeze"
                way.discarding = way.fired = True
        for way in ways:
            way.settle(now)
        if all(way.ended and way.closed for way in ways):
            break
        events, timeout = {}, 1.0
        for way in ways:
            if way.may_read() and not (broken and fault.kind == "reset"):
                events[way.source] = events.get(way.source, 0) | select.POLLIN
            if way.out and way.write_at <= now:
                events[way.sink] = events.get(way.sink, 0) | select.POLLOUT
            for due in (way.write_at if way.out else 0, way.release):
                if due > now:
                    timeout = min(timeout, due - now)
        if any(way.stalled for way in ways):
            timeout = min(timeout, 0.2)
            for sock in (near, far):
                if sock not in gone:
                    events[sock] = events.get(sock, 0) | select.POLLRDHUP
            if len(gone) == 2:
                break
        poller, names = select.poll(), {}
        for sock, mask in events.items():
            poller.register(sock, mask)
            names[sock.fileno()] = sock
        for number, mask in poller.poll(timeout * 1000):
            sock = names[number]
            if any(way.stalled for way in ways) and \
                    mask & (select.POLLRDHUP | select.POLLHUP | select.POLLERR):
                gone.add(sock)
            for way in ways:
                if way.source is sock and way.may_read() and \
                        mask & (select.POLLIN | select.POLLHUP | select.POLLERR):
                    broken = way.read() or broken
                if way.sink is sock and way.out and \
                        mask & (select.POLLOUT | select.POLLHUP | select.POLLERR):
                    way.write(now)
    near.close()
    far.close()
    return bytes(up.seen), bytes(down.seen)


def connect(address):
    if address.startswith("unix:"):
        far = socket.socket(socket.AF_UNIX)
        far.connect(address[5:])
        return far
    host, port = address.rsplit(":", 1)
    return socket.create_connection((host, int(port)))


def main():
    names = {"-a": ("offset", int), "-d": ("direction", str), "-n": ("count", int),
             "-r": ("rate", int), "-s": ("seconds", float),
             "-x": ("mask", lambda text: int(text, 0))}
    try:
        options, operands = getopt.getopt(sys.argv[1:], "a:d:n:r:s:x:h", ["help"])
        if {"-h", "--help"} & dict(options).keys():
            print(__doc__, end="")
            return
        values = {names[o][0]: names[o][1](v) for o, v in options}
        kind, address = operands
        fault = Fault(kind, **values)
    except (getopt.GetoptError, ValueError, AssertionError) as why:
        sys.exit(f"fault_proxy.py: {why or 'bad KIND or direction'} (-h helps)")
    listener = socket.create_server(("127.0.0.1", 0))
    print(listener.getsockname()[1], flush=True)
    while True:
        near, _ = listener.accept()
        try:
            far = connect(address)
        except OSError:
            near.close()
            continue
        threading.Thread(target=pump, args=(near, far, fault), daemon=True).start()


if __name__ == "__main__":
    main()
