#!/usr/bin/python3
"""Hostile and broken peers of zr-rpc.

    rpc_faults.py break ROLE    peers that break HTTP/2, one after the other; prints
                                for each its name, the exit status of zr-rpc, which
                                is the server or the client, its largest memory in
                                KiB, and what it says
    rpc_faults.py refused       clients that open streams where no more may be: one that
                                reads nothing, which prints the server's exit status,
                                its memory and what it says; and one that reads,
                                which prints how often it was refused, the status
                                of a call of its own, whether the answer was right,
                                and the memory
    rpc_faults.py resets        a client that gives up calls that run, as fast as it
                                can; prints the server's exit status, its memory, and
                                how many endpoints ran at the same time
    rpc_faults.py request       requests that are no good; prints for each its name and how
                                it is answered, after a good one has been, too
    rpc_faults.py answer        servers whose answer to zr-rpc is no good; prints for
                                each its name, the client's exit status and all it says
    rpc_faults.py last          a client that is in no hurry to read, of a server that
                                stops: prints how much of its answer has come
    rpc_faults.py reader        zr-rpc batch whose answers nobody reads for a
                                while; prints its memory, and how many came
    rpc_faults.py slow          a client that asks for much and reads nothing,
                                and then everything; prints how many endpoints
                                ran meanwhile, of how many, and the memory
"""
import gzip, os, select, signal, socket, struct, subprocess, sys, time
import hpack
import transport

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, END_HEADERS, ACK = 1, 4, 1
GOOD = b"\0\0\0\0\4\n\2hi"


def frame(kind, flags, stream, payload=b""):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def block(fields):
    return hpack.Encoder().encode(fields, huffman=False)


def headers(without=(), **more):
    pseudo = "method", "path", "authority"
    fields = {":method": "POST", ":scheme": "http", ":path": "/Replication/Ping"}
    fields |= {":" + k: v for k, v in more.items() if k in pseudo}
    fields |= {"content-type": "application/grpc", "te": "trailers"}
    fields |= {k.replace("_", "-"): v for k, v in more.items() if k not in pseudo}
    return block([(k, v) for k, v in fields.items() if k not in without])


OPENING = PREFACE + frame(SETTINGS, 0, 0)
BOMB = hpack.Encoder().encode([("x", "y" * 4000)]) + b"\xbe" * 12000
LONG = b"".join(frame(CONTINUATION, 0, 1, b"\x00\x01a\x7f\x81\x7d" + b"b" * 16000) for _ in range(20))
OK = block([(":status", "200"), ("content-type", "application/grpc")])
OVERFLOW = frame(WINDOW_UPDATE, 0, 0, b"\x7f\xff\xff\xff") * 2

# What one side says after it has opened the connection and stream 1.
EITHER = {
    "settings-flood": frame(SETTINGS, 0, 0) * 200000,
    "settings-that-differ": frame(SETTINGS, 0, 0, b"\0\4\0\0\0\1" + b"\0\4\0\1\0\0") * 20000,
    "ping-flood": frame(PING, 0, 0, b"12345678") * 200000,
    "ping-of-7": frame(PING, 0, 0, b"1234567"),
    "empty-continuations": frame(HEADERS, 0, 1, b"") + frame(CONTINUATION, 0, 1) * 200000,
    "interrupted-headers": frame(HEADERS, 0, 1, b"") + frame(PING, 0, 0, b"12345678"),
    "continuation-alone": frame(CONTINUATION, END_HEADERS, 1, b""),
    "data-on-idle": frame(DATA, END_STREAM, 7, b"x"),
    "data-on-zero": frame(DATA, 0, 0, b"x"),
    "reset-of-idle": frame(RST_STREAM, 0, 9, b"\0\0\0\x08"),
    "settings-ack-with-payload": frame(SETTINGS, ACK, 0, b"123456"),
    "settings-on-a-stream": frame(SETTINGS, 0, 1),
    "bad-setting": frame(SETTINGS, 0, 0, b"\0\5\0\0\0\1"),
    "window-overflow": OVERFLOW,
    "huge-frame": b"\xff\xff\xff\0\0\0\0\0\1" + b"x" * 100000,
    "bad-hpack": frame(HEADERS, END_HEADERS, 1, b"\xff\xff\xff\xff\xff\xff"),
    "cut-off": frame(HEADERS, END_HEADERS, 1, OK)[:-3],
}
FROM_CLIENT = {name: OPENING + said for name, said in EITHER.items()} | {
    "preface": b"GET / HTTP/1.1\r\nHost: zr\r\n\r\n",
    "no-settings": PREFACE + frame(HEADERS, END_HEADERS, 1, headers()),
    "rapid-reset": OPENING + b"".join(
        frame(HEADERS, END_HEADERS, 2 * i + 1, headers()) + frame(RST_STREAM, 0, 2 * i + 1, b"\0\0\0\x08")
        for i in range(20000)),
    "refused-streams": OPENING + b"".join(frame(HEADERS, END_HEADERS, 2 * i + 1, headers()) for i in range(20000)),
    "empty-frames": OPENING + frame(HEADERS, END_HEADERS, 1, headers()) + frame(DATA, 0, 1) * 200000,
    "hpack-bomb": OPENING + frame(HEADERS, END_HEADERS, 1, BOMB),
    "long-headers": OPENING + frame(HEADERS, 0, 1, headers(x="y" * 16000)) + LONG,
    "headers-on-even": OPENING + frame(HEADERS, END_HEADERS, 2, headers()),
    "push": OPENING + frame(PUSH_PROMISE, END_HEADERS, 1, b"\0\0\0\2" + headers()),
}
FROM_SERVER = {name: frame(SETTINGS, 0, 0) + said for name, said in EITHER.items()} | {
    "preface": b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "empty-frames": frame(SETTINGS, 0, 0) + frame(HEADERS, END_HEADERS, 1, OK) + frame(DATA, 0, 1) * 200000,
    "hpack-bomb": frame(SETTINGS, 0, 0) + frame(HEADERS, END_HEADERS, 1, BOMB),
    "long-headers": frame(SETTINGS, 0, 0) + frame(HEADERS, 0, 1, OK) + LONG,
    "headers-on-even": frame(SETTINGS, 0, 0) + frame(HEADERS, END_HEADERS, 2, OK),
    "push-flood": frame(SETTINGS, 0, 0) + b"".join(
        frame(PUSH_PROMISE, END_HEADERS, 1, struct.pack(">I", 2 * i + 2) + headers()) for i in range(100000)),
}


def memory(pid):
    with open(f"/proc/{pid}/status") as f:
        return int(next((x for x in f if x.startswith("VmHWM")), "VmHWM: 0").split()[1])


def serve(*arguments, **options):
    ours, theirs = socket.socketpair()
    program = subprocess.Popen(["zr-rpc", *arguments], stdin=theirs, stdout=theirs, **options)
    theirs.close()
    return ours, program


def ask(*arguments, **options):
    ours, theirs = socket.socketpair()
    fd = theirs.fileno()
    program = subprocess.Popen(["zr-rpc", "-f", f"{fd},{fd}", *arguments], pass_fds=[fd], **options)
    theirs.close()
    return ours, program


def shout(sock, program, data, deaf=False):
    """Say it all, whether or not the other listens; its exit status and its largest memory."""
    sock.setblocking(False)
    deadline, peak = time.monotonic() + 30, 0
    while program.poll() is None:
        assert time.monotonic() < deadline, "it hangs"
        peak = max(peak, memory(program.pid))
        readable, writable, _ = select.select([] if deaf else [sock], [sock] if data else [], [], 0.001)
        try:
            data = data[sock.send(data[:16384]):] if writable else data
            if data == b"":
                sock.shutdown(socket.SHUT_WR)
                data = None
            if readable and not sock.recv(1 << 16):
                break
        except OSError:
            break
    sock.close()
    return program.wait(30), peak


def breaking(role):
    for name, data in (FROM_CLIENT if role == "server" else FROM_SERVER).items():
        start = serve if role == "server" else ask
        sock, program = start(*(["serve", "true"] if role == "server" else ["Ping", "{}"]), stderr=subprocess.PIPE)
        code, peak = shout(sock, program, data)
        print(name, code, peak, program.stderr.read().decode().strip(), flush=True)


def refused():
    # What it takes to open a stream, in 12 bytes.
    least = bytes(hpack.Encoder().encode([(":method", "POST"), (":scheme", "http"), (":path", "/")], huffman=False))
    opened = lambda first, count, block=least: b"".join(
        frame(HEADERS, END_HEADERS, 2 * i + 1, block) for i in range(first, first + count))
    most = OPENING + opened(0, 256, headers())
    ours, program = serve("serve", "./endpoint", stderr=subprocess.PIPE)
    code, peak = shout(ours, program, most + opened(256, 200000), deaf=True)
    print(code, peak, program.stderr.read().decode().strip())

    ours, program = serve("serve", "./endpoint")
    ours.sendall(most)
    frames, count = Frames(ours), 0
    for i in range(40):
        ours.sendall(opened(256 + 200 * i, 200))
        while count < 200 * (i + 1):
            count += frames.next()[0] == RST_STREAM
    ours.sendall(frame(DATA, END_STREAM, 1, GOOD))
    fields, data = frames.answers(1)[1]
    ours.close()
    print(count, fields["grpc-status"], data == GOOD, memory(program.pid))
    program.wait(30)


def resets():
    with open("deaf", "w") as f:
        f.write("#!/bin/sh\ntrap '' TERM\nread -r _\nsleep 60\n")
    os.chmod("deaf", 0o755)
    ours, program = serve("serve", "./deaf")
    ours.sendall(OPENING)
    def running():
        with open(f"/proc/{program.pid}/task/{program.pid}/children") as f:
            return len(f.read().split())

    def ask_for(stream):
        ours.sendall(frame(HEADERS, END_HEADERS, stream, headers()) + frame(DATA, END_STREAM, stream, GOOD))

    def give_up(stream):
        ours.sendall(frame(RST_STREAM, 0, stream, b"\0\0\0\x08"))

    # First all that may run; then these, and more, are given up faster than they can.
    deadline = time.monotonic() + 60
    for i in range(16):
        ask_for(2 * i + 1)
    while running() < 16 and time.monotonic() < deadline:
        time.sleep(0.01)
    most, peak = running(), memory(program.pid)
    try:
        for i in range(16):
            give_up(2 * i + 1)
        for i in range(16, 2000):
            ask_for(2 * i + 1)
            time.sleep(0.0005)
            most, peak = max(most, running()), max(peak, memory(program.pid))
            give_up(2 * i + 1)
    except OSError:
        pass
    ours.close()
    print(program.wait(30), peak, most)


class Frames:
    """Frames as they come; PINGs and SETTINGS are answered."""

    def __init__(self, sock, skip=0):
        self.sock, self.buffer, self.skip, self.decoder = sock, b"", skip, hpack.Decoder()
        sock.settimeout(20)

    def take(self, length):
        while len(self.buffer) < length:
            piece = self.sock.recv(1 << 16)
            if not piece:
                raise EOFError
            self.buffer += piece
        out, self.buffer = self.buffer[:length], self.buffer[length:]
        return out

    def next(self):
        self.take(self.skip)
        self.skip = 0
        head = self.take(9)
        kind, flags, stream = head[3], head[4], struct.unpack(">I", head[5:])[0]
        payload = self.take(int.from_bytes(head[:3], "big"))
        if kind in (SETTINGS, PING) and not flags & ACK:
            self.sock.sendall(frame(kind, ACK, 0, payload if kind == PING else b""))
        return kind, flags, stream, payload

    def answers(self, count):
        """{stream: (header fields, data)} of so many streams, when they have ended"""
        streams, ended = {}, 0
        while ended < count:
            kind, flags, number, payload = self.next()
            fields, data = streams.get(number, ({}, b""))
            if kind == HEADERS:
                fields = fields | dict(self.decoder.decode(payload))
            if kind in (HEADERS, DATA):
                streams[number] = fields, data + (payload if kind == DATA else b"")
                ended += flags & END_STREAM
        return streams


def field(number, value):
    return bytes([number << 3 | 2, len(value)]) + value


def prefixed(message):
    return struct.pack(">BI", 0, len(message)) + message


def version(name=b"s", creation=b"2024-01-02T00:00:00Z", more=b""):
    return field(2, name) + field(5, creation) + more


def call(method, message):
    return headers(path=f"/Replication/{method}"), prefixed(message)


def step(to=version(), config=field(6, field(1, b"\x08\1\x10\2")), filesystem=b"a"):
    return field(1, filesystem) + (field(3, to) if to else b"") + config


ODD_VERSIONS = {"creation": version(creation=b""), "type": version(more=b"\x08\7"), "name": version(name=b"@")}
COMPRESSED = gzip.compress(GOOD[5:])
REQUESTS = {
    "half": (headers(), GOOD[:-1]),
    "half-prefix": (headers(), GOOD[:3]),
    "nothing": (headers(), b""),
    "two": (headers(), GOOD + GOOD),
    "content-type": (headers(content_type="application/json"), GOOD),
    "no-content-type": (headers(without=["content-type"]), GOOD),
    "grpc-web": (headers(content_type="application/grpc-web"), GOOD),
    "grpc+proto": (headers(content_type="application/grpc+proto"), GOOD),
    "flag": (headers(), b"\1" + GOOD[1:]),
    "gzip": (headers(grpc_encoding="gzip"), b"\1" + struct.pack(">I", len(COMPRESSED)) + COMPRESSED),
    "get": (headers(method="GET"), GOOD),
    "path": (headers(path="/Replication"), GOOD),
    "service": (headers(path="/Other/Ping"), GOOD),
    "method": (headers(path="/Replication/Nonsense"), GOOD),
    **{f"timeout={x}": (headers(grpc_timeout=x), GOOD)
       for x in ("", "S", "12", "12x", "-1S", "1.5S", " 1S", "123456789S", "0S", "1n", "99999999H", "00000009M")},
    **{f"authority={i}": (headers(authority=x), GOOD)
       for i, x in enumerate(["", "doesn't matter done by dialer", b"\0\xff:\r\n", "a" * 10000])},
    "protobuf": (headers(), b"\0\0\0\0\2\n\7"),
    "utf-8": (headers(), b"\0\0\0\0\3\n\1\xff"),
    "promise": (headers(), b"\0\xff\xff\xff\xff" + b"x" * 1000),
    "no-to": call("SendDry", step(to=b"")),
    "no-config": call("SendDry", step(config=b"")),
    "dots": call("SendDry", step(filesystem=b"a/..")),
    "no-original": call("SendCompleted", b""),
    "completed-no-config": call("SendCompleted", field(2, step(config=b""))),
    **{f"completed-{name}": call("SendCompleted", field(2, step(to=odd))) for name, odd in ODD_VERSIONS.items()},
    **{f"destroy-{name}": call("DestroySnapshots", field(1, b"a") + field(2, odd)) for name, odd in ODD_VERSIONS.items()},
}


def request():
    for name, (fields, message) in REQUESTS.items():
        ours, program = serve("serve", "./endpoint")
        ours.sendall(OPENING + frame(HEADERS, END_HEADERS, 1, fields) + frame(DATA, END_STREAM, 1, message) +
                     frame(HEADERS, END_HEADERS, 3, headers()) + frame(DATA, END_STREAM, 3, GOOD))
        answers = Frames(ours).answers(2)
        good, data = answers[3]
        assert good["grpc-status"] == "0" and data == GOOD, (name, good)
        ours.close()
        code = program.wait(30)
        assert code == 0, (name, code)
        got = answers[1][0]
        print(f"{name}: {got[':status']} {got.get('grpc-status')} {got.get('grpc-message')}")


DONE = block([("grpc-status", "0")])
WHOLE = [(HEADERS, END_HEADERS, OK), (DATA, 0, GOOD), (HEADERS, END_HEADERS | END_STREAM, DONE)]
ANSWERS = {
    "good": WHOLE,
    "half": [WHOLE[0], (DATA, 0, GOOD[:-1]), WHOLE[2]],
    "no-message": [WHOLE[0], WHOLE[2]],
    "two": [WHOLE[0], (DATA, 0, GOOD + GOOD), WHOLE[2]],
    "flag": [WHOLE[0], (DATA, 0, b"\1" + GOOD[1:]), WHOLE[2]],
    "content-type": [(HEADERS, END_HEADERS, block([(":status", "200"), ("content-type", "text/html")])),
                     (DATA, END_STREAM, b"<html>")],
    "http-503": [(HEADERS, END_HEADERS | END_STREAM, block([(":status", "503"), ("content-type", "text/html")]))],
    "no-status": [WHOLE[0], (DATA, END_STREAM, GOOD)],
    "odd-status": [(HEADERS, END_HEADERS | END_STREAM, block([
        (":status", "200"), ("content-type", "application/grpc"), ("grpc-status", "9999999999999")]))],
    "escapes": [(HEADERS, END_HEADERS | END_STREAM, block([
        (":status", "200"), ("content-type", "application/grpc"), ("grpc-status", "2"),
        ("grpc-message", "%1b[2J%zz%ff")]))],
    "protobuf": [WHOLE[0], (DATA, 0, b"\0\0\0\0\2\n\7"), WHOLE[2]],
    "promise": [WHOLE[0], (DATA, 0, b"\0\xff\xff\xff\xff" + b"x" * 1000)],
    "reset": [(RST_STREAM, 0, b"\0\0\0\2")],
    "refused": [(RST_STREAM, 0, b"\0\0\0\7")],
    "leaves": [WHOLE[0], (DATA, 0, GOOD[:-1])],
    "calm": [(GOAWAY, None, b"\0\0\0\0\0\0\0\x0btoo_many_pings")],
    "bomb": [(HEADERS, END_HEADERS, BOMB)],
    **{f"version-{name}": [WHOLE[0], (DATA, 0, prefixed(field(1, version()) + field(1, odd))), WHOLE[2]]
       for name, odd in ODD_VERSIONS.items()},
}


def answering():
    for name, answer in ANSWERS.items():
        method = ["ListFilesystemVersions", '{"Filesystem":"a"}'] if name.startswith("version-") else ["Ping", '{"Message":"hi"}']
        ours, program = ask(*method, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        frames = Frames(ours, skip=len(PREFACE))
        ours.sendall(frame(SETTINGS, 0, 0))
        while frames.next()[0] != DATA:
            pass
        for kind, flags, payload in answer:
            try:
                ours.sendall(frame(kind, flags or 0, 0 if flags is None else 1, payload))
            except BrokenPipeError:
                break           # it has heard enough
        if name == "leaves":
            ours.close()
        code = program.wait(30)
        print(f"{name}: {code} {program.stdout.read().decode().strip()}")
        ours.close()


def large(size, first=""):
    """An endpoint whose answer is so long."""
    path = os.path.abspath("large")
    with open(path, "w") as f:
        f.write(f"#!/bin/sh\n{first}\nread -r _\nprintf '{{\"Echo\":\"'; head -c {size} /dev/zero | tr '\\0' x; printf '\"}}\\n'\n")
    os.chmod(path, 0o755)
    return path


def until_handled(pid, number):
    """The signal has been taken, and the program sleeps again."""
    deadline = time.monotonic() + 20
    while True:
        with open(f"/proc/{pid}/status") as f:
            status = dict(line.split(":\t", 1) for line in f if ":\t" in line)
        if not int(status["ShdPnd"], 16) >> number - 1 & 1 and status["State"].startswith("S"):
            return
        assert time.monotonic() < deadline
        time.sleep(0.01)


def last():
    size = 1500000
    ours, program = transport.serve(["zr-rpc", "serve", large(size)])
    windows = frame(SETTINGS, 0, 0, b"\0\4\x3f\0\0\0") + frame(WINDOW_UPDATE, 0, 0, b"\x3f\0\0\0")
    ours.sendall(OPENING + windows + frame(HEADERS, END_HEADERS, 1, headers()) + frame(DATA, END_STREAM, 1, GOOD))
    ours.recv(100000, socket.MSG_WAITALL)   # it is on its way, and the kernels have the rest or will have
    program.send_signal(signal.SIGTERM)
    until_handled(program.pid, signal.SIGTERM)
    ours.sendall(frame(PING, ACK, 0, bytes([1, 6, 1, 8, 0, 3, 3, 9])))
    for _ in range(30):     # what it does not read any more
        time.sleep(0.1)
        ours.sendall(frame(WINDOW_UPDATE, 0, 0, b"\0\0\0\1"))
    got = 100000
    while piece := ours.recv(1 << 16):
        got += len(piece)
    ours.close()
    print(program.wait(30), got > size)


def reader():
    calls, size = 60 if "sanitize" in os.environ.get("ZR_BUILD", "") else 150, 1 << 20
    large(size)
    ours, server = serve("serve", "./large")
    batch = subprocess.Popen(["zr-rpc", "-f", f"{ours.fileno()},{ours.fileno()}", "batch"], pass_fds=[ours.fileno()],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    ours.close()
    batch.stdin.write(b"".join(b'{"id":%d,"method":"Ping"}\n' % i for i in range(calls)))
    batch.stdin.close()
    before, since = -1, time.monotonic()
    while time.monotonic() - since < 2:
        if memory(batch.pid) != before:
            before, since = memory(batch.pid), time.monotonic()
        time.sleep(0.05)
    lines = batch.stdout.readlines()
    assert batch.wait(30) == 0 and server.wait(30) == 0
    print(before, sum(1 for x in lines if len(x) > size), calls)


def slow():
    calls, size = 32, 4 << 20
    ran = lambda: len([x for x in os.listdir() if x.startswith("ran.")])
    ours, program = serve("-c", "8", "serve", large(size, "mktemp ran.XXXXXX > log"))
    ours.sendall(OPENING + b"".join(frame(HEADERS, END_HEADERS, 2 * i + 1, headers()) +
                                    frame(DATA, END_STREAM, 2 * i + 1, GOOD) for i in range(calls)))
    before, since, said = -1, time.monotonic(), time.monotonic()
    while time.monotonic() - since < 2:     # until nothing more happens
        if ran() != before:
            before, since = ran(), time.monotonic()
        if time.monotonic() - said > 1:     # or we would be asked whether we live
            ours.sendall(frame(250, 0, 0, b""))
            said = time.monotonic()
        time.sleep(0.05)
    peak = memory(program.pid)
    frames, ended, got = Frames(ours), 0, 0
    ours.sendall(frame(WINDOW_UPDATE, 0, 0, b"\x7f\x00\x00\x00") + b"".join(
        frame(WINDOW_UPDATE, 0, 2 * i + 1, b"\x7f\x00\x00\x00") for i in range(calls)))
    while ended < calls:
        kind, flags, _, payload = frames.next()
        got += len(payload) if kind == DATA else 0
        ended += 1 if kind == HEADERS and flags & END_STREAM else 0
    assert got > calls * size, got
    ours.close()
    assert program.wait(30) == 0
    print(before, calls, peak)


{"break": breaking, "refused": refused, "resets": resets, "request": request, "answer": answering, "last": last, "reader": reader, "slow": slow}[sys.argv[1]](*sys.argv[2:])
