#!/usr/bin/python3
"""What TLS costs: CPU and throughput beside plain TCP, openssl and ssh.

    tls.py [FILE]      in build/bench, with zr in PATH; BENCH_GIB=8 BENCH_RUNS=5

As in dataconn.py; every run goes to FILE (tls.json).  What is inside of zr-tls
is the same pump that plain TCP is measured with; "zr-tls alone" is without it.
The bare cost of the cipher, to encrypt and to decrypt, is measured in between:
pump and cipher together are what zr-tls has to be compared with.  "Relays" are
two processes where zr-tls has its two, which hand on what they read: cat(1).
"""
import os, re, socket, subprocess, sys, tempfile, time
from dataconn import SIZE, consumer, connection, finish, listening, measure, on_sockets, producer, ssh, start

CIPHER = "aes-128-gcm"
BARE, ALONE, RELAYS = f"bare {CIPHER}, twice", "zr-tls alone", "relays"
PKI = os.path.abspath("pki")


def certificates():
    if not os.path.exists(PKI):
        for words in (["ca", PKI], ["server", PKI, "server", "localhost"], ["client", PKI, "client"]):
            subprocess.run(["zr-cert", *words], check=True, stdout=subprocess.DEVNULL)


def bare():
    """The cipher alone, on records of 16 KiB, over and over the same: both sides, one after the other."""
    for clock in [], ["-elapsed"]:              # CPU time, unless the kernel counts none (User Mode Linux)
        said = subprocess.run(["openssl", "speed", "-mr", *clock, "-seconds", "1", "-bytes", "16384", "-evp", CIPHER],
                              check=True, capture_output=True, text=True).stdout
        rate = float(re.search(r"^\+F:.*:([0-9.]+|inf)$", said, re.M).group(1))
        if rate < float("inf"):
            break
    return 2 * SIZE / rate, 2 * SIZE / rate


def relays():
    """What it costs to be a process on the way, twice: between the pumps and the network."""
    near, far = connection()
    make, take = producer(), consumer()
    sent, to_send = socket.socketpair()
    received, to_receive = socket.socketpair()
    began = time.monotonic()
    pumps = [start(["./pump", "receive"], received, take.stdin), start(["./pump", "send"], make.stdout, to_send)]
    movers = [start(["cat"], far, to_receive), start(["cat"], sent, near)]
    cpu = sum(finish(p) for p in movers)
    for pump in pumps:
        finish(pump)
    elapsed = time.monotonic() - began
    make.wait(), take.wait()
    return cpu, elapsed


def zr_tls(kernel, inside):
    """Movers over zr-tls; inside: do the pumps count, too?"""
    near, far = connection()
    make, take = producer(), consumer()
    with tempfile.TemporaryDirectory() as directory:
        def pump(which):
            # What it takes by itself, for its parent is charged with it.
            return ["bash", "--norc", "-c", f"TIMEFORMAT='%U %S'; {{ time ./pump {which} 2>&3; }} 3>&2 2> {directory}/{which}"]
        began = time.monotonic()
        movers = [start(["zr-tls", *kernel, "-f", "0,0", "-d", PKI, "-n", "server", "-c", "client", "accept",
                         *pump("receive")], far, take.stdin),
                  start(["zr-tls", *kernel, "-f", "1,1", "-d", PKI, "-n", "client", "-s", "localhost", "connect",
                         *pump("send")], make.stdout, near)]
        cpu = sum(finish(p) for p in movers)
        elapsed = time.monotonic() - began
        for which in ("send", "receive"):
            if not inside:
                cpu -= sum(float(word) for word in open(f"{directory}/{which}").read().split())
    make.wait(), take.wait()
    return cpu, elapsed


def openssl():
    """s_client piped to s_server, the certificates checked both ways."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    def files(name):
        return ["-cert", f"{PKI}/{name}.crt", "-key", f"{PKI}/{name}.key", "-CAfile", f"{PKI}/ca.crt", "-quiet"]
    make, take = producer(), consumer()
    # It would end with its own standard input.
    mute, silence = os.pipe()
    movers = [start(["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-naccept", "1", "-Verify", "2",
                     *files("server")], mute, take.stdin, stderr=subprocess.DEVNULL)]
    os.close(mute)
    while not listening(port):
        time.sleep(0.01)
    began = time.monotonic()
    movers.append(start(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", *files("client"),
                         "-no_ign_eof"], make.stdout, subprocess.DEVNULL, stderr=subprocess.DEVNULL))
    cpu = sum(finish(p) for p in movers)
    elapsed = time.monotonic() - began
    os.close(silence)
    make.wait(), take.wait()
    return cpu, elapsed


def kernel_tls():
    """The tool that it needs, in the sense of measure(): there, or not."""
    near, _ = connection()
    try:
        near.setsockopt(socket.IPPROTO_TCP, 31, b"tls")         # TCP_ULP
    except OSError:
        return "(a kernel with TLS)"
    return "zr-tls"


def contenders():
    return [
        ("pump", "./pump", lambda: on_sockets(["./pump", "send"], ["./pump", "receive"])),
        (BARE, "openssl", bare),
        (RELAYS, "cat", relays),
        (ALONE, "zr-tls", lambda: zr_tls([], False)),
        ("pump over zr-tls", "zr-tls", lambda: zr_tls([], True)),
        ("pump over kernel TLS", kernel_tls(), lambda: zr_tls(["-k"], True)),
        ("openssl s_client, s_server", "openssl", openssl),
        ("ssh, aes128-gcm", "ssh", ssh),
    ]


if __name__ == "__main__":
    certificates()
    cpu = {name: row["cpu_seconds_per_gib"] for name, row in
           measure(contenders(), sys.argv[1] if sys.argv[1:] else "tls.json").items()}
    for other in ("pump", RELAYS):
        print(f"zr-tls alone costs {cpu[ALONE] / (cpu[other] + cpu[BARE]):.2f} of {other} and cipher together")
