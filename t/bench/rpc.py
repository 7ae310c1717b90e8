#!/usr/bin/python3
"""Calls on a control connection: what they cost.

    rpc.py [CALLS]      zr programs in PATH; prints a table for each of these, and leaves rpc.json
                        10,000 Ping calls in one batch beside grpcio's client;
                        zr-rpc serve with a process per call and with batch;
                        one cold zr-remote Ping: time, execs, round trips;
                        the memory of zr-rpc serve
"""
import json, os, resource, socket, subprocess, sys, tempfile, threading, time
from concurrent import futures
import grpc


def ping_server():
    """grpcio's server on loopback; the Echo is the request as it came."""
    def ping(request, context):
        return request

    class Handler(grpc.GenericRpcHandler):
        def service(self, details):
            if details.method == "/Replication/Ping":
                return grpc.unary_unary_rpc_method_handler(ping)
            return None

    server = grpc.server(futures.ThreadPoolExecutor(4), handlers=[Handler()])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, port


def cpu():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def connected(port):
    sock = socket.create_connection(("127.0.0.1", port))
    sock.set_inheritable(True)
    return sock


def ours(port, calls):
    sock = connected(port)
    lines = "".join(json.dumps({"id": i, "method": "Ping", "request": {"Message": f"m{i}"}}) + "\n"
                    for i in range(calls))
    before, start = cpu(), time.monotonic()
    done = subprocess.run(["zr-rpc", "-f", f"{sock.fileno()},{sock.fileno()}", "batch"],
                          input=lines, capture_output=True, text=True, pass_fds=[sock.fileno()])
    seconds = time.monotonic() - start
    answers = [json.loads(x) for x in done.stdout.splitlines()]
    assert len(answers) == calls and all(a["response"]["Echo"] == f"m{a['id']}" for a in answers), done
    return seconds, cpu() - before


def theirs(port, calls):
    code = f"""
import grpc
call = grpc.insecure_channel("127.0.0.1:{port}").unary_unary("/Replication/Ping")
window = []
for i in range({calls}):
    window.append(call.future(b"\\n\\5" + b"%05d" % i))
    if len(window) == 100:
        for f in window: f.result()
        window = []
"""
    before, start = cpu(), time.monotonic()
    subprocess.run(["/usr/bin/python3", "-c", code], check=True)
    return time.monotonic() - start, cpu() - before


class Server:
    """zr-rpc serve on a socket pair; ask() runs a batch against it."""

    def __init__(self, *arguments):
        self.sock, theirs = socket.socketpair()
        self.sock.set_inheritable(True)
        self.program = subprocess.Popen(["zr-rpc", *arguments], stdin=theirs, stdout=theirs)
        theirs.close()

    def batch(self, **options):
        fd = self.sock.fileno()
        return subprocess.Popen(["zr-rpc", "-f", f"{fd},{fd}", "batch"], pass_fds=[fd], text=True,
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE, **options)

    def close(self):
        self.sock.close()
        self.program.wait()


def pings(calls):
    return "".join(json.dumps({"id": i, "method": "Ping", "request": {"Message": f"m{i}"}}) + "\n"
                   for i in range(calls))


def per_call(what, note, calls, seconds, used):
    """One line of it, and its row."""
    row = {"what": what, "calls_per_second": round(calls / seconds), "cpu_us_per_call": round(1e6 * used / calls)}
    print(f"{what}: {row['calls_per_second']} calls/s, {row['cpu_us_per_call']} us of CPU per call{note}")
    return row


def serving(calls, directory):
    """Calls per second and CPU per call, both sides and the endpoints together."""
    rows = []
    for name, options in (("a process for each call", []), ("zr-endpoint's batch (-b)", ["-b"])):
        before, start = cpu(), time.monotonic()
        server = Server(*options, "serve", "zr-endpoint", "archive", directory)
        out, _ = server.batch().communicate(pings(calls))
        assert out.count('"response"') == calls
        server.close()
        rows.append(per_call(f"zr-rpc serve, {name}", "", calls, time.monotonic() - start, cpu() - before))
    return rows


WHY = {
    "zr-remote": "all of the client", "zr-handshake": "what zr-listen starts for a connection", "zr-listen": "",
    "zr-endpoint": "the answer",
}


def relay(port, delay):
    """A listener that passes everything on, each way so much later."""
    listener = socket.create_server(("127.0.0.1", 0))

    def pump(source, sink):
        while piece := source.recv(1 << 16):
            arrived = time.monotonic()
            time.sleep(max(0, arrived + delay - time.monotonic()))
            sink.sendall(piece)
        time.sleep(delay)
        try:
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def accept():
        while True:
            near, _ = listener.accept()
            far = socket.create_connection(("127.0.0.1", port))
            for ends in ((near, far), (far, near)):
                threading.Thread(target=pump, args=ends, daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return listener.getsockname()[1]


def remote(port, *before):
    start = time.monotonic()
    done = subprocess.run([*before, "zr-remote", f"tcp:127.0.0.1:{port}", "Ping", '{"Message":"x"}'],
                          capture_output=True, text=True)
    assert done.stdout == '{"Echo":"x"}\n', done
    return time.monotonic() - start


def execs(trace):
    """The names of the programs that a strace has seen executed."""
    with open(trace) as f:
        return [line.split('"')[1].rpartition("/")[2] for line in f if "execve(" in line and "= 0" in line]


def cold(directory):
    traced = subprocess.run(["sh", "-c", "command -v strace"], capture_output=True).returncode == 0
    trace = lambda name: ["strace", "-D", "-f", "-qq", "-e", "trace=execve", "-o", f"{directory}/{name}"] if traced else []
    line = ["zr-listen", "-1", "-i", "127.0.0.1=x", "tcp:127.0.0.1:0", "zr-handshake", "accept", "zr-mux",
            "accept", "zr-serve", "zr-endpoint", "archive", directory]
    server = subprocess.Popen(line, stdout=subprocess.PIPE, text=True)
    port = int(server.stdout.readline())
    times = sorted(remote(port) for _ in range(21))
    print(f"one cold zr-remote tcp:... Ping: {1000 * times[10]:.1f} ms (median of 21; fastest {1000 * times[0]:.1f})")
    delay = 0.1
    late = min(remote(relay(port, delay)) for _ in range(3)) - min(remote(relay(port, 0)) for _ in range(3))
    row = {"ms": round(1000 * times[10], 1), "round_trips": round(late / (2 * delay), 1)}
    print(f"  round trips: {row['round_trips']}, measured as the time that {1000 * delay:.0f} ms each way add, and 1 to "
          "connect; the first for the banner (both send theirs at once, label and call can only go once the "
          "version is known), the second for the call and its answer: nobody waits for SETTINGS")
    server.terminate()
    server.wait()
    if not traced:
        print("  execs: not counted, there is no strace")
        return row
    server = subprocess.Popen(trace("server") + line, stdout=subprocess.PIPE, text=True)
    port = int(server.stdout.readline())
    remote(port, *trace("client"))
    server.terminate()
    server.wait()
    time.sleep(0.5)     # strace writes until the last one has ended
    for side in "client", "server":
        names = [x for x in execs(f"{directory}/{side}") if x != "zr-listen"]
        row[f"executions_of_the_{side}"] = len(names)
        print(f"  {len(names)} execs of the {side}: " +
              ", ".join(f"{x} ({WHY.get(x, 'the shell that runs a script')})" for x in names))
    return row


def resident(pid):
    with open(f"/proc/{pid}/status") as f:
        return next(int(x.split()[1]) for x in f if x.startswith("VmRSS"))


def memory(directory):
    endpoint = os.path.join(directory, "sleeper")
    with open(endpoint, "w") as f:
        f.write('#!/bin/sh\n[ "$1" != batch ] || exit 100\nread -r request\n'
                f'until [ -e {directory}/go ]; do sleep 0.1; done\necho "{{}}"\n')
    os.chmod(endpoint, 0o755)
    rows = []
    for cap in 16, 100:
        if os.path.exists(f"{directory}/go"):
            os.unlink(f"{directory}/go")
        server = Server("-c", str(cap), "serve", endpoint)
        batch = server.batch()
        time.sleep(0.3)
        idle = resident(server.program.pid)
        batch.stdin.write(pings(100))
        batch.stdin.flush()
        time.sleep(2)
        busy = resident(server.program.pid)
        open(f"{directory}/go", "w").close()
        out, _ = batch.communicate()
        assert out.count('"response"') == 100
        server.close()
        print(f"memory of zr-rpc -c {cap} serve: {idle} KiB idle, {busy} KiB with 100 calls in flight")
        rows.append({"what": f"zr-rpc -c {cap} serve", "idle_kib": idle, "kib_with_100_calls": busy})
    return rows


def bench(calls):
    server, port = ping_server()
    rows = [per_call(what, " (against grpcio's server)", calls, *run(port, calls))
            for what, run in (("zr-rpc batch", ours), ("python3-grpcio", theirs))]
    server.stop(None)
    with tempfile.TemporaryDirectory() as directory:
        rows += serving(max(calls // 10, 1), directory)
        found = {"calls": rows, "a cold zr-remote Ping": cold(directory), "memory": memory(directory)}
    with open("rpc.json", "w") as file:
        json.dump(found, file, indent=1)


if __name__ == "__main__":
    bench(int(sys.argv[1]) if len(sys.argv) > 1 else 10000)
