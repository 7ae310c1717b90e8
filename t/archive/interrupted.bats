# A Receive into an archive that does not succeed: what it leaves behind, and what not.
load ../lib/helper
load ../lib/archive

empty() {
	[ -z "$(ls -A box)" ] || { find box; return 1; }
}

# one_part [FILESYSTEM]: nothing but one part, which nobody is writing any more
one_part() {
	[ "$(find box -type f ! -name '@lock' | wc -l)" -eq 1 ] || { find box; return 1; }
	[ -n "$(parts)" ] || { find box; return 1; }
	flock -n "$(find box -name '@receiving.*')" true || { echo locked; return 1; }
	[ -n "$(token_of "${1-a/data}")" ] || { echo no token; return 1; }
}

@test "a signal ends a Receive, which keeps its part" {
	for signal in TERM INT HUP; do
		rm -rf box
		mkdir box
		rm -f pipe
		mkfifo pipe
		exec 8<> pipe
		# A shell ignores SIGINT for what it runs in the background.
		background env --default-signal=INT,HUP zr-endpoint archive box Receive "$(receive_request a/data@one deep/a/data)" < pipe 2> errors 8>&-
		receiver=${children[-1]}
		head -c 500000 "$STREAMS/data.full.zstream" >&8
		eventually 20 sh -c "test -n \"\$(find box -name '@receiving.*' -size +300k)\""
		kill -$signal "$receiver"
		status=0
		wait "$receiver" || status=$?
		[ "$status" -eq $((128 + $(kill -l $signal))) ]
		grep -q 'ended by signal' errors
		exec 8>&-
		one_part deep/a/data
	done
}

@test "a signal ends the wait for the verdict, too" {
	mkdir box
	mkfifo verdict
	exec 9<> verdict
	ZR_VERDICT=9 background zr-endpoint archive box Receive "$(receive_request a/data@one)" < "$STREAMS/data.full.zstream"
	eventually 20 sh -c "test -n \"\$(find box -name '@receiving.*' -size 1161k)\""
	kill "${children[-1]}"
	status=0
	wait "${children[-1]}" || status=$?
	[ "$status" -eq 143 ]
	one_part
	exec 9>&-
}

@test "a verdict that the stream is not whole keeps its part, whatever it ends with" {
	for file in data.full.zstream data.full.cut-450000.zstream; do
		rm -rf box
		mkdir box
		run -1 bash -c 'ZR_VERDICT=9 zr-endpoint archive box Receive "$0" < "$1" 9< <(echo the sender failed)' "$(receive_request a/data@one)" "$STREAMS/$file"
		one_part
	done
}

@test "a stream that is cut keeps its part" {
	mkdir box
	run -1 keep data.full.cut-450000.zstream a/data@one deep/a/data
	[[ "$output" == *"the stream is incomplete"* ]]
	one_part deep/a/data
	[ "$(archive ListFilesystems '{}' | jq -c '.Filesystems | map([.Path, .IsPlaceholder])')" = '[["deep",true],["deep/a",true],["deep/a/data",null]]' ]
	[ "$(names deep/a/data)" = "" ]
}

@test "a stream that is cut too early, refused or without room, or lacks its base, leaves not even a directory" {
	mkdir box
	run -1 archive Receive "$(receive_request a/data@one)" < <(head -c 500 "$STREAMS/data.full.zstream")
	empty
	run -1 keep data.full.zstream a/data@two
	empty
	run -1 keep data.one-two.zstream a/data@two
	empty
	run -1 archive Receive "$(receive_request a/data@one)" < /dev/null
	empty
	run -111 bash -c 'ulimit -f 400; zr-endpoint archive box Receive "$0" < "$1"' "$(receive_request a/data@one)" "$STREAMS/data.full.zstream"
	empty
	# Others' directories stay.
	keep data.full.zstream a/data@one
	run -1 keep data.one-two.zstream a/data@two a/data/below
	run -1 keep data.one-two.zstream a/data@two a/other
	[ "$(cd box && find . -type d | sort | xargs)" = ". ./a ./a/data" ]
}

@test "a reset connection leaves a part, too" {
	for end in 'kill -9 $PPID' 'exit 3'; do
		rm -rf box
		mkdir box
		cat > sender <<-END
			#!/bin/sh
			echo '{}'
			head -c 600000 '$STREAMS/data.full.zstream'
			$end
		END
		chmod +x sender
		run --separate-stderr zr-step -s ./sender \
		    -r "zr-remote 'exec:zr-handshake accept zr-mux accept zr-serve zr-endpoint archive box'" \
		    "$(send_request '' a/data@one)"
		[ "$status" -ne 0 ]
		eventually 20 one_part
	done
}

@test "the next call of any method keeps the part that kill -9 left, and removes one that cannot be resumed" {
	mkdir box
	paused data.full.zstream a/data@one 600000
	kill -9 "$receiver"
	wait "$receiver" || true
	exec 8>&-
	mv box left
	for method in ListFilesystems ListFilesystemVersions SendDry DestroySnapshots Receive; do
		for kept in yes no; do
			rm -rf box
			cp -a left box
			if [ $kept = no ]; then
				name=$(parts)
				mv "box/a/data/$name" "box/a/data/${name%.*.*}"
			fi
			case $method in
			ListFilesystems) archive $method '{}' ;;
			ListFilesystemVersions) archive $method '{"Filesystem":"a/data"}' ;;
			SendDry) run -1 archive $method "$(send_request '' a/data@one)" ;;
			DestroySnapshots) destroy one ;;
			# Its snapshot is stored then: so both go.
			Receive) keep data.full.zstream a/data@one; archive ListFilesystems '{}' ;;
			esac
			if [ $kept = yes ] && [ $method != Receive ]; then
				one_part
			else
				[ -z "$(leftovers)" ]
			fi
		done
	done
}

@test "a stream without a record is removed in the same way" {
	mkdir -p box/a/data
	echo > box/a/data/@00000000000000ff.zstream
	archive ListFilesystems '{}'
	empty
}

@test "files that another process is still writing are not removed" {
	mkdir box
	paused data.full.zstream a/data@one 600000
	archive ListFilesystems '{}'
	archive ListFilesystemVersions '{"Filesystem":"a/data"}'
	destroy one
	run -1 keep data.full.cut-450000.zstream a/data@one
	[ -e "$part" ]
	tail -c +600001 "$STREAMS/data.full.zstream" >&8
	exec 8>&-
	wait "$receiver"
	[ "$(names a/data)" = one ]
}

@test "a refused writer removes nothing of the others" {
	mkdir box
	for round in 1 2 3 4 5; do
		pids=()
		for i in 1 2 3; do
			keep data.full.zstream a/data@one "r/$round" 3>&- &
			pids+=($!)
			keep data.one-two.zstream a/data@two "r/$round/x" > /dev/null 2>&1 3>&- &
			keep data.full.cut-450000.zstream a/data@one "r/$round" > /dev/null 2>&1 3>&- &
		done
		for pid in "${pids[@]}"; do wait "$pid"; done
		wait
		[ "$(names "r/$round")" = one ]
	done
	[ "$(cd box && find . -type d | sort | xargs)" = ". ./r ./r/1 ./r/2 ./r/3 ./r/4 ./r/5" ]
}
