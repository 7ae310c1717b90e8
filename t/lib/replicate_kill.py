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
import filecmp, glob, os, shutil, sys

import kills

TREE = {"a": 4, "a/b": 2, "a/b/c": 1, "d": 3}
ORDER = ("189b5711514940fa", "43f35d1d372d1297", "521f0cb0b1f4cef9", "cb3b9d068b5917bb")


class Place(kills.Place):
    """Two archives, and with an odd number a listener in front of the second."""
    seconds = 90
    left_seconds = 30 if "sanitize" in os.environ.get("ZR_BUILD", "") else 10

    def __init__(self, top, number, seed, base):
        super().__init__(top, number, seed)
        for filesystem, count in TREE.items():
            os.makedirs(f"{self.top}/web/{filesystem}", mode=0o700)
            for guid in ORDER[:count]:
                for path in glob.glob(f"{base}/fs/@{guid}.*"):
                    shutil.copy(path, f"{self.top}/web/{filesystem}")
        os.mkdir(f"{self.top}/backup", mode=0o700)
        self.receiver = "zr-endpoint archive backup"
        if number % 2:
            port = self.listen("-b", "zr-endpoint", "archive", "backup")
            self.receiver = f"zr-remote tcp:127.0.0.1:{port}"

    def run(self):
        return self.start("zr-replicate", "-q", "-P", "2", "-I", "all", "-s",
                          "zr-endpoint archive web", "-r", self.receiver)

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

    def attempt(self, within):
        shutil.rmtree(f"{self.top}/backup")
        os.mkdir(f"{self.top}/backup", mode=0o700)
        run = self.run()
        victim = None if within is None else self.kill_some(within)
        status, words = self.finish(run)
        if status is None:
            return victim, words
        if within is None and status != 0:
            return None, f"zr-replicate exited {status}: {words}"
        if status == 0 and self.difference():
            return victim, f"the run ended well without {self.difference()}"
        if status > 0 and not words:
            return victim, f"zr-replicate exited {status} without a word"
        if within is None:
            return None, None
        status, words = self.finish(self.run())
        if status != 0 or self.difference():
            return victim, f"the next run: {status}, {words}; {self.difference()}"
        return victim, None


if __name__ == "__main__":
    sys.exit(kills.main(Place, __doc__, 25, 1))
