#!/usr/bin/env python3
"""Connections per second through the whole chain, and what idle ones cost.

    listen.py      in build/bench, with zr in PATH; BENCH_CONNECTIONS=2000

zr-listen, zr-handshake, zr-mux, zr-serve, zr-dataconn, zr-endpoint: a Ping on a new
connection each, one at a time and 200 at once, and the CPU of all of that per
connection.  Then 1,000 connections that do nothing, of either kind: resident
memory of their processes.  The clients are threads of this program, on the same
cores.  The table goes to standard output, the numbers to listen.json.
"""
import json, os, socket, struct, subprocess, threading, time

CONNECTIONS = int(os.environ.get("BENCH_CONNECTIONS", "2000"))
IDLE = int(os.environ.get("BENCH_IDLE", "1000"))
BANNER = b"0000000056 ZREPL_ZFS_REPLICATION PROTOVERSION=0007 EXTENSIONS=0000\n"
END, HEARTBEAT, SHUTDOWN = 0x00020000, 0x01000000, 0x10000000
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"     # and empty SETTINGS
PING_ACK = b"\0\0\10\6\1\0\0\0\0"


def frame(kind, payload=b""):
    return struct.pack(">II", kind, len(payload)) + payload


def label(name):
    return name.ljust(64, b"\0")


PING = BANNER + label(b"zrepl_data") + b"".join(frame(*f) for f in (
    (1, b"/v1/ping"), (END,), (2, b"\n\5hello"), (END,)))


class Listener:
    def __init__(self, *chain):
        self.process = subprocess.Popen(["zr-listen", "-1", "-c", "1200", "-H", "1200", "-b", "1200", "tcp:127.0.0.1:0",
                                         "zr-handshake", "accept", "zr-mux", "accept", *chain],
                                        stdout=subprocess.PIPE, stderr=open("listen.log", "w"))
        self.port = int(self.process.stdout.readline())

    def connect(self, first):
        client = socket.create_connection(("127.0.0.1", self.port), 60)
        client.sendall(first)
        return client

    def children(self):
        pid = self.process.pid
        return [int(word) for word in open(f"/proc/{pid}/task/{pid}/children").read().split()]

    def cpu(self):
        """Of itself and of every process of its connections that has ended."""
        fields = open(f"/proc/{self.process.pid}/stat").read().rsplit(")", 1)[1].split()
        return sum(int(x) for x in fields[11:15]) / os.sysconf("SC_CLK_TCK")

    def end(self):
        self.process.terminate()
        while self.process.poll() is None:
            time.sleep(0.1)
            self.process.terminate()


def answered(client):
    """The answer to a request that has been sent, up to the end of the connection."""
    answer = b""
    while not answer.endswith(frame(SHUTDOWN)):
        piece = client.recv(4096)
        if not piece:
            break
        answer += piece
        if answer.endswith(frame(HEARTBEAT)):       # a busy server's sign of life; ours
            client.sendall(frame(HEARTBEAT))
    client.sendall(frame(SHUTDOWN))
    client.close()
    if b"\n\5hello" not in answer:
        raise SystemExit(f"not the answer: {answer!r}")


def ping(listener):
    answered(listener.connect(PING))


def rate(listener, at_once, total):
    before, began = listener.cpu(), time.monotonic()
    share = [total // at_once] * at_once
    failed = []

    def work(count):
        try:
            for _ in range(count):
                ping(listener)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(count,)) for count in share]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    elapsed = time.monotonic() - began
    if failed:
        raise SystemExit(f"{len(failed)} of {at_once} clients failed: {failed[0]}")
    while listener.children():
        time.sleep(0.05)
    return {"at_once": at_once, "connections": sum(share), "per_second": round(sum(share) / elapsed),
            "cpu_ms": round(1000 * (listener.cpu() - before) / sum(share), 2)}


def memory(pids):
    total = {"Rss": 0, "Pss": 0}
    for pid in pids:
        for line in open(f"/proc/{pid}/smaps_rollup"):
            name, _, rest = line.partition(":")
            if name in total:
                total[name] += int(rest.split()[0])
    return total


def idle(listener, kind, program):
    """Connections that have said who they are and nothing since; kept alive as the protocol wants it."""
    first = BANNER + label(kind) + (PREFACE if kind == b"zrepl_control" else b"")
    clients, done = [], threading.Event()

    def keep_alive():
        while not done.wait(1):
            for client in list(clients):
                if kind == b"zrepl_data":
                    # Before a request eight are one sign of life (DATACONN_PROGRESS).
                    client.sendall(8 * frame(HEARTBEAT))
                    continue
                client.setblocking(False)
                try:
                    got = client.recv(65536)
                except BlockingIOError:
                    got = b""
                client.setblocking(True)
                at = got.find(b"\0\0\10\6\0\0\0\0\0")
                if at != -1:
                    client.sendall(PING_ACK + got[at + 9:at + 17])

    keeper = threading.Thread(target=keep_alive)
    keeper.start()
    try:
        for _ in range(IDLE):
            clients.append(listener.connect(first))

        def serving():
            names = [open(f"/proc/{pid}/comm").read().strip() for pid in listener.children()]
            return names.count(program)

        deadline = time.monotonic() + 60
        while serving() < IDLE:
            if time.monotonic() > deadline:
                raise SystemExit(f"only {serving()} of {IDLE} {program}")
            time.sleep(0.2)
        pids = listener.children()
        used, own = memory(pids), memory([listener.process.pid])
    finally:
        done.set()
        keeper.join()
        for client in clients:
            client.close()
    return {"program": program, "processes": len(pids), "rss_kib_each": round(used["Rss"] / len(pids)),
            "pss_kib_each": round(used["Pss"] / len(pids)), "pss_mib": round(used["Pss"] / 1024),
            "zr_listen_rss_kib": own["Rss"]}


def main():
    os.makedirs("archive", exist_ok=True)
    store = ["zr-endpoint", "archive", os.path.abspath("archive")]
    listener = Listener("zr-serve", *store)
    result = {"cores": os.cpu_count(), "rates": [], "idle": []}
    try:
        for at_once, total in ((1, max(CONNECTIONS // 5, 1)), (min(200, CONNECTIONS), CONNECTIONS)):
            row = rate(listener, at_once, total)
            result["rates"].append(row)
            print(f"{row['at_once']:4} at once: {row['per_second']:6} connections/s, {row['cpu_ms']:.2f} ms of CPU each")
    finally:
        listener.end()
    for kind, program in ((b"zrepl_data", "zr-dataconn"), (b"zrepl_control", "zr-rpc")):
        listener = Listener("zr-serve", *store)
        try:
            row = idle(listener, kind, program)
        finally:
            listener.end()
        result["idle"].append(row)
        print(f"{row['processes']} idle {program}: {row['rss_kib_each']} KiB RSS, {row['pss_kib_each']} KiB PSS each, "
              f"{row['pss_mib']} MiB in all; zr-listen {row['zr_listen_rss_kib']} KiB")
    with open("listen.json", "w") as f:
        json.dump(result, f, indent=1)
        f.write("\n")


if __name__ == "__main__":
    main()
