#!/usr/bin/env python3
"""zr beside what else carries a stream: a bare pump, ssh, syncoid's pipe, socat.

    beside.py      in build/bench, with zr in PATH; BENCH_GIB=8 BENCH_RUNS=5

As in dataconn.py, by turns, but the stream is one that lzop can halve: 32 MiB, every other
4 KiB of them zeros and the rest random, again and again.  syncoid's pipe is what syncoid
makes by default of the programs that it finds on both hosts, without its pv(1): lzop, mbuffer
and ssh.  "zr, TLS" is the pump over zr-tls.  Every run goes to beside.json, and from there to the
first table and the plot of page.py.
"""
import os

import dataconn
import tls

PIECE = 32 << 20
MBUFFER = ["mbuffer", "-q", "-s", "128k", "-m", "16M"]


def producing():
    """What the contenders carry: dataconn.SIZE bytes from a file that is in memory."""
    with open("stream", "wb") as file:
        for _ in range(PIECE // 8192):
            file.write(os.urandom(4096) + bytes(4096))
    with open("produce", "w") as script:
        script.write(f"#!/bin/sh\nwhile cat {os.path.abspath('stream')}; do :; done 2> /dev/null | head -c {dataconn.SIZE}\n")
    os.chmod("produce", 0o755)
    return [os.path.abspath("produce")]


def contenders():
    wanted = ("pump", "pump, splice", "zr-dataconn Send", "zr-dataconn Receive", "socat", "mbuffer", "nc", "ssh, aes128-gcm")
    own = {name: (name, tool, contend) for name, tool, contend in dataconn.contenders()}
    return [*(own[name] for name in wanted),
            ("pump over zr-tls", "zr-tls", lambda: tls.zr_tls([], True)),
            ("syncoid's pipe", "lzop", lambda: dataconn.ssh([["lzop"], MBUFFER], f"{' '.join(MBUFFER)} | lzop -dfc |"))]


if __name__ == "__main__":
    dataconn.PRODUCE = producing()
    tls.certificates()
    dataconn.measure(contenders(), "beside.json")
