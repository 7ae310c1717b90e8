#!/usr/bin/python3
"""Replay a recorded control connection against zr-rpc, in the recorded time.

    rpc_replay.py server NAME   zr-rpc serve, fed what the recorded client
                                said, must answer as the recorded server did
    rpc_replay.py client NAME   zr-rpc batch, given the recorded requests,
                                must say what the recorded client said, and
                                understand the recorded answers
    rpc_replay.py endpoint FILE METHOD    (used by the first)

The transport is transport.py's.

Compared are each stream's header lists and data and whether it was ended;
SETTINGS, PING, GOAWAY and RST_STREAM with all they hold, in their order, and
when they came (but for the time our endpoint takes); the end of the connection,
and when; and what the program made of it.  Free are, because HTTP/2 leaves them to each side:

  - how data is cut into frames, and in what order streams' frames come;
  - WINDOW_UPDATE, and the PINGs (02041010090e0707) by which grpc-go estimates
    bandwidth, and its INITIAL_WINDOW_SIZE thereafter.  We answer them;
  - the last stream of a client's GOAWAY: grpc-go puts a number of its own
    there, where HTTP/2 wants one of the server's, and we say 0;
  - whether a server says DEADLINE_EXCEEDED to a call whose client gives it up in the
    same moment: both clocks run out at once;
  - whether one who leaves, or hears the other leave, still answers its last PING;
  - how zrepl 0.6.1 differs from 0.7.0, whose ways ours are: :authority,
    user-agent, and that its client ends with a reset instead of GOAWAY.
"""
import importlib, json, os, re, select, signal, socket, struct, subprocess, sys, tempfile, threading, time
from urllib.parse import unquote_to_bytes
import transport

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(HERE, "..", "data", "recordings")
ME = ["/usr/bin/python3", os.path.abspath(__file__)]
BANNER, LABEL, PREFACE = 67, 64, 24
HEADS = {"c2s": BANNER + LABEL + PREFACE, "s2c": BANNER}    # before the first frame
TOLERANCE = float(os.environ.get("ZR_REPLAY_TOLERANCE", 2)) # seconds, on a busy machine
ESTIMATE = bytes.fromhex("02041010090e0707")
DATA_FRAME, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY = 0, 1, 3, 4, 6, 7
INITIAL_WINDOW_SIZE = 4
IDLE_PING, IDLE_PING_ACK = (bytes([0, 0, 8, PING, flags]) + bytes(12) for flags in (0, 1))
TOO_LATE = ([[(":status", "200"), ("content-type", "application/grpc"), ("grpc-status", "4"),
              ("grpc-message", "context deadline exceeded")]], b"", True)


def messages():
    with tempfile.TemporaryDirectory() as d:
        proto = os.path.join(HERE, "..", "..", "proto")
        subprocess.run(["protoc", f"--proto_path={proto}", f"--python_out={d}",
                        "zrepl.proto"], check=True, stderr=subprocess.DEVNULL)
        sys.path.insert(0, d)
        return importlib.import_module("zrepl_pb2")


class Tape:
    """One direction: its bytes from the first frame on, and when they came."""

    def __init__(self):
        self.bytes, self.marks, self.end, self.slow = bytearray(), [], None, False

    def add(self, piece, at):
        self.bytes += piece
        self.marks.append((len(self.bytes), at))

    def frames(self):
        """(type, flags, stream, payload, time) of every whole frame"""
        at, mark = 0, 0
        while at + 9 <= len(self.bytes):
            length = int.from_bytes(self.bytes[at:at + 3], "big")
            if at + 9 + length > len(self.bytes):
                break
            kind, flags, stream = struct.unpack(">BBI", self.bytes[at + 3:at + 9])
            payload = bytes(self.bytes[at + 9:at + 9 + length])
            at += 9 + length
            while self.marks[mark][0] < at:
                mark += 1
            yield kind, flags, stream, payload, self.marks[mark][1]

    def streams(self):
        """{stream: ([header list...], data, ended)}"""
        import hpack
        out, decoder = {}, hpack.Decoder()
        for kind, flags, stream, payload, _ in self.frames():
            if kind in (DATA_FRAME, HEADERS):
                lists, body, ended = out.get(stream, ([], b"", False))
                if kind == HEADERS:
                    lists = lists + [[tuple(x) for x in decoder.decode(payload)]]
                else:
                    body += payload
                out[stream] = (lists, body, ended or bool(flags & 1))
        return out

    def control(self, for_goaway=True):
        """[(time, what)] of the frames that have to be as recorded"""
        out = []
        for kind, flags, stream, payload, at in self.frames():
            if kind == SETTINGS and flags & 1:
                out.append((at, "SETTINGS ACK"))
            elif kind == SETTINGS:
                values = [struct.unpack(">HI", payload[i:i + 6]) for i in range(0, len(payload), 6)]
                if [k for k, _ in values] != [INITIAL_WINDOW_SIZE]:
                    out.append((at, f"SETTINGS {values}"))
            elif kind == PING and (flags & 1 or payload != ESTIMATE):
                out.append((at, f"PING {'ACK ' * (flags & 1)}{payload.hex()}"))
            elif kind == GOAWAY:
                last, code = struct.unpack(">II", payload[:8])
                out.append((at, f"GOAWAY {last if for_goaway else '-'} {code} {payload[8:]}"))
            elif kind == RST_STREAM:
                out.append((at, f"RST_STREAM {stream} {struct.unpack('>I', payload)[0]}"))
        return out

    def progress(self):
        """What the other side may have waited for: data, ends, control frames, EOF"""
        frames = list(self.frames())
        return [sum(len(p) for k, _, _, p, _ in frames if k == DATA_FRAME),
                sum(1 for k, f, _, _, _ in frames if k in (DATA_FRAME, HEADERS) and f & 1),
                len(self.control()), self.end is not None]


def events(name):
    with open(f"{DATA}/{name}.control.events.jsonl") as f:
        return [e for e in map(json.loads, f) if e["ev"] in ("data", "eof", "reset")]


def raw(name, direction):
    with open(f"{DATA}/{name}.control.{direction}.bin", "rb") as f:
        return f.read()


def recorded(name, direction, count=None):
    """The tape of a direction, as it was after so many events."""
    tape, data = Tape(), raw(name, direction)
    for e in events(name)[:count]:
        if e.get("dir") != direction:
            continue
        if e["ev"] != "data":
            tape.end = e["t"]
        elif e["off"] + e["n"] > HEADS[direction]:
            tape.add(data[max(e["off"], HEADS[direction]):e["off"] + e["n"]], e["t"])
    return tape


def surplus_acks(name, mine):
    """Places of SETTINGS ACKs that answer what only the recorded client said."""
    at, out = 0, []
    for kind, flags, _, payload, _ in recorded(name, mine).frames():
        out += [at + HEADS[mine]] if mine == "s2c" and kind == SETTINGS and flags & 1 else []
        at += 9 + len(payload)
    return out[1:]


def play(sock, name, mine, theirs, at_time=lambda t: None, answers=True):
    """Say what `mine` said, when it was said and, where it answers, not before what it answers."""
    start, heard, said = time.monotonic(), Tape(), raw(name, mine)
    skip = PREFACE if theirs == "c2s" else 0
    shift = 0           # how long we have waited for answers
    # It may idle for our endpoint where the recorded one did not; answer that.
    idles = IDLE_PING not in recorded(name, theirs).bytes
    now = lambda: time.monotonic() - start - shift

    def listen(seconds):
        nonlocal skip
        if heard.end is not None:
            return time.sleep(max(0, min(seconds, 0.01)))
        if not select.select([sock], [], [], max(0, seconds))[0]:
            return
        try:
            piece = sock.recv(1 << 16)
        except ConnectionResetError:
            piece = b""
        if not piece:
            heard.end = now()
        elif piece[skip:]:
            heard.add(piece[skip:], now())
            if idles and IDLE_PING in heard.bytes[-len(piece) - len(IDLE_PING):]:
                say(IDLE_PING_ACK)
        skip = max(0, skip - len(piece))

    def say(words):
        try:
            sock.sendall(words)
        except OSError:
            pass            # one of us has closed; whether it may have, we will see

    def behind(want, count):
        return any(h < w for h, w in zip(heard.progress()[:count], want))

    surplus = surplus_acks(name, mine)
    for i, event in enumerate(events(name)):
        while now() < event["t"]:
            at_time(now())
            listen(min(event["t"] - now(), 0.05))
        at_time(event["t"])
        if event["dir"] == theirs:
            while event["ev"] == "eof" and heard.end is None and now() < event["t"] + 10:
                listen(0.05)    # who was the first to go stays the first
            continue
        want, patience = recorded(name, theirs, i).progress(), now() + 10
        while answers and behind(want, 4) and now() < patience and heard.end is None:
            before, answer = time.monotonic(), behind(want, 2)
            listen(0.05)
            shift += time.monotonic() - before if answer else 0
        if event["ev"] == "eof":
            try:
                sock.shutdown(socket.SHUT_WR)
            except OSError:
                pass        # it has reset the connection
        elif event["ev"] == "reset":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sock.close()
            return heard
        else:
            begin = max(event["off"], HEADS[mine] - (PREFACE if mine == "c2s" else 0))
            end = event["off"] + event["n"]
            for gone in (g for g in surplus if begin <= g < end):
                say(said[begin:gone])
                begin = gone + 9
            say(said[begin:end])
    heard.slow = shift > 4
    patience = now() + 20
    while heard.end is None and now() < patience:
        at_time(now())
        listen(0.05)
    return heard


def has_goaway(tape):
    return any("GOAWAY" in what for _, what in tape.control())


def compare_control(heard, want, goaway_came, for_goaway=True):
    got, want_list = heard.control(for_goaway), want.control(for_goaway)
    idle = f"PING {bytes(8).hex()}"
    count = lambda frames: sum(what == idle for _, what in frames)
    while heard.slow and count(got) > count(want_list):     # it idled for our endpoint
        del got[max(i for i, x in enumerate(got) if x[1] == idle)]
    for longer, shorter in ((got, want_list), (want_list, got)):
        if len(longer) == len(shorter) + 1 and longer[-1][1].startswith("PING ACK") and goaway_came:
            longer.pop()
    if [w for _, w in got] != [w for _, w in want_list]:
        sys.exit(f"got {got}\nwant {want_list}")
    times = [(g[0], w[0], w[1]) for g, w in zip(got, want_list)]
    if want.end is not None:
        times += [(heard.end if heard.end is not None else 1e9, want.end, "end of the connection")]
    for mine, theirs, what in times:
        if abs(mine - theirs) > TOLERANCE:
            sys.exit(f"{what} came at {mine:.2f} s, not at {theirs:.2f} s")


def path_of(stream):
    return dict(stream[0][0])[":path"].rpartition("/")[2]


TYPES = {"ListFilesystems": ("ListFilesystemReq", "ListFilesystemRes"), "SendDry": ("SendReq", "SendRes")}


def types(method):
    return TYPES.get(method, (method + "Req", method + "Res"))


def as_json(pb, kind, message):
    from google.protobuf.json_format import MessageToDict
    return MessageToDict(getattr(pb, kind).FromString(message), preserving_proto_field_name=True)


def as_server(name):
    file = tempfile.NamedTemporaryFile("w", suffix=".json")
    json.dump(answers_for_endpoint(name), file)
    file.flush()
    ours, program = transport.serve(["zr-rpc", "serve"] + ME + ["endpoint", file.name])
    want = recorded(name, "s2c")
    stop = [at for at, what in want.control() if "graceful_stop" in what][:1]

    def at_time(t):
        if stop and t >= stop[0]:
            stop.clear()
            program.send_signal(signal.SIGTERM)

    heard = play(ours, name, "c2s", "s2c", at_time)
    code = program.wait(30)
    got, streams = heard.streams(), want.streams()
    for number in set(got) | set(streams):
        lists, body, ended = streams.get(number, ([], b"", False))
        if "timeout" in name and got.get(number) == TOO_LATE:
            continue
        if "over-4MiB" in name:     # the client gave it a last window, and gave up
            ended = got[number][2]
            body = got[number][1] if got[number][1].startswith(body) else body
        if got.get(number, ([], b"", False)) != (lists, body, ended):
            sys.exit(f"stream {number}: got {got.get(number)}\nwant {lists, body, ended}")
    if heard.end is None and "v061" not in name:
        sys.exit("it does not close")
    compare_control(heard, want, has_goaway(recorded(name, "c2s")))
    expect = {"r11": 99, "r12": 98}.get(name[:3], 0)
    if code != expect:
        sys.exit(f"exit {code}, not {expect}")


def answer_100000(pb):
    """What the recorded server would have said, had its client listened."""
    return pb.ListFilesystemVersionsRes(Versions=[pb.FilesystemVersion(
        Name=f"zrepl_{i:08}", Guid=(i * 0x9E3779B97F4A7C15 + 1) % 2 ** 64, CreateTXG=i + 1,
        Creation=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(1600000000 + i))) for i in range(100000)])


def answers_for_endpoint(name):
    pb, answered, asked = messages(), recorded(name, "s2c"), recorded(name, "c2s")
    answers, out = answered.streams(), []
    when = lambda tape, number: next(t for k, _, s, _, t in tape.frames() if (k, s) == (HEADERS, number))
    for number, stream in asked.streams().items():
        method = path_of(stream)
        out.append({"method": method, "request": as_json(pb, types(method)[0], stream[1][5:]), "delay": 60})
        if number not in answers:
            continue            # never answered
        lists, body, _ = answers[number]
        out[-1]["delay"] = max(0, when(answered, number) - when(asked, number) - 0.1)
        if not body:
            out[-1]["error"] = dict(lists[-1]).get("grpc-message", "")
            continue
        message, length = body[5:], struct.unpack(">I", body[1:5])[0]
        if len(message) != length:
            message = answer_100000(pb).SerializeToString()
            assert len(message) == length and message.startswith(body[5:])
        out[-1]["response"] = as_json(pb, types(method)[1], message)
    return out


def as_endpoint(file, method):
    request = json.loads(sys.stdin.readline())
    with open(file) as f:
        found = [x for x in json.load(f) if (x["method"], x["request"]) == (method, request)]
    if not found:
        sys.exit(f"no such request: {request}")
    time.sleep(found[0]["delay"])
    if "error" in found[0]:
        sys.stderr.buffer.write(unquote_to_bytes(found[0]["error"]))
        sys.exit(1)
    print(json.dumps(found[0]["response"]))


def compare_headers(name, got, want):
    timeouts = [dict(x).get("grpc-timeout", "") for x in (got, want)]
    shape = [re.sub(r"^\d{6}", "6 digits ", x) for x in timeouts]
    differ = {"grpc-timeout"} | ({":authority", "user-agent"} if "v061" in name else set())
    rest = [[(k, v) for k, v in x if k not in differ] for x in (got, want)]
    if rest[0] != rest[1] or shape[0] != shape[1] or \
            [k for k, _ in got] != [k for k, _ in want] or \
            (dict(got)[":authority"], dict(got)["user-agent"]) != ("", "grpc-go/1.78.0"):
        sys.exit(f"headers {got}\nwant {want}")


ABUSED = {"r11": (98, "the peer closed the connection"), "r12": (98, "ENHANCE_YOUR_CALM, too_many_pings"), "r13": (0, "")}


def as_client(name):
    if name[:3] in ABUSED:
        return as_abused(name)
    pb, said, answers = messages(), recorded(name, "c2s"), recorded(name, "s2c").streams()
    asked = said.streams()
    ours, program = transport.call(["zr-rpc", "-m", "4"] + (["-t", "0.498"] if "timeout" in name else []) + ["batch"],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    lines, asking = [], threading.Thread(target=lambda: lines.extend(program.stdout), daemon=True)
    asking.start()
    calls = [(t, stream) for kind, _, stream, _, t in said.frames() if kind == HEADERS]
    leaves = [t for t, what in said.control() if "GOAWAY" in what] or [said.end]
    stays = "SIGTERM" in name       # the server's word ends it, not its input

    def at_time(t):
        while calls and t >= calls[0][0]:
            number = calls.pop(0)[1]
            method = path_of(asked[number])
            program.stdin.write(json.dumps({"id": number, "method": method, "request":
                as_json(pb, types(method)[0], asked[number][1][5:])}).encode() + b"\n")
            program.stdin.flush()
        if leaves and t >= leaves[0] and not stays:
            leaves.clear()
            program.stdin.close()

    heard = play(ours, name, "s2c", "c2s", at_time)
    code = program.wait(30)
    asking.join(30)
    got = heard.streams()
    for number, stream in asked.items():
        if number not in got:
            sys.exit(f"call {number} was not made")
        compare_headers(name, got[number][0][0], stream[0][0])
        if got[number][1:] != stream[1:]:
            sys.exit(f"said {got[number][1:]}, not {stream[1:]}")
    if "v061" not in name:
        compare_control(heard, said, has_goaway(recorded(name, "s2c")), for_goaway=False)
    results = {x["id"]: x for x in map(json.loads, lines)}
    if set(results) != set(asked):
        sys.exit(f"answered: {results}, not {set(asked)}")
    compare_results(name, pb, results, asked, answers)
    expect = 98 if stays else 0
    if code != expect:
        sys.exit(f"exit {code}, not {expect}")


def as_abused(name):
    """
    The recorded client was made to break the rules of keepalive, which ours
    does not: it hears what the server had to say to that, PING ACKs that it did
    not ask for included, and must end as told.
    """
    ours, program = transport.call(["zr-rpc", "batch"], stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    leaves, left = (recorded(name, direction).end for direction in ("c2s", "s2c"))

    def at_time(t):
        if leaves is not None and left > leaves <= t:   # it was the first to go
            program.stdin.close()

    heard = play(ours, name, "s2c", "c2s", at_time, answers=False)
    program.stdin.close()
    program.wait(30)
    errors = program.stderr.read()
    code, text = ABUSED[name[:3]]
    if program.returncode != code or text not in errors.decode():
        sys.exit(f"exit {program.returncode}, not {code}: {errors.decode()}")
    said = [e["t"] for e in events(name) if e["dir"] == "s2c" and e["ev"] == "data"]
    for at, what in heard.control():
        if what == f"PING {bytes(8).hex()}" and at < max(t for t in said if t < at) + 9:
            sys.exit(f"it sends a PING of its own at {at:.2f} s, though the server does")


def compare_results(name, pb, results, asked, answers):
    for number, line in results.items():
        lists, body, ended = answers.get(number, ([[]], b"", False))
        status = dict(lists[-1]).get("grpc-status")
        if status == "0":
            want = as_json(pb, types(path_of(asked[number]))[1], body[5:])
            if line.get("response") != want:
                sys.exit(f"{line}\nwant {want}")
            continue
        if "timeout" in name:
            want = ("DEADLINE_EXCEEDED", "context deadline exceeded")
        elif "over-4MiB" in name:
            want = ("RESOURCE_EXHAUSTED", "grpc: received message larger than max (5433091 vs. 4194304)")
        else:
            want = ({"2": "UNKNOWN"}[status], unquote_to_bytes(dict(lists[-1])["grpc-message"]).decode())
        if (line["error"]["status"], line["error"]["message"]) != want:
            sys.exit(f"{line}\nwant {want}")


if __name__ == "__main__":
    {"server": as_server, "client": as_client, "endpoint": as_endpoint}[sys.argv[1]](*sys.argv[2:])
