#!/usr/bin/env python3
"""Break a small Send and a small Receive at every byte, with real programs.

    fault_sweep.py [-e EVERY] [-j JOBS] [-v] [-z] PLAN...

A PLAN is METHOD:KIND:DIRECTION[:FROM-TO], METHOD Send or Receive, KIND and
DIRECTION those of fault_proxy.py, FROM to TO the offsets of interest.  Cuts happen at every offset, stalls at those where
something new begins; corrupt changes each bit of all that is not payload, drop
and duplicate a byte there.  -e takes every EVERYth of these; with -z the stream is
compressed.  What must hold:

    - an archive holds the whole stream with its record, or neither;
    - exit 0 is for who has the whole stream, or its receiver's answer;
    - any other exit is the documented code, with exactly one line that says why
      (a server's log holds the failing endpoint's line besides);
    - who stands still is found in time (exit 99 on one side at least);
    - everybody ends in time, and no process is left.

The chain is complete on both sides: handshake, mux, zr-dataconn, and behind
it zr-endpoint archive, over loopback TCP through the fault.
"""
import collections, concurrent.futures, getopt, json, os, re, shutil, socket, struct
import subprocess, sys, tempfile, threading, time
from fault_proxy import Fault, pump

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data")
MARK = f"ZR_FAULT_SWEEP={os.getpid()}"
SECONDS = 15 + 5                # who is still there then is killed
OVER = 15                       # from the fault on; sanitizers may take all the time
GUID, CREATION = 5917462388427509497, 1795344231
VERSION = {"Name": "three-unchanged", "Guid": str(GUID), "CreateTXG": "13",
           "Creation": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(CREATION))}
NOTHING = {"Initial": "GuaranteeNothing", "Incremental": "GuaranteeNothing"}
REQUEST = json.dumps({"Filesystem": "a/b", "To": VERSION,
                      "ReplicationConfig": {"protection": NOTHING}})
FILE = f"a/b/@{GUID:016x}"

# What each side may exit with, besides 0: zr-dataconn(1), zr-handshake(1), zr-mux(1).
# 1: the other side found out first, and could still say so.
CODES = {"cut": {98}, "reset": {98}, "half": {98, 1}, "stall": {99, 98, 1},
         "freeze": {99, 98}, "corrupt": {1, 98, 99}, "drop": {1, 98, 99},
         "duplicate": {1, 98, 99}}


def fletcher4(data):
    a = b = c = d = 0
    for (word,) in struct.iter_unpack("<I", data):
        a = (a + word) % 2**64
        b, c, d = (b + a) % 2**64, (c + b + a) % 2**64, (d + c + b + a) % 2**64
    return struct.pack("<4Q", a, b, c, d)


def small_stream():
    """The smallest real stream, an increment without changes, made a full one."""
    with open(f"{DATA}/streams/data.two-three.zstream", "rb") as f:
        stream = bytearray(f.read())
    assert len(stream) == 2 * 312
    stream[48:56] = bytes(8)                            # BEGIN: fromguid
    stream[312 + 8:312 + 40] = fletcher4(stream[:312])  # END: of all before
    stream[592:624] = fletcher4(stream[:592])           # its own
    return bytes(stream)


STREAM = small_stream()


class Run:
    """One exchange; afterwards what both sides said and did."""

    def __init__(self, method, fault, box):
        self.method, self.fault, self.box = method, fault, box
        near, far = self.connection()
        environment = dict(os.environ, ZR_FAULT_SWEEP=str(os.getpid()))
        with tempfile.TemporaryFile() as stream, tempfile.TemporaryFile() as out, \
                tempfile.TemporaryFile() as err, tempfile.TemporaryFile() as log:
            if method == "Receive":
                stream.write(STREAM)
                stream.seek(0)
            client_end, near_end = near
            far_end, server_end = far
            fds = ("-f", f"{client_end.fileno()},{client_end.fileno()}")
            client = subprocess.Popen(
                ["zr-handshake", *OFFER, *fds, "connect", "zr-mux", *fds, "connect", "zrepl_data",
                 "zr-dataconn", *fds, method, REQUEST], stdin=stream, stdout=out,
                stderr=err, env=environment, pass_fds=[client_end.fileno()])
            server = subprocess.Popen(
                ["zr-handshake", "accept", "zr-mux", "accept", "zr-dataconn", "serve",
                 "zr-endpoint", "archive", box], stdin=server_end, stdout=server_end,
                stderr=log, env=environment)
            client_end.close()
            server_end.close()
            started = time.monotonic()
            sides = {"client": client, "server": server}
            self.hung, self.ended = [], {}

            def alive():
                for name, process in sides.items():
                    if process.poll() is not None:
                        self.ended.setdefault(name, time.monotonic())
                return [name for name in sides if name not in self.ended]

            def over():
                # Who hangs must not be saved by the end of the connection.
                here = alive()
                if time.monotonic() > started + SECONDS:
                    self.hung = here
                return not here or bool(self.hung)

            self.said = pump(near_end, far_end, fault, over)
            while alive() and time.monotonic() < started + SECONDS:
                time.sleep(0.02)
            self.hung = self.hung or alive()
            for name in alive():
                sides[name].kill()
                sides[name].wait()
            alive()
            # How long after the fault; until then a busy machine may take its time.
            since = fault.happened or started
            self.ended = {name: at - since for name, at in self.ended.items()}
            self.seconds = max(self.ended.values())
            self.codes = [p.returncode if p.returncode >= 0 else 128 - p.returncode
                          for p in (client, server)]
            for f in (out, err, log):
                f.seek(0)
            self.out = out.read()
            self.lines = [f.read().decode(errors="replace").splitlines()
                          for f in (err, log)]

    @staticmethod
    def connection():
        pairs = []
        for _ in range(2):
            with socket.create_server(("127.0.0.1", 0)) as listener:
                one = socket.create_connection(listener.getsockname())
                other, _ = listener.accept()
            for sock in (one, other):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            pairs.append((one, other))
        return pairs

    def stored(self):
        """True, False, or what is wrong with what is there."""
        files = [os.path.exists(f"{self.box}/{FILE}{suffix}") for suffix in (".zstream", ".json")]
        # The record is what makes a snapshot; it comes last and goes first.
        if not files[1]:
            return False
        if not files[0]:
            return "a record without its stream"
        with open(f"{self.box}/{FILE}.zstream", "rb") as f:
            return f.read() == STREAM or "a wrong stream"

    def faults_of(self):
        """What does not hold."""
        wrong = [f"the {name} was still there after {SECONDS} s" for name in self.hung]
        for name, code, lines in zip(("client", "server"), self.codes, self.lines):
            if code == 0 and name == "client" and lines:
                wrong.append(f"the client succeeded but said {lines}")
            # The log has the endpoint's own words, too.
            own = [line for line in lines
                   if name == "client" or not line.startswith("zr-dataconn: zr-endpoint: ")]
            if code != 0 and len(own) != 1:
                wrong.append(f"the {name} exited {code} and said {len(lines)} lines: {lines}")
            if code not in {0} | CODES[self.fault.kind]:
                wrong.append(f"the {name} exited {code}: {lines}")
        if self.seconds > OVER and "sanitize" not in os.environ.get("ZR_BUILD", ""):
            wrong.append(f"it took {self.seconds:.1f} s")
        if self.fault.kind in ("stall", "freeze") and any(self.codes) and 99 not in self.codes:
            wrong.append(f"nobody found the stall: {self.codes} {self.lines}")
        if self.method == "Receive":
            stored = self.stored()
            if stored not in (True, False):
                wrong.append(stored)
            if self.codes[0] == 0 and stored is not True:
                wrong.append("the client was told that it is stored, and it is not")
        else:
            whole = self.out.partition(b"\n")[2] == STREAM
            if self.codes[0] == 0 and not whole:
                wrong.append(f"the client took {len(self.out)} bytes for the whole stream")
            if not (ANSWERS["Send"] + STREAM).startswith(self.out) and \
                    self.fault.kind in ("cut", "reset", "half", "stall", "freeze"):
                wrong.append("the client's output is not the stream's beginning")
        if self.fault.kind in ("cut", "half") and self.fault.direction == "s2c":
            over = answered_at(self.method)
            if self.fault.offset < over and self.codes[0] == 0:
                wrong.append("the client succeeded without the whole answer")
            if self.fault.offset >= over and self.codes[0] != 0:
                wrong.append(f"the client had the whole answer and exited {self.codes[0]}")
        return wrong


BASELINE, ANSWERS = {}, {}


def frames(said, head):
    """(offset, type, length) of each frame."""
    at = head
    while at + 8 <= len(said):
        kind, length = struct.unpack(">II", said[at:at + 8])
        yield at, kind, length
        at += 8 + length


HEAD = {"c2s": 67 + 64, "s2c": 67}
OFFER = []


def said(method, direction):
    return BASELINE[method].said[direction == "s2c"]


def answered_at(method):
    """Where the server's last End ends."""
    return max(at + 8 for at, kind, _ in frames(said(method, "s2c"), HEAD["s2c"])
               if kind == 0x20000)


def framing(method, direction):
    """The offsets of everything but payloads."""
    offsets = list(range(HEAD[direction]))
    for at, _, _ in frames(said(method, direction), HEAD[direction]):
        offsets += range(at, at + 8)
    return offsets


def plan(text):
    method, kind, direction, *limits = text.split(":")
    first, last = map(int, limits[0].split("-")) if limits else (0, 1 << 30)
    return [(method, fault) for fault in faults(method, kind, direction)
            if first <= fault.offset <= last]


def faults(method, kind, direction):
    total = len(said(method, direction))
    if kind in ("cut", "reset", "half"):
        return [Fault(kind, direction, offset) for offset in range(total + 1)]
    if kind in ("stall", "freeze"):
        starts = [at for at, _, _ in frames(said(method, direction), HEAD[direction])]
        offsets = {0, 1, 66, 67, 68, HEAD[direction], total}
        for at in starts:
            offsets |= {at + 7, at + 8}
        return [Fault(kind, direction, o) for o in sorted(offsets)]
    if kind == "corrupt":
        return [Fault(kind, direction, offset, mask=1 << bit)
                for offset in framing(method, direction) for bit in range(8)]
    return [Fault(kind, direction, offset) for offset in framing(method, direction)]


def left_over():
    """Processes of ours that outlive their exchange."""
    left = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/environ", "rb") as f:
                ours = MARK.encode() in f.read().split(b"\0")
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                line = f.read().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if ours:
            left.append(f"{pid}: {line}")
    return left


def main():
    every, jobs, verbose = 1, 12, False
    options, plans = getopt.getopt(sys.argv[1:], "e:j:vhz")
    for option, value in options:
        if option == "-h":
            print(__doc__, end="")
            return 0
        every = int(value) if option == "-e" else every
        jobs = int(value) if option == "-j" else jobs
        verbose = verbose or option == "-v"
        if option == "-z":
            OFFER.append("-z")
            HEAD.update(c2s=77 + 64, s2c=77)
    top = tempfile.mkdtemp(prefix="sweep.", dir=os.getcwd())
    source = f"{top}/source"
    os.mkdir(source)
    for method in "Receive", "Send":
        run = Run(method, Fault(), source)
        assert run.codes == [0, 0] and not any(run.lines), (run.codes, run.lines)
        assert run.stored() is True
        BASELINE[method], ANSWERS[method] = run, run.out.partition(b"\n")[0] + b"\n"
    assert BASELINE["Send"].out == ANSWERS["Send"] + STREAM

    failed, outcomes, lock = 0, collections.Counter(), threading.Lock()

    def one(number, method, fault):
        box = source
        if method == "Receive":
            box = f"{top}/{number}"
            os.mkdir(box)
        run = Run(method, fault, box)
        wrong = run.faults_of()
        # Whatever happened, the next try succeeds; a sample is enough.
        if method == "Receive" and number % 40 == 0:
            again = Run(method, Fault(), box)
            if again.codes != [0, 0] or again.stored() is not True:
                wrong.append(f"the next try: {again.codes} {again.lines}")
        if method == "Receive":
            shutil.rmtree(box)
        return run, wrong

    work = [item for text in plans for item in plan(text)][::every]
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        futures = {pool.submit(one, number, *item): item for number, item in enumerate(work)}
        for future in concurrent.futures.as_completed(futures):
            method, fault = futures[future]
            run, wrong = future.result()
            outcomes[f"{method} {fault.kind} {fault.direction}: client {run.codes[0]}, server {run.codes[1]}"] += 1
            if verbose:
                print(method, fault, run.codes, f"{run.seconds:.1f} s", run.lines)
            for what in wrong:
                failed += 1
                print(f"{method}, {fault}: {what}")
    for outcome, count in sorted(outcomes.items()):
        print(f"# {outcome}: {count}")
    for what in left_over():
        failed += 1
        print(f"left over: {what}")
    shutil.rmtree(top)
    print(f"{len(work)} exchanges, {failed} failures")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
