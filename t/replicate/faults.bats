# zr-replicate: endpoints, streams and connections that fail (../lib/faulty.py).
load ../lib/helper
load ../lib/replicate

@test "Send and Receive that fail at once, in the stream or late are tried again" {
	lay web a 1 2 b 1 1 c 1 1 d 1 1 e 1 1 f 1 1
	fault sending 1 Send a exit 99 'the connection was lost'
	fault sending 1 Send b cut 500000 111 'lost in the stream'
	fault sending 1 Send c cut 500000 -9
	fault receiving 1 Receive d exit 255 ''
	fault receiving 1 Receive e cut 500000 99 'lost in the stream'
	fault receiving 1 Receive f exit 98 'frame too long'
	faulty 0
	same web backup
	[ "$(events 'select(.event == "retry") | .filesystem + " " + .class' | sort | paste -sd ,)" = \
	    'a transport,b transport,c transport,d transport,e transport,f transport' ]
	stderr_has 'a: sender: zr-endpoint: the connection was lost (trying again in '
	[[ "${stderr_lines[-1]}" == *' 6 replicated (7 steps, '* ]]
	faulty 0
	[ -z "$output" ]
}

@test "a step whose answer is lost is not sent again" {
	lay web a 1 2
	fault receiving 1 Receive a late 99 'answer lost'
	faulty 0 -j
	[ "$(jq -r .to <<< "$output" | paste -sd ,)" = one,two ]
	[ "$(calls receiving Receive)" = 2 ]
	[ "$(calls sending SendCompleted)" = 2 ]
	same web backup
	# The same, and then SendCompleted is lost as well.
	lay web b 1 1 b/c 1 1
	fault receiving 1 Receive b late 99 'answer lost'
	fault sending 1 SendCompleted b exit 99
	faulty 0 -j
	[ "$(jq -r .filesystem <<< "$output" | paste -sd ,)" = b,b/c ]
	[ "$(calls receiving Receive b)" = 1 ]
	[ "$(calls sending SendCompleted b)" = 2 ]
	same web backup
}

@test "SendCompleted is called again if its batch dies before its answer, or just after" {
	lay web a 1 2 b 1 1
	fault sending 1 SendCompleted a exit 99 'batch lost'
	fault sending 1 SendCompleted b late -9
	faulty 0
	[ "$(calls receiving Receive)" = 3 ]
	[ "$(calls sending SendCompleted a)" = 3 ]
	[ "$(calls sending SendCompleted b)" = 2 ]
	stderr_has 'received, but SendCompleted failed: '
	same web backup
	[ "$(events 'select(.event == "step-end") | .filesystem' | sort | paste -sd ,)" = a,a,b ]
}

@test "a refused SendCompleted fails its filesystem, but not those below it" {
	lay web a 1 2 a/b 1 1
	fault sending 1 SendCompleted a error 1 '' 'no such hold'
	faulty 1
	stderr_has 'a: received, but SendCompleted failed: sender: no such hold'
	[ "$(events 'select(.result == "failed").filesystem')" = a ]
	same web/a/b backup/a/b
	# The next run begins where this one has ended.
	faulty 0 -j
	[ "$(jq -c '[.from, .to]' <<< "$output")" = '["one","two"]' ]
	same web backup
}

@test "a batch that ends while both sides are listed ends the run with its status" {
	lay web a 1 1 b 1 1
	fault sending 1 ListFilesystems '' exit 99 'lost at once'
	faulty 99
	stderr_has 'lost at once'
	fault receiving 1 ListFilesystems '' late -9
	faulty 137
	[ "$(calls receiving Receive)" = 0 ]
	# Filesystems whose versions could not be listed have failed by the transport.
	fault sending 1 ListFilesystemVersions b exit 99 'lost in the middle'
	faulty 99
	faulty 0
	same web backup
}

@test "if a batch ends while a step is listed anew, Ping is tried until it is back" {
	lay web a 1 1 b 1 1 c 1 1
	fault receiving 1 Receive b arm 99 'stream lost'
	later receiving 1 ListFilesystems '' exit 99 'gone'
	later receiving 1 Ping '' exit 99 'still gone'
	faulty 0
	same web backup
	[ "$(calls receiving Ping)" = 2 ]
	fault receiving 1 Receive d arm 99 'stream lost'
	later sending 1 ListFilesystemVersions d exit 99 'gone'
	lay web d 1 2 e 1 1
	faulty 0
	same web backup
	[ "$(calls sending Ping)" = 1 ]
}

@test "a dataset that is busy three times is waited for" {
	lay web a 1 1
	fault receiving 3 Receive a exit 1 "cannot receive: dataset is busy"
	faulty 0
	[ "$(retries)" = busy,busy,busy ]
	same web backup
}

@test "after another failure the plan is made again, and given up if nothing has changed" {
	lay web a 1 1 b 1 1
	fault sending -1 Send a exit 1 'disk on fire'
	faulty 1
	[ "$(calls sending Send a)" = 1 ]
	[ "$(calls receiving ListFilesystems)" = 2 ]
	[ "$(retries)" = '' ]
	stderr_has 'a: sender: zr-endpoint: disk on fire'
	same web/b backup/b
}

# destroy FILESYSTEM FIRST LAST: these snapshots of the sender
destroy() {
	local i
	for ((i = $2; i <= $3; i++)); do
		printf 'rm web/%s/@%s.*;' "$1" "${GUIDS[i - 1]}"
	done
}

@test "if a snapshot is destroyed between listing and its step, the new plan is followed" {
	lay web a 1 4 b 1 1
	fault sending 1 Send a run "$(destroy a 4 4)"
	faulty 0
	same web backup
	lay web c 1 4
	# Of an archive only the last can go.
	fault receiving 1 Receive c run "$(destroy c 3 4)"
	faulty 0
	[ "$(jq -r .name backup/c/@*.json | sort | paste -sd ,)" = one,two ]
	same web backup
	# All of it.
	lay web d 1 1
	fault sending 1 Send d run 'rm web/d/@*'
	faulty 0
	[ ! -e "backup/d/@${GUIDS[0]}.json" ]
}

@test "snapshots taken meanwhile arrive only in the next run" {
	lay web a 1 2
	more="for guid in ${GUIDS[*]:2}; do cp '$BATS_FILE_TMPDIR/base/fs/@'\$guid.* web/a; done"
	fault receiving 1 Receive a run "$more"
	fault receiving 1 Receive a exit 99 'and lost'
	faulty 0
	[ "$(retries)" = transport ]
	[ -e "web/a/@${GUIDS[3]}.json" ]
	[ "$(jq -r .name backup/a/@*.json | sort | paste -sd ,)" = one,two ]
	faulty 0
	same web backup
}

@test "if a parent fails, so do those below it unless it exists; each has a line" {
	lay web a 1 2 a/b 1 1 a/c 1 1 a/c/d 1 1 z 1 1
	fault sending -1 Send a exit 1 'no such luck'
	faulty 1
	[ "$(grep -c ': its parent a has to be there first, and is not' <<< "$stderr")" = 2 ]
	[ "$(grep -c ': its parent a/c has to be there first, and is not' <<< "$stderr")" = 1 ]
	[ "$(events 'select(.result == "failed").filesystem' | sort | paste -sd ,)" = a,a/b,a/c,a/c/d ]
	[ "$(calls receiving Receive)" = 1 ]
	lay backup a 1 1
	faulty 1
	[ "$(events 'select(.result == "failed").filesystem' | paste -sd ,)" = a ]
	same web/a/b backup/a/b
	same web/a/c backup/a/c
	rm -r backup/a
	faulty 1
	rm sending/*.fault
	fault sending -1 Send a exit 99 'connection lost'
	faulty 99 -a 1
	[ "$(events 'select(.result == "failed").filesystem' | sort | paste -sd ,)" = a,a/b,a/c,a/c/d ]
}

@test "garbage and huge answers are errors of their calls, and are not read for ever" {
	lay web a 1 1 b 1 1 c 1 1
	for answer in 'raw|hello' 'raw|{"id":' 'raw|[]' 'huge|90000000'; do
		fault receiving 1 ListFilesystems '' "${answer%%|*}" "${answer#*|}"
		faulty 98
		[ -n "$stderr" ]
	done
	fault receiving 1 ListFilesystems '' raw '{"id":0,"response":{"Filesystems":[{"Path":"a"},{"Path":"a"}]}}'
	faulty 98
	stderr_has ' twice'
	fault sending 1 Send a raw 'hello'
	fault sending 1 Send b huge 90000
	fault receiving 1 Receive c raw '{} {}'
	faulty 1
	[ "$(events 'select(.result == "failed").filesystem' | sort | paste -sd ,)" = a,b,c ]
	[ "$(wc -c <<< "$stderr")" -lt 5000 ]
	faulty 0
	same web backup
}

# tcp_backup: a server with the archive "backup", at $server
tcp_backup() {
	zr-listen -1 -i 127.0.0.1=demo tcp:127.0.0.1:0 zr-handshake accept zr-mux accept \
	    zr-serve -b zr-endpoint archive "$PWD/backup" > port 2> server.log 3>&- &
	children+=($!)
	eventually 20 [ -s port ]
	server=127.0.0.1:$(cat port)
}

# unwilling MODE...: the same, behind unwilling.py
unwilling() {
	tcp_backup
	"$HELPERS/unwilling.py" "$@" "$server" > proxy 2> closed 3>&- &
	children+=($!)
	eventually 20 [ -s proxy ]
	server=127.0.0.1:$(cat proxy)
}

# slow METHOD DIRECTORY [SECONDS]: ./slow is that archive, which takes its time for the method
slow() {
	cat > slow <<-END
		#!/bin/sh
		[ "\$1" != $1 ] || sleep ${3-1.5}
		exec zr-endpoint archive $2 "\$@"
	END
	chmod +x slow
}

# no_failure: the run that was made did not notice anything
no_failure() {
	[ "$(retries)" = '' ]
	[[ "$stderr" == 'zr-replicate: '*' replicated ('* ]]
	[ "${#stderr_lines[@]}" = 1 ]
	diff -r -x @lock -x empty ours/tank backup/tank
}

@test "a server that closes connections without a request costs no attempt" {
	"$HELPERS/tiny_archive.py" ours 4 1
	chmod -R go= ours
	unwilling idle 1
	slow Send ours
	replicate 0 -e events -a 1 -P 2 -s ./slow -r "zr-remote tcp:$server"
	[ -s closed ]
	no_failure
	# Our server has nothing to say about that.
	[ ! -s server.log ]
}

# If the step takes a connection just before the server resets it, another one that waits can
# have the only place: all that wait are closed then, and the step begins again.
@test "a server that accepts no second connection costs no attempt" {
	"$HELPERS/tiny_archive.py" ours 3 1
	chmod -R go= ours
	unwilling one
	slow Send ours
	replicate 0 -e events -a 1 -P 1 -s ./slow -r "zr-remote tcp:$server"
	[ -s closed ]
	no_failure
	: > closed
	mkdir restored
	slow Receive restored
	replicate 0 -e events -a 1 -P 1 -s "zr-remote tcp:$server" -r ./slow
	[ -s closed ]
	no_failure
	diff -r -x @lock -x empty ours/tank restored/tank
}

@test "a Receive that is lost in its stream costs an attempt, although other connections wait" {
	"$HELPERS/tiny_archive.py" ours 2 1
	chmod -R go= ours
	slow Send ours 0.5
	cat > lossy <<-'END'
		#!/bin/bash
		[ "${@: -1}" = Receive ] || exec zr-endpoint archive backup "$@"
		head -c 400 > /dev/null
		kill -9 $PPID
	END
	chmod +x lossy
	replicate 99 -e events -a 1 -P 1 -s ./slow -r "zr-remote 'exec:zr-handshake accept zr-mux accept zr-serve ./lossy'"
	[ "$(events 'select(.event == "step-begin" and .filesystem == "tank/0").to')" = snapshot_0 ]
}

@test "connections that are killed while they wait cost no attempt" {
	"$HELPERS/tiny_archive.py" ours 12 4
	chmod -R go= ours
	tcp_backup
	background env zr-replicate -e events -a 1 -P 2 -I all -s 'sleep 0.1; zr-endpoint archive ours' \
	    -r "zr-remote tcp:$server" 2> said
	runner=${children[-1]}
	killed=$("$HELPERS/kill_waiting.py" "$runner" "${ZR_FAULT_SEED:-$RANDOM}")
	cat said
	echo "killed $killed"
	[ "$killed" -ge 1 ]
	ended_with 0 "$runner"
	stderr=$(cat said)
	mapfile -t stderr_lines < said
	no_failure
}

@test "a signal ends connections that wait, and leaves nobody behind" {
	"$HELPERS/tiny_archive.py" ours 8 3
	tcp_backup
	slow Send ours 300
	background env RUN_MARK="$BATS_TEST_TMPDIR" zr-replicate -P 2 -I all -s ./slow -r "zr-remote tcp:$server" 2> said
	runner=${children[-1]}
	waiting() {
		local child
		for child in $(< "/proc/$runner/task/$runner/children"); do
			echo "$(< "/proc/$child/comm")"
		done | grep -c zr-dataconn | grep -q '[4-9]'
	}
	eventually 20 waiting
	kill "$runner"
	ended_with 143 "$runner"
	nobody() {
		[ -z "$(grep -lsz "^RUN_MARK=$BATS_TEST_TMPDIR\$" /proc/[0-9]*/environ)" ]
	}
	eventually 10 nobody
	[ "$(wc -l < said)" = 1 ]
}

# remote ACTION: ./zr-remote is an archive, "backup", and for a Receive whose request comes
# late the action of a shell; ./receives has a line for each.
remote() {
	cat > zr-remote <<-END
		#!/bin/bash
		if [ "\$1" = Receive ]; then
			echo "\${2-late}" >> receives
			[ -n "\${2-}" ] || { $1; }
		fi
		exec zr-endpoint archive backup "\$@"
	END
	chmod +x zr-remote
}

@test "a Receive that ends with its request unread is replaced, and says nothing" {
	"$HELPERS/tiny_archive.py" ours 1 1
	chmod -R go= ours
	# shellcheck disable=SC2016 # is for the other shell
	remote 'until read -r -t 0 -u "$ZR_REQUEST"; do sleep 0.01; done; echo "zr-remote: lost" >&2; exit 98'
	replicate 0 -e events -a 1 -P 1 -s 'zr-endpoint archive ours' -r "$PWD/zr-remote"
	echo "$stderr"
	no_failure
	[ "$(wc -l < receives)" = 2 ]
}

@test "a Receive whose prepared connection is dead costs no attempt once for each step, not for ever" {
	"$HELPERS/tiny_archive.py" ours 1 4
	chmod -R go= ours
	# shellcheck disable=SC2016 # is for the other shell
	remote 'read -r request <&"$ZR_REQUEST" || exit; echo >> died; echo "zr-remote: lost" >&2; exit 98'
	slow Send ours 0.3
	replicate 99 -e events -a 2 -P 1 -s ./slow -r "$PWD/zr-remote"
	echo "$stderr"
	[ "$(retries)" = transport ]
	# The first, one that was prepared, and the one instead.
	[ "$(wc -l < died)" = 3 ]
}

@test "a Send that fails costs an attempt, although its Receive was prepared" {
	"$HELPERS/tiny_archive.py" ours 1 4
	chmod -R go= ours
	# shellcheck disable=SC2016 # is for the other shell
	remote 'read -r request <&"$ZR_REQUEST" || exit; set -- "$1" "$request"'
	cat > failing <<-'END'
		#!/bin/sh
		[ "$1" = Send ] || exec zr-endpoint archive ours "$@"
		echo >> sends
		sleep 0.3
		[ "$(wc -l < sends)" = 3 ] || exec zr-endpoint archive ours "$@"
		zr-endpoint archive ours "$@" | head -c 300
		exit 98
	END
	chmod +x failing
	replicate 0 -e events -a 2 -P 1 -s ./failing -r "$PWD/zr-remote"
	echo "$stderr"
	[ "$(retries)" = transport ]
	diff -r -x @lock -x empty ours/tank backup/tank
}
