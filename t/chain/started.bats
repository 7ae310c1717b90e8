# Started by others: each of the examples is run as it stands, with its paths
# and its user changed.
load ../lib/helper

EXAMPLES=$TOP/examples

setup_file() {
	export ZR_PKI=$BATS_FILE_TMPDIR/pki
	zr-cert ca "$ZR_PKI"
	zr-cert server "$ZR_PKI" server localhost
	zr-cert client "$ZR_PKI" web1
	echo web1 > "$ZR_PKI/clients"
	cp "$TOP/examples/keep" "$ZR_PKI"
	# An endpoint that only says who asks.
	mkdir "$BATS_FILE_TMPDIR/bin"
	cat > "$BATS_FILE_TMPDIR/bin/zr-endpoint" <<-'EOF'
	#!/bin/sh
	read -r request
	echo "{\"Echo\":\"hello $ZR_CLIENT_IDENTITY\"}"
	EOF
	chmod +x "$BATS_FILE_TMPDIR/bin/zr-endpoint"
	export SERVER=$BATS_FILE_TMPDIR/bin/zr-server
	sed "s|^PATH=.*|PATH='$BATS_FILE_TMPDIR/bin:$PATH'|; s|/etc/zr|$ZR_PKI|g" \
	    "$TOP/examples/zr-server-archive" > "$SERVER"
	chmod +x "$SERVER"
	export PATH="${SERVER%/*}:$PATH"
}

# ping CONNECTOR...: ask the server that CONNECTOR reaches, on 6 and 7.
ping() {
	"$@" zr-tls -d "$ZR_PKI" -n web1 -s localhost connect zr-handshake connect \
	    zr-mux connect zrepl_data zr-dataconn Ping '{"Message":"who am I?"}'
}

# over SOCKET COMMAND...: UCSPI over a unix stream socket.
over() {
	python3 -c '
import os, socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
os.dup2(s.fileno(), 6); os.dup2(s.fileno(), 7)
os.execvp(sys.argv[2], sys.argv[2:])' "$@"
}

answers() {
	run --separate-stderr ping "$@"
	[ "$output" = '{"Echo":"hello web1"}' ] || { echo "$output $stderr"; return 1; }
}

answers_yet() {
	answers "$@" > /dev/null
}

# A port that is free now; the caller tries another one if it is lost.
free_port() {
	python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

listening() {
	[ -n "$(ss -Hltn "sport = :$1")" ]
}

@test "inetd starts a server" {
	local attempt
	for attempt in 1 2 3; do
		port=$(free_port)
		sed "s|^8888|127.0.0.1:$port|; s|	zr	|	$(id -un)	|; s|/usr/local/sbin|${SERVER%/*}|" \
		    "$EXAMPLES/inetd.conf" > inetd.conf
		background /usr/sbin/inetd -i "$PWD/inetd.conf"
		eventually 5 listening "$port" && break
	done
	answers tcpclient -RHl0 127.0.0.1 "$port"
}

@test "no diagnostics reach a connection from inetd" {
	local attempt
	for attempt in 1 2 3; do
		port=$(free_port)
		sed "s|^8888|127.0.0.1:$port|; s|	zr	|	$(id -un)	|; s|/usr/local/sbin|${SERVER%/*}|" \
		    "$EXAMPLES/inetd.conf" > inetd.conf
		background /usr/sbin/inetd -i "$PWD/inetd.conf"
		eventually 5 listening "$port" && break
	done
	# What does not speak TLS gets an alert, and not a word in the clear.
	printf 'GET / HTTP/1.0\r\n\r\n' | timeout 20 nc -N 127.0.0.1 "$port" > answer || true
	! grep -q zr-tls answer
}

# t/deps.sh has unpacked it: it cannot be installed beside the other inetd.
@test "xinetd starts a server" {
	local attempt
	for attempt in 1 2 3; do
		port=$(free_port)
		sed "s|= 8888|= $port\n\tbind = 127.0.0.1|; s|= zr$|= $(id -un)|; s|/usr/local/sbin/|${SERVER%/*}/|" \
		    "$EXAMPLES/xinetd.conf" > xinetd.conf
		background "$TOP/build/xinetd/usr/sbin/xinetd" -dontfork \
		    -f "$PWD/xinetd.conf" -pidfile "$PWD/pid" -filelog "$PWD/xinetd.log"
		eventually 5 listening "$port" && break
	done
	answers tcpclient -RHl0 127.0.0.1 "$port" || { cat xinetd.log; false; }
	answers tcpclient -RHl0 127.0.0.1 "$port"
	run -1 grep -i -e error -e warning xinetd.log
	printf 'GET / HTTP/1.0\r\n\r\n' | timeout 20 nc -N 127.0.0.1 "$port" > answer || true
	! grep -q zr-tls answer
}

@test "systemd starts a server with Accept=yes" {
	background systemd-socket-activate --accept --inetd -l "$PWD/socket" \
	    "$SERVER" 2> activate.err
	eventually 10 test -S socket
	answers over "$PWD/socket"
	answers over "$PWD/socket"
}

@test "systemd starts the unit's own command with Accept=no: zr-listen on LISTEN_FDS" {
	command=$(sed -n "s|^ExecStart=/usr/local/bin/||p" "$EXAMPLES/systemd/zr-listen.service" |
		sed "s|/usr/local/sbin/zr-server|$SERVER|")
	# shellcheck disable=SC2086 # words
	background systemd-socket-activate -l "$PWD/socket" -E PATH \
	    "$ZR_BUILD/bin/"$command 2> activate.err
	eventually 10 test -S socket
	answers zr-connect "unix:$PWD/socket"
	answers zr-connect "unix:$PWD/socket"
}

@test "s6 runs the service directory, which reports when it is ready" {
	cp -r "$EXAMPLES/s6/zr" service
	export ZR_ADDRESS=unix:$PWD/socket ZR_USER
	ZR_USER=$(id -un)
	background s6-supervise service
	eventually 10 s6-svwait -U -t 10000 service
	answers zr-connect "unix:$PWD/socket"
	s6-svc -d service
	s6-svwait -D -t 20000 service
	s6-svc -x service
	wait "${children[-1]}"
}

@test "a supervisor of a few lines restarts zr-listen, and passes SIGTERM on" {
	export ZR_ADDRESS=unix:$PWD/socket ZR_USER
	ZR_USER=$(id -un)
	background "$EXAMPLES/supervise.sh" 2> supervise.err
	supervisor=$!
	eventually 10 answers_yet zr-connect "unix:$PWD/socket"
	kill -KILL "$(ps -o pid= --ppid "$supervisor" | tr -d ' ')"
	eventually 10 grep -q 'ended with status 137' supervise.err
	eventually 20 answers_yet zr-connect "unix:$PWD/socket"
	# Also while a control connection stays.
	background zr-connect "unix:$PWD/socket" zr-tls -d "$ZR_PKI" -n web1 -s localhost connect \
	    zr-handshake connect zr-mux connect zrepl_control sh -c 'echo > connected; sleep 60 2>&-'
	eventually 10 test -e connected
	kill -TERM "$supervisor"
	ended_with 0 "$supervisor"
	eventually 10 test ! -e socket
}

@test "the systemd units are valid" {
	mkdir units bin
	for program in zr-server zr-listen; do
		printf '#!/bin/sh\n' > bin/$program
		chmod +x bin/$program
	done
	for unit in "$EXAMPLES"/systemd/*; do
		sed "s|/usr/local/s*bin|$PWD/bin|" "$unit" > "units/${unit##*/}"
	done
	# Without --user it would make /run/systemd, which only root may.
	mkdir -m 700 runtime
	XDG_RUNTIME_DIR=$PWD/runtime HOME=$PWD run systemd-analyze --user verify --man=no \
	    units/zr.socket units/zr@.service units/zr-listen.socket units/zr-listen.service
	[ "$status" -eq 0 ] || { echo "$output"; false; }
	[[ "$output" != *units/* ]] || { echo "$output"; false; }
}

@test "the units are sandboxed: systemd rates their exposure 2.2 of 10 at most, and 2.9 that of a job, which is root" {
	# t/zfs/82-systemd.bats looks at what runs.
	for unit in "$EXAMPLES"/systemd/*.service; do
		threshold=22
		[[ $unit != *zr-job@* ]] || threshold=29
		run systemd-analyze security --offline=true --no-pager --threshold=$threshold "$unit"
		[ "$status" -eq 0 ] || { echo "$output"; false; }
	done
}
