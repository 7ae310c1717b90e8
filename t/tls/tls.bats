# zr-tls: handshakes, whom each side takes, and the connection inside.
load ../lib/helper
load ../lib/tls

# The certificates are made once for the file.
setup_file() {
	make_pki
	zr-cert ca "$PKI/other" "other CA"
	zr-cert server "$PKI/other" server localhost
	zr-cert client "$PKI/other" web1
	dated late '20200101000000Z' '20210101000000Z'
	dated early '20900101000000Z' '20910101000000Z'
}

# dated NAME FROM TO: a certificate for both purposes that is not valid now.
dated() {
	(
		cd "$PKI"
		mkdir "$1.ca"
		touch "$1.ca/index.txt"
		openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		    -keyout "$1.key" -out "$1.csr" -subj "/CN=$1"
		printf '%s\n' '[ca]' 'default_ca=d' '[d]' "database=$1.ca/index.txt" \
		    "new_certs_dir=$1.ca" 'default_md=sha256' 'policy=p' 'rand_serial=yes' \
		    'x509_extensions=e' '[p]' 'commonName=supplied' '[e]' \
		    'extendedKeyUsage=serverAuth,clientAuth' \
		    'subjectAltName=DNS:localhost' > "$1.cnf"
		openssl ca -batch -config "$1.cnf" -cert ca.crt -keyfile ca.key \
		    -in "$1.csr" -out "$1.crt" -startdate "$2" -enddate "$3" -notext
	) > /dev/null 2>&1
}

# refused TEXT OPTION...: connect does not get in, and says TEXT.  With TLS 1.3
# a client hears of that only after its handshake: something must read.
refused() {
	run -98 --separate-stderr connect -s localhost "${@:2}" \
	    python3 -c 'import socket; exit(not socket.socket(fileno=6).recv(1))'
	stderr_has "$1"
}

# refuses TEXT OPTION...: connect does not take the server, says TEXT, and never
# starts its program.
refuses() {
	run -98 --separate-stderr connect "${@:2}" touch ran
	stderr_has "$1"
	[ ! -e ran ]
}

# The program inside: standard input out, half-close, network to standard output.
exchange() {
	cat > exchange.py <<-'EOF'
	import os, socket, sys, threading
	r = socket.socket(fileno=int(sys.argv[1])); w = socket.socket(fileno=int(sys.argv[2]))
	def out():
	    while (piece := os.read(0, 65536)):
	        w.sendall(piece)
	    w.shutdown(socket.SHUT_WR)
	thread = threading.Thread(target=out); thread.start()
	while (piece := r.recv(65536)):
	    os.write(1, piece)
	thread.join()
	EOF
}

# The server says TEXT and has ended: its program, "touch served", never ran.
server_refused() {
	server_said "$1"
	eventually 10 eval '[ "$(tail -n 1 server.err)" = "tcpserver: status: 0/40" ]'
	[ ! -e served ]
}

@test "both directions carry bytes unchanged, and end by themselves" {
	exchange
	accept -- sh -c 'cat > got; sha256sum < got; cat got'
	head -c 5000000 /dev/urandom > sent
	connect -n web1 -s localhost python3 exchange.py 6 7 < sent > answer
	sha256sum < sent | cmp - <(head -n 1 answer)
	cmp sent <(tail -n +2 answer)
}

@test "the server can send after the client's end, and the other way round" {
	exchange
	accept -- sh -c 'echo early; exec >&-; : > closed; wc -c > count'
	(eventually 10 test -e closed; eventually 10 test -s answer; echo twelve bytes) |
		connect -n web1 -s localhost python3 exchange.py 6 7 > answer
	[ "$(cat answer)" = early ]
	eventually 10 grep -q 13 count
}

@test "the program's environment describes the peer" {
	exchange
	export ZR_CLIENT_IDENTITY=forged ZR_EXTENSIONS=zr-zstd-1
	accept -- sh -c 'env; ls -l /proc/self/fd | grep -c socket'
	connect -n web1 -s localhost sh -c 'env >&2; exec python3 exchange.py 6 7' < /dev/null > answer 2> client
	grep -qx SSL_PROTOCOL=TLSv1.3 client
	run -1 grep ZR_EXTENSIONS answer client
	grep -qx ZR_CLIENT_IDENTITY=web1 answer
	grep -qx SSL_PROTOCOL=TLSv1.3 answer
	grep -qx SSL_CIPHER=TLS_AES_128_GCM_SHA256 answer
	grep -qx SSL_PEER_CERT_SUBJECT=CN=web1 answer
	grep -qx "SSL_PEER_CERT_HASH=$(openssl x509 -in "$PKI/web1.crt" -outform DER |
		sha256sum | cut -d ' ' -f 1)" answer
	! grep -q PRIVATE answer
}

@test "the exit status is the program's, signals included" {
	accept -- sh -c 'cat >/dev/null'
	run connect -n web1 -s localhost sh -c 'exit 7'
	[ "$status" -eq 7 ]
	run connect -n web1 -s localhost sh -c 'kill -KILL $$'
	[ "$status" -eq 137 ]
	run -127 connect -n web1 -s localhost /does/not/exist
}

@test "SIGTERM is passed on to the program" {
	accept -- cat
	background tcpclient -RHl0 127.0.0.1 "$port" zr-tls -d "$PKI" -n web1 \
	    -s localhost connect sh -c 'trap "echo term > trapped; exit 3" TERM; : > ready; while :; do sleep 0.1; done'
	eventually 10 test -e ready
	kill -TERM $!
	run wait $!
	eventually 10 test -e trapped
}

@test "zr-tls ends after its program, even if the peer never stops sending" {
	accept -- yes
	run -3 timeout 30 tcpclient -RHl0 127.0.0.1 "$port" zr-tls -d "$PKI" -n web1 \
	    -s localhost connect sh -c 'exit 3'
}

# slowly PORT SIZE SECONDS RATE: a TLS peer that reads SIZE bytes, RATE bytes a
# second for so long, and writes only then: a close(2) before that is a reset.
slowly() {
	cat > slowly.py <<-'EOF'
	import os, socket, ssl, sys, time
	pki = os.environ["PKI"]
	port, size, seconds, rate = map(int, sys.argv[1:])
	context = ssl.create_default_context(cafile=pki + "/ca.crt")
	context.load_cert_chain(pki + "/web1.crt", pki + "/web1.key")
	raw = socket.socket()
	raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
	raw.connect(("127.0.0.1", port))
	tls = context.wrap_socket(raw, server_hostname="localhost")
	total, began = 0, time.monotonic()
	while (elapsed := time.monotonic() - began) < seconds:
	    total += len(tls.recv(4096))
	    time.sleep(max(0, total / rate - elapsed))
	print(total < size - 100000)
	for _ in range(5):
	    tls.sendall(b"x" * 100)
	    time.sleep(0.2)
	while (piece := tls.recv(65536)):
	    total += len(piece)
	print(total)
	EOF
	run -0 timeout 90 python3 slowly.py "$@"
	[ "$output" = "True
$2" ]
}

@test "a slow peer gets all bytes that the kernel holds" {
	accept -- head -c 500000 /dev/zero
	slowly "$port" 500000 4 80000
}

@test "a slow peer gets all bytes that the kernel has no room for yet" {
	printf '%s\n' 'import os, socket, sys' \
	    'socket.socket(fileno=os.dup(1)).setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 << 20)' \
	    'os.execvp(sys.argv[1], sys.argv[1:])' > roomy.py
	serve python3 roomy.py zr-tls -d "$PKI" -n server -c web1 accept head -c 7000000 /dev/zero
	slowly "$port" 7000000 14 80000
}

@test "a client that has sent much stays until the server has it" {
	cat > late.py <<-'EOF'
	import os, socket, ssl, time
	pki = os.environ["PKI"]
	context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=pki + "/ca.crt")
	context.load_cert_chain(pki + "/server.crt", pki + "/server.key")
	listener = socket.socket()
	listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
	listener.bind(("127.0.0.1", 0))
	listener.listen()
	print(listener.getsockname()[1], flush=True)
	tls = context.wrap_socket(listener.accept()[0], server_side=True)
	total = len(tls.recv(1))
	tls.sendall(b"welcome")
	time.sleep(0.5)
	tls.sendall(b"a reset, if the client has closed its socket")
	while (piece := tls.recv(65536)):
	    total += len(piece)
	print(total)
	EOF
	: > late.out
	background python3 late.py > late.out
	eventually 10 test -s late.out
	port=$(cat late.out)
	connect -n web1 -s localhost sh -c 'head -c 500000 /dev/zero >&7'
	eventually 10 grep -qx 500000 late.out
}

@test "a client whose CN is not allowed is refused" {
	accept -- touch served
	refused 'the server refused our certificate' -n stranger
	stderr_has 'is its CN allowed there?'
	server_refused 'client certificate refused: its CN "stranger" is not among the clients allowed here'
}

@test "a client whose program is done when it is refused says so" {
	accept -- touch served
	: > proxy
	background "$HELPERS/distance.py" -s 0.2 distance.log "127.0.0.1:$port" > proxy
	eventually 10 test -s proxy
	port=$(cat proxy)
	run --separate-stderr connect -n stranger -s localhost true
	[ "$status" = 0 ]
	stderr_has 'the server refused our certificate'
}

@test "a client whose CN is in the list file is admitted" {
	exchange
	printf '# who\n\nweb2\nstranger\n' > clients
	accept -l clients -- sh -c 'echo $ZR_CLIENT_IDENTITY'
	run --separate-stderr connect -n stranger -s localhost python3 exchange.py 6 7 < /dev/null
	[ "$output" = stranger ]
}

@test "a client certificate from another CA is refused" {
	accept -- touch served
	refused 'its CA file does not vouch for it' -b "$PKI/other/web1.crt" -p "$PKI/other/web1.key"
	server_refused 'client certificate CN=web1 refused: wrong CA: it was issued by CN=other CA'
}

@test "a client certificate that has expired, or is not valid yet, is refused" {
	accept -c late -c early -- touch served
	refused 'certificate expired' -n late
	stderr_has 'warning: our own certificate'
	server_refused 'client certificate CN=late refused: it expired on 2021-01-01'
	refused 'the server refused our certificate' -n early
	stderr_has 'is not valid yet'
	server_refused 'client certificate CN=early refused: it is not valid before 2090-01-01'
}

@test "a client without a certificate is refused" {
	for version in -tls1_2 -tls1_3; do
		accept -- touch served
		run openssl s_client -connect "127.0.0.1:$port" $version -quiet -no_ign_eof < /dev/null
		server_refused 'the client showed no certificate'
	done
}

@test "a server certificate is refused as a client's" {
	accept -c server -- touch served
	refused 'unsupported certificate' -n server
	server_refused 'wrong purpose: its extendedKeyUsage does not allow clientAuth'
}

@test "a server certificate with another name is refused" {
	accept -- touch served
	refuses 'server certificate CN=server refused: wrong name: expected backup.example, offered are DNS:server, DNS:localhost, IP Address:127.0.0.1' \
	    -n web1 -s backup.example
	server_refused 'the client refused our certificate'
}

@test "an address can be the server's name" {
	exchange
	accept -- cat
	run --separate-stderr connect -n web1 -s 127.0.0.1 python3 exchange.py 6 7 <<< hello
	[ "$output" = hello ]
	refuses 'wrong name: expected 127.0.0.2' -n web1 -s 127.0.0.2
}

@test "a server certificate from another CA is refused" {
	accept -b "$PKI/other/server.crt" -p "$PKI/other/server.key" -- touch served
	refuses 'server certificate CN=server refused: wrong CA: it was issued by CN=other CA' -n web1 -s localhost
	server_refused 'its CA file does not vouch for it'
}

@test "a server certificate that has expired, or is not valid yet, is refused" {
	accept -n late -- touch served
	refuses 'server certificate CN=late refused: it expired on 2021-01-01' -n web1 -s localhost
	server_said 'warning: our own certificate'
	server_said 'has expired'
	server_refused 'the client refused our certificate'
	accept -n early -- touch served
	refuses 'server certificate CN=early refused: it is not valid before 2090-01-01' -n web1 -s localhost
	server_said 'is not valid yet'
	server_refused 'the client refused our certificate'
}

@test "peers without a common version or cipher get an error" {
	accept -m 1.3 -- touch served
	refuses 'no common version of TLS: the server refused ours' -n web1 -s localhost -e ECDHE+AESGCM
	server_refused 'no common version of TLS: the client offers none that we accept (-m)'
	for mismatch in '-e TLS_AES_256_GCM_SHA384 -e TLS_AES_128_GCM_SHA256' \
	    '-e ECDHE+AES256 -e ECDHE+AES128' '-g X25519 -g P-256'; do
		# shellcheck disable=SC2086 # words
		set -- $mismatch
		accept "$1" "$2" -- touch served
		refuses 'no cipher or group that both sides accept' -n web1 -s localhost "$3" "$4"
		server_refused 'no cipher or group that both sides accept'
	done
}

@test "ciphers that leave no version are refused before anything is sent" {
	run -100 --separate-stderr zr-tls -d "$PKI" -n web1 -s x -m 1.3 -e ECDHE+AESGCM connect cat 6<&0 7>&1
	stderr_has 'it has no cipher of TLS 1.3 (TLS_...), and -m allows no other version'
}

@test "TLS 1.2, a cipher and a group can be chosen" {
	exchange
	accept -- sh -c 'echo $SSL_PROTOCOL $SSL_CIPHER'
	run --separate-stderr connect -n web1 -s localhost -g P-256 \
	    -e ECDHE-ECDSA-AES256-GCM-SHA384 python3 exchange.py 6 7 < /dev/null
	[ "$output" = 'TLSv1.2 ECDHE-ECDSA-AES256-GCM-SHA384' ]
}

@test "a peer that does not speak TLS is named" {
	accept -- touch served
	printf 'zrepl says hello, in the clear\n' | nc -N 127.0.0.1 "$port" > /dev/null || true
	server_refused 'the client does not speak TLS'
	serve echo SSH-2.0-nothing-of-the-kind
	refuses 'the server does not speak TLS' -n web1 -s localhost
	serve true
	run --separate-stderr connect -n web1 -s localhost touch ran
	[ "$status" -eq 98 ] || [ "$status" -eq 111 ]
	stderr_has 'during the TLS handshake'
	[ ! -e ran ]
}

@test "a silent peer is disconnected at the time limit" {
	accept -t 1 -- touch served
	run timeout 20 nc -d 127.0.0.1 "$port"
	[ "$status" -eq 0 ]
	server_refused 'the client did not finish the TLS handshake in time'
	serve sleep 30
	run --separate-stderr connect -t 1 -n web1 -s localhost touch ran
	[ "$status" -eq 99 ]
	stderr_has 'the server did not finish the TLS handshake in time'
	[ ! -e ran ]
}

@test "zr-listen's cap on one identity counts the certificate's name" {
	zr-cert client "$PKI" web2
	: > port
	background zr-listen -1 -C 1 tcp:127.0.0.1:0 zr-tls -d "$PKI" -n server -c web1 -c web2 accept \
	    sh -c 'echo hello; exec cat' > port 2> listen.log
	eventually 10 test -s port
	port=$(cat port)
	# The listener, told to end, waits for its clients: they are told first.
	stay() {
		background timeout $PATIENCE zr-connect "tcp:127.0.0.1:$port" \
		    zr-tls -d "$PKI" -n "$1" -s localhost connect sh -c 'exec cat <&6'
		children=("$!" "${children[@]}")
	}
	stay web1 > first
	eventually 60 grep -q hello first
	stay web1 > second 2> second.err
	eventually 60 grep -q 'web1 refused: it has 1 connections (-C)' listen.log
	stay web2 > third
	eventually 60 grep -q hello third
	kill -0 "${children[2]}"
}

@test "200 silent or slow clients are disconnected in time; a good one gets in" {
	exchange
	cat > silent.py <<-'EOF'
	import os, socket, sys, time
	all = [socket.create_connection(("127.0.0.1", int(sys.argv[1]))) for _ in range(200)]
	open("silent", "w").close()
	# A third is silent, a third stops in a ClientHello, a third drips.
	hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500)
	for s in all[1::3]: s.send(hello[:9])
	drops = 0
	while not os.path.exists("good"):
	    for s in all[2::3]:
	        try: s.send(hello[drops:drops + 1])
	        except OSError: pass
	    drops += 1
	    time.sleep(0.2)
	for s in all:
	    s.settimeout(120)
	    try:
	        while s.recv(100): pass
	    except ConnectionResetError: pass
	EOF
	# 200 programs with sanitizers take long to start.
	case $ZR_BUILD in
	*sanitize*) seconds=60 ;;
	*) seconds=10 ;;
	esac
	: > port
	background zr-listen -1 -c 300 -H 300 tcp:127.0.0.1:0 zr-tls -t $seconds -d "$PKI" \
	    -n server -c web1 accept cat > port 2> server.err
	listener=$!
	eventually 10 test -s port
	port=$(cat port)
	background python3 silent.py "$port"
	silent=$!
	eventually 60 test -e silent
	run --separate-stderr connect -t $seconds -n web1 -s localhost python3 exchange.py 6 7 <<< good
	[ "$(ps -o pid= --ppid "$listener" | wc -l)" -le 201 ]
	touch good
	[ "$output" = good ]
	wait "$silent"
	eventually 20 eval '[ "$(grep -c "in time" server.err)" -eq 200 ]'
	eventually 20 eval '[ "$(ps -o pid= --ppid "$listener" | wc -l)" -eq 0 ]'
}

@test "openssl s_client is served, and gets close_notify" {
	accept -- sh -c 'read word; echo "$word back"'
	run --separate-stderr openssl s_client -connect "127.0.0.1:$port" -cert "$PKI/web1.crt" \
	    -key "$PKI/web1.key" -CAfile "$PKI/ca.crt" -verify_return_error -quiet <<< hello
	[ "$output" = 'hello back' ]
	[ "$status" -eq 0 ]
}

@test "zr-tls connects to openssl s_server, with its session tickets" {
	exchange
	background openssl s_server -accept 127.0.0.1:0 -cert "$PKI/server.crt" \
	    -key "$PKI/server.key" -CAfile "$PKI/ca.crt" -Verify 3 -verify_return_error \
	    -rev > s_server.out 2>&1
	eventually 60 grep -q '^ACCEPT' s_server.out
	port=$(sed -n 's/^ACCEPT.*://p' s_server.out)
	(echo hello; eventually 60 grep -q olleh answer) |
		connect -n web1 -s localhost python3 exchange.py 6 7 > answer &
	eventually 60 grep -q olleh answer
	wait $!
}

@test "a bare FIN and a close_notify from a Python peer both end the input" {
	cat > peer.py <<-'EOF'
	import os, socket, ssl, sys
	pki = os.environ["PKI"]
	context = ssl.create_default_context(cafile=pki + "/ca.crt")
	context.load_cert_chain(pki + "/web1.crt", pki + "/web1.key")
	context.minimum_version = context.maximum_version = ssl.TLSVersion[sys.argv[3]]
	# Python takes a bare FIN for a close_notify otherwise.
	context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF
	raw = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
	tls = context.wrap_socket(raw, server_hostname="localhost", suppress_ragged_eofs=False)
	tls.sendall(b"x" * 100000)
	data = b""
	if sys.argv[2] == "fin":
	    socket.socket.shutdown(tls, socket.SHUT_WR)
	    while (piece := tls.recv(65536)): data += piece
	else:
	    while len(data) < 7: data += tls.recv(7 - len(data))
	    tls.unwrap()
	print(data.decode().strip())
	EOF
	accept -- sh -c 'head -c 100000 | wc -c; cat > rest; echo > ended'
	for version in TLSv1_2 TLSv1_3; do
		for how in fin notify; do
			rm -f ended
			run --separate-stderr python3 peer.py "$port" "$how" "$version"
			[ "$output" = 100000 ] || { echo "$version $how: $output $stderr"; false; }
			eventually 10 test -e ended
			[ ! -s rest ]
		done
	done
}

@test "if the program fails after a cut connection, the cut is reported" {
	exchange
	accept -- sh -c 'cat > /dev/null; exit 5'
	background tcpclient -RHl0 127.0.0.1 "$port" zr-tls -d "$PKI" -n web1 \
	    -s localhost connect sh -c 'echo $$ > ready; exec sleep 60'
	eventually 10 test -s ready
	kill -KILL $!
	server_said 'the connection ended without close_notify'
}

@test "files that do not fit together are refused" {
	accept -- cat
	run --separate-stderr connect -b "$PKI/web1.crt" -p "$PKI/stranger.key" -s localhost true
	[ "$status" -eq 100 ]
	stderr_has 'does not belong to certificate'
	run --separate-stderr connect -n nobody -s localhost true
	[ "$status" -eq 111 ]
	stderr_has 'nobody.crt: No such file or directory'
	openssl ec -in "$PKI/web1.key" -aes128 -passout pass:x -out locked.key 2>/dev/null
	run --separate-stderr connect -b "$PKI/web1.crt" -p locked.key -s localhost true
	[ "$status" -eq 100 ]
	stderr_has 'without a passphrase'
}

@test "usage errors are refused; the help is the manual's synopsis" {
	run --separate-stderr zr-tls
	[ "$status" -eq 100 ]
	run --separate-stderr zr-tls -d "$PKI" -n server accept cat
	[ "$status" -eq 100 ]
	stderr_has 'nobody may connect'
	run --separate-stderr zr-tls -d "$PKI" -n web1 connect cat
	[ "$status" -eq 100 ]
	stderr_has '-s SERVER is missing'
	# Kernel TLS is for TCP.
	run --separate-stderr zr-connect exec:cat zr-tls -k -d "$PKI" -n web1 -s x connect cat
	[ "$status" -eq 111 ]
	stderr_has '-k: no kernel TLS here'
	run --separate-stderr zr-tls -c a/b accept cat
	[ "$status" -eq 100 ]
	stderr_has 'not usable as an identity'
	run zr-tls -d "$PKI" -n web1 -s x connect true 6<&- 7>&-
	[ "$status" -eq 100 ]
}
