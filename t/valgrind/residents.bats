# The residents under valgrind (make check-valgrind): sessions good and bad leave
# no memory lost and no descriptor open.  Slow, so not among those of make check.
load ../lib/helper

STEP='{"Filesystem":"a","To":{"Name":"x","Creation":"2026-01-01T00:00:00Z"},"ReplicationConfig":{"protection":{"Initial":1,"Incremental":2}}}'

setup_file() {
	export PKI=$BATS_FILE_TMPDIR/pki
	zr-cert ca "$PKI"
	zr-cert server "$PKI" server localhost
	zr-cert client "$PKI" web1
}

setup() {
	enter_directory || return
	mkdir bin log
	for program in zr-dataconn zr-rpc zr-listen zr-tls zr-step; do
		cat > bin/$program <<-END
			#!/bin/sh
			exec valgrind -q --log-file='$PWD/log/$program.%p' --leak-check=full \
			    --show-leak-kinds=definite,indirect,possible --track-fds=yes \
			    "\$(realpath '$ZR_BUILD')/bin/$program" "\$@"
		END
		chmod +x bin/$program
	done
	cat > endpoint <<-'END'
		#!/bin/sh
		[ "$1" = batch ] || read -r request
		case $1 in
		Ping) echo '{}' ;;
		ListFilesystems) echo '{"Filesystems":[{"Path":"a"}]}' ;;
		ReplicationCursor) sleep 300 & wait ;;
		Send) echo '{}'; head -c 3000000 /dev/zero; [ ! -e broken ] || { echo broken >&2; exit 1; } ;;
		Receive) [ ! -e broken ] || { echo full >&2; exit 1; }; cat > received; echo '{}' ;;
		SendCompleted) echo '{}' ;;
		*) exit 100 ;;
		esac
	END
	chmod +x endpoint
	PATH=$PWD/bin:$PATH
}

pair() {
	timeout 100 python3 "$HELPERS/pair.py" -s served "$@"
}

ended() {
	[ "$(grep -l 'FILE DESCRIPTORS' "log/$1".* | wc -l)" -ge "$2" ]
}

# remote LABEL PROGRAM...: over TLS, with time for a handshake under valgrind.
remote() {
	zr-connect "tcp:127.0.0.1:$(cat port)" zr-tls -t 90 -d "$PKI" -n web1 \
	    -s localhost connect zr-handshake -t 90 connect zr-mux connect "$@"
}

# clean PROGRAM COUNT: so many processes of it have ended, and none has anything
# to say but which descriptors it was started with.
clean() {
	eventually 60 ended "$1" "$2" || { ls -l log; return 1; }
	awk '/FILE DESCRIPTORS/ || /^==[0-9]+== *$/ { next }
	    /Open .*(descriptor|socket) [0-9]+:/ { open = FILENAME ": " $0; next }
	    /<inherited from parent>/ { open = ""; next }
	    open != "" { print open; open = ""; bad = 1 }
	    { print FILENAME ": " $0; bad = 1 }
	    END { if (open != "") { print open; bad = 1 } exit bad }' "log/$1".*
}

@test "a data connection leaks nothing in Ping, Send and Receive" {
	for method in Ping Send Receive; do
		request=$STEP
		[ $method != Ping ] || request='{}'
		pair zr-dataconn -o line -S statistics $method "$request" -- zr-dataconn serve ./endpoint \
		    < <(head -c 2000000 /dev/zero) > answer
		[ "$(cat served)" = 0 ]
	done
	[ "$(stat -c %s received)" = 2000000 ]
	clean zr-dataconn 6
}

@test "a data connection that is refused, fails, is cut or gets garbage leaks nothing" {
	touch broken
	run -1 pair zr-dataconn Send "$STEP" -- zr-dataconn serve ./endpoint
	run -1 pair zr-dataconn Receive "$STEP" -- zr-dataconn serve ./endpoint < <(head -c 2000000 /dev/zero)
	clean zr-dataconn 4
	head -c 1000 /dev/zero | socat -t 10 - EXEC:'zr-dataconn serve ./endpoint' || :
	tail -c +132 "$DATA/recordings/d04-receive-1MiB.data.c2s.bin" | head -c 500000 |
	    socat -t 10 - EXEC:'zr-dataconn serve ./endpoint' || :
	clean zr-dataconn 6
}

@test "a control connection leaks nothing in calls, a batch, refusals and garbage" {
	pair zr-rpc ListFilesystems '{}' -- zr-rpc serve ./endpoint
	for i in $(seq 20); do
		echo "{\"id\":$i,\"method\":\"ListFilesystems\",\"request\":{}}"
	done > calls
	pair zr-rpc batch -- zr-rpc serve ./endpoint < calls > answers
	[ "$(wc -l < answers)" = 20 ]
	mkdir store
	pair zr-rpc batch -- zr-rpc -b serve zr-endpoint archive store < calls > answers
	[ "$(grep -c '"response"' answers)" = 20 ]
	run -1 pair zr-rpc DestroySnapshots '{"Filesystem":"a"}' -- zr-rpc serve ./endpoint
	run -99 pair zr-rpc -t 3 ReplicationCursor '{"Filesystem":"a"}' -- zr-rpc serve ./endpoint
	clean zr-rpc 10
	head -c 1000 /dev/zero | socat -t 10 - EXEC:'zr-rpc serve ./endpoint' || :
	clean zr-rpc 11
}

@test "a TLS engine and a listener leak nothing in many sessions" {
	timeout 300 zr-listen -1 -i 127.0.0.1=web1 tcp:127.0.0.1:0 zr-tls -t 90 -d "$PKI" \
	    -n server -c web1 accept zr-handshake -t 90 accept zr-mux accept zr-serve ./endpoint \
	    > port 2> listen.err 3>&- &
	children+=($!)
	eventually 60 test -s port
	listener=$(pgrep -P "${children[0]}")
	before=$(ls "/proc/$listener/fd")
	for i in 1 2; do
		remote zrepl_data zr-dataconn Send "$STEP" > stream
		remote zrepl_control zr-rpc ListFilesystems '{}'
	done
	clean zr-tls 8
	# One that says nothing of TLS, and one that leaves at once.
	echo garbage | timeout 10 nc -N 127.0.0.1 "$(cat port)" > /dev/null || :
	nc -z 127.0.0.1 "$(cat port)"
	same() {
		[ "$(ls "/proc/$listener/fd")" = "$before" ]
	}
	eventually 20 same
	kill "$listener"
	clean zr-listen 1
	clean zr-dataconn 4
	clean zr-rpc 4
}

@test "a step leaks nothing, whether it succeeds or fails" {
	pair zr-dataconn Ping '{}' -- zr-dataconn serve ./endpoint
	zr-step -s ./endpoint -r ./endpoint <<< "$STEP"
	touch broken
	run -1 zr-step -s ./endpoint -r ./endpoint <<< "$STEP"
	clean zr-step 2
}
