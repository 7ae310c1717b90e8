# zr-replicate -e: the file, its lock, and what one run hands on to the next.
load ../lib/helper
load ../lib/replicate

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	children=()
	mkdir web backup sending receiving
}

# start FIELD: of the run's first event
start() {
	jq -r "select(.event == \"start\").$1" events
}

ended() {
	jq -r 'select(.event == "summary").time' events
}

@test "the end of the last successful run is handed on, through runs that fail" {
	lay web a 1 1
	replicate 0 -e events -J night -s "$SENDER" -r "$RECEIVER"
	[ "$(start last_successful)" = null ]
	success=$(ended)
	fault sending 9 Send a exit 1 nothing
	lay web a 2 2
	for _ in 1 2; do
		faulty 1 -J night
		[ "$(start last_successful)" = "$success" ]
	done
	replicate 0 -e events -J night -s "$SENDER" -r "$RECEIVER"
	[ "$(start last_successful)" = "$success" ]
	success=$(ended)
	replicate 0 -e events -J night -s "$SENDER" -r "$RECEIVER"
	[ "$(start last_successful)" = "$success" ]
}

@test "a success of another job, or of -n, is not handed on" {
	lay web a 1 1
	replicate 0 -e events -J night -s "$SENDER" -r "$RECEIVER"
	success=$(ended)
	replicate 0 -n -e events -J night -s "$SENDER" -r "$RECEIVER"
	[ "$(start dry_run)" = true ]
	replicate 0 -n -e events -J night -s "$SENDER" -r "$RECEIVER"
	[ "$(start last_successful)" = "$success" ]
	replicate 0 -e events -J day -s "$SENDER" -r "$RECEIVER"
	[ "$(start last_successful)" = null ]
	replicate 0 -e events -s "$SENDER" -r "$RECEIVER"
	[ "$(start last_successful)" = null ]
	replicate 0 -e events -s "$SENDER" -r "$RECEIVER"
	[ "$(start last_successful)" != null ]
}

@test "a file that is damaged, cut or of another kind hands on nothing, and is begun anew" {
	lay web a 1 1
	begin='{"time":"2026-11-30T01:00:00Z","event":"start","job":"night","last_successful":"2026-11-29T01:00:00Z"}'
	summary='{"time":"2026-11-30T01:01:00Z","event":"summary","code":0,"message":"x"}'
	while IFS='~' read -r wanted first last; do
		printf '%s\n%s' "$first" "$last" > events
		replicate 0 -e events -J night -s "$SENDER" -r "$RECEIVER"
		[ "$(start last_successful)" = "$wanted" ] || { echo "$first $last"; false; }
		[ "$(jq -s length events)" -ge 4 ]
	done <<-END
		2026-11-29T01:00:00Z~$begin~$summary
		2026-11-29T01:00:00Z~$begin~
		null~$summary~
		null~${begin/T01:00:00Z\"\}/T25:00:00Z\"\}}~
		null~${begin/start/begin}~
		null~${begin/\"night\"/7}~
		null~[]~
		null~~
	END
	printf '%s\n%s\n' "$begin" "$summary" > events
	replicate 0 -e events -J night -s "$SENDER" -r "$RECEIVER"
	[ "$(start last_successful)" = 2026-11-30T01:01:00Z ]
	{ echo "$begin"; head -c 300000 /dev/zero | tr '\0' x; printf '\n%s\n' "$summary"; } > events
	replicate 0 -e events -J night -s "$SENDER" -r "$RECEIVER"
	[ "$(start last_successful)" = 2026-11-30T01:01:00Z ]
	head -c 300000 /dev/zero > events
	replicate 0 -e events -J night -s "$SENDER" -r "$RECEIVER"
	[ "$(start last_successful)" = null ]
}

@test "a second run with the same file ends at once, and leaves it alone" {
	lay web a 1 1
	fault sending 1 Send a run 'touch begun; while [ ! -e go ]; do sleep 0.05; done'
	background zr-replicate -I all -e events -s "$FAULTY_SENDER" -r "$RECEIVER" > out 2> err
	first=$!
	eventually 20 [ -e begun ]
	cp events before
	replicate 1 -e events -s "$SENDER" -r "$RECEIVER"
	[ "$stderr" = 'zr-replicate: events: another run is writing its events there' ]
	head -c "$(wc -c < before)" events | cmp - before
	touch go
	ended_with 0 "$first"
	[ "$(tail -n 1 events | jq -r .event)" = summary ]
	replicate 0 -e events -s "$SENDER" -r "$RECEIVER"
}

@test "a file that is no regular one is only written to: two runs share /dev/null, a pipe is read" {
	lay web a 1 1
	fault sending 1 Send a run 'touch begun; while [ ! -e go ]; do sleep 0.05; done'
	background zr-replicate -I all -e /dev/null -s "$FAULTY_SENDER" -r "$RECEIVER" > out 2> err
	first=$!
	eventually 20 [ -e begun ]
	mkdir other
	replicate 0 -e /dev/null -s "$SENDER" -r 'zr-endpoint archive other'
	touch go
	ended_with 0 "$first"
	zr-replicate -e /dev/stdout -s "$SENDER" -r "$RECEIVER" 2> err | cat > piped
	[ "$(jq -rs 'map(.event) | join(" ")' piped)" = 'start listed plan filesystem-end summary' ]
}

@test "when the newest snapshot of both sides was taken: before a step, after it, at the end" {
	lay web a 1 2 b 1 1 c 1 1
	lay backup a 1 1 b 1 1
	replicate 0 -P 1 -e events -s "$SENDER" -r "$RECEIVER"
	created() { version "$1" | jq -r .Creation; }
	[ "$(events 'select(.filesystem == "a") | [.event, .base_creation // .creation // "", .snapshot // ""] | join(" ")')" = \
"plan $(created one) 
step-begin  
step-end $(created two) 
filesystem-end $(created two) two" ]
	[ "$(events 'select(.event == "filesystem-end") | [.filesystem, .snapshot, .creation] | join(" ")' | sort)" = \
"a two $(created two)
b one $(created one)
c one $(created one)" ]
	# What fails has what it had before.
	lay web a 3 3
	fault sending 9 Send a exit 1 nothing
	faulty 1
	[ "$(events 'select(.event == "filesystem-end" and .filesystem == "a") | [.result, .snapshot, .creation] | join(" ")')" = \
	    "failed two $(created two)" ]
}

has_size() {
	[ "$(wc -c < "$1")" -eq "$2" ]
}

# limit PID BYTES: what it may write to a file.
limit() {
	prlimit --pid "$1" "--fsize=$2:"
}

@test "the disk fills up in a line: the run ends, and writes nothing behind that when there is room again" {
	lay web a 1 1 b 1 1
	fault sending 1 Send a run 'touch begun-a; until [ -e go ]; do sleep 0.05; done'
	cat > stubborn <<-'END'
		#!/bin/sh
		trap "" TERM
		case $* in
		*Receive*'"b"'*)
			touch begun-b
			until [ -e end ]; do sleep 0.05; done ;;
		esac
		exec zr-endpoint archive backup "$@"
	END
	chmod +x stubborn
	# EFBIG, as for ENOSPC the test needs a disk of its own.
	background sh -c "trap '' XFSZ; exec zr-replicate -I all -e events -J night -s \"\$0\" -r \"\$1\"" \
	    "$FAULTY_SENDER" ./stubborn > out 2> err
	run=$!
	eventually 20 test -e begun-a
	eventually 20 test -e begun-b
	eventually 20 grep -q step-begin.*b events
	size=$(($(wc -c < events) + 20))
	limit "$run" "$size"
	touch go
	eventually 20 has_size events "$size"
	limit "$run" unlimited
	touch end
	ended_with 111 "$run"
	grep -q 'zr-replicate: events: write: File too large' err
	run -1 --separate-stderr zr-status events
	[[ $output == 'night: died after '* ]] || { echo "$output$stderr"; cat events; false; }
}
