"""What fault_kill.py and replicate_kill.py share: places in which a command runs again and
again, and a random process that takes part gets kill -9.
"""
import collections, getopt, os, random, shutil, signal, subprocess, sys
import tempfile, threading, time


class Place:
    """A directory, and perhaps a listener in it.  A subclass has attempt()."""
    seconds = 60            # that a run may take
    left_seconds = 60       # and then those whom it has started

    def __init__(self, top, number, seed):
        self.random = random.Random(f"{seed}/{number}")
        self.top = f"{top}/{number}"
        self.mark = f"{os.getpid()}.{number}"
        self.environment = dict(os.environ, ZR_FAULT_KILL=self.mark)
        self.listener = None
        os.mkdir(self.top)

    def listen(self, *serve):
        """Serve these words after zr-serve; the port."""
        with open(f"{self.top}/log", "wb") as log:
            self.listener = subprocess.Popen(
                ["zr-listen", "-1", "tcp:127.0.0.1:0", "zr-handshake", "accept", "zr-mux",
                 "accept", "zr-serve", *serve], cwd=self.top, env=self.environment,
                stdout=subprocess.PIPE, stderr=log)
        return int(self.listener.stdout.readline())

    def start(self, *command):
        return subprocess.Popen(command, cwd=self.top, env=self.environment,
                                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
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
        if self.listener:
            found.pop(self.listener.pid, None)
        return found

    def finish(self, run):
        """The exit status, and what it said or what is wrong (then the status is None)."""
        try:
            _, words = run.communicate(timeout=self.seconds)
        except subprocess.TimeoutExpired:
            run.kill()
            run.communicate()
            return None, f"{run.args[0]} hung"
        deadline = time.monotonic() + self.left_seconds
        while self.others():
            if time.monotonic() > deadline:
                return None, f"still there: {self.others()}"
            time.sleep(0.01)
        return run.returncode, words.decode(errors="replace").strip()

    def kill_some(self, within):
        """Within so many seconds; the victim's command line, None if nobody was there."""
        time.sleep(self.random.uniform(0, within))
        victims = sorted(self.others().items())
        if not victims:
            return None
        pid, victim = self.random.choice(victims)
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return None
        return victim

    def close(self):
        if self.listener:
            self.listener.terminate()
            self.listener.wait()


def name_of(command):
    words = command.split() or ["?"]
    name = os.path.basename(words[0])
    if name in ("sh", "dash"):
        return "sh"
    return " ".join([name] + [w for w in words[1:] if w in ("batch", "Send", "Receive", "serve")])


def main(make, doc, kills, operands=0):
    """make(top, number, seed, *operands): a Place with attempt(within), which returns the
    victim and what was wrong, both or one of them None; without within nobody is killed."""
    jobs, seed, verbose = 4, int(time.time()), False
    options, rest = getopt.getopt(sys.argv[1:], "hj:n:s:v")
    for option, value in options:
        if option == "-h":
            print(doc, end="")
            return 0
        jobs = int(value) if option == "-j" else jobs
        kills = int(value) if option == "-n" else kills
        seed = int(value) if option == "-s" else seed
        verbose = verbose or option == "-v"
    if len(rest) != operands:
        print(doc, end="", file=sys.stderr)
        return 100
    print(f"# seed {seed}", flush=True)
    top = tempfile.mkdtemp(prefix="kill.", dir=os.getcwd())
    killed, wrong, lock = collections.Counter(), [], threading.Lock()

    def work(number):
        place = None
        try:
            place = make(top, number, seed, *rest)
            started = time.monotonic()
            _, what = place.attempt(None)
            within = 1.1 * (time.monotonic() - started)
            if what:
                wrong.append(f"without any kill: {what}")
            while not wrong:
                with lock:
                    if sum(killed.values()) >= kills:
                        break
                victim, what = place.attempt(within)
                if victim:
                    with lock:
                        killed[name_of(victim)] += 1
                if verbose:
                    print(victim, what, flush=True)
                if what:
                    wrong.append(f"{number}: killed {victim}: {what}")
        except Exception as error:
            wrong.append(repr(error))
        finally:
            if place:
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
    return bool(wrong) or sum(killed.values()) < kills
