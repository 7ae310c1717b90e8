"""The part of growth.py with connections at zr-listen: many that wait, and then all of them answered."""
import os
import resource
import subprocess
import threading
import time

from listen import BANNER, END, HEARTBEAT, Listener, answered, frame, label

WAITING = BANNER + label(b"zrepl_data")
REQUEST = b"".join(frame(*one) for one in ((1, b"/v1/ping"), (END,), (2, b"\n\5hello"), (END,)))
KEPT_ALIVE = 8 * frame(HEARTBEAT)       # before a request eight are one sign of life


class Many(Listener):
    def __init__(self, count):
        os.makedirs("archive", exist_ok=True)
        limit = str(count + 1)
        self.process = subprocess.Popen(
            ["zr-listen", "-1", "-c", limit, "-H", limit, "-b", limit, "tcp:127.0.0.1:0", "zr-handshake", "accept", "zr-mux",
             "accept", "zr-serve", "zr-endpoint", "archive", os.path.abspath("archive")],
            stdout=subprocess.PIPE, stderr=open("listen.log", "w"))
        self.port = int(self.process.stdout.readline())

    def spent(self, count):
        """Of zr-listen itself; cpu() has those of its connections that have ended, too."""
        with open(f"/proc/{self.process.pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        with open(f"/proc/{self.process.pid}/status") as status:
            peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
        return {"cpu": sum(int(x) for x in fields[11:13]) / os.sysconf("SC_CLK_TCK"), "peak_kib": peak, "processes": count + 1}


def measure(count):
    """What zr-listen took for them to wait, and what all did until the last was answered."""
    listener = Many(count)
    clients, done = [], threading.Event()

    def keep_alive():
        while not done.wait(1):
            for client in list(clients):
                client.sendall(KEPT_ALIVE)

    keeper = threading.Thread(target=keep_alive)
    keeper.start()
    try:
        for _ in range(count):
            clients.append(listener.connect(WAITING))
        deadline = time.monotonic() + 60
        while len(listener.children()) < count:
            if time.monotonic() > deadline:
                raise SystemExit(f"only {len(listener.children())} of {count} connections")
            time.sleep(0.05)
        idle = listener.spent(count)
        done.set()
        keeper.join()
        for client in clients:
            client.sendall(REQUEST)
        for client in clients:
            answered(client)
        while listener.children():
            time.sleep(0.05)
        return idle, {**listener.spent(count), "cpu": listener.cpu()}
    finally:
        done.set()
        keeper.join()
        listener.end()


def rows(decades, row):
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    sizes = [10 * 10 ** n for n in range(min(decades, 2) + 1)]
    measured = [measure(size) for size in sizes]
    return [row("idle: zr-listen", sizes, [idle for idle, _ in measured]),
            row("a Ping each: both sides' processes", sizes, [busy for _, busy in measured])]
