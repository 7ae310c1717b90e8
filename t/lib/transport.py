"""The connection between a client program and a server program, for tests.

It is loopback TCP, or, where both of these are in the environment (replay.bash
sets them), whatever they make of that:

    ZR_OVER_CLIENT  words before the client's command, which connect to
                    127.0.0.1, port PORT, and give it descriptors 6 and 7
    ZR_OVER_SERVER  words before the server's command, started with the
                    accepted connection on 0 and 1
"""
import atexit, fcntl, os, shlex, shutil, socket, subprocess, tempfile

RELAY = os.path.join(os.environ.get("ZR_BUILD") or
                     os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "build"), "t", "relay")
PATIENCE = 60       # seconds, on a busy machine


def over(side, port=0):
    return shlex.split(os.environ.get(f"ZR_OVER_{side}", "").replace("PORT", str(port)))


def for_relay(words):
    """Kernel TLS is for our own programs, which know how to read it."""
    return [word for word in words if word != "-k"]


def accept(listener):
    listener.settimeout(PATIENCE)
    connection, _ = listener.accept()
    listener.close()
    connection.settimeout(None)
    return connection


def tcp():
    listener = socket.create_server(("127.0.0.1", 0))
    near = socket.create_connection(listener.getsockname())
    near.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return near, accept(listener)


def start_server(command, connection, **options):
    program = subprocess.Popen(command, stdin=connection, stdout=connection, **options)
    connection.close()
    return program


def start_client(command, connection, pass_fds=(), **options):
    # A high number, so that it is in nobody's way; bash moves it to 6 and 7.
    high = fcntl.fcntl(connection, fcntl.F_DUPFD, 100)
    connection.close()
    program = subprocess.Popen(
        ["bash", "-c", f'exec 6<&{high} 7>&{high} {high}>&-; exec "$@"', "client", *command],
        pass_fds=[high, *pass_fds], **options)
    os.close(high)
    return program


def start_both(client, server, words=lambda side, words: words, client_options={}, server_options={}):
    """The two over the other transport; words() may change what is put before them."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    started = subprocess.Popen(words("CLIENT", over("CLIENT", port)) + client, **client_options)
    return started, start_server(words("SERVER", over("SERVER")) + server, accept(listener), **server_options)


def pair(client, server, client_options={}, server_options={}):
    """Start both commands, connected with each other; returns their processes."""
    if over("CLIENT"):
        return start_both(client, server, client_options=client_options, server_options=server_options)
    near, far = tcp()
    started = start_server(server, far, **server_options)
    return start_client(client, near, **client_options), started


def with_relay(side, start):
    """We are the other side: a relay has it, and hands it to us on a unix socket."""
    directory = tempfile.mkdtemp()
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(f"{directory}/socket")
    listener.listen()
    client, server = start([RELAY, f"{directory}/socket"],
                           lambda which, words: words if which == side else for_relay(words))
    program, other = (client, server) if side == "CLIENT" else (server, client)
    atexit.register(end, other)
    sock = accept(listener)
    shutil.rmtree(directory)
    return sock, program


def end(program):
    try:
        program.wait(10)
    except subprocess.TimeoutExpired:
        program.terminate()
        program.wait()


def serve(command, **options):
    """Start a server; returns the connection to it, and its process."""
    if over("SERVER"):
        return with_relay("SERVER", lambda relay, words: start_both(
            relay + ["6", "7"], command, words, server_options=options))
    near, far = tcp()
    return near, start_server(command, far, **options)


def call(command, **options):
    """Start a client; returns the connection that it made, and its process."""
    if over("CLIENT"):
        return with_relay("CLIENT", lambda relay, words: start_both(
            command, relay + ["0", "1"], words, client_options=options))
    near, far = tcp()
    return far, start_client(command, near, **options)
