# zr-status: what it makes of the events of a run, while it is at work and afterwards.
load ../lib/helper
load ../lib/replicate

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	children=()
	mkdir web backup sending receiving
}

# status STATUS ARGUMENT...
status() {
	run "-$1" --separate-stderr timeout 50 zr-status "${@:2}"
}

# metrics FILTER: of $output, read strictly
metrics() {
	printf '%s\n' "$output" | "$HELPERS/metrics.py" | jq -r "$1"
}

# at TIME EVENT [FIELD...]: a line of events, at that time of the 30th; a field is KEY=JSON
at() {
	local field members=
	for field in "${@:3}"; do
		members+=",\"${field%%=*}\":${field#*=}"
	done
	printf '{"time":"2026-11-30T%sZ","event":"%s"%s}\n' "$1" "$2" "$members"
}

# A run that was killed in its second step: a is done, b has moved 300 of 1000 bytes.
killed() {
	at 01:00:00 start 'job="night"' pid=1 'version="0.1"' 'last_successful="2026-11-29T01:00:10Z"'
	at 01:00:01 listed sender=3 receiver=1
	at 01:00:01 plan 'filesystem="tank/a"' 'verdict="incremental"' 'base="s1"' steps=1 'to="s2"' 'base_creation="2026-11-28T00:00:00Z"'
	at 01:00:01 plan 'filesystem="tank/b"' 'verdict="initial"' 'base=null' steps=2 'to="s2"'
	at 01:00:01 plan 'filesystem="tank/c"' 'verdict="conflict"' steps=0
	at 01:00:01 filesystem-end 'filesystem="tank/c"' 'result="failed"' steps=0 bytes=0 'message="diverged after @s1"'
	at 01:00:02 size 'filesystem="tank/b"' 'to="s1"' bytes=1000
	at 01:00:02 size 'filesystem="tank/b"' 'from="s1"' 'to="s2"' bytes=24
	at 01:00:02 step-begin 'filesystem="tank/a"' 'from="s1"' 'to="s2"'
	at 01:00:04 step-end 'filesystem="tank/a"' 'from="s1"' 'to="s2"' bytes=2048 seconds=2.000 'creation="2026-11-29T23:00:00Z"' resumed=false
	at 01:00:04 filesystem-end 'filesystem="tank/a"' 'result="replicated"' steps=1 bytes=2048
	at 01:00:05 step-begin 'filesystem="tank/b"' 'to="s1"'
	at 01:00:07 progress 'filesystem="tank/b"' 'to="s1"' bytes=300
}

@test "a run that was killed: died, with the table of then, and -1" {
	killed > events
	status 1 events
	[ -z "$stderr" ]
	[ "$output" = \
'night: died after 2026-11-30T01:00:07Z, begun 2026-11-30T01:00:00Z
tank/b @s1    300 B   30%    150 B/s
2 of 3 filesystems, 1 steps, 2.3 KiB of 3.0 KiB, 7.0 s
tank/c: failed: diverged after @s1' ]
	status 0 -m events
	[ "$(metrics 'select(.[1] | length == 1) | "\(.[0]) \(.[1].zrepl_job) \(.[2])"')" = \
"zrepl_replication_filesystem_errors night -1
zrepl_replication_last_successful night $(date -d 2026-11-29T01:00:10Z +%s)" ]
	[ "$(metrics 'select(.[1] | length == 2) | "\(.[0]) \(.[1].filesystem) \(.[2])"')" = \
"zrepl_replication_bytes_replicated tank/a 2048
zrepl_replication_bytes_replicated tank/b 300
zrepl_replication_bytes_replicated tank/c 0
zr_replication_bytes_remaining tank/a 0
zr_replication_bytes_remaining tank/b 724
zr_replication_bytes_remaining tank/c 0
zr_replication_filesystem_last_replicated_timestamp_seconds tank/a $(date -d 2026-11-29T23:00:00Z +%s)" ]
	status 0 -j events
	[ "$(jq -c '[.file, .job, .state, .pid, .filesystem_errors, .last_successful, has("code"), (.filesystems | length)]' <<< "$output")" = \
	    '["events","night","died",1,-1,"2026-11-29T01:00:10Z",false,3]' ]
	[ "$(jq -c '.filesystems[1]' <<< "$output")" = \
	    '{"filesystem":"tank/b","state":"step","to":"s1","planned_steps":2,"steps":0,"bytes":300,"bytes_remaining":724}' ]
}

@test "a run that is really killed is at work until then, whoever has its pid later" {
	lay web a 1 2
	fault sending 1 Send a stall 500000
	zr-replicate -Z 1 -I all -e events -J night -s "$FAULTY_SENDER" -r "$FAULTY_RECEIVER" > out 2> err 3>&- &
	pid=$!
	children+=("$pid")
	eventually 20 grep -q '"progress".*"bytes":500000' events
	status 0 events
	[[ $output == 'night: running since '*'
a @one  488 KiB   42% '*'/s
0 of 1 filesystems, 0 steps, 488 KiB of 1.4 MiB, '* ]]
	status 0 -m events
	[ "$(metrics 'select(.[0] == "zrepl_replication_filesystem_errors")[2]')" = 0 ]
	kill -9 "$pid"
	ended_with 137 "$pid"
	# The pid of a process that lives.
	sed -i "1s/\"pid\":$pid/\"pid\":$$/" events
	status 1 events
	[[ $output == 'night: died after '* ]]
	status 0 -m events
	[ "$(metrics 'select(.[0] == "zrepl_replication_filesystem_errors")[2]')" = -1 ]
	# The next run finishes, and says so.
	replicate 0 -w 30 -e events -J night -s "$SENDER" -r "$RECEIVER"
	status 0 events
	[[ $output == 'night: done at '*': 1 filesystems: '* || $output == 'night: done at '*': 1 filesystem: '* ]]
}

@test "-f: lines while it runs, and what is left to say at its end" {
	lay web a 1 2 b 1 1
	fault sending 1 Send b run 'while [ ! -e go ]; do sleep 0.05; done'
	background zr-replicate -I all -e events -J night -s "$FAULTY_SENDER" -r "$FAULTY_RECEIVER" > out 2> err
	first=$!
	eventually 20 [ -s events ]
	background zr-status -f events > followed
	follower=$!
	eventually 20 grep -q '^a @two: 290 KiB in ' followed
	status 0 events
	[[ $output == 'night: running since '*'
b @one '*'
1 of 2 filesystems, 2 steps, '* ]]
	run -1 grep -q '^b @one' followed
	touch go
	ended_with 0 "$first"
	ended_with 0 "$follower"
	[ "$(sed 's/ in .*//; s/ at .*2 filesystems/ 2 filesystems/; s/(3 steps.*//' followed | LC_ALL=C sort)" = \
'a @one: 1.1 MiB
a @two: 290 KiB
b @one: 1.1 MiB
night: done 2 filesystems: 0 up to date, 2 replicated ' ]
	run -1 grep -q $'\033' followed
	status 0 events
	[ "$output" = "$(tail -n 1 followed)" ]
}

@test "-f on a terminal: the table of zr-replicate, and at the end only the result" {
	lay web a 1 1
	fault sending 1 Send a run 'while [ ! -e go ]; do sleep 0.05; done'
	background zr-replicate -I all -e events -J night -s "$FAULTY_SENDER" -r "$FAULTY_RECEIVER" > out 2> err
	first=$!
	eventually 20 grep -q step-begin events
	(eventually 20 [ -s begun ]; sleep 1.5; touch go) 3>&- &
	children+=($!)
	"$HELPERS/terminal.py" 10 60 none sh -c 'echo > begun; exec zr-status -f events' > screen
	cat screen
	ended_with 0 "$first"
	[ "$(jq -c '[.status, .wrapped, .scrolled]' screen)" = '[0,0,0]' ]
	[ "$(jq .tallest screen)" -ge 2 ]
	[ "$(jq .escapes screen)" -ge 6 ]
	[[ "$(jq -r '.left | join("")' screen)" == 'night: done at '* ]]
}

@test "-f: Ctrl-C leaves the screen clean, and the run alone" {
	lay web a 1 1
	fault sending 1 Send a run 'while [ ! -e go ]; do sleep 0.05; done'
	background zr-replicate -I all -e events -s "$FAULTY_SENDER" -r "$FAULTY_RECEIVER" > out 2> err
	first=$!
	eventually 20 grep -q step-begin events
	"$HELPERS/terminal.py" -k 24 80 events zr-status -f events > screen
	cat screen
	[ "$(jq -c '[.status, .wrapped, .scrolled]' screen)" = '[130,0,0]' ]
	run -1 grep -e filesystems screen
	touch go
	ended_with 0 "$first"
}

@test "a run that failed, one that succeeded, one with -n: what each says, and its metrics" {
	lay web a 1 1 b 1 1
	fault sending 99 Send a exit 1 'no such luck'
	faulty 1 -J night
	status 1 events
	[[ $output == 'night: failed at '*': 2 filesystems: 0 up to date, 1 replicated ('*'1 failed: a: '*'
a: failed: '*'no such luck' ]]
	status 0 -m events
	[ "$(metrics 'select(.[1] | length == 1) | "\(.[0]) \(.[2])"')" = 'zrepl_replication_filesystem_errors 1' ]
	rm sending/*.fault
	faulty 0 -J night
	success=2026-11-28T01:02:03Z
	sed -i "\$s/\"time\":\"[^\"]*\"/\"time\":\"$success\"/" events
	for run in 1 2 3; do
		status 0 -m events
		[ "$(metrics 'select(.[1] | length == 1) | "\(.[0]) \(.[2])"')" = \
"zrepl_replication_filesystem_errors 0
zrepl_replication_last_successful $(date -d "$success" +%s)" ]
		faulty 0 -n -J night
	done
	status 0 events
	[[ $output == 'night: done (with -n) at '*'nothing was changed' ]]
	created=$(version one | jq -r .Creation)
	status 0 -m events
	[ "$(metrics 'select(.[0] | endswith("last_replicated_timestamp_seconds")) | "\(.[1].filesystem) \(.[2])"' | paste -sd ,)" = \
	    "a $(date -d "$created" +%s),b $(date -d "$created" +%s)" ]
}

@test "a run that could not list: -1; one that an operand made fail although all is there: 1" {
	replicate 7 -e events -J night -s 'exit 7;' -r "$RECEIVER"
	status 0 -m events
	[ "$(metrics 'select(.[0] == "zrepl_replication_filesystem_errors")[2]')" = -1 ]
	lay web a 1 1
	replicate 1 -e events -J night -s "$SENDER" -r "$RECEIVER" a none
	status 0 -m events
	[ "$(metrics 'select(.[0] == "zrepl_replication_filesystem_errors")[2]')" = 1 ]
	at 01:00:00 start 'job="night"' > events
	status 0 -m -J x events
	[ "$(metrics '"\(.[0]) \(.[1].zrepl_job) \(.[2])"')" = 'zrepl_replication_filesystem_errors x -1' ]
}

@test "while the filesystems are being listed there is no number of errors yet" {
	lay web a 1 1
	fault sending 1 ListFilesystems '' run 'while [ ! -e go ]; do sleep 0.05; done'
	background zr-replicate -I all -e events -J night -s "$FAULTY_SENDER" -r "$RECEIVER" > out 2> err
	first=$!
	eventually 20 [ -s events ]
	status 0 -m events
	[ -z "$(metrics .)" ]
	status 0 events
	[[ $output == 'night: running since '*'
0 of 0 filesystems, '* ]]
	touch go
	ended_with 0 "$first"
}

@test "a size that is not known: nothing is said to remain; a retry, an end" {
	{
		at 01:00:00 start 'job="night"'
		at 01:00:01 listed
		at 01:00:01 plan 'filesystem="a"' steps=2
		at 01:00:02 size 'filesystem="a"' 'to="s1"' bytes=1000
		at 01:00:03 step-begin 'filesystem="a"' 'to="s1"'
		at 01:00:04 progress 'filesystem="a"' 'to="s1"' bytes=600
	} > events
	remaining='.filesystems[0] | "\(.state) \(.steps) \(.bytes) \(.bytes_remaining) \(.message)"'
	status 0 -j events
	[ "$(jq -r "$remaining" <<< "$output")" = 'step 0 600 null null' ]
	at 01:00:05 size 'filesystem="a"' 'to="s2"' bytes=24 >> events
	status 0 -j events
	[ "$(jq -r "$remaining" <<< "$output")" = 'step 0 600 424 null' ]
	at 01:00:05 retry 'filesystem="a"' 'class="transport"' 'message="lost"' wait=0.5 >> events
	status 0 -j events
	[ "$(jq -r "$remaining" <<< "$output")" = 'retry 0 600 1024 lost' ]
	at 01:00:06 step-begin 'filesystem="a"' 'to="s1"' >> events
	at 01:00:07 step-end 'filesystem="a"' 'to="s1"' bytes=400 seconds=1 >> events
	status 0 -j events
	[ "$(jq -r "$remaining" <<< "$output")" = 'waiting 1 1000 24 lost' ]
	status 1 events
	[ "$(tail -n 2 <<< "$output")" = \
'waiting: 1 for their turn, 0 to be tried again, 0 for SendCompleted
0 of 1 filesystems, 1 steps, 1.0 KiB of 1.0 KiB, 7.0 s' ] || { echo "$output"; false; }
	at 01:00:08 filesystem-end 'filesystem="a"' 'result="replicated"' steps=2 bytes=1024 >> events
	at 01:00:09 summary code=0 'message="all is well"' >> events
	status 0 -j events
	[ "$(jq -r "$remaining" <<< "$output")" = 'done 1 1024 0 null' ]
	status 0 events
	[ "$output" = 'night: done at 2026-11-30T01:00:09Z: all is well' ]
}

@test "numbers as large as they can be" {
	most=18446744073709551614
	{
		at 01:00:00 start 'job="night"' "pid=$most"
		at 01:00:01 plan 'filesystem="a"' "steps=$most"
		at 01:00:01 size 'filesystem="a"' 'to="s1"' "bytes=$most"
		at 01:00:02 step-begin 'filesystem="a"' 'to="s1"'
		at 01:00:03 progress 'filesystem="a"' 'to="s1"' "bytes=$most"
	} > events
	status 1 events
	[ "${lines[1]}" = 'a @s1  8.0 EiB  100%  8.0 EiB/s' ]
	[ "${lines[2]}" = '0 of 1 filesystems, 0 steps, 8.0 EiB of >= 8.0 EiB, 3.0 s' ]
	status 0 -j events
	[ "$(grep -o '"bytes":[0-9]*' <<< "$output")" = "\"bytes\":$most" ]
}

@test "several files: all in one text, with one head for each metric" {
	killed > one
	killed | sed 's/"night"/"day"/' > two
	status 0 -m one two
	[ "$(metrics 'select(.[0] == "zrepl_replication_filesystem_errors")[1].zrepl_job' | paste -sd ,)" = night,day ]
	[ "$(grep -c '^# TYPE' <<< "$output")" = 5 ]
	status 1 one two
	[ "$(grep -c ': died ' <<< "$output")" = 2 ]
	status 0 -j one two
	[ "$(jq -r .job <<< "$output" | paste -sd ,)" = night,day ]
	cp one three
	status 100 -m one two three
	[ "$stderr" = 'zr-status: three: one has a run of the same job, night' ]
	[ "$(metrics 'select(.[0] == "zrepl_replication_filesystem_errors")[1].zrepl_job' | paste -sd ,)" = night,day ]
	grep -v nothing one | sed 's/"job":"night",//' > none
	status 100 -m none one
	[ "$stderr" = 'zr-status: none: the run has no name: -J JOB' ]
	[ "$(metrics 'select(.[0] == "zrepl_replication_filesystem_errors")[1].zrepl_job')" = night ]
	status 0 -m -J given none
	status 111 -j one missing two
	[ "$stderr" = 'zr-status: missing: No such file or directory' ]
	[ "$(jq -r .job <<< "$output" | paste -sd ,)" = night,day ]
	status 111 missing
	[ -z "$output" ]
}

@test "names are encoded: labels as the format demands, nothing that a terminal obeys" {
	{
		at 01:00:00 start 'job="a\"b\\c\nd é"'
		at 01:00:01 listed
		at 01:00:01 plan 'filesystem="x\"y\\z\u001b[2J"' steps=1
		at 01:00:01 step-begin 'filesystem="x\"y\\z\u001b[2J"' 'to="s\u001b"'
		at 01:00:01 plan 'filesystem="bad"' steps=0
		at 01:00:01 filesystem-end 'filesystem="bad"' 'result="failed"' bytes=0 'message="\u001b[31m\nred"'
	} > events
	status 0 -m events
	[ "$(metrics 'select(.[0] == "zrepl_replication_bytes_replicated") | "\(.[1].zrepl_job)|\(.[1].filesystem)"')" = \
'a"b\c\nd é|x"y\z\033[2J
a"b\c\nd é|bad' ]
	run -1 grep -q $'\033' <<< "$output"
	for form in '' -f; do
		status 1 $form events
		run -1 grep -q $'\033' <<< "$output"
	done
	status 1 events
	[ "${lines[1]%% *}" = 'x"y\z\033[2J' ]
	[ "${lines[-1]}" = 'bad: failed: \033[31m\nred' ]
	status 0 -j events
	[ "$(jq -r '.filesystems[1].message' <<< "$output")" = $'\033[31m\nred' ]
}

@test "a line that is not complete is passed over, wherever it was cut" {
	killed > whole
	head -n 3 whole > three
	line=$(sed -n 4p whole)
	cp three cut
	zr-status -j cut > wanted
	for ((i = 0; i <= ${#line}; i += 3)); do
		{ cat three; printf %s "${line:0:i}"; } > cut
		zr-status -j cut
	done > got
	uniq got | diff wanted -
	[ "$(wc -l < got)" -gt 20 ]
	# Complete, it counts.
	{ cat three; echo "$line"; } > cut
	status 0 -j cut
	[ "$(jq -r '.filesystems[-1].filesystem' <<< "$output")" = tank/b ]
}

@test "a file that is no file of events: an error with the line, and no hang" {
	at 01:00:00 start 'job="night"' > start
	while IFS='~' read -r wanted line; do
		{ cat start; printf '%s\n' "$line"; } > events
		status 100 events
		[ -z "$output" ]
		[[ $stderr == "zr-status: events: line 2: "$wanted ]] || { echo "$line: $stderr"; false; }
	done <<-'END'
		byte 1: *~nonsense
		byte 1: *~
		byte 1: *~[]
		it is not an event: event is missing~{"time":"2026-11-30T01:00:00Z"}
		it is not an event: time is missing~{"event":"plan"}
		time is out of range~{"time":"yesterday","event":"plan"}
		time has the wrong type~{"time":7,"event":"plan"}
		filesystem is missing~{"time":"2026-11-30T01:00:00Z","event":"plan"}
		filesystem has the wrong type~{"time":"2026-11-30T01:00:00Z","event":"plan","filesystem":{}}
		time is out of range~{"time":"9999-12-31T23:59:59-00:01","event":"plan"}
		a text contains a NUL~{"time":"2026-11-30T01:00:00Z","event":"start","job":"a\u0000"}
		a text contains a NUL~{"time":"2026-11-30T01:00:00Z","event":"plan","filesystem":"\u0000"}
		a text contains a NUL~{"time":"2026-11-30T01:00:00Z","event":"size","filesystem":"a","bytes":1,"to":"\u0000"}
		bytes is out of range~{"time":"2026-11-30T01:00:00Z","event":"progress","filesystem":"a","bytes":-1}
		bytes is out of range~{"time":"2026-11-30T01:00:00Z","event":"progress","filesystem":"a","bytes":1e99}
		seconds is out of range~{"time":"2026-11-30T01:00:00Z","event":"step-end","filesystem":"a","seconds":1e999}
		code is missing~{"time":"2026-11-30T01:00:00Z","event":"summary"}
		byte 51: *~{"time":"2026-11-30T01:00:00Z","event":"summary"} x
	END
	at 01:00:00 listed > events
	status 100 events
	[ "$stderr" = 'zr-status: events: line 1: the first event is not the start of a run' ]
	{ cat start; head -c 400000 /dev/zero | tr '\0' x; } > events
	status 100 events
	[ "$stderr" = 'zr-status: events: line 2: longer than 256 KiB' ]
	mkfifo fifo
	status 100 fifo
	[ "$stderr" = 'zr-status: fifo: it is not a regular file' ]
	status 100 .
	# Unknown events, and fields, are of a later version.
	{ cat start; at 01:00:01 something-that-is-new-and-has-a-long-name 'x=[{}]'; at 01:00:01 listed 'y={"a":[1]}' 'job=null'; } > events
	status 1 events
}

@test "an empty file: died, if nobody writes it" {
	: > events
	status 1 events
	[ "$output" = 'events: died before it said anything' ]
	status 1 -J night events
	[ "$output" = 'night: died before it said anything' ]
	status 0 -m -J night events
	[ "$(metrics .[2])" = -1 ]
}

@test "-f: a run that begins anew in the same file is followed from its beginning" {
	lay web a 1 1
	fault sending 1 Send a run 'touch begun; while [ ! -e go ]; do sleep 0.05; done'
	background zr-replicate -I all -e events -J night -s "$FAULTY_SENDER" -r "$RECEIVER" > out 2> err
	first=$!
	eventually 20 [ -e begun ]
	background zr-status -f events > followed
	follower=$!
	eventually 20 grep -q begin events
	# As if another had emptied it: the old beginning is gone, and more is there than before.
	{ killed | sed 's/"night"/"day"/'; killed | sed 1d; } > events
	eventually 20 grep -q '^tank/a @s2: 2.0 KiB in 2.0 s' followed
	touch go
	wait "$first" || :
	kill "$follower"
	ended_with 143 "$follower"
}

@test "a writer at work: lines cut anywhere, run after run in the same file, and never nonsense" {
	killed | sed 1d > body
	cat > writer <<-'END'
		#!/usr/bin/python3 -I
		import fcntl, os, random, struct, sys, time
		fd = os.open("events", os.O_RDWR)
		# F_OFD_SETLK, as zr-replicate does it
		fcntl.fcntl(fd, 37, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0))
		body = open("body", "rb").read()
		open("ready", "w").close()
		random.seed(7)
		for run in range(40):
		    text = b'{"time":"2026-11-30T01:00:%02dZ","event":"start","job":"night","pid":%d}\n' % (run, run)
		    text += body * random.randrange(1, 4)
		    if run == 39:
		        text += b'{"time":"2026-11-30T02:00:00Z","event":"summary","code":0,"message":"the last"}\n'
		    os.ftruncate(fd, 0)
		    os.lseek(fd, 0, os.SEEK_SET)
		    while text:
		        length = random.randrange(1, 700)
		        os.write(fd, text[:length])
		        text = text[length:]
		        time.sleep(random.random() * 0.004)
	END
	chmod +x writer
	: > events
	background ./writer
	writer=$!
	eventually 20 [ -e ready ]
	background zr-status -f events > followed 2> err
	follower=$!
	until gone "$writer"; do
		status 0 -j events
		[ -z "$stderr" ]
		[ "$(jq -r .state <<< "$output")" != died ] || gone "$writer"
	done
	ended_with 0 "$writer"
	ended_with 0 "$follower"
	[ ! -s err ]
	[ "$(tail -n 2 followed)" = 'night: done at 2026-11-30T02:00:00Z: the last
tank/c: failed: diverged after @s1' ]
}

@test "a command line that makes no sense: 100" {
	killed > events
	while IFS='~' read -r wanted arguments; do
		status 100 $arguments
		[ "$stderr" = "zr-status: $wanted" ] || { echo "$arguments: $stderr"; false; }
	done <<-'END'
		-f, -j and -m exclude each other~-f -j events
		-f, -j and -m exclude each other~-m -f events
		-f, -j and -m exclude each other~-j -m events
		-f and -J are for one file~-f events events
		-f and -J are for one file~-J x events events
	END
	status 100 -J '' events
	status 100 -J $'\xff' events
	[ "$stderr" = 'zr-status: -J wants a name in UTF-8' ]
	run -111 --separate-stderr sh -c 'zr-status events > /dev/full'
	stderr_has 'standard output: write: No space left on device'
}
