#!/usr/bin/env python3
"""Kill any process of a replication while it receives.

    fault_kill.py [-j JOBS] [-n KILLS] [-s SEED] [-v]

zr-step takes a stream from an archive and gives it, over TCP and through the
whole chain, to another.  At a random moment a random process of all these
(zr-step, its endpoints, zr-remote's, the server's; not the listener) gets
kill -9.  What must hold: every other one ends in time, the archive holds the
whole stream or none, and the next try succeeds and leaves nothing else.
"""
import json, os, shutil, subprocess, sys

import kills

DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data")
NAME = "a/data/@189b5711514940fa"
REQUEST = json.dumps({
    "Filesystem": "a/data", "To": {"Name": "one", "Guid": "1773106610190237946",
                                   "CreateTXG": "10", "Creation": "2026-11-22T10:43:50Z"},
    "ReplicationConfig": {"protection": {"Initial": "GuaranteeNothing",
                                         "Incremental": "GuaranteeNothing"}}})
with open(f"{DATA}/streams/data.full.zstream", "rb") as f:
    STREAM = f.read()


class Place(kills.Place):
    """Two archives, and a listener in front of the second."""

    def __init__(self, top, number, seed):
        super().__init__(top, number, seed)
        for directory in f"{self.top}/source", f"{self.top}/backup":
            os.mkdir(directory)
        subprocess.run(["zr-endpoint", "archive", "source", "Receive", REQUEST], check=True,
                       cwd=self.top, input=STREAM, stdout=subprocess.DEVNULL)
        self.port = self.listen("zr-endpoint", "archive", "backup")

    def step(self, rate):
        """A replication; rate in bytes per second, so that there is time."""
        return self.start("zr-step", "-s", "zr-endpoint archive source",
                          "-r", f"zr-remote {rate} tcp:127.0.0.1:{self.port}", REQUEST)

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

    def attempt(self, within):
        shutil.rmtree(f"{self.top}/backup")
        os.mkdir(f"{self.top}/backup")
        step = self.step("-r 6M")
        victim = None if within is None else self.kill_some(within)
        status, words = self.finish(step)
        stored = self.stored()
        if status is None:
            return victim, words
        if within is None and status != 0:
            return None, f"zr-step exited {status}: {words}"
        if stored not in (True, False):
            return victim, stored
        if status == 0 and stored is not True:
            return victim, "zr-step succeeded and nothing is stored"
        if status > 0 and not words:
            return victim, f"zr-step exited {status} without a word"
        if within is None:
            return None, None
        status, words = self.finish(self.step(""))
        if status != 0 or self.stored() is not True:
            return victim, f"the next try exited {status}: {words}"
        left = [name for _, _, names in os.walk(f"{self.top}/backup") for name in names
                if name.startswith("@receiving")]
        return victim, f"left behind: {left}" if left else None


if __name__ == "__main__":
    sys.exit(kills.main(Place, __doc__, 60))
