# zr-listen: a process for each connection.
load ../lib/helper

serve() {
	background zr-listen -1 "$@" > port 2> log
	eventually 20 test -s port
	PORT=$(cat port)
}

# A client that stays.  It goes to the front: the listener, told to end, waits
# for its clients.
stay() {
	background "$@"
	children=($! "${children[@]}")
}

ask() {
	run -0 timeout 20 zr-connect "tcp:${1-127.0.0.1}:$PORT" sh -c 'cat <&6'
}

@test "the identity comes from the table, never from the environment" {
	export ZR_CLIENT_IDENTITY=forged ZR_EXTENSIONS=zr-zstd-1
	serve tcp:127.0.0.1:0 sh -c 'echo "${ZR_CLIENT_IDENTITY-none} ${ZR_EXTENSIONS-none}"'
	ask
	[ "$output" = 'none none' ]
	serve -i 127.0.0.0/8='net-*' -i 127.0.0.1=web tcp:127.0.0.1:0 \
	    sh -c 'echo "$ZR_CLIENT_IDENTITY"'
	ask
	[ "$output" = web ]
}

@test "a client without an entry is closed before any byte, and its address is logged" {
	serve -i 192.0.2.1=web tcp:127.0.0.1:0 echo hello
	ask
	[ "$output" = "" ]
	eventually 20 grep -q 'refused: .*127\.0\.0\.1' log
}

@test "-I names a file, which SIGHUP reads again; the error for a bad one names the line" {
	printf '# comment\n127.0.0.1=one\n' > table
	serve -I table tcp:127.0.0.1:0 sh -c 'echo "$ZR_CLIENT_IDENTITY"'
	ask
	[ "$output" = one ]
	echo 127.0.0.1=two > table
	kill -HUP "${children[0]}"
	two() { ask; [ "$output" = two ]; }
	eventually 20 two
	printf '\nnonsense\n' > table
	run -100 --separate-stderr zr-listen -I table tcp:127.0.0.1:0 true
	stderr_has 2
}

@test "a client's process only has descriptors 0 to 2 and the handshake's" {
	exec 9> lock
	# ls has one more, the directory that it reads.
	serve tcp:127.0.0.1:0 sh -c 'echo "handshake $ZR_HANDSHAKE_FD"; exec ls /proc/self/fd'
	exec 9>&-
	ask
	[ "$output" = "$(printf '%s\n' 'handshake 3' 0 1 2 3 4)" ]
}

@test "a client's process has the variables of its own connection, and default signals" {
	export PROTO=UNIX TCPREMOTEIP=192.0.2.1 TCPREMOTEHOST=forged ZR_LABEL=forged TCPREMOTEIPS=kept
	serve -i 127.0.0.1=web tcp:127.0.0.1:0 sh -c 'env | grep -E "^(PROTO|TCP|ZR_[CLH])" | sort; grep -E "^Sig(Blk|Ign)" /proc/self/status'
	ask
	[ "$(sed "s/$PORT/PORT/; s/^TCPREMOTEPORT=[1-9][0-9]*$/TCPREMOTEPORT=N/" <<< "$output" | head -8)" = "PROTO=TCP
TCPLOCALIP=127.0.0.1
TCPLOCALPORT=PORT
TCPREMOTEIP=127.0.0.1
TCPREMOTEIPS=kept
TCPREMOTEPORT=N
ZR_CLIENT_IDENTITY=web
ZR_HANDSHAKE_FD=3" ]
	[ "$(awk '/^SigBlk/ { print $2 }' <<< "$output")" = 0000000000000000 ]
	# SIGPIPE is 13: bit 12.
	[ $((0x$(awk '/^SigIgn/ { print $2 }' <<< "$output") & 0x1000)) -eq 0 ]
}

@test "the log has why a client's program cannot be executed; a script without #! can be" {
	serve -v -i 127.0.0.1=web tcp:127.0.0.1:0 ./nowhere
	ask
	eventually 20 grep -q 'ended with status 127' log
	grep -q '^zr-listen\[127\.0\.0\.1 web\]: cannot execute ./nowhere: No such file or directory$' log
	echo 'echo a script' > script
	chmod 755 script
	serve tcp:127.0.0.1:0 ./script
	ask
	[ "$output" = 'a script' ]
}

@test "zr-listen is not copied for a client: its own pages stay as they are" {
	serve tcp:127.0.0.1:0 true
	faults() { awk '{ print $10 }' "/proc/${children[0]}/stat"; }
	ask
	before=$(faults)
	for _ in {1..10}; do ask; done
	# A fork(2) costs 11 and more.
	[ $(($(faults) - before)) -lt 50 ]
}

@test "-C limits the connections of one address" {
	serve -C 1 tcp:127.0.0.1:0 sh -c 'echo hello; cat'
	stay zr-connect "tcp:127.0.0.1:$PORT" sh -c 'exec cat <&6' > first
	eventually 20 grep -q hello first
	ask
	[ "$output" = "" ]
	eventually 20 grep -q 'refused: it has 1 connections' log
}

@test "after SIGTERM the running client finishes, no other is served, and the status is 0" {
	serve tcp:127.0.0.1:0 sh -c 'trap "" TERM; echo hello; cat'
	mkfifo hold
	stay zr-connect "tcp:127.0.0.1:$PORT" sh -c 'cat hold >&7 & exec cat <&6' > first
	exec 8<> hold
	eventually 10 grep -q hello first
	kill -TERM "${children[1]}"
	closed() { ! zr-connect "tcp:127.0.0.1:$PORT" true 2> /dev/null 8>&-; }
	eventually 10 closed
	echo bye >&8
	eventually 10 grep -q bye first
	exec 8>&-
	kill "${children[0]}"
	wait "${children[1]}"
}

@test "-n with a descriptor that is not open, or not ours to close, is a usage error" {
	for address in tcp:127.0.0.1:0 unix:socket; do
		run -100 --separate-stderr timeout 20 zr-listen -n 3 "$address" true 3>&-
		stderr_has 'zr-listen: -n 3: the descriptor is not open'
	done
	[ ! -e socket ]
	run -100 timeout 20 zr-listen -n 2 tcp:127.0.0.1:0 true
}

@test "-n: the reader of the descriptor may be gone" {
	mkfifo ready
	exec 8<> ready 9> ready
	exec 8>&-
	serve -n 9 tcp:127.0.0.1:0 echo hello
	exec 9>&-
	ask
	[ "$output" = hello ]
	grep -q 'zr-listen: readiness on descriptor 9: Broken pipe' log
}

@test "a listening socket that fails ends zr-listen, with the reason" {
	# -n names the very socket, which is closed with it.
	run -111 --separate-stderr timeout -s KILL 20 python3 -c '
import os, socket
s = socket.socket(socket.AF_UNIX)
s.bind("socket")
s.listen()
os.dup2(s.fileno(), 3)
os.environ |= {"LISTEN_FDS": "1", "LISTEN_PID": str(os.getpid())}
os.execvp("zr-listen", ["zr-listen", "-n", "3", "inherited", "true"])'
	stderr_has 'zr-listen: accept: Bad file descriptor'
}

@test "numbers are checked for their range: mode, port, and systemd's variables" {
	for mode in 1000 8 -1 40000000600 2000000000000000000600 0x180 ''; do
		run -100 --separate-stderr timeout 20 zr-listen -m "$mode" unix:socket true
		stderr_has '-m wants an octal mode, 0 to 777'
	done
	run -100 --separate-stderr timeout 20 zr-listen tcp:127.0.0.1:84424 true
	stderr_has '65535'
	for count in 0 17 4294967297 +1; do
		run -100 --separate-stderr env "LISTEN_FDS=$count" \
		    sh -c 'LISTEN_PID=$$ exec zr-listen inherited true'
		stderr_has "LISTEN_FDS is $count: 1 to 16 sockets are expected"
	done
	[ ! -e socket ]
}

@test "options that have no effect on the address, or come too late, are refused" {
	refused() {
		run -100 --separate-stderr timeout 20 zr-listen "${@:2}" true
		stderr_has "$1"
	}
	refused '-m is for unix:' -m 600 tcp:127.0.0.1:0
	refused '-m is for unix:' -m 600 inherited
	refused '-1 is for tcp:' -1 unix:socket
	refused '-b is for sockets of our own' -b 5 inherited
	refused '-v stands where a program is expected' unix:socket -v
	[ ! -e socket ]
}

@test "unix: the mode is set, a stale file replaced, and the file removed at the end" {
	python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("socket")'
	background zr-listen -m 640 "unix:socket" echo hello
	ready() { [ "$(stat -c %a socket)" = 640 ] && zr-connect unix:socket true; }
	eventually 20 ready
	kill "${children[0]}"
	wait "${children[0]}"
	[ ! -e socket ]
}

# full_backlog PATH: a listener there whose backlog is full; it accepts once ./accept
# exists, and says hello.
full_backlog() {
	background /usr/bin/python3 - "$1" <<-'PY'
	import os, socket, sys, time
	listener = socket.socket(socket.AF_UNIX)
	listener.bind(sys.argv[1])
	listener.listen(0)
	first = socket.socket(socket.AF_UNIX)
	first.connect(sys.argv[1])
	open("full", "w").close()
	while not os.path.exists("accept"):
	    time.sleep(0.05)
	while True:
	    client, _ = listener.accept()
	    try: client.sendall(b"hello\n")
	    except BrokenPipeError: pass
	    client.close()
	PY
	eventually 20 test -e full
}

@test "unix: a socket that is in use stays, even if its backlog is full" {
	full_backlog "$PWD/socket"
	run -111 --separate-stderr timeout 20 zr-listen unix:socket true
	stderr_has 'zr-listen: socket: another program listens there'
	[ -S socket ]
}

@test "unix: a client waits for a place in a full backlog, until its time-out" {
	full_backlog "$PWD/socket"
	run -99 --separate-stderr timeout 20 zr-connect -t 1 unix:socket true
	background zr-connect unix:socket sh -c 'cat <&6' > said
	: > accept
	eventually 20 grep -q hello said
}

@test "-u drops root's privileges, and fails for other users" {
	if [ "$(id -u)" = 0 ]; then
		serve -u nobody tcp:127.0.0.1:0 sh -c 'id -un; id -G'
		ask
		[ "$output" = "nobody
$(id -G nobody)" ]
	else
		run ! zr-listen -u root tcp:127.0.0.1:0 true
	fi
}
