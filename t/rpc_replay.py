#!/usr/bin/python3
"""Replay a recorded control connection against zr-rpc.

    rpc_replay.py server NAME   zr-rpc serve, fed what the recorded client
                                said, must answer as the recorded server did
    rpc_replay.py client NAME   zr-rpc METHOD, given the recorded request,
                                must say what the recorded client said, and
                                understand the recorded answer
    rpc_replay.py endpoint NAME METHOD    (used by the first)

Compared are each stream's header lists and data; how they are cut into
frames, and in what order they come, is free.
"""
import importlib, json, os, socket, struct, subprocess, sys, tempfile, threading, time
import hpack

HERE = os.path.dirname(os.path.abspath(__file__))
DATA = os.path.join(HERE, "data", "recordings")
HEADS = {"c2s": 67 + 64 + 24, "s2c": 67}
ME = ["/usr/bin/python3", os.path.abspath(__file__)]


def messages():
    with tempfile.TemporaryDirectory() as d:
        proto = os.path.join(HERE, "..", "proto")
        subprocess.run(["protoc", f"--proto_path={proto}", f"--python_out={d}",
                        "zrepl.proto"], check=True, stderr=subprocess.DEVNULL)
        sys.path.insert(0, d)
        return importlib.import_module("zrepl_pb2")


def recorded(name, direction, head=True):
    with open(f"{DATA}/{name}.control.{direction}.bin", "rb") as f:
        return f.read()[HEADS[direction] if head else 0:]


def frames(data):
    at = 0
    while at + 9 <= len(data):
        length = int.from_bytes(data[at:at + 3], "big")
        if at + 9 + length > len(data):
            break
        yield data[at + 3], data[at + 4], struct.unpack(">I", data[at + 5:at + 9])[0], data[at + 9:at + 9 + length]
        at += 9 + length


def streams(data):
    """{stream id: ([header list...], data, ended)}"""
    out, decoder = {}, hpack.Decoder()
    for kind, flags, stream, payload in frames(data):
        if kind in (0, 1):
            lists, body, ended = out.get(stream, ([], b"", False))
            if kind == 1:
                lists = lists + [[tuple(x) for x in decoder.decode(payload)]]
            else:
                body += payload
            out[stream] = (lists, body, ended or bool(flags & 1))
    return out


def ends(data):
    return sum(1 for kind, flags, _, _ in frames(data) if kind in (0, 1) and flags & 1)


def play(sock, name, mine, theirs):
    """Say what `mine` said, answers no earlier than they were; return what came."""
    said, heard, want = recorded(name, mine, False), bytearray(), recorded(name, theirs, False)
    done = threading.Event()
    skip = HEADS[theirs] - 67 - 64 if theirs == "c2s" else 0

    def listen():
        try:
            while piece := sock.recv(1 << 16):
                heard.extend(piece)
        except ConnectionResetError:
            pass
        done.set()

    threading.Thread(target=listen, daemon=True).start()
    # The recorded client raised its window and got an ACK; ours has not.
    surplus, at = [], HEADS[mine]
    for kind, flags, _, payload in frames(said[at:]):
        surplus += [at] if mine == "s2c" and kind == 4 and flags & 1 else []
        at += 9 + len(payload)
    surplus = surplus[1:]
    offset = 0
    with open(f"{DATA}/{name}.control.events.jsonl") as events:
        for event in map(json.loads, events):
            if event["ev"] not in ("data", "eof", "reset"):
                continue
            if event["dir"] == theirs:
                offset = event["off"] + event["n"] if event["ev"] == "data" else offset
                continue
            need = ends(want[HEADS[theirs]:offset])
            deadline = time.monotonic() + 30
            while ends(heard[skip:]) < need and time.monotonic() < deadline and not done.is_set():
                time.sleep(0.005)
            try:
                if event["ev"] != "data":
                    sock.shutdown(socket.SHUT_WR)
                else:
                    start = max(event["off"], HEADS[mine] - (24 if mine == "c2s" else 0))
                    end = event["off"] + event["n"]
                    for gone in (g for g in surplus if start <= g < end):
                        sock.sendall(said[start:gone])
                        start = gone + 9
                    sock.sendall(said[start:end])
            except OSError:
                break
    done.wait(30)
    return bytes(heard[skip:])


def path_of(stream):
    return dict(stream[0][0])[":path"].rpartition("/")[2]


TYPES = {"ListFilesystems": ("ListFilesystemReq", "ListFilesystemRes"), "SendDry": ("SendReq", "SendRes")}


def types(method):
    return TYPES.get(method, (method + "Req", method + "Res"))


def as_json(pb, kind, message):
    from google.protobuf.json_format import MessageToDict
    return MessageToDict(getattr(pb, kind).FromString(message), preserving_proto_field_name=True)


def as_server(name):
    ours, theirs = socket.socketpair()
    program = subprocess.Popen(["zr-rpc", "serve"] + ME + ["endpoint", name], stdin=theirs, stdout=theirs)
    theirs.close()
    got = streams(play(ours, name, "c2s", "s2c"))
    code = program.wait(30)
    want = streams(recorded(name, "s2c"))
    for number, (lists, body, ended) in want.items():
        if not ended:           # the client gave up in the middle
            mine = got.get(number, ([], b"", False))[1]
            assert body.startswith(mine) or mine.startswith(body)
        elif got.get(number) != (lists, body, ended):
            sys.exit(f"stream {number}: got {got.get(number)}\nwant {lists, body, ended}")
    if code != 0:
        sys.exit(f"exit {code}")


def as_endpoint(name, method):
    pb, answers = messages(), streams(recorded(name, "s2c"))
    request = json.loads(sys.stdin.readline())
    for number, asked in streams(recorded(name, "c2s")).items():
        if path_of(asked) != method or as_json(pb, types(method)[0], asked[1][5:]) != request:
            continue
        if number not in answers or not answers[number][2]:
            time.sleep(60)      # never answered
        lists, body, _ = answers[number]
        text = dict(lists[-1]).get("grpc-message", "")
        if not body:
            from urllib.parse import unquote_to_bytes
            sys.stderr.buffer.write(unquote_to_bytes(text))
            sys.exit(1)
        print(json.dumps(as_json(pb, types(method)[1], body[5:])))
        return
    sys.exit(f"no such request: {request}")


def as_client(name):
    pb, said, answers = messages(), streams(recorded(name, "c2s")), streams(recorded(name, "s2c"))
    ours, theirs = socket.socketpair()
    theirs.set_inheritable(True)
    calls = [{"id": n, "method": path_of(s), "request": as_json(pb, types(path_of(s))[0], s[1][5:])}
             for n, s in said.items()]
    program = subprocess.Popen(["zr-rpc", "-f", f"{theirs.fileno()},{theirs.fileno()}", "-m", "4", "batch"],
                               pass_fds=[theirs.fileno()], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    theirs.close()
    result = {}

    def ask():      # one after the other, as they were
        lines = []
        for call in calls:
            program.stdin.write(json.dumps(call) + "\n")
            program.stdin.flush()
            lines.append(json.loads(program.stdout.readline()))
        program.stdin.close()
        result["lines"] = lines

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    heard = streams(play(ours, name, "s2c", "c2s"))
    asking.join(30)
    code = program.wait(30)
    drop = lambda s: [(k, v) for k, v in s[0][0] if k != "grpc-timeout"]
    for number, asked in said.items():
        if drop(heard[number]) != drop(asked) and "v061" not in name:
            sys.exit(f"headers {heard[number][0]}\nwant {asked[0]}")
        if heard[number][1:] != asked[1:]:
            sys.exit(f"said {heard[number][1:]}, not {asked[1:]}")
    for line in result["lines"]:
        lists, body, ended = answers.get(line["id"], ([[]], b"", False))
        status = int(dict(lists[-1]).get("grpc-status", -1))
        if status == 0:
            want = as_json(pb, types(path_of(said[line["id"]]))[1], body[5:])
            if line.get("response") != want:
                sys.exit(f"{line}\nwant {want}")
        elif "error" not in line:
            sys.exit(f"{line}: an error was the answer")
        if "over-4MiB" in name and "(5433091 vs. 4194304)" not in line["error"]["message"]:
            sys.exit(f"{line}")
    if code not in (0, 98):
        sys.exit(f"exit {code}")


if __name__ == "__main__":
    {"server": as_server, "client": as_client, "endpoint": as_endpoint}[sys.argv[1]](*sys.argv[2:])
