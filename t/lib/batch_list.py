#!/usr/bin/python3
"""batch_list.py COMMAND...: list everything that an endpoint has, through its batch.

ListFilesystems, then ListFilesystemVersions of each, a line written for each answer that
comes, at most 256 calls without one.  Prints FILESYSTEM, a tab and the answer's line
without its id, in the order of the list; then the names in $ALSO, the same way.
"""
import json
import os
import subprocess
import sys

OUTSTANDING = 256

batch = subprocess.Popen(sys.argv[1:] + ["batch"], stdin=subprocess.PIPE,
                         stdout=subprocess.PIPE)
answers = batch.stdout


def call(number, method, **request):
    line = json.dumps({"id": number, "method": method, "request": request})
    batch.stdin.write(line.encode() + b"\n")
    batch.stdin.flush()


call(0, "ListFilesystems")
names = [entry["Path"] for entry in
         json.loads(answers.readline())["response"].get("Filesystems", [])]
names += os.environ.get("ALSO", "").split()
asked = 0
results = {}
while len(results) < len(names):
    while asked < len(names) and asked - len(results) < OUTSTANDING:
        asked += 1
        call(asked, "ListFilesystemVersions", Filesystem=names[asked - 1])
    line = answers.readline().decode()
    number = json.loads(line)["id"]
    assert number not in results
    results[number] = line.split(",", 1)[1]
batch.stdin.close()
for number, name in enumerate(names, 1):
    sys.stdout.write(name + "\t" + results[number])
sys.exit(batch.wait())
