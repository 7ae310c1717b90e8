# zr-listen's caps hold: what clients do costs little, and nothing that lasts.
load ../lib/helper

serve() {
	background zr-listen -1 "$@" > port 2> log
	SERVER=$!
	eventually 20 test -s port
	PORT=$(cat port)
}

# A client that stays.  It goes to the front: the listener, told to end, waits
# for its clients.
stay() {
	background "$@"
	children=($! "${children[@]}")
}

flood() {
	stay python3 "$HELPERS/flood.py" "$PORT" "$@" > flooded
	eventually 100 test -s flooded
}

processes() { ps -o pid= --ppid "$SERVER" | wc -l; }
resident() { awk '/^VmRSS/ { print $2 }' "/proc/$SERVER/status"; }
descriptors() { find "/proc/$SERVER/fd" -mindepth 1 | wc -l; }
alone() { [ "$(processes)" -eq 0 ]; }
logged() { grep -q "$1" log; }

good_client() {
	timeout 30 zr-connect "tcp:127.0.0.1:$PORT" zr-handshake connect \
	    zr-mux connect zrepl_data sh -c 'cat <&6'
}

@test "1000 silent clients cost few processes and little memory; a good one is served" {
	# What waits in the backlog comes first: a short one keeps this test short.
	serve -b 100 tcp:127.0.0.1:0 zr-handshake accept zr-mux accept echo served
	flood silent 1000
	served() { [ "$(good_client)" = served ]; }
	for _ in 1 2 3; do
		# 40 new ones, and those told to go that have not gone yet.
		[ "$(processes)" -le 140 ]
		[ "$(resident)" -le "$(memory_limit)" ]
		# A machine that is too busy for half a second may need another try.
		eventually 60 served
	done
	grep -q 'makes room: no handshake' log
}

@test "clients that connect and close in any way leave nothing behind" {
	serve -c 5 tcp:127.0.0.1:0 zr-handshake accept zr-mux accept echo served
	fds=$(descriptors)
	settled() { alone && [ "$(descriptors)" -eq "$fds" ]; }
	flood touch 100
	eventually 20 settled
	before=$(resident)
	for kind in touch reset; do
		: > flooded
		flood $kind 400
	done
	eventually 20 settled
	[ "$(resident)" -le $((before + $(memory_limit) / 16)) ]
	run -0 good_client
	[ "$output" = served ]
}

@test "-c makes more clients wait until one has ended" {
	serve -c 1 tcp:127.0.0.1:0 sh -c 'exec 3>&-; echo hello; exec cat'
	mkfifo hold
	stay zr-connect "tcp:127.0.0.1:$PORT" sh -c 'cat hold >&7 & exec cat <&6' > first
	exec 8<> hold
	eventually 20 grep -q hello first
	stay zr-connect "tcp:127.0.0.1:$PORT" sh -c 'exec cat <&6' > second 8>&-
	[ "$(processes)" -eq 1 ]
	[ ! -s second ]
	kill "${children[1]}"
	exec 8>&-
	eventually 20 grep -q hello second
}

@test "one identity cannot take all places, but a quarter of -c, or as many as -C allows" {
	serve -c 20 -i 127.0.0.1=web -i 127.0.0.2=db tcp:127.0.0.1:0 sh -c 'echo hello; exec cat'
	from() { timeout 30 socat -u "TCP:127.0.0.1:$PORT,bind=$1" STDOUT; }
	for i in 1 2 3 4 5; do
		stay zr-connect "tcp:127.0.0.1:$PORT" sh -c 'exec cat <&6' > "web.$i"
		eventually 20 grep -q hello "web.$i"
	done
	run -0 from 127.0.0.1
	[ -z "$output" ]
	eventually 20 logged '127.0.0.1 web refused: it has 5 connections (-C)'
	background from 127.0.0.2 > db
	eventually 20 grep -q hello db
}

@test "-H evicts the oldest client that has not finished its handshake, and no other" {
	serve -v -H 1 tcp:127.0.0.1:0 sh -c 'read -r word; [ "$word" = go ] && exec 3>&-; echo "$word"; exec cat'
	stay zr-connect "tcp:127.0.0.1:$PORT" sh -c 'echo go >&7; exec cat <&6' > first
	eventually 20 grep -q go first
	stay zr-connect "tcp:127.0.0.1:$PORT" sh -c 'exec cat <&6; echo ended' > second
	eventually 20 logged '2 connections'
	stay zr-connect "tcp:127.0.0.1:$PORT" sh -c 'echo third >&7; exec cat <&6' > third
	eventually 20 grep -q third third
	eventually 20 logged 'makes room'
	gone() { [ "$(processes)" -eq 2 ]; }
	eventually 20 gone
	[ "$(grep -c 'makes room' log)" -eq 1 ]
	kill -0 "${children[2]}"
}

@test "without descriptors zr-listen says so once a second, and serves again later" {
	(ulimit -n 24; exec zr-listen -1 tcp:127.0.0.1:0 sh -c 'echo hello; exec cat' \
	    > port 2> log 3>&- ) &
	SERVER=$!
	children+=($!)
	eventually 20 test -s port
	PORT=$(cat port)
	flood silent 40
	paused='Too many open files: accepting no client for a second'
	twice() { [ "$(grep -c "$paused" log)" -ge 2 ]; }
	started=$SECONDS
	eventually 20 twice
	[ "$(grep -c "$paused" log)" -le $((SECONDS - started + 4)) ]
	kill "${children[0]}"
	wait "${children[0]}" || true
	eventually 20 alone
	run -0 timeout 20 zr-connect "tcp:127.0.0.1:$PORT" sh -c 'head -n 1 <&6'
	[ "$output" = hello ]
}

@test "readiness is a newline on -n's descriptor, and READY=1 on NOTIFY_SOCKET" {
	mkfifo ready
	background sh -c 'exec zr-listen -n 5 -1 tcp:127.0.0.1:0 cat 5> ready' > port
	run -0 timeout 20 od -An -tx1 ready
	[ "$output" = " 0a" ]

	background socat -u UNIX-RECV:notify OPEN:told,creat
	eventually 20 test -S notify
	NOTIFY_SOCKET=$PWD/notify serve tcp:127.0.0.1:0 sh -c 'echo "${NOTIFY_SOCKET-none}"'
	eventually 20 grep -q '^READY=1' told
	run -0 timeout 20 zr-connect "tcp:127.0.0.1:$PORT" sh -c 'cat <&6'
	[ "$output" = none ]
}

@test "SIGTERM and SIGINT are passed on at once, each time" {
	# What came goes to a file; a shell in the background ignores SIGINT.
	cat > program <<-'END'
		#!/usr/bin/python3
		import signal, sys
		def heard(number, frame):
		    with open("heard", "a") as f:
		        f.write(f"{number}\n")
		    if number == last:
		        sys.exit(0)
		last = int(sys.argv[1])
		signal.signal(signal.SIGTERM, heard)
		signal.signal(signal.SIGINT, heard)
		print("hello", flush=True)
		while True:
		    signal.pause()
	END
	chmod +x program
	heard() { [ "$(cat heard)" = "$1" ]; }
	# ends STATUS SIGNAL...: the program ends at the last one.
	ends() {
		local expected=$1 signal signals=
		shift
		rm -f heard first
		serve tcp:127.0.0.1:0 ./program "${*: -1}"
		stay zr-connect "tcp:127.0.0.1:$PORT" sh -c 'exec cat <&6' > first
		eventually 20 grep -q hello first
		for signal; do
			kill "-$signal" "$SERVER"
			signals=${signals:+$signals$'\n'}$signal
			eventually 20 heard "$signals"
		done
		ended_with "$expected" "$SERVER"
		[ ! -s log ]
	}
	ends 0 15
	ends 130 2
	ends 130 15 15 2
}

@test "a program that does not handle the signal ends, and no new client is served" {
	for signal in TERM INT; do
		expected=$([ $signal = TERM ] && echo 0 || echo 130)
		serve -v tcp:127.0.0.1:0 sh -c 'echo hello; exec cat'
		stay zr-connect "tcp:127.0.0.1:$PORT" sh -c 'exec cat <&6' > first
		eventually 20 grep -q hello first
		kill "-$signal" "$SERVER"
		ended_with "$expected" "$SERVER"
		logged "ended with status $((128 + $(kill -l $signal)))"
		run ! zr-connect "tcp:127.0.0.1:$PORT" true
	done
}
