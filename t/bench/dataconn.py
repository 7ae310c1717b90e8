#!/usr/bin/env python3
"""CPU and throughput of a data connection beside a bare pump and other tools.

    dataconn.py      in build/bench, with zr in PATH; BENCH_GIB=8 BENCH_RUNS=5

pipe -> sender -> loopback TCP -> receiver -> pipe.  Counted are the processes
that move the bytes, not what makes and takes them.  Medians; the contenders
take turns, so that a noisy minute is everybody's.  What the others are compared
with is the faster of read/write and splice.  The table goes to standard output, every run
to dataconn.json.  The pump and both methods follow under each of reno, cubic and bbr.
"""
import json, os, platform, shutil, socket, statistics, subprocess, sys, time

GIB = float(os.environ.get("BENCH_GIB", "8"))
RUNS = int(os.environ.get("BENCH_RUNS", "5"))
SIZE = int(GIB * (1 << 30))
PRODUCE = ["dd", "if=/dev/zero", "bs=256k", f"count={SIZE >> 18}", "status=none"]
CONSUME = ["dd", "of=/dev/null", "bs=256k", "status=none"]
REQUEST = json.dumps({"Filesystem": "a", "To": {"Name": "s", "Guid": "1", "Creation": "2024-01-02T00:00:00Z"},
                      "ReplicationConfig": {"protection": {"Initial": 1, "Incremental": 1}}})
ALGORITHM = None        # congestion control, if not the default
UNSENT = 256 << 10      # what zr-dataconn lets the kernel queue unsent (lib/dataconn/dataconn.c)


def choose(end):
    if ALGORITHM:
        end.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, ALGORITHM.encode())


def connection(unsent=None):
    """Two ends of a loopback connection: the one that connected, the one that accepted."""
    with socket.socket() as listener:
        near = socket.socket()
        # Before it connects: a socket that once was BBR's is paced for good.
        for end in (listener, near):
            choose(end)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        near.connect(listener.getsockname())
        far, _ = listener.accept()
    for end in (near, far):
        end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if unsent:
            end.setsockopt(socket.IPPROTO_TCP, 25, unsent)      # TCP_NOTSENT_LOWAT
    return near, far


def congestion():
    """What every socket here uses by default; it matters (README.md)."""
    with socket.socket() as one:
        choose(one)
        return one.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16).rstrip(b"\0").decode()


def producer():
    return subprocess.Popen(PRODUCE, stdout=subprocess.PIPE)


def consumer():
    return subprocess.Popen(CONSUME, stdin=subprocess.PIPE)


def start(command, stdin, stdout, **more):
    """Start it; what it was given is closed here, so that only it holds that open."""
    process = subprocess.Popen(command, stdin=stdin, stdout=stdout, **more)
    for end in {stdin, stdout}:
        if hasattr(end, "close"):
            end.close()
    return process


def finish(process):
    """Wait; CPU seconds of it and of the children that it waited for."""
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{process.args}: status {process.returncode}")
    return used.ru_utime + used.ru_stime


def on_sockets(sender, receiver, unsent=None):
    """Two commands that find the network on one of 0 and 1."""
    near, far = connection(unsent)
    make, take = producer(), consumer()
    began = time.monotonic()
    movers = [start(receiver, far, take.stdin), start(sender, make.stdout, near)]
    cpu = sum(finish(p) for p in movers)
    make.wait(), take.wait()
    return cpu, time.monotonic() - began


def listening(port):
    lines = open("/proc/net/tcp").readlines() + open("/proc/net/tcp6").readlines()
    return any(f":{port:04X} " in line and " 0A " in line for line in lines)


def on_port(sender, receiver):
    """Two commands with PORT in their arguments: one listens, one connects."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    make, take = producer(), consumer()
    begins = [[word.replace("PORT", str(port)) for word in command] for command in (receiver, sender)]
    movers = [start(begins[0], subprocess.DEVNULL, take.stdin)]
    while not listening(port):
        time.sleep(0.01)
    began = time.monotonic()
    movers.append(start(begins[1], make.stdout, subprocess.DEVNULL))
    cpu = sum(finish(p) for p in movers)
    make.wait(), take.wait()
    return cpu, time.monotonic() - began


def endpoint(name, body):
    with open(name, "w") as f:
        f.write(f"#!/bin/sh\nread -r request\n{body}\n")
    os.chmod(name, 0o755)
    return os.path.abspath(name)


def dataconn(method):
    sends = method == "Send"
    serve = endpoint(f"serve-{method}", f"echo '{{}}'; exec {' '.join(PRODUCE)}" if sends
                     else f"{' '.join(CONSUME)}; echo '{{}}'")
    near, far = connection()
    network = near.fileno()
    far_in = far.dup()
    other = consumer() if sends else producer()
    began = time.monotonic()
    server = start(["zr-dataconn", "-S", "server.json", "serve", serve], far_in, far)
    client = start(["zr-dataconn", "-S", "client.json", "-f", f"{network},{network}", "-o", "answer", method, REQUEST],
                   subprocess.DEVNULL if sends else other.stdout, other.stdin if sends else subprocess.DEVNULL,
                   pass_fds=[network])
    near.close()
    finish(client), finish(server)
    other.wait()
    elapsed = time.monotonic() - began
    sides = [json.load(open(f)) for f in ("client.json", "server.json")]
    assert all(side["bytes"] == SIZE for side in sides), sides
    return sum(side["cpu"] for side in sides), elapsed


def ssh(before=(), behind=""):
    """Commands before it, in a pipe, and behind it: "COMMAND |", there, both counted."""
    here = os.path.abspath("ssh")
    if not os.path.exists(here):
        os.mkdir(here)
        for name in ("host", "key"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"{here}/{name}"], check=True)
        shutil.copy(f"{here}/key.pub", f"{here}/authorized")
    if os.getuid() == 0:
        os.makedirs("/run/sshd", exist_ok=True)
    with open(f"{here}/config", "w") as f:
        f.write(f"HostKey {here}/host\nAuthorizedKeysFile {here}/authorized\nStrictModes no\nUsePAM no\n"
                "PidFile none\nPermitRootLogin prohibit-password\n")
    listener = socket.create_server(("127.0.0.1", 0))
    make = producer()
    began = time.monotonic()
    source, pipe = make.stdout, []
    for command in before:
        pipe.append(start(command, source, subprocess.PIPE))
        source = pipe[-1].stdout
    client = start(["ssh", "-F", "none", "-p", str(listener.getsockname()[1]), "-i", f"{here}/key", "-T",
                    "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
                    "-o", "LogLevel=ERROR", "-c", "aes128-gcm@openssh.com", "127.0.0.1",
                    f"exec bash -c 'TIMEFORMAT=\"%U %S\"; {behind} {{ time {' '.join(CONSUME)}; }} 2> {here}/consumer'"],
                   source, subprocess.DEVNULL)
    near, _ = listener.accept()
    listener.close()
    server = start([shutil.which("sshd", path=os.environ["PATH"] + ":/usr/sbin"), "-i", "-f", f"{here}/config"],
                   near.dup(), near, stderr=subprocess.DEVNULL)
    cpu = sum(finish(p) for p in [*pipe, client])
    elapsed = time.monotonic() - began
    _, _, used = os.wait4(server.pid, 0)
    server.returncode = 0
    make.wait()
    # sshd waited for the shell, and so for what took the bytes.
    taken = sum(float(word) for word in open(f"{here}/consumer").read().split())
    return cpu + used.ru_utime + used.ru_stime - taken, elapsed


def contenders():
    """Name, the tool that it needs, what runs it."""
    return [
        ("pump", "./pump", lambda: on_sockets(["./pump", "send"], ["./pump", "receive"])),
        ("pump, short queue", "./pump", lambda: on_sockets(["./pump", "send"], ["./pump", "receive"], UNSENT)),
        ("pump, splice", "./pump", lambda: on_sockets(["./pump", "splice-send"], ["./pump", "splice-receive"])),
        ("zr-dataconn Send", "zr-dataconn", lambda: dataconn("Send")),
        ("zr-dataconn Receive", "zr-dataconn", lambda: dataconn("Receive")),
        ("socat", "socat", lambda: on_sockets(["socat", "-u", "-b131072", "-", "-"], ["socat", "-u", "-b131072", "-", "-"])),
        ("nc", "nc", lambda: on_port(["nc", "-N", "127.0.0.1", "PORT"], ["nc", "-l", "127.0.0.1", "PORT"])),
        ("mbuffer", "mbuffer", lambda: on_port(["mbuffer", "-q", "-s", "128k", "-m", "16M", "-O", "127.0.0.1:PORT"],
                                               ["mbuffer", "-q", "-s", "128k", "-m", "16M", "-I", "127.0.0.1:PORT"])),
        ("ssh, aes128-gcm", "ssh", ssh),
    ]


def measure(contenders, file):
    """Let them take turns; print medians, leave all runs in a file, and return a row for each."""
    runs = {name: [] for name, tool, _ in contenders if shutil.which(tool)}
    absent = [name for name, _, _ in contenders if name not in runs]
    for _ in range(RUNS):
        for name, _, contend in contenders:
            if name in runs:
                runs[name].append(contend())
    result = {"gib": GIB, "runs": RUNS, "cores": os.cpu_count(), "kernel": platform.release(),
              "congestion_control": congestion(), "absent": absent,
              "contenders": {}}
    cpu = {name: statistics.median(v[0] for v in values) / GIB for name, values in runs.items()}
    rate = {name: GIB * 1024 / statistics.median(v[1] for v in values) for name, values in runs.items()}
    pump = result["pump"] = max((name for name in ("pump", "pump, splice") if name in runs), key=rate.get)
    print(f"{GIB:g} GiB, medians of {RUNS} runs, {os.cpu_count()} cores, TCP's {congestion()}; the best pump is \"{pump}\"")
    for name, values in runs.items():
        row = {"cpu_seconds_per_gib": round(cpu[name], 3), "mib_per_second": round(rate[name]),
               "cpu_to_pump": round(cpu[name] / cpu[pump], 2), "rate_to_pump": round(rate[name] / rate[pump], 2),
               "all": [{"cpu_seconds": round(v[0], 3), "seconds": round(v[1], 3)} for v in values]}
        result["contenders"][name] = row
        print(f"{name:28}{row['cpu_seconds_per_gib']:7.3f} CPU-s/GiB{row['mib_per_second']:7} MiB/s"
              f"{row['cpu_to_pump']:7.2f} of the best pump's CPU,{row['rate_to_pump']:5.2f} of its rate")
    for name in absent:
        print(f"{name:28}   absent here")
    with open(file, "w") as f:
        json.dump(result, f, indent=1)
        f.write("\n")
    return result["contenders"]


def each_algorithm():
    """The pump and both methods under every congestion control that we may choose (tcp(7), TCP_CONGESTION)."""
    global ALGORITHM
    for ALGORITHM in ("reno", "cubic", "bbr"):
        try:
            congestion()
        except OSError:
            print(f"TCP's {ALGORITHM}: not here, or not allowed")
            continue
        measure([one for one in contenders() if one[0] in ("pump", "zr-dataconn Send", "zr-dataconn Receive")],
                f"dataconn-{ALGORITHM}.json")


if __name__ == "__main__":
    measure(contenders(), "dataconn.json")
    each_algorithm()
