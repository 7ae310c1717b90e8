#!/usr/bin/env python3
"""Compression on the wire: zr and zr -z beside syncoid's pipes, on lines of some rates.

    compression.py [MBIT ...]   in build/bench, with zr in PATH; BENCH_RUNS=3

pipe -> sender -> relay on loopback, of a rate -> receiver -> pipe.  The streams: a text
of random words, random bytes, and both by turns, 1 MiB each.  The rates are 10, 100 and
1,000 Mbit/s, and no limit.  Counted are the processor seconds of what moves and
compresses, on both sides, and the bytes that the relay saw; not the relay, nor what makes
and takes the stream.  Medians of the runs, of which slow lines, where the rate decides,
have one; the contenders take turns.  Ratios are to zr without compression.  The table goes
to standard output, every run to compression.json.
"""
import json, os, platform, random, shutil, socket, statistics, subprocess, sys, time
from dataconn import endpoint, finish, listening, REQUEST, start

RUNS = min(3, int(os.environ.get("BENCH_RUNS", "3")))
RATES = [float(word) for word in sys.argv[1:] if sys.argv[1] != "relay"] or [10, 100, 1000, 0]    # Mbit/s; 0: no limit
MIB = 1 << 20
BLOCK = 16 * MIB        # after which a stream is the same again: out of every window here


def size(rate):
    return (8 if rate == 10 else 64 if rate == 100 else 256 if rate == 1000 else 512) * MIB


# --- the line ---

def relay(rate, listener, target):
    """One connection, as fast as the rate lets it; then the bytes each way, as JSON."""
    moved, gaps = [0, 0], [8 / (rate * 1e6) if rate else 0] * 2
    near, _ = listener.accept()
    far = socket.create_connection(target)
    for end in (near, far):
        end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def copy(way, source, sink):
        # A fiftieth of a second, at most, is on the way here.
        piece = max(1500, min(128 << 10, int(rate * 1e6 / 8 / 50))) if rate else 128 << 10
        free, buffer = time.monotonic(), memoryview(bytearray(piece))
        while got := source.recv_into(buffer):
            moved[way] += got
            free = max(free, time.monotonic() - 0.001) + got * gaps[way]
            while (left := free - time.monotonic()) > 0:
                time.sleep(left)
            sink.sendall(buffer[:got])
        sink.shutdown(socket.SHUT_WR)

    child = os.fork()
    if child == 0:
        try:
            copy(1, far, near)
        finally:
            os._exit(0)
    try:
        copy(0, near, far)
    except OSError:
        pass
    os.waitpid(child, 0)
    print(moved[0], flush=True)


def line(rate, target):
    """A relay in front of this port: its process and its own port."""
    listener = socket.socket()
    if rate:
        # What waits in a buffer has not been limited yet.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 10)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    process = subprocess.Popen([sys.executable, os.path.abspath(__file__), "relay", str(rate), str(listener.fileno()),
                                str(target)], pass_fds=[listener.fileno()], stdout=subprocess.PIPE, text=True)
    port = listener.getsockname()[1]
    listener.close()
    return process, port


def on_the_wire(process):
    words = process.communicate()[0].split()
    if process.returncode != 0 or not words:
        raise SystemExit(f"the relay: status {process.returncode}")
    return int(words[0])


# --- the streams ---

def streams():
    rng = random.Random(1)
    letters = "etaoinshrdlucmfwypvbgkqjxz"
    words = ["".join(rng.choices(letters, range(26, 0, -1), k=rng.randint(2, 11))) for _ in range(4000)]
    weights = [1 / (n + 3) for n in range(len(words))]
    text = " ".join(rng.choices(words, weights, k=BLOCK // 5)).encode()
    assert len(text) >= BLOCK
    noise = rng.randbytes(BLOCK)
    made = {"text": text[:BLOCK], "random": noise,
            "mixed": b"".join((text, noise)[n & 1][n * MIB:(n + 1) * MIB] for n in range(BLOCK // MIB))}
    for name, block in made.items():
        with open(f"stream-{name}", "wb") as f:
            f.write(block)
    return list(made)


def producer(stream, length):
    """The block over and over: length bytes."""
    script = 'exec 2> /dev/null; while cat "$0"; do :; done | head -c "$1"'
    return subprocess.Popen(["bash", "-c", script, f"stream-{stream}", str(length)], stdout=subprocess.PIPE)


def consumer(length):
    """It takes all, and says whether it was all."""
    return subprocess.Popen(["sh", "-c", f"[ $(wc -c) = {length} ]"], stdin=subprocess.PIPE)


# --- the contenders ---

def free_port():
    with socket.create_server(("127.0.0.1", 0)) as one:
        return one.getsockname()[1]


def zr(stream, rate, *options):
    length, port = size(rate), free_port()
    take = endpoint("serve-compression", f"[ $(wc -c) = {length} ] && echo '{{}}'")
    listen = subprocess.Popen(["zr-listen", f"tcp:127.0.0.1:{port}", "zr-handshake", "accept", "zr-mux", "accept",
                               "zr-serve", "-S", os.path.abspath("server.json"), take])
    while not listening(port):
        time.sleep(0.01)
    wire, near = line(rate, port)
    make = producer(stream, length)
    began = time.monotonic()
    client = start(["zr-remote", *options, "-S", "client.json", f"tcp:127.0.0.1:{near}", "Receive", REQUEST],
                   make.stdout, subprocess.DEVNULL)
    finish(client)
    elapsed = time.monotonic() - began
    seen = on_the_wire(wire)
    listen.terminate()
    listen.wait(), make.wait()
    sides = [json.load(open(f"{name}.json")) for name in ("client", "server")]
    assert all(side["bytes"] == length for side in sides), sides
    return elapsed, sum(side["cpu"] for side in sides), seen


def pipes(stream, rate, pack, unpack):
    """What syncoid does, with mbuffer's own connection in the place of ssh."""
    length, port = size(rate), free_port()
    take = consumer(length)
    buffers = ["mbuffer", "-q", "-s", "128k", "-m", "16M"]
    receivers = [start([*buffers, "-I", f"127.0.0.1:{port}"], subprocess.DEVNULL, subprocess.PIPE)]
    receivers.append(start(unpack, receivers[0].stdout, take.stdin))
    while not listening(port):
        time.sleep(0.01)
    wire, near = line(rate, port)
    make = producer(stream, length)
    began = time.monotonic()
    senders = [start(pack, make.stdout, subprocess.PIPE)]
    senders.append(start([*buffers, "-O", f"127.0.0.1:{near}"], senders[0].stdout, subprocess.DEVNULL))
    cpu = sum(finish(p) for p in senders + receivers)
    if take.wait() != 0:
        raise SystemExit(f"{pack}: not all of the stream came")
    elapsed = time.monotonic() - began
    make.wait()
    return elapsed, cpu, on_the_wire(wire)


CONTENDERS = {
    "zr": lambda stream, rate: zr(stream, rate),
    "zr -z": lambda stream, rate: zr(stream, rate, "-z"),
    "lzop, mbuffer": lambda stream, rate: pipes(stream, rate, ["lzop", "-c"], ["lzop", "-dc"]),
    "zstd -3, mbuffer": lambda stream, rate: pipes(stream, rate, ["zstd", "-qc3"], ["zstd", "-qdc"]),
    "zstd --adapt, mbuffer": lambda stream, rate: pipes(stream, rate, ["zstd", "-qc", "--adapt"], ["zstd", "-qdc"]),
}


def main():
    present = [name for name in CONTENDERS
               if shutil.which(name.split()[0].strip(",")) and (name.startswith("zr") or shutil.which("mbuffer"))]
    result = {"runs": RUNS, "cores": os.cpu_count(), "kernel": platform.release(), "lines": [],
              "absent": [name for name in CONTENDERS if name not in present]}
    kinds = streams()
    print(f"medians of {RUNS} runs (1 at up to 100 Mbit/s), {os.cpu_count()} cores; ratios are to \"zr\"")
    for rate in RATES:
        for kind in kinds:
            runs = {name: [] for name in present}
            for _ in range(1 if 0 < rate <= 100 else RUNS):
                for name in present:
                    runs[name].append(CONTENDERS[name](kind, rate))
            medians = {name: [statistics.median(run[n] for run in of) for n in range(3)] for name, of in runs.items()}
            rows = {name: {"seconds": round(m[0], 3), "cpu_seconds": round(m[1], 3), "wire_bytes": round(m[2]),
                           "to_plain": [round(mine / plain, 3) for mine, plain in zip(m, medians["zr"])],
                           "all": runs[name]} for name, m in medians.items()}
            result["lines"].append({"mbit": rate, "stream": kind, "bytes": size(rate), "contenders": rows})
            print(f"\n{f'{rate:g} Mbit/s' if rate else 'no limit'}, {kind}, {size(rate) // MIB} MiB")
            for name, row in rows.items():
                seconds, cpu, wire = row["to_plain"]
                print(f"{name:24}{row['seconds']:8.2f} s{row['cpu_seconds']:8.2f} CPU-s"
                      f"{row['wire_bytes'] / MIB:8.1f} MiB on the wire    {seconds:6.2f}{cpu:7.2f}{wire:7.2f}", flush=True)
    for name in result["absent"]:
        print(f"{name:24} absent here")
    with open("compression.json", "w") as f:
        json.dump(result, f, indent=1)
        f.write("\n")


if __name__ == "__main__":
    if sys.argv[1:2] == ["relay"]:
        relay(float(sys.argv[2]), socket.socket(fileno=int(sys.argv[3])), ("127.0.0.1", int(sys.argv[4])))
    else:
        main()
