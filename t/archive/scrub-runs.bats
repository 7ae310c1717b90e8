# The runs of zr-scrub: one after the other, beside each other, and beside what changes the archive.
load ../lib/helper
load ../lib/archive
load ../lib/scrub

@test "after SIGTERM or SIGKILL the next run goes on: each stream is read once" {
	eight
	for signal in TERM KILL; do
		rm -f box/@scrub
		background zr-scrub -r 2M box > out
		eventually 20 sh -c 'test "$(jq -r .streams box/@scrub)" -ge 2'
		kill -$signal "${children[-1]}"
		ended_with $((128 + $(kill -l $signal))) "${children[-1]}"
		[ "$(state finished)" = null ]
		began=$(state began)
		done=$(state streams)
		scrub 0
		[ "$(jq -r .began <<< "$output")" = "$began" ]
		[ "$(jq -r .streams <<< "$output")" -eq $((8 - done)) ]
		[ "$(state streams)" -eq 8 ]
		[ "$(state bytes)" -eq "$(find box -name '*.zstream' -exec cat {} + | wc -c)" ]
		[ "$(state finished)" != null ]
	done
	# Or begins again, with -N.
	background zr-scrub -r 2M box > out
	eventually 20 sh -c 'test "$(jq -r "select(.finished == null) | .streams" box/@scrub)" -ge 1'
	kill "${children[-1]}"
	ended_with 143 "${children[-1]}"
	scrub 0 -N
	[ "$(jq -r .streams <<< "$output")" -eq 8 ]
}

@test "a run that -t stops has read no more than its rate allows, and the next ones read the rest" {
	mkdir box
	for i in 1 2 3 4 5 6 7 8; do
		keep enc.full-raw.zstream a/enc@e1 "e/$i"
	done
	scrub 0 -r 500k -t 1s
	[ "$(jq .complete <<< "$output")" = false ]
	first=$(jq -r .streams <<< "$output")
	# In a second, and the tenth of one that is saved up.
	[ "$first" -ge 1 ]
	[ "$(jq -r .bytes <<< "$output")" -le $((11 * 51200)) ]
	[ "$(jq -r .left_streams <<< "$output")" -eq $((8 - first)) ]
	[ "$(jq -r .left_bytes <<< "$output")" -eq $(((8 - first) * 219636)) ]
	[ "$(state bytes)" -eq $((first * 219636)) ]
	[ "$(state filesystem)" = "e/$first" ]
	scrub 0 -t 1h
	[ "$(jq -c '[.complete, .streams]' <<< "$output")" = "[true,\"$((8 - first))\"]" ]
	[ "$(state streams)" -eq 8 ]
}

@test "a stream that takes longer than -t allows is read by a run of its own" {
	mkdir box
	keep vol.full.zstream a/vol@v1 1
	keep vol.full.zstream a/vol@v1 2
	scrub 0 -r 400k -t 1s
	[ "$(jq -c '[.streams, .left_streams]' <<< "$output")" = '["1","1"]' ]
	run -0 zr-scrub -t 1h box
	[ "$(state streams)" -eq 2 ]
	[ "$(state finished)" != null ]
}

@test "damage that an earlier run has found is named by those that do not come by it, and their status is 1" {
	eight
	printf x | dd of="$(stream_file a/data@one)" bs=1 seek=700001 conv=notrunc status=none
	scrub 1
	[ "$(findings)" = 'damaged a/data@one' ]
	marked=$(jq -r .damaged "$(record_file a/data@one)")
	for i in 1 2; do
		scrub 1 -r 1M -t 1s
		[ "$(jq -r 'select(.began).damaged' <<< "$output")" = 1 ]
	done
	[ "$(findings)" = 'still-damaged a/data@one' ]
	grep -qF "marked at $marked" <<< "$output"
	run -1 zr-scrub -q -t 1h box
	[[ ${lines[0]} == "a/data@one: damaged, and not read again: marked at $marked" ]]
	[[ ${lines[1]} == *" read, 1 damaged; the pass that began at "*" is complete" ]]
	[ "$(jq -r .damaged "$(record_file a/data@one)")" = "$marked" ]
	# What is asked for by name is read, whatever the pass does.
	scrub 1
	before=$(cat box/@scrub)
	run -1 zr-scrub box a/data
	[[ ${lines[0]} == 'a/data@one: damaged: checksum mismatch between the offsets '*', at object '* ]]
	[ "$(cat box/@scrub)" = "$before" ]
	run -0 zr-scrub box a/vol web
	# Never are none of the streams read, and called well.
	ln -s a box/link
	for name in a/nothing a/data/ ./a/data a//data a/../a/data .. . '' /a/data link/data a/data/@lock; do
		run -1 --separate-stderr zr-scrub box a/vol "$name"
		[ "$stderr" = "zr-scrub: box: the archive has no filesystem \"$name\"" ]
	done
}

@test "a state that is nonsense is passed over, and says so" {
	eight
	for nonsense in '' '{}' '{"began":"yesterday","streams":"1","bytes":"1"}' \
	    '{"began":"2026-11-30T01:00:00Z","streams":"1","bytes":"1","filesystem":"../x","guid":"1"}'; do
		printf %s "$nonsense" > box/@scrub
		scrub 0
		[ "$stderr" = 'zr-scrub: @scrub is damaged: this pass begins anew' ]
		[ "$(jq -r .streams <<< "$output")" -eq 8 ]
	done
	rm box/@scrub
	ln -s nowhere box/@scrub
	scrub 0
	stderr_has '@scrub: this pass begins anew: Too many levels of symbolic links'
	[ ! -L box/@scrub ]
	# Where it has come to is gone.
	printf %s '{"began":"2026-11-30T01:00:00Z","streams":"1","bytes":"1","filesystem":"a/data/gone","guid":"1"}' > box/@scrub
	scrub 0
	[ "$(jq -c '[.began, .streams]' <<< "$output")" = '["2026-11-30T01:00:00Z","5"]' ]
	[ "$(state streams)" -eq 6 ]
}

@test "a second scrub of the same archive ends at once, and so does one of a filesystem's own directory" {
	eight
	background zr-scrub -r 2M box > out
	eventually 20 sh -c 'test "$(jq -r .streams box/@scrub)" -ge 1'
	run -1 --separate-stderr zr-scrub box
	[ "$stderr" = 'zr-scrub: box: another scrub of this archive is running' ]
	run -100 --separate-stderr zr-scrub box/a/data
	stderr_has "it is the directory of a filesystem"
	run -0 zr-scrub box/web
	run -100 zr-scrub -N box a/data
	run -111 zr-scrub nowhere
	ended_with 0 "${children[-1]}"
}

@test "the next replication mends what a scrub has marked" {
	eight
	cp -r box sound
	printf x | dd of="$(stream_file a/data@one)" bs=1 seek=700001 conv=notrunc status=none
	printf x | dd of="$(stream_file a/vol@v2)" bs=1 seek=20001 conv=notrunc status=none
	run -1 zr-scrub box
	run -0 zr-replicate -I all -s 'zr-endpoint archive sound' -r 'zr-endpoint archive box'
	scrub 0
	[ -z "$(findings)" ]
	diff -r -x '@scrub*' sound box
}

@test "what is received, replaced and destroyed while a scrub reads is no damage" {
	mkdir box
	keep data.full.zstream a/data@one
	cat > change <<-'END'
		while [ ! -e stop ]; do
			keep data.one-two.zstream a/data@two
			keep enc.full-raw.zstream a/enc@e1 "gone/$((RANDOM % 3))"
			destroy two
			for i in 0 1 2; do
				archive DestroySnapshots "$(jq -cn --argjson v "$(version a/enc@e1)" \
				    --arg f "gone/$i" '{Filesystem: $f, Snapshots: [$v]}')" || :
			done
		done
	END
	( . ./change ) > changes 2>&1 3>&- &
	children+=($!)
	streams=0
	for _ in $(seq "${ZR_TEST_SCRUBS:-12}"); do
		scrub 0
		[ -z "$(findings)" ]
		[ -z "$stderr" ]
		streams=$((streams + $(jq -r .streams <<< "$output")))
	done
	: > stop
	wait "${children[-1]}"
	# Some were read that were not always there.
	[ "$streams" -gt ${ZR_TEST_SCRUBS:-12} ]
	! grep -rq '"damaged"' box --include='*.json' || false
}

@test "a snapshot that is replaced while its damaged stream is read is not marked" {
	eight
	printf x | dd of="$(stream_file a/vol@v1)" bs=1 seek=519000 conv=notrunc status=none
	background zr-scrub -j -r 1M box a/vol > out
	eventually 20 sh -c "test -n \"\$(find /proc/${children[-1]}/fd -lname '*.zstream')\""
	kill -STOP "${children[-1]}"
	rm "$(record_file a/vol@v1)"
	keep vol.full.zstream a/vol@v1
	kill -CONT "${children[-1]}"
	ended_with 0 "${children[-1]}"
	[ -z "$(jq -r 'select(.state)' out)" ]
	jq -e 'has("damaged") | not' "$(record_file a/vol@v1)"
}

@test "an increment whose base is just being replaced is not damaged" {
	eight
	exec 9< box/a/data/@lock
	flock 9
	mv "$(record_file a/data@one)" record
	background zr-scrub -j box a/data > out 9<&-
	eventually 20 sh -c "test -n \"\$(find /proc/${children[-1]}/fd -lname '*/@lock')\""
	mv record "$(record_file a/data@one)"
	exec 9<&-
	ended_with 0 "${children[-1]}"
	[ -z "$(jq -r 'select(.state)' out)" ]
}

@test "the units of examples/systemd are valid, and the one starts the other" {
	mkdir units bin
	mkdir -m 700 runtime
	printf '#!/bin/sh\n' > bin/zr-scrub
	chmod +x bin/zr-scrub
	for unit in "$TOP"/examples/systemd/zr-scrub@.*; do
		sed "s|/usr/local/bin|$PWD/bin|" "$unit" > "units/${unit##*/}"
	done
	XDG_RUNTIME_DIR=$PWD/runtime HOME=$PWD run systemd-analyze --user verify --man=no \
	    units/zr-scrub@.timer units/zr-scrub@.service
	[ "$status" -eq 0 ] || { echo "$output"; false; }
	[[ "$output" != *units/* ]] || { echo "$output"; false; }
	run -0 systemd-analyze calendar "$(sed -n 's/^OnCalendar=//p' units/zr-scrub@.timer)"
	# Its command line, of this program.
	mkdir archive
	read -ra words < <(sed -n 's/^ExecStart=[^ ]* //p' units/zr-scrub@.service)
	[ "${words[-1]}" = %f ]
	run -0 zr-scrub "${words[@]:0:${#words[@]}-1}" archive
}
