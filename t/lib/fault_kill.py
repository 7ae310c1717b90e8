#!/usr/bin/env python3
"""Kill any process of a replication while it receives.

    fault_kill.py [-j JOBS] [-n KILLS] [-s SEED] [-v]

zr-step takes a stream from an archive and gives it, over TCP and through the
whole chain, to another.  At a random moment a random process of all these
(zr-step, its endpoints, zr-remote's, the server's; not the listener) gets
kill -9.  What must hold: every other one ends in time, the archive holds the
whole stream or none, and the next try succeeds and leaves nothing else.
"""
import collections, getopt, json, os, random, shutil, signal, subprocess, sys
import tempfile, threading, time

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data")
SECONDS = 60
NAME = "a/data/@189b5711514940fa"
REQUEST = json.dumps({
    "Filesystem": "a/data", "To": {"Name": "one", "Guid": "1773106610190237946",
                                   "CreateTXG": "10", "Creation": "2026-11-22T10:43:50Z"},
    "ReplicationConfig": {"protection": {"Initial": "GuaranteeNothing",
                                         "Incremental": "GuaranteeNothing"}}})
with open(f"{DATA}/streams/data.full.zstream", "rb") as f:
    STREAM = f.read()


class Place:
    """Two archives, and a listener in front of the second."""

    def __init__(self, top, number, seed):
        self.random = random.Random(f"{seed}/{number}")
        self.top = f"{top}/{number}"
        self.mark = f"{os.getpid()}.{number}"
        self.environment = dict(os.environ, ZR_FAULT_KILL=self.mark)
        for directory in self.top, f"{self.top}/source", f"{self.top}/backup":
            os.mkdir(directory)
        subprocess.run(["zr-endpoint", "archive", "source", "Receive", REQUEST], check=True,
                       cwd=self.top, input=STREAM, stdout=subprocess.DEVNULL)
        with open(f"{self.top}/log", "wb") as log:
            self.listener = subprocess.Popen(
                ["zr-listen", "-1", "tcp:127.0.0.1:0", "zr-handshake", "accept", "zr-mux",
                 "accept", "zr-serve", "zr-endpoint", "archive", "backup"], cwd=self.top,
                env=self.environment, stdout=subprocess.PIPE, stderr=log)
        self.port = int(self.listener.stdout.readline())

    def step(self, rate):
        """A replication; rate in bytes per second, so that there is time."""
        return subprocess.Popen(
            ["zr-step", "-s", "zr-endpoint archive source",
             "-r", f"zr-remote {rate} tcp:127.0.0.1:{self.port}", REQUEST], cwd=self.top,
            env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE)

    def others(self):
        """Everybody who takes part: {pid: command line}."""
        found = {}
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/environ", "rb") as f:
                    if f"ZR_FAULT_KILL={self.mark}".encode() not in f.read().split(b"\0"):
                        continue
                with open(f"/proc/{pid}/cmdline", "rb") as f:
                    found[int(pid)] = f.read().replace(b"\0", b" ").decode()
            except OSError:
                continue
        found.pop(self.listener.pid, None)
        return found

    def stored(self):
        """True, False, or what is wrong."""
        base = f"{self.top}/backup/{NAME}"
        if not os.path.exists(f"{base}.json"):
            return False
        try:
            with open(f"{base}.zstream", "rb") as f:
                return f.read() == STREAM or "a wrong stream"
        except FileNotFoundError:
            return "a record without its stream"

    def finish(self, step):
        """The step's exit status and words; everybody else has gone, or who has not."""
        deadline = time.monotonic() + SECONDS
        try:
            _, words = step.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            step.kill()
            step.communicate()
            return None, "zr-step hung"
        while self.others():
            if time.monotonic() > deadline:
                return None, f"still there: {self.others()}"
            time.sleep(0.01)
        return step.returncode, words.decode(errors="replace").strip()

    def kill_one(self, within):
        """(who was killed or None, what was wrong or None)"""
        shutil.rmtree(f"{self.top}/backup")
        os.mkdir(f"{self.top}/backup")
        step = self.step("-r 6M")
        time.sleep(self.random.uniform(0, within))
        victims = sorted(self.others().items())
        victim = None
        if victims:
            pid, victim = self.random.choice(victims)
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                victim = None
        status, words = self.finish(step)
        stored = self.stored()
        if status is None:
            return victim, words
        if stored not in (True, False):
            return victim, stored
        if status == 0 and stored is not True:
            return victim, "zr-step succeeded and nothing is stored"
        if status > 0 and len(words.splitlines()) < 1:
            return victim, f"zr-step exited {status} without a word"
        status, words = self.finish(self.step(""))
        if status != 0 or self.stored() is not True:
            return victim, f"the next try exited {status}: {words}"
        left = [name for _, _, names in os.walk(f"{self.top}/backup") for name in names
                if name.startswith("@receiving")]
        return victim, f"left behind: {left}" if left else None

    def close(self):
        self.listener.terminate()
        self.listener.wait()


def main():
    jobs, kills, seed, verbose = 4, 60, int(time.time()), False
    options, _ = getopt.getopt(sys.argv[1:], "hj:n:s:v")
    for option, value in options:
        if option == "-h":
            print(__doc__, end="")
            return 0
        jobs = int(value) if option == "-j" else jobs
        kills = int(value) if option == "-n" else kills
        seed = int(value) if option == "-s" else seed
        verbose = verbose or option == "-v"
    print(f"# seed {seed}", flush=True)
    top = tempfile.mkdtemp(prefix="kill.", dir=os.getcwd())
    killed, wrong, lock = collections.Counter(), [], threading.Lock()

    def work(number):
        place = Place(top, number, seed)
        started = time.monotonic()
        status, words = place.finish(place.step("-r 6M"))
        within = 1.1 * (time.monotonic() - started)
        if status != 0:
            wrong.append(f"without any kill: {status} {words}")
        while not wrong:
            with lock:
                if sum(killed.values()) >= kills:
                    break
            victim, what = place.kill_one(within)
            if victim:
                with lock:
                    words = victim.split()
                    name = os.path.basename(words[0])
                    killed["sh" if name in ("sh", "dash") else
                           " ".join([name] + words[1:2] * (name == "zr-dataconn"))] += 1
            if verbose:
                print(victim, what, flush=True)
            if what:
                wrong.append(f"killed {victim}: {what}")
        place.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name, count in killed.most_common():
        print(f"# {name}: {count}")
    for what in wrong:
        print(what)
    shutil.rmtree(top)
    print(f"{sum(killed.values())} kills, {len(wrong)} failures")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
