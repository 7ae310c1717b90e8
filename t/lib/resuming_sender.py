#!/usr/bin/env python3
"""An endpoint that sends streams from files, and resumes them as zfs send -t does:

    resuming_sender.py [-c BYTES[,BYTES...]] [-f | -n | -r] [-l LOG] [-s] STREAM... METHOD [REQUEST]

Each STREAM is a file of zfs send.  Together they are what a pool has: their snapshots, with
CreateTXG in the order of creation.  A Send takes the first file whose snapshots are those
of the request.  The token of a request must be of that stream (resume_model.py).

-c BYTES	of what is sent only so much, then exit 1; the second number is for
		the second Send that LOG knows of, and so on; what follows the last is whole
-f		a foreign source: what is resumed has other data and the same guids (which shows
		if it goes on at a block, not at an object)
-l LOG		a line for each Send: "whole BYTES" or "resumed BYTES", once it is sent
-n		no token is good any more: exit 1, as zfs send -t of a snapshot that is gone
-r		no token is used: the whole stream is sent, and the answer says so
-s		after the last byte of -c stay until the reader is gone, instead of exit 1

Methods: Ping, ListFilesystems, ListFilesystemVersions, SendDry, Send, SendCompleted."""
import datetime
import getopt
import json
import os
import select
import sys

from resume_model import Refused, Record, WRITE, records_of, resumed, written


class Stream:
    def __init__(self, path):
        with open(path, "rb") as file:
            self.data = file.read()
        begin = records_of(self.data)[0]
        self.guid, self.from_guid, self.creation = begin.u64(40), begin.u64(48), begin.u64(24)
        name = bytes(begin.head[56:312]).split(b"\0")[0].decode()
        self.filesystem, self.snapshot = name.split("@")


def versions(streams):
    found = {s.guid: s for s in streams}
    for txg, s in enumerate(sorted(found.values(), key=lambda s: s.creation), start=10):
        moment = datetime.datetime.fromtimestamp(s.creation, datetime.timezone.utc)
        yield {"Name": s.snapshot, "Guid": str(s.guid), "CreateTXG": str(txg),
               "Creation": moment.strftime("%Y-%m-%dT%H:%M:%SZ")}


def find(streams, request):
    wanted = (request["Filesystem"], int(request["To"]["Guid"]),
              int((request.get("From") or {}).get("Guid", 0)))
    for stream in streams:
        if (stream.filesystem, stream.guid, stream.from_guid) == wanted:
            return stream
    raise Refused("dataset does not exist")


def foreign(data):
    """The same with another first byte in every block."""
    records = []
    for record in records_of(data):
        payload = record.payload
        if record.type == WRITE:
            payload = bytes([payload[0] ^ 1]) + payload[1:]
        records.append(Record(record.head, payload))
    return b"".join(written(records))


def bytes_of(stream, token, options):
    """What is sent, and whether it is resumed."""
    if not token or "-r" in options:
        return stream.data, False
    if "-n" in options:
        raise Refused("cannot resume send: the snapshot no longer exists")
    data = foreign(stream.data) if "-f" in options else stream.data
    return b"".join(resumed(data, token)), True


def limit(options):
    """Of this Send, or None."""
    sends = 0
    if "-l" in options and os.path.exists(options["-l"]):
        with open(options["-l"]) as file:
            sends = len(file.readlines())
    limits = options.get("-c", "").split(",")
    return int(limits[sends]) if sends < len(limits) and limits[sends] else None


def send(stream, token, options):
    data, is_resumed = bytes_of(stream, token, options)
    most = limit(options)
    part = data if most is None else data[:most]
    answer = {"UsedResumeToken": is_resumed, "ExpectedSize": str(len(data))}
    rest = json.dumps(answer).encode() + b"\n" + part
    try:
        while rest:
            rest = rest[os.write(1, rest[:65536]):]
    finally:
        if "-l" in options:
            with open(options["-l"], "a") as log:
                log.write(f"{'resumed' if is_resumed else 'whole'} {len(part) - len(rest)}\n")
    if most is not None and "-s" in options:
        poll = select.poll()
        poll.register(1, 0)
        poll.poll()
    if most is not None:
        raise Refused(f"cut after {len(part)} bytes")


def answer(method, request, streams, options):
    """A line of JSON."""
    if method == "ListFilesystems":
        names = dict.fromkeys(stream.filesystem for stream in streams)
        return {"Filesystems": [{"Path": name} for name in names]}
    if method == "ListFilesystemVersions":
        return {"Versions": list(versions(s for s in streams
                                          if s.filesystem == request["Filesystem"]))}
    if method == "SendDry":
        data, is_resumed = bytes_of(find(streams, request), request.get("ResumeToken"), options)
        return {"UsedResumeToken": is_resumed, "ExpectedSize": str(len(data))}
    if method == "Ping":
        return {"Echo": request.get("Message", "")}
    if method == "SendCompleted":
        return {}
    sys.exit(100)


def read_request():
    """Byte by byte: nothing behind the line is ours."""
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            break
        line += byte
    return json.loads(line)


def main():
    options, words = getopt.getopt(sys.argv[1:], "c:fl:nrs")
    options = dict(options)
    request = json.loads(words.pop()) if words[-1].startswith("{") else None
    method = words.pop()
    if method not in ("Ping", "ListFilesystems", "ListFilesystemVersions", "SendDry", "Send",
                      "SendCompleted"):
        sys.exit(100)
    request = request if request is not None else read_request()
    try:
        streams = [Stream(path) for path in words]
        if method == "Send":
            send(find(streams, request), request.get("ResumeToken"), options)
        else:
            print(json.dumps(answer(method, request, streams, options)))
    except Refused as refused:
        sys.exit(f"resuming_sender: {refused}")
    except BrokenPipeError:
        sys.exit("resuming_sender: the reader is gone")


if __name__ == "__main__":
    main()
