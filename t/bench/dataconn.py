#!/usr/bin/env python3
"""CPU and throughput of a data connection beside a bare framed pump.

    dataconn.py [GIBIBYTES [RUNS]]      in build/bench, with zr in PATH

pipe -> sender -> loopback TCP -> receiver -> pipe.  Counted are the two
processes that move the bytes, not what makes and takes them; medians.  The
table goes to standard output, the numbers to dataconn.json.
"""
import fcntl, json, os, socket, statistics, subprocess, sys, time

GIB = int(sys.argv[1]) if len(sys.argv) > 1 else 8
RUNS = int(sys.argv[2]) if len(sys.argv) > 2 else 5
SIZE = GIB << 30
REQUEST = json.dumps({"Filesystem": "a", "To": {"Name": "s", "Guid": "1", "Creation": "2024-01-02T00:00:00Z"},
                      "ReplicationConfig": {"protection": {"Initial": 1, "Incremental": 1}}})
PRODUCE = f"dd if=/dev/zero bs=256k count={GIB * 4096} status=none"
CONSUME = "dd of=/dev/null bs=256k status=none"


def endpoint(name, body):
    with open(name, "w") as f:
        f.write(f"#!/bin/sh\nread -r request\n{body}\n")
    os.chmod(name, 0o755)
    return os.path.abspath(name)


def connection():
    listener = socket.create_server(("127.0.0.1", 0))
    near = socket.create_connection(listener.getsockname())
    far, _ = listener.accept()
    for s in (near, far):
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    high = fcntl.fcntl(near, fcntl.F_DUPFD, 100)
    near.close()
    listener.close()
    return high, far


def on_6_and_7(high, command):
    return ["bash", "-c", f'exec 6<&{high} 7>&{high} {high}>&-; {command}']


def dataconn(method):
    serve = endpoint("serve", f"echo '{{}}'; exec {PRODUCE}" if method == "Send" else f"{CONSUME}; echo '{{}}'")
    high, far = connection()
    line = f"exec zr-dataconn -S client.json -o answer {method} '{REQUEST}'"
    line = (f"{PRODUCE} | ({line})" if method == "Receive" else f"({line}) | {CONSUME}")
    start = time.monotonic()
    server = subprocess.Popen(["zr-dataconn", "-S", "server.json", "serve", serve], stdin=far, stdout=far)
    far.close()
    client = subprocess.Popen(on_6_and_7(high, line), pass_fds=[high])
    os.close(high)
    assert client.wait() == 0 and server.wait() == 0
    elapsed = time.monotonic() - start
    sides = [json.load(open(f)) for f in ("client.json", "server.json")]
    assert all(s["bytes"] == SIZE for s in sides), sides
    return sum(s["cpu"] for s in sides), elapsed


def pump():
    high, far = connection()
    start = time.monotonic()
    receiver = subprocess.Popen(
        ["bash", "-c", f"exec 6<&0; (exec ./pump receive 2> receive.cpu) | {CONSUME}"], stdin=far)
    far.close()
    sender = subprocess.Popen(on_6_and_7(high, f"{PRODUCE} | (exec ./pump send 2> send.cpu)"), pass_fds=[high])
    os.close(high)
    sender.wait()
    receiver.wait()
    elapsed = time.monotonic() - start
    return sum(float(open(f).read()) for f in ("send.cpu", "receive.cpu")), elapsed


CONTENDERS = {"pump": pump, "zr-dataconn Send": lambda: dataconn("Send"),
              "zr-dataconn Receive": lambda: dataconn("Receive")}
runs = {name: [] for name in CONTENDERS}
for _ in range(RUNS):           # in turns, so that a noisy minute is everybody's
    for name, contend in CONTENDERS.items():
        runs[name].append(contend())
result = {}
for name, values in runs.items():
    cpu = statistics.median(v[0] for v in values) / GIB
    rate = GIB * 1024 / statistics.median(v[1] for v in values)
    result[name] = {"cpu_seconds_per_gib": round(cpu, 3), "mib_per_second": round(rate)}
for name, value in result.items():
    value["cpu_to_pump"] = round(value["cpu_seconds_per_gib"] / result["pump"]["cpu_seconds_per_gib"], 2)
    value["rate_to_pump"] = round(value["mib_per_second"] / result["pump"]["mib_per_second"], 2)
    print(f"{name:24} {value['cpu_seconds_per_gib']:6.3f} CPU-s/GiB {value['mib_per_second']:7} MiB/s"
          f"   {value['cpu_to_pump']:5.2f} of its CPU, {value['rate_to_pump']:5.2f} of its rate")
with open("dataconn.json", "w") as f:
    json.dump(result, f, indent=1)
