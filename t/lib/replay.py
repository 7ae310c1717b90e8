#!/usr/bin/env python3
"""Replay a recorded data connection against one of our programs.

    replay.py server NAME   our `zr-dataconn serve`, fed what the recorded
                            client said, must answer what the recorded server
                            answered
    replay.py client NAME   our zr-dataconn METHOD, given the recorded client's
                            request, must say what the recorded client said
    replay.py endpoint NAME METHOD   (used by the first) an endpoint that does
                            what the recorded server's handler did

NAME is a file in t/data/recordings without .c2s.bin.  Framing is free: the
two sides are compared as a list of streams, each with its type, its bytes and
how it ended; heartbeats do not count.  What was said after what is kept: a
chunk is only sent once the other side has said as much as it had then; as zrepl
does, we say heartbeats meanwhile.

The transport is transport.py's.
"""
import fcntl, json, os, re, socket, struct, subprocess, sys, threading, time
import transport

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data", "recordings")
TYPES = {1: "ReqHeader", 2: "ReqStructured", 3: "ResHeader", 4: "ResStructured",
         5: "ZFSStream", 0x10000: "Error", 0x20000: "End",
         0x1000000: "Heartbeat", 0x10000000: "Shutdown"}
HEARTBEAT = struct.pack(">II", 0x1000000, 0)
HEADS = {"c2s": 67 + 64, "s2c": 67}     # banner, and the client's label


def recorded(name, direction):
    with open(f"{DATA}/{name}.{direction}.bin", "rb") as f:
        return f.read()


def frames(data):
    at = 0
    while at + 8 <= len(data):
        kind, length = struct.unpack(">II", data[at:at + 8])
        if at + 8 + length > len(data):
            break
        yield TYPES.get(kind, hex(kind)), data[at + 8:at + 8 + length]
        at += 8 + length


def streams(data):
    """[(type, bytes, error text or None)], one entry for each stream."""
    out, kind, payload, error = [], None, b"", None
    for name, piece in frames(data):
        if name == "Heartbeat":
            continue
        if name == "Shutdown":
            out.append(("Shutdown", b"", None))
        elif name == "End":
            out.append((kind, payload, error))
            kind, payload, error = None, b"", None
        elif name == "Error":
            error = (error or b"") + piece
        else:
            kind, payload = name, payload + piece
    if kind is not None:
        out.append((kind + " unfinished", payload, error))
    return out


def weight(data):
    """How much was said: payload bytes and complete streams."""
    total = ends = 0
    for name, piece in frames(data):
        if name in ("End", "Shutdown"):
            ends += 1
        elif name != "Heartbeat":
            total += len(piece)
    return total, ends


def message(name, kind):
    """The recorded request or response as JSON, as zr-dump reads it."""
    dump = subprocess.run(["zr-dump", f"{DATA}/{name}.c2s.bin", f"{DATA}/{name}.s2c.bin"],
                          stdout=subprocess.PIPE, text=True).stdout
    found = re.search(rf"^[<>] \d+ \d+ {kind} .*?({{.*}})$", dump, re.MULTILINE)
    return found[1] if found else "{}"


def compare(what, got, want):
    if got == want:
        return
    print(f"{what} differ:")
    for label, entries in (("got", got), ("want", want)):
        for kind, payload, error in entries:
            print(f"  {label}: {kind} {len(payload)} bytes {payload[:60]!r} error={error!r}")
    sys.exit(1)


def play(sock, name, mine, theirs):
    """Say what `mine` said, no earlier than it did; return what we heard."""
    said, heard = recorded(name, mine), bytearray()
    want = recorded(name, theirs)
    done = threading.Event()

    def listen():
        while True:
            try:
                piece = sock.recv(1 << 20)
            except ConnectionResetError:
                break
            if not piece:
                break
            heard.extend(piece)
        done.set()

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    offset, before, spoke = 0, 0.0, time.monotonic()
    beats, at = set(), HEADS[mine]      # between which frames a heartbeat may be
    if name[0] != "r":                  # a hand-written client says none
        for _, piece in frames(said[at:]):
            beats.add(at)
            at += 8 + len(piece)
    with open(f"{DATA}/{name}.events.jsonl") as events:
        for event in map(json.loads, events):
            if event["ev"] == "connect":
                before = event["t"]
                continue
            if event["ev"] not in ("data", "eof"):
                continue
            if event["dir"] == theirs:
                if event["ev"] == "data":
                    offset = event["off"] + event["n"]
                continue
            start = max(event["off"], HEADS[mine])
            piece = said[start:event["off"] + event.get("n", 0)]
            # The other side has said as much as it had said by then.
            need = weight(want[HEADS[theirs]:offset]) if piece != HEARTBEAT else (0, 0)
            deadline = time.monotonic() + 30
            try:
                while weight(heard) < need and time.monotonic() < deadline and not done.is_set():
                    time.sleep(0.005)
                    if start in beats and time.monotonic() > spoke + 5:
                        sock.sendall(HEARTBEAT)
                        spoke = time.monotonic()
                if event["t"] - before > 1:
                    time.sleep(event["t"] - before)
                before = event["t"]
                if event["ev"] == "eof":
                    sock.shutdown(socket.SHUT_WR)
                else:
                    sock.sendall(piece)
                spoke = time.monotonic()
            except OSError:     # it has closed
                break
    done.wait(30)
    return bytes(heard)


def as_server(name):
    ours, program = transport.serve(
        ["zr-dataconn", "serve", sys.executable, os.path.abspath(__file__), "endpoint", name])
    heard = play(ours, name, "c2s", "s2c")
    code = program.wait(30)
    compare("answers", streams(heard), streams(recorded(name, "s2c")[HEADS["s2c"]:]))
    print(f"{name}: answered as recorded, exit {code}")


def as_endpoint(name, method):
    """What the recorded server's handler did with this request."""
    answer = streams(recorded(name, "s2c")[HEADS["s2c"]:])
    request = json.loads(sys.stdin.buffer.readline() if method != "Receive" else
                         line_of(sys.stdin.fileno()))
    orders = dict(re.findall(r"(\w+)=([^&]*)", request.get("Filesystem", "").partition("?")[2]))
    time.sleep(int(orders.get("delay", "0s")[:-1]))
    header = next((s[1] for s in answer if s[0] == "ResHeader"), b"HANDLER OK\n")
    if header.startswith(b"HANDLER ERROR:\n"):
        sys.stderr.buffer.write(header[15:])
        sys.exit(1)
    if method == "Receive":
        while os.read(0, 1 << 16):
            pass
    print(message(name, "response"), flush=True)
    if method != "Send":
        return
    stream = next((s for s in answer if s[0] == "ZFSStream"), None)
    tail = answer[2] if len(answer) > 2 else None
    payload = stream[1] if stream else b""
    pause = int(orders.get("pauseat", 0))
    os.write(1, payload[:pause]) if pause else None
    time.sleep(int(orders.get("pause", "0s")[:-1]))
    sys.stdout.buffer.write(payload[pause:])
    sys.stdout.flush()
    failure = (stream or tail or (None, b"", None))[2]
    if failure:
        sys.stderr.buffer.write(failure)
        sys.exit(1)


def line_of(fd):
    line = b""
    while not line.endswith(b"\n"):
        line += os.read(fd, 1)
    return line


def as_client(name):
    said = streams(recorded(name, "c2s")[HEADS["c2s"]:])
    answer = streams(recorded(name, "s2c")[HEADS["s2c"]:])
    method = {b"/v1/ping": "Ping", b"/v1/send": "Send", b"/v1/recv": "Receive"}[said[0][1]]
    request = message(name, "request")
    stream = next((s for s in said if s[0] and s[0].startswith("ZFSStream")), None)
    pipe, verdict_write = os.pipe()
    verdict_read = fcntl.fcntl(pipe, fcntl.F_DUPFD, 100)

    environment = dict(os.environ)
    keep = ()
    if method == "Receive":
        environment["ZR_VERDICT"] = str(verdict_read)
        keep = (verdict_read,)
        os.write(verdict_write, (stream[2] if stream[2] else b"0") + b"\n")
    ours, program = transport.call(["zr-dataconn", method, request], pass_fds=keep, env=environment,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    result = {}
    talk = threading.Thread(target=lambda: result.update(
        zip(("out", "err"), program.communicate(stream[1] if stream else b""))))
    talk.start()
    heard = play(ours, name, "s2c", "c2s")
    talk.join(40)
    code = program.returncode
    got = streams(heard)
    refused = [s for s in answer if s[1].startswith(b"HANDLER ERROR:\n")]
    producer = next((s[2] for s in answer + said if s[2]), None)
    if not refused:         # a refused client may stop anywhere in its stream
        compare("requests", [s for s in got if s[0] != "Shutdown"],
                [s for s in said if s[0] != "Shutdown"])
    else:
        compare("requests", got[:2], said[:2])
    text = (refused[0][1][15:] if refused else producer or b"").split(b"\n")[0]
    if text and (code != 1 or text not in result["err"]):
        sys.exit(f"exit {code}, {result['err']!r} does not say {text!r}")
    if not text and "nil-stream" in name:
        if code != 98:
            sys.exit(f"exit {code} without a stream")
    elif not text:
        line, _, payload = result["out"].partition(b"\n")
        if code != 0:
            sys.exit(f"exit {code}: {result['err']!r}")
        if method == "Send":
            want = next((s[1] for s in answer if s[0] == "ZFSStream"), b"")
            if payload != want:
                sys.exit(f"{len(payload)} bytes of stream, not {len(want)}")
    print(f"{name}: said and understood as recorded, exit {code}")


if __name__ == "__main__":
    {"server": as_server, "client": as_client, "endpoint": as_endpoint}[sys.argv[1]](*sys.argv[2:])
