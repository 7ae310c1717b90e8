#!/usr/bin/python3
"""A long line: the throughput of one stream, and what waits for round trips.

    distance.py [stream] [steps] [cold]     in build/bench, with zr in PATH
    BENCH_RUNS=3 BENCH_LINES=4

Each measurement has a line of its own: line.c, two network namespaces and between them
delay, loss and rate for each IP packet, so that TCP is the kernel's.  Round trip times
of 1, 30, 100 and 200 ms; 0, 0.1 and 1 % of the packets lost; 100 Mbit/s.

stream: what arrives of one stream in its first 10 seconds, by zr-remote from
zr-listen (Send) and to it (Receive), by the pump of pump.c and by iperf3, where that is
installed; medians, the congestion control the machine's own, and for 100 ms each one
that it has.  The bytes are random and so are the losses, from the same seeds.
steps: 100 increments of a few hundred bytes, an archive to an archive, one in each of 100
filesystems, -P 1 and default; and all of them in one filesystem, without loss.
cold: a replication with nothing to do, and a Ping, by TCP and by TLS.
Both in round trips: how much longer it takes at 100 ms than at 0, divided by 100 ms.

There are at most 3 runs, and four times as many for cold.  BENCH_LINES lines are in use at
once, twice as many for steps: they mostly wait.  On a busy machine run all of it with real-time
priority (chrt -r 1), or the numbers are the machine's.  The tables go to standard output,
every run to distance.json.
"""
import concurrent.futures, ctypes, json, os, shutil, socket, statistics, subprocess, sys, tempfile, threading, time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, f"{os.path.dirname(HERE)}/lib")

from tiny_archive import make, version

RUNS = min(3, int(os.environ.get("BENCH_RUNS", "3")))
LINES = int(os.environ.get("BENCH_LINES", "4"))
MBIT, SECONDS = 100, 10
TRIPS, LOSSES = (1, 30, 100, 200), (0, 0.1, 1)
FAR = "10.9.0.2"
CONFIG = {"protection": {"Initial": "GuaranteeNothing", "Incremental": "GuaranteeNothing"}}


# --- inside: on a line, which main() has made with line.c ---

def enter(path):
    """Into another network namespace, with this thread and what it starts."""
    with open(path) as namespace:
        if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), 0x40000000) == -1:
            raise OSError(ctypes.get_errno(), path)


def far():
    enter(os.environ["LINE_FAR"])


def prepare(control):
    """Both ends: this congestion control.  (The sysctl has only those that are not restricted.)"""
    route = ["ip", "route", "replace", "10.9.0.0/24", "dev", "line", "proto", "kernel", "scope", "link",
             "congctl", control]
    subprocess.run([*route, "src", "10.9.0.1"], check=True)
    subprocess.run([*route, "src", FAR], check=True, preexec_fn=far)


def listen(chain, tls=(), log=None):
    """zr-listen at the far end; returns it and its address."""
    command = ["zr-listen", "-1", "-i", "10.9.0.1=bench", f"tcp:{FAR}:0"]
    if tls:
        command = ["zr-listen", "-1", f"tcp:{FAR}:0", *tls]
    server = subprocess.Popen([*command, "zr-handshake", "accept", "zr-mux", "accept", "zr-serve", "-b", *chain],
                              stdout=subprocess.PIPE, stderr=log, text=True, preexec_fn=far)
    return server, f"{FAR}:{server.stdout.readline().strip()}"


class Taken:
    """What comes out of a pipe, and when."""

    def __init__(self, stream):
        self.stream, self.began, self.total, self.enough = stream, None, 0, threading.Event()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        while data := os.read(self.stream.fileno(), 1 << 18):
            now = time.monotonic()
            self.began = self.began or now
            if now - self.began > SECONDS:
                self.enough.set()
                break
            self.total += len(data)

    def mbit(self):
        """What came in the first seconds after the first byte."""
        if not self.enough.wait(6 * SECONDS):
            raise SystemExit("the stream has ended, or stopped")
        return self.total * 8 / 1e6 / SECONDS


def produce():
    """Random bytes, as long as they are wanted."""
    data = os.urandom(1 << 20)
    try:
        while True:
            os.write(1, data)
    except BrokenPipeError:
        pass


def stop(*processes):
    for process in processes:
        process.kill()
        process.wait()


PRODUCE = [sys.executable, os.path.abspath(__file__), "produce"]


def pump():
    out, into = os.pipe()
    here = os.open("/proc/self/ns/net", os.O_RDONLY)
    far()
    listener = socket.create_server((FAR, 0))
    enter(f"/proc/self/fd/{here}")
    near = socket.create_connection(listener.getsockname())
    there, _ = listener.accept()
    for end in (near, there):
        end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    source = subprocess.Popen(PRODUCE, stdout=subprocess.PIPE)
    receive = subprocess.Popen(["./pump", "receive"], stdin=there, stdout=into)
    send = subprocess.Popen(["./pump", "send"], stdin=source.stdout, stdout=near)
    os.close(into)
    rate = Taken(os.fdopen(out, "rb")).mbit()
    stop(source, send, receive)
    return rate


def script(directory, body):
    path = f"{directory}/endpoint"
    with open(path, "w") as file:
        file.write(f"#!/bin/sh\nread -r request\n{body}\n")
    os.chmod(path, 0o755)
    return path


def dataconn(method):
    with tempfile.TemporaryDirectory() as directory:
        request = json.dumps({"Filesystem": "a", "To": version(1), "ReplicationConfig": CONFIG})
        if method == "Send":
            server, address = listen([script(directory, f"echo '{{}}'; exec {' '.join(PRODUCE)}")], log=subprocess.DEVNULL)
            client = subprocess.Popen(["zr-remote", "-o", f"{directory}/answer", f"tcp:{address}", "Send", request],
                                      stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            rate = Taken(client.stdout).mbit()
            stop(client, server)
        else:
            os.mkfifo(f"{directory}/taken")
            server, address = listen([script(directory, f"cat > {directory}/taken; echo '{{}}'")], log=subprocess.DEVNULL)
            source = subprocess.Popen(PRODUCE, stdout=subprocess.PIPE)
            client = subprocess.Popen(["zr-remote", f"tcp:{address}", "Receive", request], stdin=source.stdout,
                                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            rate = Taken(open(f"{directory}/taken", "rb")).mbit()
            stop(source, client, server)
    return rate


def iperf3():
    server = subprocess.Popen(["iperf3", "-s", "--forceflush"], stdout=subprocess.PIPE, text=True, preexec_fn=far)
    while "listening" not in server.stdout.readline():
        pass
    said = json.loads(subprocess.run(["iperf3", "-c", FAR, "-t", str(SECONDS), "-J"], stdout=subprocess.PIPE).stdout)
    stop(server)
    if "error" in said:
        raise SystemExit(f"iperf3: {said['error']}")
    return said["end"]["sum_received"]["bits_per_second"] / 1e6


def timed(command):
    began = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - began


def replicate(sender, address, *options):
    return ["zr-replicate", "-q", "-I", "all", "-g", "nothing", *options, "-s", f"zr-endpoint archive {sender}",
            "-r", f"zr-remote tcp:{address}"]


def steps(kind, *options):
    """100 increments; the fulls that they go on from are there."""
    with tempfile.TemporaryDirectory() as directory:
        filesystems, snapshots = (1, 101) if kind == "chain" else (100, 2)
        shutil.copytree(f"archives/{kind}", f"{directory}/ours", symlinks=True)
        make(f"{directory}/theirs", filesystems, 1)
        server, address = listen(["zr-endpoint", "archive", f"{directory}/theirs"])
        seconds = timed(replicate(f"{directory}/ours", address, *options))
        stop(server)
        got = sum(len(files) for _, _, files in os.walk(f"{directory}/theirs/tank"))
        if got < filesystems * snapshots:
            raise SystemExit(f"{got} files")
    return seconds


def cold(what):
    tls = ["zr-tls", "-d", "pki", "-n", "server", "-c", "client", "accept"] if what == "ping over TLS" else []
    server, address = listen(["zr-endpoint", "archive", "archives/many"], tls=tls)
    if what == "nothing to do":
        command = replicate("archives/many", address)
    elif tls:
        command = ["zr-remote", "-d", "pki", "-n", "client", "-s", "localhost", f"tls:{address}", "Ping", "{}"]
    else:
        command = ["zr-remote", f"tcp:{address}", "Ping", "{}"]
    seconds = timed(command)
    stop(server)
    return seconds


WHAT = {"pump": pump, "iperf3": iperf3, "dataconn": dataconn, "steps": steps, "cold": cold}


# --- outside ---

def control():
    with open("/proc/sys/net/ipv4/tcp_congestion_control") as file:
        return file.read().strip()


def available():
    with open("/proc/sys/net/ipv4/tcp_available_congestion_control") as file:
        return file.read().split()


def line(trip, loss, seed, by, what):
    """One measurement, on a line of its own; trip in ms."""
    done = subprocess.run(["./line", "-d", str(trip / 2), "-l", str(loss), "-r", str(MBIT), "-s", str(seed),
                           sys.executable, os.path.abspath(__file__), "inside", by, *what],
                          stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(what)} at {trip} ms, {loss} % lost: status {done.returncode}")
    return float(done.stdout)


def all_of(jobs, runs=RUNS, lines=LINES):
    """Run jobs, which are arguments of line(), some at once; the list of each one's results."""
    results = {job: [] for job in jobs}
    order = [(job, seed) for seed in range(1, runs + 1) for job in jobs]
    with concurrent.futures.ThreadPoolExecutor(lines) as pool:
        for (job, _), result in zip(order, pool.map(lambda one: line(one[0][0], one[0][1], one[1], *one[0][2:]), order)):
            results[job].append(result)
    return results


def stream():
    names = {"pump": ("pump",), "Send": ("dataconn", "Send"), "Receive": ("dataconn", "Receive")}
    if shutil.which("iperf3"):
        names["iperf3"] = ("iperf3",)
    rows = [(control(), trip, loss) for trip in TRIPS for loss in LOSSES]
    rows += [(by, 100, loss) for by in available() if by != control() for loss in LOSSES]
    results = all_of([(trip, loss, by, what) for by, trip, loss in rows for what in names.values()])
    print(f"one stream, {MBIT} Mbit/s, the first {SECONDS} s: Mbit/s and ratio to the pump, medians of {RUNS}")
    print(f"{'':8} {'ms':>4} {'% lost':>6}" + "".join(f" {name:>8} {'':5}" for name in names))
    table = []
    for by, trip, loss in rows:
        runs = {name: results[(trip, loss, by, what)] for name, what in names.items()}
        rate = {name: statistics.median(some) for name, some in runs.items()}
        print(f"{by:8} {trip:4} {loss:6}" + "".join(f" {rate[n]:8.1f} {rate[n] / rate['pump']:5.2f}" for n in names), flush=True)
        table.append({"congestion_control": by, "round_trip_ms": trip, "lost_percent": loss,
                      **{f"{n} Mbit/s": round(rate[n], 1) for n in names},
                      **{f"{n} to pump": round(rate[n] / rate["pump"], 2) for n in ("Send", "Receive")}, "all": runs})
    return table


def in_trips(results, by, what, of=statistics.median):
    """How much longer it takes at 100 ms than at none, in these."""
    return (of(results[(100, 0, by, what)]) - of(results[(0, 0, by, what)])) / 0.1


def tiny_steps():
    by = control()
    grid = [(0, 0), *((trip, loss) for trip in TRIPS for loss in LOSSES)]
    kinds = {"100 filesystems, -P 1": (("steps", "many", "-P", "1"), grid),
             "100 filesystems": (("steps", "many"), grid),
             "one filesystem": (("steps", "chain"), [(0, 0), (100, 0)])}
    results = all_of([(*place, by, what) for what, places in kinds.values() for place in places], lines=2 * LINES)
    print(f"\n100 tiny steps, {by}, medians of {RUNS}: round trips, then seconds at so many ms, % lost")
    print(f"{'':22}{'trips':>6}" + "".join(f" {trip:>4},{loss:<3}" for trip, loss in grid))
    table = []
    for name, (what, places) in kinds.items():
        seconds = {place: statistics.median(results[(*place, by, what)]) for place in places}
        trips = in_trips(results, by, what)
        print(f"{name:22}{trips:6.0f}" + "".join(f" {seconds[p]:8.2f}" if p in seconds else " " * 9 for p in grid), flush=True)
        table.append({"name": name, "round_trips": round(trips, 1), "congestion_control": by,
                      **{f"s at {p[0]} ms, {p[1]} % lost": round(seconds[p], 2) if p in seconds else None for p in grid},
                      "all": {f"{p[0]} {p[1]}": results[(*p, by, what)] for p in places}})
    return table


def cold_start():
    by = control()
    names = ("nothing to do", "ping", "ping over TLS")
    results = all_of([(trip, 0, by, ("cold", name)) for trip in (0, 100) for name in names], 4 * RUNS)
    print(f"\na cold start: round trips, and seconds at 100 ms; the quickest of {4 * RUNS}")
    table = []
    for name in names:
        what = ("cold", name)
        row = {"name": name, "round_trips": in_trips(results, by, what, min),
               "seconds": min(results[(100, 0, by, what)])}
        print(f"{name:24}{row['round_trips']:6.1f} {row['seconds']:8.3f}", flush=True)
        table.append(row)
    return table


def archives():
    shutil.rmtree("archives", ignore_errors=True)
    make("archives/chain", 1, 101)
    make("archives/many", 100, 2)
    shutil.rmtree("pki", ignore_errors=True)
    for words in (["ca", "pki"], ["server", "pki", "server", "localhost"], ["client", "pki", "client"]):
        subprocess.run(["zr-cert", *words], check=True, stdout=subprocess.DEVNULL)


PARTS = {"stream": stream, "steps": tiny_steps, "cold": cold_start}


def main():
    able = subprocess.run(["./line", "true"], stderr=subprocess.PIPE, text=True)
    if able.returncode != 0:
        print(f"distance: skipped, for this machine has no long lines (root, TUN): {able.stderr.strip()}")
        result = {"skipped": able.stderr.strip()}
    else:
        archives()
        result = {"mbit": MBIT, "runs": RUNS, "seconds": SECONDS, "lines": LINES, "cores": os.cpu_count()}
        for part in sys.argv[1:] or PARTS:
            result[part] = PARTS[part]()
    with open("distance.json", "w") as file:
        json.dump(result, file, indent=1)
        file.write("\n")


if sys.argv[1:2] == ["produce"]:
    produce()
elif sys.argv[1:2] == ["inside"]:
    prepare(sys.argv[2])
    print(WHAT[sys.argv[3]](*sys.argv[4:]))
else:
    main()
