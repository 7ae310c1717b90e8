#!/usr/bin/env -S python3 -IS
"""An endpoint that does what it is told to, and otherwise what another one does:

    faulty.py [-1] DIRECTORY ENDPOINT... METHOD [REQUEST]

-1: it has no batch.  Each call is a line of DIRECTORY/calls: its method and filesystem.
A file DIRECTORY/N.fault is [METHOD, FILESYSTEM, TIMES, ACTION, ARGUMENT...]; the first
one that fits (FILESYSTEM "" fits all) is acted on, and gone after so many times.

exit CODE TEXT		end at once
arm CODE TEXT		the same; a file N.later here or there is a N.fault from now on
late CODE TEXT		do it, but end without the answer
cut BYTES CODE TEXT	of the stream only so much
stall BYTES		of the stream so much, and then nothing
error CODE STATUS TEXT	in a batch: that answer
raw TEXT		that instead of an answer
huge BYTES		an answer that is no line
run COMMAND		that first, in a shell
wait NAME		make DIRECTORY/NAME.here, and wait for DIRECTORY/NAME
never			no answer
"""
import fcntl, glob, json, os, signal, subprocess, sys, threading, time

directory, endpoint = "", []


def take(method, filesystem):
    """What is to be done about this call: an action and its arguments, or None."""
    with open(f"{directory}/lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with open(f"{directory}/calls", "a") as calls:
            calls.write(f"{method} {filesystem}\n")
        for name in sorted(n for n in os.listdir(directory) if n.endswith(".fault")):
            path = f"{directory}/{name}"
            with open(path) as file:
                fault = json.load(file)
            if fault[0] != method or fault[1] not in ("", filesystem):
                continue
            fault[2] -= 1
            if fault[2] == 0:
                os.unlink(path)
            else:
                with open(path, "w") as file:
                    json.dump(fault, file)
            return fault[3:]
    return None


def end(code, text=""):
    if text:
        os.write(2, f"zr-endpoint: {text}\n".encode())
    if int(code) < 0:
        os.kill(os.getpid(), -int(code))
        time.sleep(60)
    os._exit(int(code))


def prepare(action):
    """Those after which it goes on."""
    if action and action[0] == "arm":
        for path in glob.glob("*/*.later"):
            os.rename(path, path.replace(".later", ".fault"))
        end(*action[1:])
    if action and action[0] == "run":
        subprocess.run(action[1], shell=True, check=True, stdout=2, stdin=subprocess.DEVNULL)
    elif action and action[0] == "wait":
        open(f"{directory}/{action[1]}.here", "w").close()
        while not os.path.exists(f"{directory}/{action[1]}"):
            time.sleep(0.02)
    else:
        return action
    return None


def copy(source, target, count):
    while count > 0:
        data = os.read(source, min(count, 65536))
        if not data:
            return
        count -= len(data)
        while data:
            data = data[os.write(target, data):]


def filesystem_of(method, request):
    request = request.get("OriginalReq") or request
    return request.get("Filesystem", "")


def single(method, argument):
    line = argument.encode() if argument is not None else b""
    while argument is None and not line.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            break
        line += byte
    action = prepare(take(method, filesystem_of(method, json.loads(line))))
    words = endpoint + [method, line.decode().strip()]
    if action is None:
        os.execvp(words[0], words)
    what, rest = action[0], action[1:]
    if what == "exit":
        end(*rest)
    elif what == "late":
        subprocess.run(words, stdout=subprocess.DEVNULL, close_fds=False)
        end(*rest)
    elif what in ("raw", "huge"):
        os.write(1, rest[0].encode() + b"\n" if what == "raw" else b"")
        copy(os.open("/dev/zero", os.O_RDONLY), 1, 0 if what == "raw" else int(rest[0]))
        end(0)
    elif what == "never":
        threading.Event().wait()
    elif what in ("cut", "stall") and method == "Send":
        child = subprocess.Popen(words, stdout=subprocess.PIPE)
        byte = b""
        while byte != b"\n":
            byte = os.read(child.stdout.fileno(), 1)
            os.write(1, byte)
        copy(child.stdout.fileno(), 1, int(rest[0]))
        if what == "stall":
            parent = os.getppid()
            while os.getppid() == parent:   # kill -9 of zr-replicate leaves nobody behind
                time.sleep(0.2)
        child.kill()
        end(*rest[1:])
    elif what == "cut":
        copy(0, os.open("/dev/null", os.O_WRONLY), int(rest[0]))
        end(*rest[1:])
    raise ValueError(action)


def batch():
    """Every call through the other endpoint's batch, unless there is something to do."""
    child = subprocess.Popen(endpoint + ["batch"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    late, lock = {}, threading.Lock()

    def answer(data):
        with lock:
            os.write(1, data)

    def forward():
        for line in child.stdout:
            action = late.get(json.dumps(json.loads(line)["id"]))
            if action:
                end(*action)
            answer(line)
        end(child.wait())

    threading.Thread(target=forward, daemon=True).start()
    for line in sys.stdin.buffer:
        call = json.loads(line)
        if "method" not in call:
            continue
        number = json.dumps(call["id"])
        action = prepare(take(call["method"], filesystem_of(call["method"], call["request"])))
        what, rest = (action[0], action[1:]) if action else ("", [])
        if what == "exit":
            end(*rest)
        elif what == "late":
            late[number] = rest
        elif what == "error":
            answer(json.dumps({"id": call["id"], "error": {
                "code": int(rest[0]), "status": rest[1], "message": rest[2]}}).encode() + b"\n")
        elif what == "raw":
            answer(rest[0].encode() + b"\n")
        elif what == "huge":
            with lock:
                copy(os.open("/dev/zero", os.O_RDONLY), 1, int(rest[0]))
        if what in ("", "late"):
            child.stdin.write(line)
            child.stdin.flush()
    child.stdin.close()
    threading.Event().wait()


def main():
    global directory, endpoint
    words = sys.argv[1:]
    alone = words[0] == "-1"
    words = words[alone:]
    directory = words[0]
    argument = words.pop() if words[-1].startswith("{") else None
    method = words.pop()
    endpoint = words[1:]
    if method != "batch":
        single(method, argument)
    take("batch", "")
    if alone:
        end(100, "no batch here")
    batch()


try:
    main()
except BrokenPipeError:
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    end(-signal.SIGPIPE)
