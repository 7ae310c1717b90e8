# zr-verify: streams that cannot be compared, endpoints that fail, signals, memory.
load ../lib/helper
load ../lib/replicate
load ../lib/verify

setup() {
	enter_directory || return
	mkdir web backup sending receiving
	lay web a 1 1 b 1 1 c 1 1
	lay backup a 1 1 b 1 1 c 1 1
}

SAME=$'same a@one logical 1.1 MiB\nsame c@one logical 1.1 MiB'

# others_same: but for b
others_same() {
	[ "$(grep -v ' b@one' <<< "$output")" = "$SAME" ] || { echo "$output"; return 1; }
}

# sends FILE...: an endpoint with the listing of backup that sends this as its stream
sends() {
	printf '%s\n' '#!/bin/sh' 'case $1 in' 'batch) exit 100 ;;' 'Send) ;;' \
	    '*) exec zr-endpoint archive backup "$@" ;;' esac 'read -r request' 'echo "{}"' "$@" > endpoint
	chmod +x endpoint
}

verify_endpoint() {
	run "-$1" --separate-stderr timeout $PATIENCE zr-verify -s "$SENDER" -r ./endpoint "${@:2}"
}

@test "a stream that cannot be compared is not one that differs, and says what to do" {
	keep web "$STREAMS/data.full-Lec.zstream" a/data@one x
	keep backup "$STREAMS/data.full.zstream" a/data@one x
	verify 1 x
	[[ "$output" == 'not compared x@one: sender: not a stream that can be compared: its blocks are compressed; send it without -c, -e and -w (at offset '*')' ]]
	[[ "$stderr" == 'zr-verify: 1 snapshot: 0 the same, 0 differ, 1 not compared ('* ]]
	[ "$(wc -l <<< "$stderr")" -eq 1 ]
	while read -r file why; do
		sends "cat '$STREAMS/$file.zstream'"
		verify_endpoint 1 b
		[[ "$output" == "not compared b@one: receiver: "*"$why"* ]] || { echo "$output"; false; }
		[ "$(wc -l <<< "$stderr")" -eq 1 ]
	done <<-'END'
		data.one-two it is an increment
		data.full.cut-450000 the stream is incomplete
		vol.full its stream is of another snapshot: the guid is 9844367701817122491, not 1773106610190237946
	END
	sends "printf %1000s nonsense"
	verify_endpoint 1 b
	[[ "$output" == "not compared b@one: receiver: not a stream that can be compared: it does not begin "* ]]
	sends :
	verify_endpoint 1 b
	[ "$output" = 'not compared b@one: receiver: the stream is empty' ]
	# Both send nothing but the beginning and the end, and of another snapshot.
	python3 - "$HELPERS" "$STREAMS/vol.full.zstream" > empty <<-'END'
		import sys
		sys.path.insert(0, sys.argv[1])
		from streamsum_model import records, write
		real = records(open(sys.argv[2], "rb").read())
		write(sys.stdout.buffer, [real[0], real[-1]])
	END
	sends 'cat empty'
	SENDER=$PWD/endpoint verify_endpoint 1 b
	[[ "$output" == 'not compared b@one: '*'er: its stream is of another snapshot: the guid is 9844367701817122491, '* ]]
	# It goes on writing after it was refused.
	sends "cat '$STREAMS/data.one-two.zstream'" 'while sleep 0.05; do echo; done'
	verify_endpoint 1 b
	[[ "$output" == *'it is an increment'* ]]
}

@test "one side raw, the other not: that is found at the beginning" {
	rm -r web/* backup/*
	keep_both "$STREAMS/enc.full-raw.zstream" a/enc@e1 b
	verify 0
	[ "$output" = 'same b@e1 raw 214 KiB' ]
	# A plain stream of the same guid, of which the rest never comes.
	python3 - "$HELPERS" "$STREAMS" > plain <<-'END'
		import struct, sys
		sys.path.insert(0, sys.argv[1])
		from streamsum_model import records, write
		plain = records(open(sys.argv[2] + "/data.full.zstream", "rb").read())
		raw = records(open(sys.argv[2] + "/enc.full-raw.zstream", "rb").read())
		plain[0][1][40:48] = raw[0][1][40:48]
		write(sys.stdout.buffer, plain)
	END
	sends 'head -c 500000 plain' 'sleep 1000'
	verify_endpoint 1
	[ "$output" = "not compared b@e1: the sender's stream is raw, the receiver's logical: let both send it raw (zr-endpoint sender -w), or neither" ]
}

@test "a connection that breaks is tried again, from the beginning; -a says how often" {
	fault sending 1 Send b cut 400000 99 'the connection was lost'
	fault receiving 1 Send b exit 255
	verify_faulty 0
	[ "$output" = $'same a@one logical 1.1 MiB\nsame b@one logical 1.1 MiB\nsame c@one logical 1.1 MiB' ]
	[ "$(grep -c '^zr-verify: b@one: .* (trying again in ' <<< "$stderr")" -ge 1 ]
	fault sending 3 Send b exit -9 'it was killed'
	verify_faulty 1
	others_same
	prints 'not compared b@one: sender: ended by signal 9 after saying: zr-endpoint: it was killed'
	[ "$(calls sending Send b)" -ge 4 ]
	fault receiving 1 Send b cut 1000 98 'broken'
	verify_faulty 1 -a 1 -q
	prints 'not compared b@one: receiver: zr-endpoint: broken'
}

@test "an endpoint that fails for another reason is not asked again, and the others go on" {
	fault receiving 1 Send b exit 1 'no such dataset'
	verify_faulty 1
	others_same
	prints 'not compared b@one: receiver: zr-endpoint: no such dataset'
	[ "$(calls receiving Send b)" -eq 1 ]
	# In the middle, and after the whole stream.
	for bytes in 0 700000 1188000; do
		fault sending 1 Send b cut $bytes 1 'cannot read'
		verify_faulty 1
		others_same
		prints 'not compared b@one: sender: zr-endpoint: cannot read'
		[ "$(wc -l <<< "$stderr")" -eq 1 ]
	done
}

@test "an answer that is none, or too long, is named" {
	while IFS='|' read -r action why; do
		fault receiving 1 Send b $action
		verify_faulty 1
		others_same
		[[ "$output" == *"not compared b@one: receiver: $why"* ]] || { echo "$output"; false; }
	done <<-'END'
		raw {"ExpectedSize":[]}|the answer
		raw hello|the answer is not JSON, but begins with "hello"
		huge 100000|the answer is longer than 65536 bytes
		exit 0|no answer line
	END
}

@test "SendDry that fails, breaks or gives no answer" {
	fault receiving 2 SendDry b error 99 UNAVAILABLE 'gone for a moment'
	verify_faulty 0 -q
	[ -z "$output$stderr" ]
	fault receiving 1 SendDry b never
	verify_faulty 0 -t 1
	stderr_has 'b: receiver: no answer to SendDry in time (trying again in '
	fault receiving 9 SendDry b error 1 UNKNOWN 'not this one'
	verify_faulty 1
	others_same_but 'not compared b: no snapshot that both have can be sent in full; @one: receiver: not this one'
	rm receiving/*.fault
	# A receiver answers so; no other snapshot is asked for.
	fault receiving 9 SendDry b error 1 UNKNOWN 'receiver does not implement SendDry()'
	verify_faulty 1 b
	[ "$output" = "not compared b: receiver: receiver does not implement SendDry()
  hint: let \"zr-endpoint sender\" serve that pool for zr-verify, and map the names with -m (zr-verify(1))" ]
	rm receiving/*.fault
	fault sending 9 SendDry b error 99 UNAVAILABLE 'out of reach'
	verify_faulty 1 -a 2
	prints 'not compared b: sender: out of reach'
}

# others_same_but LINE: that is b's
others_same_but() {
	prints "$1"
	[ "$(grep -v ' b[:@]' <<< "$output")" = "$SAME" ]
}

@test "a stream that stands still is ended (-W) and tried again; one whose other side is slow is not to blame" {
	fault receiving 1 Send b stall 300000
	verify_faulty 0 -W 1
	stderr_has 'b@one: receiver: no byte has moved for 1 s (trying again in '
	prints 'same b@one logical 1.1 MiB'
	fault sending 1 Send b never
	verify_faulty 1 -W 1 -a 1
	others_same
	prints 'not compared b@one: sender: no byte has moved for 1 s'
	fault sending 1 Send b run 'sleep 0.6'
	verify_faulty 0 -W 2 b
}

@test "a side that cannot be listed ends it with that status" {
	fault receiving 1 ListFilesystems '' exit 99 'no route'
	run -99 --separate-stderr zr-verify -s "$SENDER" -r "$HELPERS/faulty.py -1 receiving $RECEIVER"
	[ -z "$output" ]
	[ "$stderr" = 'zr-verify: receiver: zr-endpoint: no route' ]
	fault receiving 1 ListFilesystemVersions b exit 1 'no versions'
	run -1 --separate-stderr zr-verify -s "$SENDER" -r "$HELPERS/faulty.py -1 receiving $RECEIVER"
	others_same_but 'not compared b: receiver: zr-endpoint: no versions'
}

start() {
	background env --default-signal=INT,HUP RUN_MARK="$BATS_TEST_TMPDIR" zr-verify \
	    -s "$FAULTY_SENDER" -r "$FAULTY_RECEIVER" "$@" > out 2> said
	runner=${children[-1]}
}

nobody() {
	[ -z "$(grep -lsz "^RUN_MARK=$BATS_TEST_TMPDIR\$" /proc/[0-9]*/environ)" ]
}

@test "a signal ends all endpoints and digests, and then the program, with 128+N" {
	for number in 2 15 1; do
		fault sending 1 Send b stall 300000
		fault receiving 1 Send c wait here
		rm -f receiving/here.here
		start
		eventually 20 [ -e receiving/here.here ]
		eventually 20 grep -qs '^Send b' sending/calls
		kill "-$number" "$runner"
		ended_with $((128 + number)) "$runner"
		eventually 10 nobody
		grep -qx "zr-verify: ended by signal $number" said
		rm -f -- */*.fault sending/calls
	done
	# While it lists, too.
	fault receiving 1 ListFilesystems '' wait list
	start
	eventually 20 [ -e receiving/list.here ]
	kill -15 "$runner"
	ended_with 143 "$runner"
	eventually 10 nobody
}

@test "a digest that is killed is tried again, and named; kill -9 of the program leaves none behind" {
	both() { [ "$(pgrep -P "$runner" -x -c zr-verify)" -eq 2 ]; }
	fault sending 9 Send b stall 300000
	fault receiving 9 Send b stall 300000
	start -a 2 -P 1 b
	for count in 1 2; do
		eventually 20 both
		kill -9 "$(pgrep -P "$runner" -x -o zr-verify)"
		eventually 20 grep -q "digest's process ended by signal 9" said out
		[ $count -eq 2 ] || grep -q "^zr-verify: b@one: [a-z]*er: the digest's process ended by signal 9 (trying again in " said
	done
	ended_with 1 "$runner"
	grep -qx "not compared b@one: [a-z]*er: the digest's process ended by signal 9" out
	start -P 1 b
	eventually 20 both
	kill -9 "$runner"
	ended_with 137 "$runner"
	eventually 5 nobody
}

@test "SIGUSR1 has the progress said; output that nobody reads ends it" {
	fault sending 1 Send b stall 300000
	start -P 1 b
	eventually 20 grep -qs '^Send b' sending/calls
	eventually 20 sh -c "kill -USR1 $runner; grep -q '^zr-verify: b@one: .* of about 1.1 MiB from the sender, .* from the receiver' said"
	kill "$runner"
	ended_with 143 "$runner"
	run -111 --separate-stderr sh -c "zr-verify -s '$SENDER' -r '$RECEIVER' > /dev/full"
	stderr_has 'zr-verify: standard output: No space left on device'
}

@test "the faster side waits for the slower one, and memory does not depend on the number of objects" {
	python3 - "$HELPERS" "$STREAMS/data.full.zstream" > many <<-'END'
		import struct, sys
		sys.path.insert(0, sys.argv[1])
		from streamsum_model import OBJECT, records, write
		real = records(open(sys.argv[2], "rb").read())
		target = [record for record in real if record[0] == OBJECT][-1]
		out = [real[0]]
		for number in range(1, 40001):
		    header = bytearray(target[1])
		    struct.pack_into("<Q", header, 8, number)
		    struct.pack_into("<I", header, 28, 0)
		    out.append([OBJECT, header, b""])
		write(sys.stdout.buffer, out + [real[-1]])
	END
	keep_both many a/data@one many
	fault receiving 1 Send many wait go
	start many
	eventually 20 [ -e receiving/go.here ]
	fast() { child=$(pgrep -P "$runner" -x zr-verify) && [ "$(awk '/^syscr/ { print $2 }' "/proc/$child/io")" -gt 3 ]; }
	eventually 20 fast
	# Its lines are 3 MB.
	sleep 0.5
	[ -d "/proc/$child" ]
	[ "$(awk '/^rchar/ { print $2 }' "/proc/$child/io")" -lt 6000000 ]
	touch receiving/go
	peak() { now=$(awk '/^VmHWM/ { print $2 }' "/proc/$runner/status" 2> /dev/null) && [ -n "$now" ] && peak=$now; }
	while peak; do :; done
	ended_with 0 "$runner"
	echo "$peak KiB"
	[ "$peak" -lt $(($(memory_limit) * 2)) ]
	grep -qx 'same many@one logical .* MiB' out
}
