# zr-replicate: what has a limit: attempts, time, steps at once, what an endpoint can do.
load ../lib/helper
load ../lib/replicate

@test "a side that answers Ping and loses every listing is given up in the end" {
	lay web a 1 1
	fault receiving -1 Receive a arm 99 'stream lost'
	later sending -1 ListFilesystemVersions '' exit 99 'lost while listing'
	faulty 99 -a 4
	stderr_has 'a: sender: zr-endpoint: lost while listing'
	[ "$(calls sending Ping)" -ge 2 ]
}

@test "-a limits the number of attempts" {
	lay web a 1 1 b 1 1
	fault receiving -1 Receive a exit 99 'lost again'
	faulty 99 -a 3
	[ "$(calls receiving Receive a)" = 3 ]
	[ "$(calls receiving Receive b)" = 1 ]
	stderr_has 'a: receiver: zr-endpoint: lost again'
	[ "$(events 'select(.result == "failed").message')" = 'receiver: zr-endpoint: lost again' ]
	faulty 99 -a 1
	[ "$(calls receiving Receive a)" = 4 ]
	replicate 100 -a 0 -s "$SENDER" -r "$RECEIVER"
}

@test "-w ends the run if a side stays out of reach: 99, or 1 after another failure" {
	lay web a 1 1 b 1 1 c 1 1
	fault receiving 1 Receive a arm 99 'stream lost'
	later receiving -1 ListFilesystems '' exit 99 'nobody there'
	later receiving -1 Ping '' exit 99 'nobody there'
	SECONDS=0
	faulty 99 -w 3 -P 1
	[ "$SECONDS" -ge 3 ]
	[ "$SECONDS" -lt 30 ]
	stderr_has 'a: receiver: zr-endpoint: nobody there'
	rm receiving/*.fault backup -r
	mkdir backup
	fault sending 1 Send b exit 1 'for good'
	fault receiving 1 Receive a arm 99 'stream lost'
	fault sending 1 Send b exit 1 'for good'
	later receiving -1 Ping '' exit 99 'nobody there'
	later receiving 1 ListFilesystems zz exit 99
	faulty 1 -w 1 -P 1
	stderr_has 'b: sender: zr-endpoint: for good'
}

@test "-W ends a stream that stands still, and begins it again" {
	lay web a 1 1
	fault sending 1 Send a stall 300000
	faulty 0 -W 2
	stderr_has 'a: no byte has moved for 2 s'
	[ "$(retries)" = transport ]
	same web backup
}

# It is no connection that was dead when it was used, although others wait meanwhile.
@test "a Send that -W ends counts as an attempt" {
	"$HELPERS/tiny_archive.py" ours 2 1
	chmod -R go= ours
	cat > zr-remote <<-'END'
		#!/bin/sh
		shift
		[ "$1" = Send ] || exec zr-endpoint archive ours "$@"
		read -r line || exit 1
		echo "$line" >> asked
		exec sleep 60
	END
	chmod +x zr-remote
	replicate 99 -a 1 -P 1 -W 1 -s './zr-remote tcp:nowhere' -r "$RECEIVER"
	[ "$(wc -l < asked)" = 2 ]
}

@test "-t ends a call without an answer" {
	lay web a 1 1
	fault sending -1 ListFilesystemVersions a never
	faulty 99 -t 1
	stderr_has 'no answer to ListFilesystemVersions in time'
	rm sending/*.fault
	fault receiving 1 ListFilesystems '' never
	faulty 99 -t 1
	fault sending 1 SendCompleted a never
	faulty 0 -t 1
	same web backup
}

@test "an endpoint without batch gets a process for each call, even if some fail" {
	for i in {1..9}; do
		lay web "a/fs$i" 1 1
	done
	sender="$HELPERS/faulty.py -1 sending $SENDER" receiver="$HELPERS/faulty.py -1 receiving $RECEIVER"
	fault sending 1 Send a/fs3 exit 99 lost
	fault sending 1 SendCompleted a/fs4 late 99 lost
	replicate 0 -s "$sender" -r "$receiver"
	same web backup
	[ "$(calls sending SendCompleted)" = 10 ]
	replicate 0 -s "$sender" -r "$receiver"
	[ -z "$output" ]
}

@test "-P 1 means one stream at a time, -P 8 eight" {
	for i in {1..8}; do
		lay web "fs$i" 1 1
		fault sending 1 Send "fs$i" wait go
	done
	# With -P 8 all of them wait at the same time.
	background timeout $PATIENCE zr-replicate -q -P 8 -I all -s "$FAULTY_SENDER" -r "$FAULTY_RECEIVER"
	eventually 30 eval '[ "$(calls sending Send)" = 8 ]'
	touch sending/go
	ended_with 0 "${children[-1]}"
	same web backup
	rm -r backup sending/* web/fs[3-8]
	mkdir backup
	fault sending 1 Send fs1 wait go
	background timeout $PATIENCE zr-replicate -q -P 1 -I all -e events -s "$FAULTY_SENDER" -r "$FAULTY_RECEIVER"
	eventually 30 [ -e sending/go.here ]
	[ "$(calls sending Send)" = 1 ]
	touch sending/go
	ended_with 0 "${children[-1]}"
	same web backup
}

@test "a full standard output ends the run; no step goes on unreported" {
	lay web a 1 2 b 1 1
	run -111 --separate-stderr bash -c "timeout $PATIENCE zr-replicate -I all -e events -s '$SENDER' \
	    -r '$RECEIVER' > /dev/full"
	stderr_has 'standard output: '
	[ "$(events 'select(.event == "summary").code')" = 111 ]
	run -111 bash -c "timeout $PATIENCE zr-replicate -n -I all -s '$SENDER' -r 'mkdir -p new; zr-endpoint archive new' > /dev/full"
	faulty 0
	same web backup
	run -111 --separate-stderr timeout $PATIENCE zr-replicate -e /dev/full -s "$SENDER" -r "$RECEIVER"
}

# ticks PID: of processor time that it has used
ticks() {
	awk '{ print $14 + $15 }' "/proc/$1/stat"
}

# idle SECONDS: in so many, the run takes hardly any processor time
idle() {
	local before
	before=$(ticks "$runner")
	sleep "$1"
	[ $(($(ticks "$runner") - before)) -lt $((20 * $1)) ]
}

@test "waiting costs no CPU time: for a stream, a lost side, and after a limit has passed" {
	lay web a 1 1 b 1 1 c 1 1
	fault sending 1 Send a stall 300000
	fault receiving 1 Receive b arm 99 'stream lost'
	later receiving 1 ListFilesystems '' exit 99 'gone'
	later receiving -1 Ping '' exit 99 'still gone'
	background zr-replicate -P 3 -w 1 -I all -e events -s "$FAULTY_SENDER" -r "$FAULTY_RECEIVER"
	runner=${children[-1]}
	eventually 30 eval '[ "$(events "select(.result == \"failed\").filesystem")" = b ]'
	# b is given up, and a's stream still stands.
	idle 2
	kill "$runner"
	ended_with 143 "$runner"
	[ "$(events 'select(.result == "interrupted").filesystem')" = a ]
}

@test "a new token is not progress unless it covers more of the stream" {
	guid=$(version one | jq -r .Guid)
	token() {
		"$HELPERS/forge_token.py" a@one "$guid" - "bytes=$1"
	}
	# Whatever happens, the receiver has so much of it: the number of the call.
	for n in 1 2 3 4 5 6; do
		token $((n * 1000)) > "receiving/more.$n"
		token 1000 > "receiving/same.$n"
	done
	token 900 > receiving/same.2
	token 800 > receiving/same.4
	cat > receiver <<-'END'
		#!/bin/sh
		case $1 in
		batch) exit 100 ;;
		ListFilesystems)
			[ -s received ] || { echo '{}'; exit; }
			n=$(wc -l < received)
			echo "{\"Filesystems\":[{\"Path\":\"a\",\"ResumeToken\":\"$(cat "receiving/$WHICH.$n")\"}]}" ;;
		ListFilesystemVersions) echo '{}' ;;
		Receive) cat > /dev/null; echo >> received; exit 99 ;;
		Ping) echo '{}' ;;
		esac
	END
	cat > sender <<-END
		#!/bin/sh
		read -r request
		case \$1 in
		batch) exit 100 ;;
		ListFilesystems) echo '{"Filesystems":[{"Path":"a"}]}' ;;
		ListFilesystemVersions) echo '{"Versions":[$(version one)]}' ;;
		Send) echo '{"UsedResumeToken":true}' ;;
		esac
	END
	chmod +x sender receiver
	WHICH=same replicate 99 -a 3 -s ./sender -r ./receiver
	[ "$(wc -l < received)" = 4 ]
	rm received
	for n in 4 5 6; do
		cp receiving/more.3 "receiving/more.$n"
	done
	WHICH=more replicate 99 -a 3 -s ./sender -r ./receiver
	[ "$(wc -l < received)" = 6 ]
}

@test "a batch that no longer answers is ended and started again" {
	lay web a 1 1 b 1 1
	cat > stuck <<-'END'
		#!/bin/sh
		[ "$1" = batch ] || exec zr-endpoint archive web "$@"
		echo batch >> starts
		mkdir hung 2> /dev/null || exec zr-endpoint archive web batch
		while read -r line; do
			case $line in
			*SendCompleted*) exec sleep 300 ;;
			*) printf '%s\n' "$line" ;;
			esac
		done | zr-endpoint archive web batch
	END
	chmod +x stuck
	replicate 0 -t 2 -s ./stuck -r "$RECEIVER"
	stderr_has 'no answer to SendCompleted in time'
	[ "$(wc -l < starts)" = 2 ]
	same web backup
}
