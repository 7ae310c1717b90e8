# zr-replicate: a run, archive to archive, where nothing fails on the way.
load ../lib/helper
load ../lib/replicate

@test "a tree with placeholders arrives; a second run executes no step" {
	lay web pool/a 1 4 pool/a/deep/er 1 2 pool/b 1 1 pool/b.c 1 3
	mkdir web/pool/empty
	replicate 0 -s "$SENDER" -r "$RECEIVER"
	same web backup
	[ "$(grep -c ' in ' <<< "$output")" = 10 ]
	[[ "$stderr" == 'zr-replicate: '*' filesystems: 0 up to date, 4 replicated (10 steps, '*' without a snapshot' ]]
	state_of web backup > before
	replicate 0 -s "$FAULTY_SENDER" -r "$FAULTY_RECEIVER"
	[ -z "$output" ]
	[[ "$stderr" == 'zr-replicate: '*' filesystems: 4 up to date, '* ]]
	[ "$(cut -d ' ' -f 1 sending/calls receiving/calls | LC_ALL=C sort | uniq -c | sed 's/^ *//' | paste -sd ,)" = \
	    '8 ListFilesystemVersions,2 ListFilesystems,2 batch' ]
	state_of web backup | diff before -
}

@test "only snapshots that are new since the last run are sent" {
	lay web a 1 2 b 1 1
	replicate 0 -q -s "$SENDER" -r "$RECEIVER"
	[ -z "$stderr" ]
	lay web a 3 4
	replicate 0 -j -s "$SENDER" -r "$RECEIVER"
	[ "$(jq -r '[.filesystem, .from, .to, .bytes] | join(" ")' <<< "$output")" = \
'a two three-unchanged 624
a three-unchanged four with space:and.dots_- 244720' ]
	same web backup
}

@test "operands select filesystems and those below them" {
	lay web a 1 1 a/b 1 1 ab 1 1 c 1 1
	replicate 0 -s "$SENDER" -r "$RECEIVER" a c
	[ -e backup/a/b/@${GUIDS[0]}.json ]
	[ -e backup/c/@${GUIDS[0]}.json ]
	[ ! -e backup/ab ]
	replicate 1 -s "$SENDER" -r "$RECEIVER" ab none
	stderr_has 'none: the sender has no such filesystem'
	[ -e backup/ab/@${GUIDS[0]}.json ]
	replicate 1 -s "$SENDER" -r "$RECEIVER" none
	stderr_has 'nothing was replicated'
	replicate 100 -s "$SENDER" -r "$RECEIVER" a@b
}

@test "-m changes the name on the receiver; two filesystems on one name are refused" {
	lay web pool/a 1 2 pool/a/b 1 1 pool/c 1 1
	replicate 0 -m pool=new/place -s "$SENDER" -r "$RECEIVER" pool/a
	same web/pool/a backup/new/place/a
	[ ! -e backup/new/place/c ]
	replicate 0 -m pool=new/place -s "$SENDER" -r "$RECEIVER" pool/a
	[ -z "$output" ]
	replicate 100 -m pool/c=pool/a -s "$SENDER" -r "$RECEIVER"
	stderr_has 'pool/a and pool/c would both be pool/a at the receiver'
	[ ! -e backup/pool ]
}

@test "-x, -i and -l choose snapshots; -I most_recent is the default" {
	# All but the first are increments that an archive can only send as they came.
	lay web a 1 4
	replicate 0 -i '^(one|two)$' -s "$SENDER" -r "$RECEIVER"
	[ "$(jq -r .name backup/a/@*.json | sort | paste -sd ' ')" = 'one two' ]
	replicate 0 -x '^four' -s "$SENDER" -r "$RECEIVER"
	[ "$(jq -r .name backup/a/@*.json | sort | paste -sd ' ')" = 'one three-unchanged two' ]
	replicate 0 -l -s "$SENDER" -r "$RECEIVER"
	same web backup
	mkdir none
	run -0 --separate-stderr zr-replicate -n -s "$SENDER" -r 'zr-endpoint archive none'
	[[ "$output" == 'a: initial: 1 step: @four with space:and.dots_- in full'* ]]
	run -0 --separate-stderr zr-replicate -n -l -I all -x '^four' -s "$SENDER" -r 'zr-endpoint archive none'
	[[ "$output" == 'a: initial: 1 step: @three-unchanged in full'* ]]
}

@test "-n prints the steps, and changes neither side" {
	lay web a 1 4 b 1 1 c 1 1
	lay backup a 1 2 c 1 1
	touch web/a/@lock backup/a/@lock
	state_of web backup > before
	replicate 0 -n -s "$FAULTY_SENDER" -r "$FAULTY_RECEIVER"
	[ "$output" = 'a: incremental: 2 steps: @two to @three-unchanged, then to @four with space:and.dots_-
b: initial: 1 step: @one in full' ]
	total=$((${SIZES[2]} + ${SIZES[3]} + ${SIZES[0]}))
	[ "$stderr" = "zr-replicate: 3 filesystems: 2 with something to send (3 steps, 1.4 MiB), 0 in conflict; nothing was changed" ]
	[ "$(numfmt --to=iec <<< "$total")" = 1.4M ]
	[ "$(cut -d ' ' -f 1 sending/calls receiving/calls | LC_ALL=C sort -u | paste -sd ,)" = \
	    ListFilesystemVersions,ListFilesystems,SendDry,batch ]
	state_of web backup | diff before -
	replicate 0 -n -v -j -s "$SENDER" -r "$RECEIVER"
	[ "$(jq -r '.filesystem + " " + .verdict' <<< "$output" | paste -sd ,)" = 'a incremental,b initial,c up-to-date' ]
}

@test "-j, -v and -q each have their own output" {
	lay web a 1 2
	replicate 0 -j -v -x two -s "$SENDER" -r "$RECEIVER"
	[ "$(jq -c 'keys' <<< "$output")" = '["bytes","filesystem","resumed","seconds","to"]' ]
	stderr_has 'a: initial: 1 step: @one in full'
	stderr_has 'a@two: excluded'
	replicate 0 -q -v -s "$SENDER" -r "$RECEIVER"
	[ "$output" = "a@one to @two: 290 KiB in ${output##* in }" ]
	[ "$stderr" = 'zr-replicate: a: incremental: 1 step: @one to @two' ]
}

@test "-e writes every event as a JSON line with its fields, in order, to a new file" {
	lay web a 1 2 b 1 1 c 1 1
	lay backup c 1 1
	echo old > events
	replicate 0 -P 1 -Z 1 -e events -J night -s "$SENDER" -r "$RECEIVER"
	jq -e . events > parsed
	[ "$(jq -rs 'map(.time | test("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z$")) | all' events)" = true ]
	[ "$(events 'select(.event != "size" and .event != "progress") | [.event, .to // empty] | join(" ")' |
	    head -n 2 | paste -sd ,)" = start,listed ]
	in_order='select(.filesystem == $name and .event != "size" and .event != "progress") | [.event, .to // empty] | join(" ")'
	[ "$(jq -r --arg name a "$in_order" events | paste -sd ,)" = \
	    'plan two,step-begin one,step-end one,step-begin two,step-end two,filesystem-end' ]
	[ "$(jq -r --arg name b "$in_order" events | paste -sd ,)" = 'plan one,step-begin one,step-end one,filesystem-end' ]
	[ "$(jq -r --arg name c "$in_order" events | paste -sd ,)" = 'plan,filesystem-end' ]
	[ "$(tail -n 1 events | jq -r .event)" = summary ]
	[ "$(events 'select(.event == "start") | [.job, (.pid | type), .version] | join(" ")')" = \
	    "night number $(zr-replicate --version | sed 's/.*) //')" ]
	[ "$(events 'select(.event == "listed") | "\(.sender) \(.receiver)"')" = '3 1' ]
	[ "$(events 'select(.event == "plan") | "\(.destination) \(.verdict) \(.base) \(.steps)"' | paste -sd ,)" = \
	    'a initial null 2,b initial null 1,c up-to-date one 0' ]
	[ "$(events 'select(.event == "step-end") | "\(.from) \(.bytes) \(.seconds | type) \(.resumed)"' | head -n 1)" = \
	    "null ${SIZES[0]} number false" ]
	[ "$(events 'select(.event == "filesystem-end") | "\(.filesystem) \(.result) \(.steps) \(.bytes)"' | sort | paste -sd ,)" = \
	    "a replicated 2 $((${SIZES[0]} + ${SIZES[1]})),b replicated 1 ${SIZES[0]},c up-to-date 0 0" ]
	[ "$(events 'select(.event == "size" and .filesystem == "a") | "\(.to) \(.bytes)"' | paste -sd ,)" = \
	    "one ${SIZES[0]},two ${SIZES[1]}" ]
	[ "$(events 'select(.event == "summary") | "\(.code) \(.message)"')" = "0 ${stderr#zr-replicate: }" ]
	replicate 100 -J night -s "$SENDER" -r "$RECEIVER"
	replicate 111 -e none/events -s "$SENDER" -r "$RECEIVER"
}

@test "a sender that lists nothing means 1, a side that cannot be listed its exit status" {
	replicate 1 -e events -s "$SENDER" -r "$RECEIVER"
	stderr_has 'the sender lists no filesystem: nothing was replicated'
	[ "$(events 'select(.event == "summary").code')" = 1 ]
	lay web a 1 1
	replicate 7 -s 'exit 7;' -r "$RECEIVER"
	replicate 8 -s "$SENDER" -r 'echo no good >&2; exit 8;'
	stderr_has 'no good'
	replicate 111 -s "$SENDER" -r 'zr-endpoint archive nowhere'
	replicate 127 -s "$SENDER" -r ./missing
	[ ! -e backup/a ]
}

# good COUNT: so many filesystems of the sender
good() {
	for ((i = 1; i <= $1; i++)); do
		lay web "good$i" 1 1
	done
}

@test "each filesystem in conflict has its line, while the ten others arrive" {
	good 10
	lay web diverged 1 2 anew 1 1
	lay backup diverged 1 1
	record backup/diverged own 999 90 2026-11-23T00:00:00Z
	record backup/anew before 998 5 2026-01-01T00:00:00Z
	mkdir web/none backup/none
	record backup/none x 997 6 2026-01-01T00:00:00Z
	# An archive has no bookmarks: that one is listed by somebody else.
	cat > sender <<-'END'
		#!/bin/sh
		[ "$1" != batch ] || exit 100
		[ $# -gt 1 ] && request=$2 || read -r request
		case $1$request in
		ListFilesystems*) zr-endpoint archive web "$1" "$request" |
			jq -c '.Filesystems += [{"Path":"marks"},{"Path":"nothing"}]' ;;
		ListFilesystemVersions*marks*)
			echo '{"Versions":[{"Type":"Bookmark","Name":"m","Guid":"5","CreateTXG":"9","Creation":"2026-01-01T00:00:00Z"}]}' ;;
		ListFilesystemVersions*nothing*) echo '{}' ;;
		*) exec zr-endpoint archive web "$1" "$request" ;;
		esac
	END
	chmod +x sender
	replicate 1 -e events -s ./sender -r "$RECEIVER"
	stderr_has 'diverged: diverged after @one: the receiver has 1 snapshot that the sender does not have, the newest @own'
	stderr_has 'roll it back to @one'
	stderr_has 'anew: the receiver has snapshots, the newest @before, but none that the sender has, whose oldest is younger: the filesystem was created anew'
	stderr_has 'none: it is only a placeholder on the sender, but a filesystem on the receiver'
	stderr_has 'marks: the sender has only bookmarks: no snapshot that could be sent in full'
	for i in {1..10}; do
		same "web/good$i" "backup/good$i"
	done
	[ "$(events 'select(.result == "failed").filesystem' | paste -sd ,)" = anew,diverged,marks,none ]
	[ "$(events 'select(.result == "placeholder").filesystem')" = nothing ]
	[[ "${stderr_lines[-1]}" == *' 4 failed: anew: '* ]]
}

@test "following the advice for a renamed filesystem, nothing of it is sent again" {
	lay web newname 1 2
	lay backup oldname 1 1
	run -0 --separate-stderr zr-replicate -I all -n -s "$SENDER" -r "$RECEIVER"
	[[ "$output" == *'give -m newname=oldname, and nothing is sent again'* ]]
	replicate 0 -j -m newname=oldname -s "$SENDER" -r "$RECEIVER"
	[ "$(jq -c '[.filesystem, .from, .to]' <<< "$output")" = '["newname","one","two"]' ]
	same web/newname backup/oldname
	[ ! -e backup/newname ]
}

# serve DIRECTORY: a server of that archive, at $address
serve() {
	zr-listen -1 -i 127.0.0.1=web tcp:127.0.0.1:0 zr-handshake accept zr-mux accept \
	    zr-serve -b zr-endpoint archive "$1" > port 3>&- 2> server.log &
	children+=($!)
	eventually 20 [ -s port ]
	address=tcp:127.0.0.1:$(cat port)
}

# A line for each zr-connect from now on, in "connections".
count_connections() {
	mkdir bin
	cat > bin/zr-connect <<-END
		#!/bin/sh
		echo here >> $PWD/connections
		exec $(command -v zr-connect) "\$@"
	END
	chmod +x bin/zr-connect
	PATH=$PWD/bin:$PATH
}

@test "push and pull work through a server, with one connection if there is nothing to do" {
	mkdir again
	for i in {1..12}; do
		lay web "a/fs$i" 1 1
	done
	lay web b 1 4
	serve "$PWD/backup"
	replicate 0 -s "$SENDER" -r "zr-remote $address"
	same web backup
	count_connections
	replicate 0 -s "$SENDER" -r "zr-remote $address"
	[ -z "$output" ]
	[ "$(wc -l < connections)" = 1 ]
	replicate 0 -s "zr-remote $address" -r 'zr-endpoint archive again'
	same web again
	[ "$(wc -l < connections)" -gt 15 ]
	: > connections
	replicate 0 -s "zr-remote $address" -r 'zr-endpoint archive again'
	[ -z "$output" ]
	[ "$(wc -l < connections)" = 1 ]
}

@test "-e with an invalid command line leaves the events of the last run alone" {
	lay web a 1 1
	replicate 0 -e events -s "$SENDER" -r "$RECEIVER"
	cp events before
	replicate 100 -e events -P 0 -s "$SENDER" -r "$RECEIVER"
	replicate 100 -e events -s "$SENDER" -r "$RECEIVER" not//valid
	cmp events before
	replicate 0 -e events -s "$SENDER" -r "$RECEIVER"
	[ "$(grep -c '"event":"start"' events)" = 1 ]
}
