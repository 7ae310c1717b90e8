#!/usr/bin/python3
"""zr-rpc and python3-grpcio, which has nothing of zrepl's or ours.

    rpc_interop.py client       grpcio calls zr-rpc serve
    rpc_interop.py server       zr-rpc calls grpcio's server
    rpc_interop.py endpoint METHOD  (used by the first)
"""
import json, os, socket, subprocess, sys, threading, time

if sys.argv[1] != "endpoint":       # which has to be quick
    from concurrent import futures
    from google.protobuf.json_format import MessageToDict, ParseDict
    import grpc
    from rpc_replay import messages, types

VERSION = {"Type": "Bookmark", "Name": "b:1 \u00e9", "Guid": "18446744073709551615", "CreateTXG": "7",
           "Creation": "2026-01-02T03:04:05Z"}
SEND = {"Filesystem": "a/b c", "From": VERSION, "To": {k: v for k, v in VERSION.items() if k != "Type"}, "ResumeToken": "1-2-3",
        "ReplicationConfig": {"protection": {"Initial": "GuaranteeResumability", "Incremental": "GuaranteeNothing"}}}
CALLS = {   # method: request, answer
    "Ping": ({"Message": "\u00fc"}, {"Echo": "\u00fc"}),
    "ListFilesystems": ({}, {"Filesystems": [{"Path": "a", "ResumeToken": "1-2", "IsPlaceholder": True}, {"Path": "b"}]}),
    "ListFilesystemVersions": ({"Filesystem": "a"}, {"Versions": [VERSION, VERSION]}),
    "DestroySnapshots": ({"Filesystem": "a", "Snapshots": [VERSION]}, {"Results": [{"Snapshot": VERSION, "Error": "no"}]}),
    "ReplicationCursor": ({"Filesystem": "a"}, {"Guid": "0"}),
    "SendDry": (SEND, {"UsedResumeToken": True, "ExpectedSize": "9223372036854775808"}),
    "SendCompleted": ({"OriginalReq": SEND}, {}),
}
WAIT, FAIL, LARGE = ({"Filesystem": x} for x in ("wait", "fail", "large"))


def many():
    """5.4 MB as a message."""
    return {"Versions": [{"Name": f"zrepl_{i}", "Guid": str(i * 184467440737), "CreateTXG": str(i + 1),
                          "Creation": "2020-09-13T12:31:48Z"} for i in range(1, 100001)]}


def answer(method, request):
    """What both servers say; WAIT is the caller's affair."""
    if request == FAIL:
        raise ValueError("no: \u00e9\nsecond 100%")
    if request == LARGE:
        return many()
    assert request == CALLS[method][0], request
    return CALLS[method][1]


def endpoint(method):
    request = json.loads(sys.stdin.readline())
    if request == WAIT:
        with open("waits", "w") as f:
            f.write(str(os.getpid()))
        time.sleep(300)
    try:
        print(json.dumps(answer(method, request)))
    except ValueError as e:
        sys.exit(str(e))


def fails(code, text, call, *arguments, **options):
    try:
        call(*arguments, **options)
    except grpc.RpcError as e:
        assert e.code().name == code and text in e.details(), (e.code(), e.details())
    else:
        raise AssertionError(f"no {code}")


def gone(path):
    with open(path) as f:
        pid = int(f.read())
    deadline = time.monotonic() + 20
    while os.path.exists(f"/proc/{pid}"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.unlink(path)


def as_client():
    pb, listener = messages(), socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            sock, _ = listener.accept()
            subprocess.Popen(["zr-rpc", "serve", "/usr/bin/python3", os.path.abspath(__file__), "endpoint"],
                             stdin=sock, stdout=sock, stderr=subprocess.DEVNULL)
            sock.close()

    threading.Thread(target=serve, daemon=True).start()
    address = "127.0.0.1:%d" % listener.getsockname()[1]

    def stub(channel, method):
        request, response = (getattr(pb, x) for x in types(method))
        call = channel.unary_unary(f"/Replication/{method}", request.SerializeToString, response.FromString)
        return lambda value, **options: MessageToDict(call(ParseDict(value, request()), **{"timeout": 60, **options}),
                                                      preserving_proto_field_name=True)

    with grpc.insecure_channel(address) as channel:
        for method, (request, response) in CALLS.items():
            got = stub(channel, method)(request)
            assert got == response, (method, got)
        versions = stub(channel, "ListFilesystemVersions")
        fails("UNKNOWN", "no: \u00e9\nsecond 100%", versions, FAIL)
        fails("DEADLINE_EXCEEDED", "", versions, WAIT, timeout=2)
        gone("waits")
        fails("RESOURCE_EXHAUSTED", "vs. 4194304", versions, LARGE)
        fails("RESOURCE_EXHAUSTED", "vs. 4194304", stub(channel, "Ping"), {"Message": "x" * (5 << 20)})
        for method in "Send", "Receive", "Nonsense":
            fails("UNIMPLEMENTED", method, channel.unary_unary(f"/Replication/{method}"), b"", timeout=60)
        calls = [channel.unary_unary("/Replication/Ping").future(b"\n\2\xc3\xbc", timeout=60) for _ in range(20)]
        assert all(call.result() == b"\n\2\xc3\xbc" for call in calls)
        given_up = channel.unary_unary("/Replication/ListFilesystemVersions").future(b"\n\4wait")
        while not os.path.exists("waits"):
            time.sleep(0.05)
        given_up.cancel()
        gone("waits")
    with grpc.insecure_channel(address, [("grpc.max_receive_message_length", -1)]) as channel:
        assert stub(channel, "ListFilesystemVersions")(LARGE) == many()


def batch(port, lines, *options):
    sock = socket.create_connection(("127.0.0.1", port))
    done = subprocess.run(["zr-rpc", "-f", f"{sock.fileno()},{sock.fileno()}", *options, "batch"], text=True,
                          input="".join(json.dumps(x) + "\n" for x in lines), pass_fds=[sock.fileno()], capture_output=True)
    assert done.returncode == 0 and not done.stderr, done
    return {x["id"]: x.get("response", x.get("error")) for x in map(json.loads, done.stdout.splitlines())}


def as_server():
    pb, ended = messages(), threading.Event()

    def handler(method):
        request, response = (getattr(pb, x) for x in types(method))

        def handle(message, context):
            if MessageToDict(message, preserving_proto_field_name=True) == WAIT:
                assert 0 < context.time_remaining() <= 2
                context.add_callback(ended.set)
                ended.wait(60)
            try:
                return ParseDict(answer(method, MessageToDict(message, preserving_proto_field_name=True)), response())
            except ValueError as e:
                context.abort(grpc.StatusCode.UNKNOWN, str(e))

        return grpc.unary_unary_rpc_method_handler(handle, request.FromString, response.SerializeToString)

    server = grpc.server(futures.ThreadPoolExecutor(8))
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(
        "Replication", {method: handler(method) for method in CALLS if method != "SendCompleted"})])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    ask = lambda method, request, number=None: {"id": number or method, "method": method, "request": request}
    got = batch(port, [ask(method, request) for method, (request, _) in CALLS.items()] +
                [ask("ListFilesystemVersions", FAIL, 1), ask("ListFilesystemVersions", LARGE, 2)])
    refused = got.pop("SendCompleted")
    assert (refused["code"], refused["status"]) == (1, "UNIMPLEMENTED"), refused
    assert got.pop(1) == {"code": 1, "status": "UNKNOWN", "message": "no: \u00e9\nsecond 100%"}
    assert got.pop(2) == many()
    assert got == {method: CALLS[method][1] for method in got} and len(got) == 6, got
    got = batch(port, [ask("ListFilesystemVersions", LARGE, 1)], "-m", "4")[1]
    assert got["status"] == "RESOURCE_EXHAUSTED" and "vs. 4194304" in got["message"], got
    got = batch(port, [ask("ListFilesystemVersions", WAIT, 1)], "-t", "2")[1]
    assert (got["code"], got["status"]) == (99, "DEADLINE_EXCEEDED"), got
    assert ended.wait(20), "the server was not told that the call is given up"
    server.stop(None)


{"client": as_client, "server": as_server, "endpoint": endpoint}[sys.argv[1]](*sys.argv[2:])
