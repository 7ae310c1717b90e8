# zr-replicate: signals, and the terminal.
load ../lib/helper
load ../lib/replicate

# start ARGUMENT...: a run in the background that may be sent signals
start() {
	background env --default-signal=INT,HUP RUN_MARK="$BATS_TEST_TMPDIR" zr-replicate -I all -e events "$@" \
	    -s "$FAULTY_SENDER" -r "$FAULTY_RECEIVER" > out 2> said
	runner=${children[-1]}
}

# Nobody is left of those that a run has started; they have our mark.
nobody() {
	[ -z "$(grep -lsz "^RUN_MARK=$BATS_TEST_TMPDIR\$" /proc/[0-9]*/environ)" ]
}

stored() {
	[ -n "$(find "$1" -size +100k 2> /dev/null)" ]
}

pinged() {
	[ "$(calls receiving Ping)" -ge 2 ]
}

# ends_by NUMBER: send it, wait for the exit, and for everybody else
ends_by() {
	kill "-$1" "$runner"
	ended_with $((128 + $1)) "$runner"
	# What it has left would be waiting for a file or in a sleep for ever.
	eventually 10 nobody
	[ "$(events 'select(.event == "summary").code')" = $((128 + $1)) ]
	rm -f -- */*.here sending/*.fault receiving/*.fault
	# The next run finishes.
	replicate 0 -s "$SENDER" -r "$RECEIVER"
	same web backup
}

@test "a signal while it lists means 128+N; no process is left, and the next run finishes" {
	lay web a 1 1
	for number in 2 15 1; do
		fault receiving 1 ListFilesystems '' wait list
		start
		eventually 30 [ -e receiving/list.here ]
		ends_by "$number"
	done
}

@test "a signal in a stream does the same, and the unfinished filesystems are named" {
	for number in 2 15 1; do
		lay web "a$number" 1 2 "b$number" 1 1 "c$number" 1 1
		fault sending 1 Send "a$number" stall 300000
		fault receiving 1 Receive "b$number" wait receive
		start
		eventually 30 [ -e receiving/receive.here ]
		eventually 30 stored "backup/a$number"
		ends_by "$number"
		grep -q ', 2 not done$\|, 3 not done$' said
		[ "$(events 'select(.result == "interrupted").filesystem' | grep -v ^c | sort | paste -sd ,)" = "a$number,b$number" ]
	done
}

@test "a signal ends the wait for a side that is out of reach" {
	lay web a 1 1
	for number in 2 15 1; do
		rm -rf backup/a sending/calls receiving/calls
		fault receiving -1 Receive a arm 99 lost
		later receiving -1 ListFilesystems '' exit 99 lost
		later receiving -1 Ping '' exit 99 lost
		start
		eventually 30 pinged
		ends_by "$number"
	done
}

@test "with nohup, SIGHUP does not end it" {
	lay web a 1 1
	fault sending 1 Send a wait go
	background nohup zr-replicate -I all -s "$FAULTY_SENDER" -r "$FAULTY_RECEIVER" > out 2> said
	runner=${children[-1]}
	eventually 30 [ -e sending/go.here ]
	kill -HUP "$runner"
	touch sending/go
	ended_with 0 "$runner"
	same web backup
}

@test "SIGUSR1 prints the progress on standard error, and the run goes on" {
	lay web a 1 1 b 1 1
	fault sending 1 Send a stall 900000
	fault sending 1 Send b wait go
	start -W 4
	eventually 30 [ -e sending/go.here ]
	eventually 30 eval 'jq -e "select(.event == \"progress\" and .bytes > 100000)" events > /dev/null'
	kill -USR1 "$runner"
	eventually 30 grep -q '2 of 2 filesystems are not done' said
	grep -q 'a@one in full: [0-9.]* [KM]iB$' said
	grep -q 'b@one in full: under way$' said
	touch sending/go
	ended_with 0 "$runner"
	same web backup
}

@test "without a terminal no escape byte is printed" {
	lay web a 1 2
	fault sending 1 Send a exit 99 lost
	start -v
	ended_with 0 "$runner"
	run -1 grep -l $'\033' out said events
}

# A sender of 200 filesystems with names as wide as they may be, whose streams stand
# still; "shown" once some are under way.
crowd() {
	python3 - > list <<-'END'
		import json
		names = ["tank/%s%03d" % (("größe" * 9, "日本語" * 15, "e\u0301" * 40, "x")[i % 4], i)
		         for i in range(200)]
		print(json.dumps({"Filesystems": [{"Path": n} for n in names]}, ensure_ascii=False))
	END
	cat > sender <<-'END'
		#!/bin/sh
		case $1 in
		batch) while read -r line; do
			id=${line#'{"id":'} id=${id%%,*}
			case $line in
			*ListFilesystemV*) echo "{\"id\":$id,\"response\":{\"Versions\":[{\"Name\":\"ähm@\",\"Guid\":\"1\",\"CreateTXG\":\"2\",\"Creation\":\"2026-01-01T00:00:00Z\"}]}}" ;;
			*ListF*) echo "{\"id\":$id,\"response\":$(cat list)}" ;;
			*SendDry*) echo "{\"id\":$id,\"response\":{\"ExpectedSize\":\"1000\"}}" ;;
			esac
		done ;;
		Send) echo '{}'; head -c 3000 /dev/zero; echo >> begun
			[ "$(wc -l < begun)" -lt 6 ] || touch shown
			exec sleep 1000 ;;
		esac
	END
	sed -i 's/ähm@/ähm/' sender
	cat > receiver <<-'END'
		#!/bin/bash
		case $1 in
		batch) while read -r line; do
			id=${line#'{"id":'} id=${id%%,*}
			echo "{\"id\":$id,\"response\":{}}"
		done ;;
		Receive) printf '{"bytes":3000}\n' >&"$ZR_PROGRESS"; cat > /dev/null; echo '{}' ;;
		esac
	END
	chmod +x sender receiver
}

@test "Ctrl-C on a terminal of any size leaves a clean screen, and the status is 130" {
	crowd
	for size in '24 80' '5 80' '24 20' '2 80' '40 300' '3 3'; do
		rm -f shown begun
		# shellcheck disable=SC2086 # two words
		"$HELPERS/terminal.py" -k $size shown env "RUN_MARK=$BATS_TEST_TMPDIR" sh -c 'exec zr-replicate -P 8 -I all -s ./sender -r ./receiver > out' > screen
		cat screen
		[ "$(jq -c '[.status, .wrapped, .scrolled]' screen)" = '[130,0,0]' ]
		[ "$(jq .tallest screen)" -ge 1 ]
		[ "$(jq .tallest screen)" -le $((${size% *} - 1)) ]
		[ "$(jq .escapes screen)" -ge 3 ]
		# Of the table nothing is left, only the last line.
		[[ "$(jq -r '.left | join("")' screen)" =~ (^|not done|[^r])'zr-replicate: 200 filesystems: 0 up to date, 200 not done'$ ]] ||
			[ "${size#* }" -lt 80 ]
		run -1 grep -e waiting: -e KiB/s -e B/s screen
	done
	eventually 10 nobody
}

@test "at the end of a run on a terminal the table is gone; lines and summary remain" {
	lay web a 1 2 b 1 1
	fault sending 1 Send b run 'sleep 1.2'
	"$HELPERS/terminal.py" 24 200 none zr-replicate -I all -s "$FAULTY_SENDER" -r "$FAULTY_RECEIVER" > screen
	cat screen
	[ "$(jq -c '[.status, .wrapped]' screen)" = '[0,0]' ]
	[ "$(jq .escapes screen)" -ge 3 ]
	[ "$(jq -r '.left | length' screen)" = 4 ]
	[[ "$(jq -r '.left[-1]' screen)" == 'zr-replicate: 2 filesystems: 0 up to date, 2 replicated (3 steps, '* ]]
	replicate 0 -s "$SENDER" -r "$RECEIVER"
}
