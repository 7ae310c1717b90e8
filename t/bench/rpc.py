#!/usr/bin/python3
"""10,000 Ping calls in one batch: zr-rpc against grpcio's server, and grpcio's
client against the same.  Also whether the two understand each other.

    rpc.py [CALLS]      zr programs in PATH; prints calls per second and CPU
    rpc.py interop      one call of each kind, zr-rpc serve and grpcio's client
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


def interop():
    with tempfile.TemporaryDirectory() as d:
        endpoint = os.path.join(d, "endpoint")
        with open(endpoint, "w") as f:
            f.write('#!/bin/sh\n[ "$1" = Ping ] || { echo "wrong: \u00e9" >&2; exit 1; }\necho \'{"Echo":"hi"}\'\n')
        os.chmod(endpoint, 0o755)
        listener = socket.create_server(("127.0.0.1", 0))

        def serve():
            sock, _ = listener.accept()
            subprocess.run(["zr-rpc", "serve", endpoint], stdin=sock, stdout=sock, stderr=subprocess.DEVNULL)

        threading.Thread(target=serve, daemon=True).start()
        with grpc.insecure_channel("127.0.0.1:%d" % listener.getsockname()[1]) as channel:
            call = lambda name: channel.unary_unary("/Replication/" + name)
            assert call("Ping")(b"\n\x02hi", timeout=20) == b"\n\x02hi"
            for name, body, want in (("ListFilesystems", b"", "UNKNOWN wrong: \u00e9"),
                                     ("Send", b"", "UNIMPLEMENTED"), ("Nonsense", b"", "UNIMPLEMENTED"),
                                     ("Ping", b"\n" + b"\x80\x80\x80\x02" + b"x" * (4 << 20), "RESOURCE_EXHAUSTED")):
                try:
                    call(name)(body, timeout=20)
                    raise SystemExit(f"{name}: no error")
                except grpc.RpcError as e:
                    if not f"{e.code().name} {e.details()}".startswith(want):
                        raise SystemExit(f"{name}: {e.code()} {e.details()}")
    server, port = ping_server()
    ours(port, 3)
    server.stop(None)


if __name__ == "__main__":
    if sys.argv[1:] == ["interop"]:
        interop()
        sys.exit()
    calls = int(sys.argv[1]) if len(sys.argv) > 1 else 10000
    server, port = ping_server()
    for what, run in (("zr-rpc batch", ours), ("python3-grpcio", theirs)):
        seconds, used = run(port, calls)
        print(f"{what}: {calls / seconds:.0f} calls/s, {1e6 * used / calls:.0f} us of CPU per call (against grpcio's server)")
    server.stop(None)
