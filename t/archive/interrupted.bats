# A Receive into an archive that does not succeed leaves nothing behind.
load ../lib/helper
load ../lib/archive

empty() {
	[ -z "$(ls -A box)" ] || { find box; return 1; }
}

@test "a signal ends a Receive, which removes its files" {
	mkdir box
	for signal in TERM INT HUP; do
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
		empty
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
	empty
	exec 9>&-
}

@test "a stream that is cut or refused, or lacks its base, leaves not even a directory" {
	mkdir box
	run -1 keep data.full.cut-450000.zstream a/data@one deep/a/data
	empty
	run -1 keep data.one-two.zstream a/data@two
	empty
	run -1 archive Receive "$(receive_request a/data@one)" < /dev/null
	empty
	run -111 bash -c 'ulimit -f 400; zr-endpoint archive box Receive "$0" < "$1"' "$(receive_request a/data@one)" "$STREAMS/data.full.zstream"
	empty
	# Others' directories stay.
	keep data.full.zstream a/data@one
	run -1 keep data.full.cut-450000.zstream a/data@one a/data/below
	run -1 keep data.full.cut-450000.zstream a/data@one a/other
	[ "$(cd box && find . -type d | sort | xargs)" = ". ./a ./a/data" ]
}

@test "a reset connection leaves nothing either" {
	mkdir box
	for end in 'kill -9 $PPID' 'exit 3'; do
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
		eventually 20 empty
	done
}

@test "the next call of any method removes the files that kill -9 left" {
	for method in ListFilesystems ListFilesystemVersions SendDry DestroySnapshots Receive; do
		rm -rf box
		mkdir box
		paused data.full.zstream a/data@one 600000
		kill -9 "$receiver"
		wait "$receiver" || true
		exec 8>&-
		[ -n "$(leftovers)" ]
		case $method in
		ListFilesystems) archive $method '{}'; empty ;;
		ListFilesystemVersions) archive $method '{"Filesystem":"a/data"}'; empty ;;
		SendDry) run -1 archive $method "$(send_request '' a/data@one)"; empty ;;
		DestroySnapshots) destroy one; [ -z "$(leftovers)" ] ;;
		Receive) keep data.full.zstream a/data@one; [ -z "$(leftovers)" ] ;;
		esac
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
