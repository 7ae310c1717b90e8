#!/usr/bin/env python3
"""resume_sweep.py COUNT SEED: streams into an archive, broken off and resumed at random.

Each of t/data's streams is received COUNT times by zr-endpoint archive, which must be in
PATH.  It is broken off up to four times, at any byte or at the edge of a record: the stream
ends, the verdict is bad, the process is killed (-15, -9), what goes on comes from another
source, or a byte of what was kept is changed.  After each the next stream is what the
archive's resume token asks for (resume_model.py), or the whole one if there is none.  In the
end the file must be the stream, byte for byte, and nothing else may be left.

Prints how often each happened, and how many streams were resumed."""
import collections
import glob
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from resume_model import SIZE, WRITE, payload_length, resumed
from resuming_sender import Stream, foreign, versions

STREAMS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../data/streams")
NAMES = {"data.full": "", "data.full-Lec": "", "data.full-props": "", "data.one-two": "data.full",
         "enc.full-raw": "", "enc.e1-e2-raw": "enc.full-raw", "vol.full": "", "vol.v1-v2": "vol.full"}
WAYS = ("end", "end", "verdict", "term", "kill", "foreign", "rotten")
CONFIG = {"protection": {"Initial": "GuaranteeNothing", "Incremental": "GuaranteeNothing"}}


def archive(box, *words, **more):
    return subprocess.run(["zr-endpoint", "archive", box, *words], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, **more)


def request(stream):
    return json.dumps({"Filesystem": stream.filesystem, "To": next(versions([stream])),
                       "ReplicationConfig": CONFIG})


def token(box, stream):
    """Of the stream's filesystem, or None."""
    answer = archive(box, "ListFilesystems", "{}", check=True)
    for filesystem in json.loads(answer.stdout).get("Filesystems", []):
        if filesystem["Path"] == stream.filesystem:
            return filesystem.get("ResumeToken")
    return None


def place(chance, data):
    """How many bytes of it arrive: any number, few, or up to the edge of a record."""
    way = chance.random()
    if way < 0.2:
        return chance.randrange(min(2000, len(data)))
    if way < 0.4:
        at, edges = 0, []
        while at < len(data):
            edges.append(at)
            at += SIZE + payload_length(data[at:at + SIZE])
        return chance.choice(edges)
    return chance.randrange(len(data))


def killed(box, stream, data, number):
    """A Receive that is killed when it has got these."""
    child = subprocess.Popen(["zr-endpoint", "archive", box, "Receive", request(stream)],
                             stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
    try:
        child.stdin.write(data)
        child.stdin.flush()
    except BrokenPipeError:
        pass
    child.send_signal(number)
    code = child.wait(timeout=60)
    child.stdin.close()
    return code


def verdict(box, stream, data):
    """A whole stream, of which its writer says that it is not."""
    read, write = os.pipe()
    os.write(write, b"the writer is broken\n")
    os.close(write)
    done = archive(box, "Receive", request(stream), input=data, pass_fds=(read,),
                   env={**os.environ, "ZR_VERDICT": str(read)})
    os.close(read)
    return done.returncode


def parts(box):
    return glob.glob(f"{box}/**/@receiving.*", recursive=True)


def anchor_of(part):
    """Its offset."""
    return int(part.rsplit(".", 1)[1], 16)


def shows_source(box):
    """Is the anchor a block?  An object is the same wherever it comes from."""
    with open(parts(box)[0], "rb") as file:
        file.seek(anchor_of(file.name))
        return file.read(1)[0] == WRITE


def rot(chance, box):
    """Change a byte of the part, before its anchor; where."""
    part = parts(box)[0]
    at = chance.randrange(anchor_of(part))
    with open(part, "r+b") as file:
        file.seek(at)
        byte = file.read(1)
        file.seek(at)
        file.write(bytes([byte[0] ^ 1 << chance.randrange(8)]))
    return at


def break_off(chance, box, stream, data, is_resumed):
    """Break one Receive; the way.  What must not fail here, must not succeed."""
    way = chance.choice(WAYS)
    if way in ("foreign", "rotten") and not is_resumed or way == "foreign" and not shows_source(box):
        way = "end"
    if way == "rotten":
        at = rot(chance, box)
        code = archive(box, "Receive", request(stream), input=data).returncode
        assert all(anchor_of(part) < at for part in parts(box)), "the damage is kept"
    elif way == "foreign":
        other = b"".join(resumed(foreign(stream.data), token(box, stream)))
        code = archive(box, "Receive", request(stream), input=other).returncode
    elif way == "verdict":
        code = verdict(box, stream, data)
    elif way in ("kill", "term"):
        code = killed(box, stream, data[:place(chance, data)],
                      signal.SIGKILL if way == "kill" else signal.SIGTERM)
    else:
        code = archive(box, "Receive", request(stream), input=data[:place(chance, data)]).returncode
    assert code != 0, f"{way}: succeeded"
    return way


def stored(box, stream):
    return f"{box}/{stream.filesystem}/@{stream.guid:016x}.zstream"


def once(chance, directory, stream, base, counts):
    box = f"{directory}/box"
    shutil.rmtree(box, ignore_errors=True)
    os.mkdir(box)
    if base:
        archive(box, "Receive", request(base), input=base.data, check=True)
    breaks = chance.randrange(1, 5)
    ways = []
    for number in range(breaks + 1):
        text = token(box, stream)
        data = b"".join(resumed(stream.data, text)) if text else stream.data
        if number == breaks:
            break
        ways.append(break_off(chance, box, stream, data, bool(text)))
        counts[ways[-1]] += 1
        if ways[-1] == "foreign":
            assert token(box, stream) is None and not parts(box), f"{ways}: the part is still there"
    done = archive(box, "Receive", request(stream), input=data)
    assert done.returncode == 0, f"{ways}: {done.stderr.decode()}"
    counts["resumed" if text else "anew"] += 1
    with open(stored(box, stream), "rb") as file:
        assert file.read() == stream.data, f"{ways}: not the stream"
    assert not parts(box) and token(box, stream) is None, f"{ways}: a part is left"


def main():
    count, seed = int(sys.argv[1]), sys.argv[2]
    streams = {name: Stream(f"{STREAMS}/{name}.zstream") for name in NAMES}
    counts = collections.Counter()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(dir=".") as directory:
        for name, base in NAMES.items():
            for number in range(count):
                try:
                    once(random.Random(f"{seed} {name} {number}"), directory, streams[name],
                         streams.get(base), counts)
                except AssertionError as failure:
                    sys.exit(f"{name}, number {number} of seed {seed}: {failure}")
    print(*(f"{value} {key}" for key, value in sorted(counts.items())), sep=", ")
    print(f"{time.monotonic() - began:.1f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
