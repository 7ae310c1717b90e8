# TLS done by the kernel.  No ZFS here, but the machine's kernel has its module.
load zfs_helper

setup_file() {
	modprobe tls
	export PKI=$BATS_FILE_TMPDIR/pki
	export ANSWER=$DATA/recordings/d01-ping+c01-ping.data.s2c.bin
	zr-cert ca "$PKI"
	zr-cert server "$PKI" server localhost
	zr-cert client "$PKI" web1
}

REQUEST='{"Filesystem":"a/b","To":{"Name":"s","Guid":"1","Creation":"2024-01-02T00:00:00Z"},"ReplicationConfig":{"protection":{"Initial":1,"Incremental":2}}}'

# serve OPTIONS PROGRAM...: zr-tls accept OPTIONS, then PROGRAM, on $port.
serve() {
	: > port
	# shellcheck disable=SC2086 # words
	background zr-listen -1 tcp:127.0.0.1:0 zr-tls $1 -d "$PKI" -n server -c web1 accept \
	    "${@:2}" > port 2> server.err
	listener=$!
	eventually 60 test -s port
	port=$(cat port)
}

serve_endpoint() {
	cat > endpoint <<-'EOF2'
	#!/bin/sh
	read -r request
	case $1 in
	Receive) cat > received; echo '{}' ;;
	Send) echo '{"ExpectedSize":"3000000"}'; cat stream ;;
	Ping) echo '{"Echo":"x"}' ;;
	esac
	EOF2
	chmod +x endpoint
	head -c 3000000 /dev/urandom > stream
	serve "$1" zr-handshake accept zr-mux accept zr-serve "$PWD/endpoint"
}

# connect OPTIONS PROGRAM...
connect() {
	# shellcheck disable=SC2086 # words
	zr-connect "tcp:127.0.0.1:$port" zr-tls $1 -d "$PKI" -n web1 -s localhost connect "${@:2}"
}

# sends OPTIONS, receives OPTIONS, calls OPTIONS: one connection each.
sends() {
	connect "$1" zr-handshake connect zr-mux connect zrepl_data \
	    zr-dataconn -o answer Send "$REQUEST" | cmp - stream
}

receives() {
	connect "$1" zr-handshake connect zr-mux connect zrepl_data \
	    zr-dataconn Receive "$REQUEST" < stream && cmp stream received
}

calls() {
	connect "$1" zr-handshake connect zr-mux connect zrepl_control zr-rpc Ping '{}'
}

server_said() {
	eventually 60 grep -qF -- "$1" server.err || { cat server.err; return 1; }
}

# Whoever is below the listener now; one of them is PROGRAM.
serving() {
	ps -o args= --ppid "$listener" | grep -q "^$1"
}

@test "kernel and engine understand each other in both versions, with both ciphers" {
	serve_endpoint ''
	sends -k
	receives '-k -e ECDHE+AES256'
	calls -k
	serve_endpoint -k
	sends ''
	receives '-k -e TLS_AES_256_GCM_SHA384'
	sends '-k -e ECDHE+AES128'
	calls '-e ECDHE+AES128'
	[ ! -s server.err ] || { cat server.err; false; }
}

@test "a cipher that the kernel lacks is refused with -k, else left to the engine" {
	# Ours is built without that module.
	run ! modprobe -q chacha20poly1305
	serve_endpoint ''
	sends '-e TLS_CHACHA20_POLY1305_SHA256'
	run -111 --separate-stderr connect '-k -e TLS_CHACHA20_POLY1305_SHA256' zr-handshake connect true
	stderr_has 'kernel TLS: TLSv1.3, TLS_CHACHA20_POLY1305_SHA256'
}

@test "with -k no process is left in the data path; without it zr-tls stays" {
	serve -k zr-handshake accept cat
	background connect -k zr-handshake connect sleep 60
	eventually 60 serving cat
	eventually 60 pgrep -x sleep
	run -1 pgrep -x zr-tls
	serve '' zr-handshake accept cat
	background connect '' zr-handshake connect sleep 70
	eventually 60 pgrep -fx 'sleep 70'
	pgrep -x zr-tls
	serve '' cat
	cat > hello.py <<-'EOF2'
	import socket
	s = socket.socket(fileno=6)
	s.sendall(b"hello")
	s.shutdown(socket.SHUT_WR)
	print(s.recv(9).decode(), s.recv(9))
	EOF2
	run --separate-stderr connect '' python3 hello.py
	[ "$output" = "hello b''" ]
}

# A Python peer with a script of its own; OpenSSL's server sends two tickets.
peer() {
	cat > peer.py <<-'EOF2'
	import os, socket, ssl
	PKI = os.environ["PKI"]
	answer = open(os.environ["ANSWER"], "rb").read()
	def serve():
	    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=PKI + "/ca.crt")
	    context.load_cert_chain(PKI + "/server.crt", PKI + "/server.key")
	    context.verify_mode = ssl.CERT_REQUIRED
	    # Python takes a bare FIN for a close_notify otherwise.
	    context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF
	    listener = socket.create_server(("127.0.0.1", 0))
	    with open("port", "w") as f: print(listener.getsockname()[1], file=f)
	    raw = listener.accept()[0]
	    return context.wrap_socket(raw, server_side=True, suppress_ragged_eofs=False)
	EOF2
	cat >> peer.py
	: > port
	background python3 peer.py > peer.out 2>&1
	eventually 60 test -s port
	port=$(cat port)
}

@test "a peer's session tickets are ignored" {
	peer <<-'EOF2'
	tls = serve()
	tls.sendall(answer)
	while tls.recv(65536): pass
	EOF2
	run --separate-stderr connect -k zr-handshake connect zr-mux connect zrepl_data \
	    zr-dataconn Ping '{"Message":"x"}'
	[ "$status" -eq 0 ] || { echo "$stderr"; false; }
	[[ "$output" == *Echo* ]]
}

@test "our half-close sends close_notify; a killed program leaves a bare FIN" {
	script='tls = serve()
tls.sendall(answer)
try:
    while tls.recv(65536): pass
    print("close_notify")
except ConnectionResetError:
    print("cut off")
except ssl.SSLError as error:
    print("cut off" if error.reason == "UNEXPECTED_EOF_WHILE_READING" else error)'
	peer <<< "$script"
	connect -k zr-handshake connect zr-mux connect zrepl_data zr-dataconn Ping '{"Message":"x"}'
	eventually 60 grep -qx close_notify peer.out
	peer <<< "$script"
	run -137 connect -k zr-handshake connect zr-mux connect zrepl_data sh -c 'kill -KILL $$'
	eventually 60 grep -qx 'cut off' peer.out
}

@test "a clean early end and a connection cut off have different errors" {
	# Half an answer; then close_notify, or nothing.
	for end in 'tls.unwrap()' 'tls.shutdown(socket.SHUT_WR)'; do
		peer <<-EOF2
		tls = serve()
		tls.sendall(answer[:67])
		heard = 0
		while heard <= 67 + 64: heard += len(tls.recv(1000))
		tls.sendall(answer[67:-20])
		$end
		while tls.recv(1000): pass
		EOF2
		run --separate-stderr connect -k zr-handshake connect zr-mux connect zrepl_data \
		    zr-dataconn Ping '{"Message":"x"}'
		[ "$status" -eq 98 ]
		case $end in
		*unwrap*) [[ "$stderr" != *'cut off'* ]] || { echo "$stderr"; false; } ;;
		*) stderr_has 'cut off on the way' ;;
		esac
	done
}

@test "a fatal alert, new keys and invalid records each have their own error" {
	serve -k zr-handshake accept true
	{ echo K; eventually 15 grep -q 'Key has expired' server.err; } | timeout 20 openssl s_client -connect "127.0.0.1:$port" \
	    -cert "$PKI/web1.crt" -key "$PKI/web1.key" -CAfile "$PKI/ca.crt" > s_client.out 2>&1 || true
	server_said 'Key has expired'
	peer <<-'EOF2'
	tls = serve()
	raw = socket.socket(fileno=tls.detach())
	raw.sendall(b"\x17\x03\x03\x00\x20" + 32 * b"?")
	raw.recv(1000)
	EOF2
	run --separate-stderr connect -k zr-handshake connect true
	[ "$status" -ne 0 ]
	stderr_has 'Bad message'
}

@test "a client that is refused after its handshake gets the reason" {
	zr-cert client "$PKI" stranger
	serve -k touch served
	run -98 --separate-stderr zr-connect "tcp:127.0.0.1:$port" zr-tls -k -d "$PKI" \
	    -n stranger -s localhost connect zr-handshake connect true
	stderr_has 'the peer refused our certificate'
	server_said 'its CN "stranger" is not among the clients allowed here'
	[ ! -e served ]
}

@test "after a half-close the peer's bytes still arrive, in either role" {
	cat > count.py <<-'EOF2'
	import socket, sys
	r = socket.socket(fileno=int(sys.argv[1]))
	r.sendall(b"?" * 100000)
	r.shutdown(socket.SHUT_WR)
	total = 0
	while piece := r.recv(65536): total += len(piece)
	print(total, flush=True)
	EOF2
	# A bare FIN from a program that knows nothing of TLS is an end, too.
	cat > answer.py <<-'EOF2'
	import os
	n = 0
	try:
	    while piece := os.read(0, 65536): n += len(piece)
	except OSError: pass
	os.write(1, b"!" * n)
	EOF2
	serve -k python3 "$PWD/answer.py"
	run connect '' python3 count.py 6
	[ "$output" = 100000 ]
	run --separate-stderr connect -k python3 count.py 6
	[ "$output" = 100000 ]
}
