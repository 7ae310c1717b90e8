#!/usr/bin/env python3
"""Kill any process of a run of zr-replicate.

    replicate_kill.py [-j JOBS] [-n KILLS] [-s SEED] [-v] BASE

BASE is an archive with the filesystem fs, of four snapshots.  zr-replicate brings an
archive that is made of it to another one, in every second job through a server.  At a
random moment a random process (zr-replicate, a shell, an endpoint of either side, a
part of the chain, the server's; not the listener) gets kill -9.  What must hold:
10 seconds later no process is left, a run that ended well has brought everything, and
the next run ends well and leaves two archives that are the same byte for byte.
"""
import collections, filecmp, getopt, glob, os, random, shutil, signal, subprocess, sys
import tempfile, threading, time

SECONDS = 90            # for a run
LEFT_SECONDS = 30 if "sanitize" in os.environ.get("ZR_BUILD", "") else 10
TREE = {"a": 4, "a/b": 2, "a/b/c": 1, "d": 3}
ORDER = ("189b5711514940fa", "43f35d1d372d1297", "521f0cb0b1f4cef9", "cb3b9d068b5917bb")


class Place:
    """Two archives, and with an odd number a listener in front of the second."""

    def __init__(self, top, number, seed, base):
        self.random = random.Random(f"{seed}/{number}")
        self.top = f"{top}/{number}"
        self.mark = f"{os.getpid()}.{number}"
        self.environment = dict(os.environ, ZR_FAULT_KILL=self.mark)
        for filesystem, count in TREE.items():
            os.makedirs(f"{self.top}/web/{filesystem}", mode=0o700)
            for guid in ORDER[:count]:
                for path in glob.glob(f"{base}/fs/@{guid}.*"):
                    shutil.copy(path, f"{self.top}/web/{filesystem}")
        os.mkdir(f"{self.top}/backup", mode=0o700)
        self.listener = None
        self.receiver = "zr-endpoint archive backup"
        if number % 2:
            with open(f"{self.top}/log", "wb") as log:
                self.listener = subprocess.Popen(
                    ["zr-listen", "-1", "tcp:127.0.0.1:0", "zr-handshake", "accept", "zr-mux",
                     "accept", "zr-serve", "-b", "zr-endpoint", "archive", "backup"],
                    cwd=self.top, env=self.environment, stdout=subprocess.PIPE, stderr=log)
            self.receiver = f"zr-remote tcp:127.0.0.1:{int(self.listener.stdout.readline())}"

    def run(self):
        return subprocess.Popen(
            ["zr-replicate", "-q", "-P", "2", "-I", "all", "-s", "zr-endpoint archive web",
             "-r", self.receiver], cwd=self.top, env=self.environment,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

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
            _, words = run.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            run.kill()
            run.communicate()
            return None, "zr-replicate hung"
        deadline = time.monotonic() + LEFT_SECONDS
        while self.others():
            if time.monotonic() > deadline:
                return None, f"still there: {self.others()}"
            time.sleep(0.01)
        return run.returncode, words.decode(errors="replace").strip()

    def difference(self):
        """Between the archives, apart from lock files; "" for none."""
        def files(side):
            return {os.path.relpath(f"{path}/{name}", f"{self.top}/{side}")
                    for path, _, names in os.walk(f"{self.top}/{side}") for name in names
                    if name != "@lock"}
        ours, theirs = files("web"), files("backup")
        _, different, broken = filecmp.cmpfiles(f"{self.top}/web", f"{self.top}/backup",
                                                ours & theirs, shallow=False)
        return ", ".join(sorted(ours ^ theirs) + different + broken)

    def kill_one(self, within):
        """(who was killed or None, what was wrong or None)"""
        shutil.rmtree(f"{self.top}/backup")
        os.mkdir(f"{self.top}/backup", mode=0o700)
        run = self.run()
        time.sleep(self.random.uniform(0, within))
        victims = sorted(self.others().items())
        victim = None
        if victims:
            pid, victim = self.random.choice(victims)
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                victim = None
        status, words = self.finish(run)
        if status is None:
            return victim, words
        if status == 0 and self.difference():
            return victim, f"the run ended well without {self.difference()}"
        if status > 0 and not words:
            return victim, f"zr-replicate exited {status} without a word"
        status, words = self.finish(self.run())
        if status != 0 or self.difference():
            return victim, f"the next run: {status}, {words}; {self.difference()}"
        return victim, None

    def close(self):
        if self.listener:
            self.listener.terminate()
            self.listener.wait()


def name_of(command):
    words = command.split() or ["?"]
    name = os.path.basename(words[0])
    if name in ("sh", "dash"):
        return "sh"
    return " ".join([name] + [w for w in words[1:] if w in ("batch", "Send", "Receive")])


def main():
    jobs, kills, seed, verbose = 4, 25, int(time.time()), False
    options, (base,) = getopt.getopt(sys.argv[1:], "hj:n:s:v")
    for option, value in options:
        jobs = int(value) if option == "-j" else jobs
        kills = int(value) if option == "-n" else kills
        seed = int(value) if option == "-s" else seed
        verbose = verbose or option == "-v"
    print(f"# seed {seed}", flush=True)
    top = tempfile.mkdtemp(prefix="kill.", dir=os.getcwd())
    killed, wrong, lock = collections.Counter(), [], threading.Lock()

    def work(number):
        place = None
        try:
            place = Place(top, number, seed, base)
            started = time.monotonic()
            status, words = place.finish(place.run())
            within = 1.1 * (time.monotonic() - started)
            if status != 0 or place.difference():
                wrong.append(f"without any kill: {status} {words} {place.difference()}")
            while not wrong:
                with lock:
                    if sum(killed.values()) >= kills:
                        break
                victim, what = place.kill_one(within)
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


if __name__ == "__main__":
    sys.exit(main())
