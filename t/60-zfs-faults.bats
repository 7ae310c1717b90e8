# zr-endpoint sender and receiver with a zfs that fails, hangs or prints odd
# things, as no real one does on demand.  What they do with a real one is in
# t/zfs.
load helper

# A stand-in: what each subcommand does is in a script of its name in ./does;
# one without a script succeeds and prints nothing.
setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	children=()
	mkdir does
	cat > zfs <<-'END'
	#!/bin/sh
	echo "$*" >> "$HOME/ran"
	case $* in get*.zr-incoming)
		for name do :; done
		echo "cannot open '$name': dataset does not exist" >&2
		exit 1 ;;
	esac
	[ -e "$HOME/does/$1" ] || exit 0
	. "$HOME/does/$1"
	END
	chmod +x zfs
	export ZR_ZFS=./zfs HOME=$BATS_TEST_TMPDIR
	: > ran
	# tank/a with snapshots 1 and 2, a step hold on 1
	does get <<-'END'
	case $* in *tank/a) ;; *)
		for name do :; done
		printf '%s\ttype\tfilesystem\t-\n' tank tank/sink tank/sink/host tank/sink/host/tank
		exit 0 ;;
	esac
	case $* in *sink*)
		echo "cannot open 'tank/sink/host/tank/a': dataset does not exist" >&2
		exit 1 ;;
	esac
	printf 'tank/a\ttype\tfilesystem\t-\ntank/a\tguid\t5\t-\ntank/a\tcreatetxg\t1\t-\ntank/a\tcreation\t1\t-\ntank/a\tencryption\toff\t-\n'
	for i in 1 2; do
		printf "tank/a@$i\ttype\tsnapshot\t-\ntank/a@$i\tguid\t1$i\t-\ntank/a@$i\tcreatetxg\t1$i\t-\ntank/a@$i\tcreation\t$i\t-\ntank/a@$i\tuserrefs\t$((2 - i))\t-\n"
	done
	printf 'tank/a#zrepl_CURSORTENTATIVE__G_0000000000000009_J_job\ttype\tbookmark\t-\ntank/a#zrepl_CURSORTENTATIVE__G_0000000000000009_J_job\tguid\t9\t-\n'
	END
}

# does SUBCOMMAND: with the script on standard input.
does() {
	cat > "does/$1"
}

says() {
	echo "echo \"$2\" >&2; exit ${3:-1}" > "does/$1"
}

sender() {
	run --separate-stderr timeout 20 zr-endpoint sender -f '<' -j job "$@"
}

receiver() {
	run --separate-stderr timeout 20 zr-endpoint receiver -c host -e inherit -j job tank/sink "$@"
}

version() {
	echo "{\"Name\":\"$1\",\"Guid\":\"1$1\",\"CreateTXG\":\"1$1\",\"Creation\":\"2024-01-01T00:00:00Z\"}"
}

request() {
	echo "{\"Filesystem\":\"tank/a\",\"From\":$(version 1),\"To\":$(version 2),\"ReplicationConfig\":{\"protection\":{\"Initial\":\"${1-GuaranteeResumability}\",\"Incremental\":\"${1-GuaranteeResumability}\"}}}"
}

receive_request() {
	request | jq -c 'del(.From)'
}

# A stream that is one, and the request for it.
raw_stream() {
	cp "$BATS_TEST_DIRNAME/data/streams/enc.full-raw.zstream" stream
	receive_request | jq -c --arg guid \
	    "$(awk '$1 == "a/enc@e1" { print $2 }' "$BATS_TEST_DIRNAME/data/streams/versions.tsv")" \
	    '.To.Guid = $guid' > request
}

gone() {
	! grep -q '^State:[[:space:]]*[^ZX]' "/proc/$1/status" 2>/dev/null
}

@test "without any fault the stand-in will do" {
	does send <<< 'printf stream'
	sender Send "$(request)"
	[ "$status" -eq 0 ]
	[ "$output" = "$(printf '{}\nstream')" ]
	grep -qx 'hold zrepl_STEP_J_job tank/a@2 tank/a@1' ran
	grep -qx 'destroy tank/a#zrepl_CURSORTENTATIVE__G_0000000000000009_J_job' ran
	sender SendCompleted "{\"OriginalReq\":$(request)}"
	[ "$status" -eq 0 ]
}

@test "sender: a command that fails ends the call with its words" {
	for method in ListFilesystems ListFilesystemVersions ReplicationCursor Send SendDry; do
		says get "cannot do that: out of luck"
		case $method in
		Send*) sender $method "$(request)" ;;
		ListFilesystems) sender $method '{}' ;;
		*) sender $method '{"Filesystem":"tank/a"}' ;;
		esac
		[ "$status" -eq 1 ]
		[ -z "$output" ]
		stderr_has "cannot do that: out of luck"
	done
}

@test "sender: without its hold or bookmark nothing is sent" {
	says hold "cannot hold snapshot 'tank/a@2': out of luck"
	says bookmark "cannot create bookmark: out of luck"
	for guarantee in GuaranteeResumability GuaranteeIncrementalReplication; do
		sender Send "$(request $guarantee)"
		[ "$status" -eq 1 ]
		[ -z "$output" ]
		stderr_has "out of luck"
	done
	run ! grep -q '^send' ran
	sender Send "$(request GuaranteeNothing)"
	[ "$status" -eq 0 ]
}

@test "sender: holds that are there already are fine, one of them missing is not" {
	says hold "cannot hold snapshot 'tank/a@2': tag already exists on this dataset"
	sender Send "$(request)"
	[ "$status" -eq 0 ]
	does hold <<-'END'
	echo "cannot hold snapshot 'tank/a@2': tag already exists on this dataset" >&2
	echo "cannot hold snapshot 'tank/a@1': dataset does not exist" >&2
	exit 1
	END
	sender Send "$(request)"
	[ "$status" -eq 1 ]
}

@test "sender: a stream that breaks off ends the call, after its answer" {
	does send <<< 'printf part; echo "warning: cannot send: out of luck" >&2; exit 1'
	sender Send "$(request)"
	[ "$status" -eq 1 ]
	[ "$output" = "$(printf '{}\npart')" ]
	stderr_has "out of luck"
	does send <<< 'kill -9 $$'
	sender Send "$(request)"
	[ "$status" -eq 1 ]
	stderr_has "ended by signal 9"
}

@test "sender: clean-up that fails is said and is no error" {
	says release "cannot release: out of luck"
	says destroy "cannot destroy bookmark: out of luck"
	sender SendCompleted "{\"OriginalReq\":$(request)}"
	[ "$status" -eq 0 ]
	[ "$output" = '{}' ]
	stderr_has "stale step holds stay: cannot release: out of luck"
	stderr_has "a stale bookmark stays: cannot destroy bookmark: out of luck"
}

@test "sender: a cursor that cannot be made is an error" {
	says bookmark "cannot create bookmark: out of luck"
	sender SendCompleted "{\"OriginalReq\":$(request)}"
	[ "$status" -eq 1 ]
	run ! grep -q '^release' ran
}

@test "sender: a channel program that fails or answers oddly is replaced by single commands" {
	for answer in '' nonsense '{}' '[]' '{"return":7}' '{"return":{}}' '{"return":{"holds":{"1":"tank/a@1"}}}' '{"return":'; do
		: > ran
		does program <<< "cat > /dev/null; printf '%s' '$answer'; exit 0"
		[ -n "$answer" ] || says program 'Channel program execution failed:'
		sender SendCompleted "{\"OriginalReq\":$(request)}"
		[ "$status" -eq 0 ]
		[ "$(grep -c '^bookmark tank/a@2 ' ran)" -eq 1 ]
		[ "$(grep -c '^release zrepl_STEP_J_job tank/a@1$' ran)" -eq 1 ]
	done
	does program <<< "cat > /dev/null; echo '{\"return\":{\"made\":1,\"holds\":{\"1\":7},\"bookmarks\":{\"1\":null,\"2\":\"x\"}}}'"
	sender SendCompleted "{\"OriginalReq\":$(request)}"
	[ "$status" -eq 0 ]
}

@test "sender: an absurd estimate is none" {
	for size in 18446744073709551615 2305843009213693952 -5 x; do
		does send <<< "printf 'incremental\t1\ttank/a@2\t$size\nsize\t$size\n'"
		sender SendDry "$(request)"
		[ "$status" -eq 0 ]
		[ "$output" = '{}' ]
	done
	does send <<< "printf 'size\t624\n'"
	sender SendDry "$(request)"
	[ "$output" = '{"ExpectedSize":"624"}' ]
}

@test "odd output of zfs get is an error, not a listing" {
	while read -r line; do
		does get <<< "printf '$line'"
		sender ListFilesystemVersions '{"Filesystem":"tank/a"}'
		[ "$status" -eq 1 ] || { echo "$line: $output"; false; }
		[ -z "$output" ]
		stderr_has "zfs get"
	done <<-'END'

	nonsense
	tank/a\\ttype\\tfilesystem\\t-
	tank/a\\ttype\\tfilesystem\\n
	tank/a\\ttype\\tfilesystem\\t-\\t-\\n
	tank/a\\ttype\\tnonsense\\t-\\n
	tank/a\\ttype\\tsnapshot\\t-\\n
	tank/a@1\\ttype\\tfilesystem\\t-\\n
	tank/b\\ttype\\tfilesystem\\t-\\n
	tank/a\\tguid\\t5\\t-\\n
	tank/a\\ttype\\tfilesystem\\t-\\ntank/b\\tguid\\t5\\t-\\n
	tank/a\\ttype\\tfilesystem\\t-\\ntank/a\\tguid\\t5x\\t-\\n
	tank/a\\ttype\\tfilesystem\\t-\\ntank/a\\tguid\\t99999999999999999999\\t-\\n
	tank/a\\ttype\\tfilesystem\\t-\\ntank/a\\tcreation\\t18446744073709551615\\t-\\n
	tank/a\\ttype\\tfilesystem\\t-\\ntank/a\\tnonsense\\t5\\t-\\n
	tank/a\\ttype\\tfile\\000system\\t-\\n
	END
}

@test "a flood on standard error is read to its end and cut" {
	does get <<< 'yes "cannot do that" | head -c 3000000 >&2; exit 1'
	sender ListFilesystems '{}'
	[ "$status" -eq 1 ]
	[ "${#stderr}" -lt 10000 ]
	does get <<< 'head -c 100000 /dev/urandom >&2; exit 1'
	sender ListFilesystems '{}'
	[ "$status" -eq 1 ]
}

@test "a zfs without a word, one that cannot run, one that is not there" {
	does get <<< 'exit 3'
	sender ListFilesystems '{}'
	[ "$status" -eq 1 ]
	stderr_has "zfs get ended with status 3"
	chmod -x zfs
	sender ListFilesystems '{}'
	[ "$status" -eq 126 ]
	export ZR_ZFS=./none
	run -127 --separate-stderr zr-endpoint sender -f '<' ListFilesystems '{}'
	stderr_has "./none"
}

hangs() {
	echo 'echo $$ > "$HOME/hangs"; exec sleep 1000' > "does/$1"
}

# ended_while COMMAND STATUS ENDPOINT...: its zfs COMMAND hangs; told to end, both
# do.  A request is in the file request, a stream in the file stream.
ended_while() {
	local code=0
	echo "$*"
	rm -f hangs
	[ ! -e "does/$1" ] || mv "does/$1" kept
	hangs "$1"
	background "${@:3}" "$(cat request)" < stream > answer 2> errors
	eventually 10 test -s hangs
	kill "${children[-1]}"
	wait "${children[-1]}" || code=$?
	[ "$code" -eq "$2" ]
	grep -q 'ended by signal 15' errors
	eventually 5 gone "$(cat hangs)"
	rm "does/$1"
	[ ! -e kept ] || mv kept "does/$1"
}

@test "sender: a command that hangs ends with its endpoint" {
	sender=(zr-endpoint sender -f '<' -j job)
	: > stream
	request | jq -c 'del(.From)' > request
	for command in get hold release destroy send; do
		ended_while $command 143 "${sender[@]}" Send
	done
	ended_while send 143 "${sender[@]}" SendDry
	request GuaranteeIncrementalReplication > request
	ended_while bookmark 143 "${sender[@]}" Send
	request | jq -c '{OriginalReq: .}' > request
	[ "$(id -u)" -ne 0 ] || ended_while program 143 "${sender[@]}" SendCompleted
	ended_while bookmark 143 "${sender[@]}" SendCompleted
	# The cursor is there: the rest is for the next step to clean up.
	for command in release destroy; do
		ended_while $command 0 "${sender[@]}" SendCompleted
	done
	echo "{\"Filesystem\":\"tank/a\",\"Snapshots\":[$(version 1)]}" > request
	ended_while destroy 143 "${sender[@]}" DestroySnapshots
}

@test "receiver: a command that hangs ends with its endpoint" {
	receiver=(zr-endpoint receiver -c host -e inherit -j job tank/sink Receive)
	ln -s /dev/null stream	# of which nothing can be seen beforehand
	receive_request > request
	received=$(printf '%s\n' 'case $* in *@2)' \
	    "printf 'tank/sink/host/tank/a@2\ttype\tsnapshot\t-\ntank/sink/host/tank/a@2\tguid\t12\t-\n'" \
	    'exit 0 ;; esac')
	ended_while get 143 "${receiver[@]}"
	does get <<-END
	$received
	case \$* in *tank/a) echo "cannot open 'tank/sink/host/tank/a': dataset does not exist" >&2; exit 1 ;; esac
	printf 'tank\ttype\tfilesystem\t-\ntank/sink\ttype\tfilesystem\t-\n'
	END
	ended_while create 143 "${receiver[@]}"
	ended_while recv 143 "${receiver[@]}"
	ended_while hold 143 "${receiver[@]}"
	does get <<-END
	$received
	printf 'tank/sink/host/tank/a\ttype\tfilesystem\t-\ntank/sink/host/tank/a@1\ttype\tsnapshot\t-\ntank/sink/host/tank/a@1\tuserrefs\t1\t-\n'
	END
	ended_while release 0 "${receiver[@]}"
	does get <<-'END'
	printf 'tank/sink/host/tank/a\ttype\tfilesystem\t-\ntank/sink/host/tank/a\tzrepl:placeholder\ton\tlocal\ntank/sink/host/tank/a@1\ttype\tsnapshot\t-\n'
	END
	for command in rollback destroy; do
		ended_while $command 143 "${receiver[@]}"
	done
}

@test "receiver: nothing is received where a parent cannot be made" {
	does get <<-'END'
	case $* in *host/tank/a) echo "cannot open 'tank/sink/host/tank/a': dataset does not exist" >&2; exit 1;; esac
	printf 'tank\ttype\tfilesystem\t-\ntank/sink\ttype\tfilesystem\t-\n'
	END
	says create "cannot create 'tank/sink/host': permission denied"
	receiver Receive "$(receive_request)" < /dev/null
	[ "$status" -eq 1 ]
	stderr_has "permission denied"
	stderr_has "hint: "
	run ! grep -q '^recv' ran
}

@test "receiver: each command before the stream that fails ends the call, and nothing is received" {
	does get <<-'END'
	printf 'tank/sink/host/tank/a\ttype\tfilesystem\t-\ntank/sink/host/tank/a\tzrepl:placeholder\ton\tlocal\ntank/sink/host/tank/a@1\ttype\tsnapshot\t-\n'
	END
	for command in rollback destroy; do
		: > ran
		says $command "cannot do that: out of luck"
		receiver Receive "$(receive_request)" < /dev/null
		[ "$status" -eq 1 ]
		stderr_has "cannot do that: out of luck"
		run ! grep -q '^recv' ran
		rm "does/$command"
	done
	does get <<-'END'
	printf 'tank/sink/host/tank/a\ttype\tfilesystem\t-\ntank/sink/host/tank/a\treceive_resume_token\t1-2-3-4\t-\n'
	END
	says recv "cannot abort: permission denied"
	receiver Receive "$(receive_request | jq -c '.ClearResumeToken = true')" < /dev/null
	[ "$status" -eq 1 ]
	stderr_has "cannot abort: permission denied"
	stderr_has "allow -u $(id -un) destroy,mount tank/a"
	[ "$(grep ^recv ran)" = "recv -A tank/sink/host/tank/a" ]
	says recv "'tank/sink/host/tank/a' does not have any resumable receive state to abort"
	receiver Receive "$(receive_request | jq -c '.ClearResumeToken = true')" < /dev/null
	[ "$(grep -c ^recv ran)" -eq 3 ]
}

@test "receiver: words of zfs reach the peer without the client's root" {
	does recv <<< "echo \"cannot receive: destination 'tank/sink/host/tank/a' has odd luck\" >&2; exit 1"
	receiver Receive "$(receive_request)" < /dev/null
	[ "$status" -eq 1 ]
	stderr_has "zr-endpoint: cannot receive: destination 'tank/a' has odd luck"
	stderr_has "zr-endpoint: log: cannot receive: destination 'tank/sink/host/tank/a' has odd luck"
	# Advice, too: what the log says can be done as it stands.
	does recv <<< "echo \"cannot receive: destination tank/sink/host/tank/a has been modified\" >&2; exit 1"
	receiver Receive "$(receive_request)" < /dev/null
	[[ $stderr =~ "log: hint: "[^$'\n']*"zfs set readonly=on tank/sink/host/tank/a\"" ]]
	[[ $stderr =~ "zr-endpoint: hint: "[^$'\n']*"zfs set readonly=on tank/a\"" ]]
	does recv <<< "echo \"cannot receive: destination 'tank/sink/host/tank/a' has odd luck\" >&2; exit 1"
	# And across a connection, the peer gets the one, the log both.
	raw_stream
	run --separate-stderr "$BATS_TEST_DIRNAME/pair.py" \
	    zr-dataconn Receive "$(cat request)" -- zr-dataconn serve \
	    zr-endpoint receiver -c host -e inherit -j job tank/sink < stream
	[ "$status" -eq 1 ]
	[[ $stderr =~ zr-dataconn[^$'\n']*"destination 'tank/a' has odd luck" ]]
	[ "$(grep -c tank/sink/host <<< "$stderr")" -eq 1 ]
	stderr_has "zr-endpoint: log: cannot receive: destination 'tank/sink/host/tank/a'"
}

@test "receiver: names that only end like the client's root stay as they are" {
	does get <<-'END'
	case $* in *b/a/b/c) echo "cannot open 'b/a/b/c': dataset does not exist" >&2; exit 1 ;; esac
	printf 'b\ttype\tfilesystem\t-\n'
	END
	says create "cannot create 'b/a': the bob/x of b/b/c"
	run -1 --separate-stderr zr-endpoint receiver -n -e inherit -j job b Receive \
	    "$(receive_request | jq -c '.Filesystem = "a/b/c"')" < /dev/null
	stderr_has "zr-endpoint: cannot create 'a': the bob/x of b/c"
}

@test "receiver: a placeholder stops being one by zfs recv itself, with all of it or not at all" {
	does get <<-'END'
	printf 'tank/sink/host/tank/a\ttype\tfilesystem\t-\ntank/sink/host/tank/a\tzrepl:placeholder\ton\tlocal\n'
	END
	says recv "cannot receive: out of luck"
	receiver Receive "$(receive_request)" < /dev/null
	[ "$status" -eq 1 ]
	stderr_has "out of luck"
	grep -qx 'recv -F -s -h -o zrepl:placeholder=off tank/sink/host/tank/a@2' ran
	run ! grep -q '^set' ran
}

# A raw stream goes beside a placeholder and takes its place by zfs rename.
raw_over_placeholder() {
	raw_stream
	does get <<-'END'
	printf 'tank/sink/host/tank/a\ttype\tfilesystem\t-\ntank/sink/host/tank/a\tzrepl:placeholder\ton\tlocal\n'
	case $* in *guid*) exit 0 ;; esac
	printf 'tank/sink/host/tank/a/one\ttype\tfilesystem\t-\n'
	END
	does recv <<< 'cat > /dev/null'
}

@test "receiver: a rename that fails leaves everything where it can be found" {
	raw_over_placeholder
	receiver Receive "$(cat request)" < stream
	[ "$status" -eq 0 ]
	grep -v ^get ran | tail -n 5 > order
	diff order - <<-'END'
	recv -s -h tank/sink/host/tank/a.zr-incoming@2
	rename tank/sink/host/tank/a/one tank/sink/host/tank/a.zr-incoming/one
	destroy tank/sink/host/tank/a
	rename tank/sink/host/tank/a.zr-incoming tank/sink/host/tank/a
	hold zrepl_last_received_J_job tank/sink/host/tank/a@2
	END
	for fails in a/one a.zr-incoming; do
		: > ran
		does rename <<-END
		case \$2 in tank/sink/host/tank/$fails)
			echo "cannot rename '\$2': out of luck" >&2
			exit 1
		esac
		END
		receiver Receive "$(cat request)" < stream
		[ "$status" -eq 1 ]
		stderr_has "was received and cannot take the place of tank/a yet: cannot rename 'tank/$fails': out of luck"
		# Nothing is destroyed before its children are safe, nor held after.
		[ "$(tail -n 1 ran)" = "$(grep "^rename tank/sink/host/tank/$fails " ran)" ]
		[ "$fails" != a/one ] || run ! grep -q '^destroy' ran
	done
	ended_while rename 143 zr-endpoint receiver -c host -e inherit -j job tank/sink Receive
}

@test "receiver: a stream without a byte changes nothing" {
	does get <<-'END'
	printf 'tank/sink/host/tank/a\ttype\tfilesystem\t-\ntank/sink/host/tank/a\treceive_resume_token\t1-2-3-4\t-\n'
	printf 'tank/sink/host/tank/a\tzrepl:placeholder\ton\tlocal\ntank/sink/host/tank/a@1\ttype\tsnapshot\t-\n'
	END
	: > nothing
	for how in file pipe socket; do
		: > ran
		case $how in
		file) receiver Receive "$(receive_request | jq -c '.ClearResumeToken = true')" < nothing ;;
		pipe) receiver Receive "$(receive_request)" < <(sleep 0.5) ;;
		socket) run --separate-stderr timeout 20 /usr/bin/python3 -c \
		    'import socket, subprocess, sys; a, b = socket.socketpair(); a.close(); sys.exit(subprocess.run(sys.argv[1:], stdin=b).returncode)' \
		    zr-endpoint receiver -c host -e inherit -j job tank/sink Receive "$(receive_request)" ;;
		esac
		[ "$status" -eq 1 ]
		stderr_has "the stream has ended before its first byte"
		run ! grep -v -e '^get' -e '^$' ran
	done
}

# Every zfs leaves a SIGCHLD; it must not pass for the end of the wait.
@test "receiver: a stream that begins late is looked at all the same" {
	raw_stream
	for i in 1 2 3 4 5; do
		receiver Receive "$(jq -c '.To.Guid = "7"' request)" < <(sleep 0.3; cat stream)
		[ "$status" -eq 1 ]
		stderr_has "not 7"
		run ! grep '^recv' ran
	done
}

@test "what zfs get prints of others than it was asked for is an error" {
	for other in tank/other@1 tank/sink/host/tank/ab tank/sink/host/tank; do
		case $other in *@*) type=snapshot ;; *) type=filesystem ;; esac
		does get <<-END
		printf 'tank/sink/host/tank/a\\ttype\\tfilesystem\\t-\\n$other\\ttype\\t$type\\t-\\n$other\\tuserrefs\\t1\\t-\\n'
		END
		receiver Receive "$(receive_request)" < /dev/null
		[ "$status" -eq 1 ]
		stderr_has "which it was not asked for"
		run ! grep -v '^get' ran
	done
}

@test "holds of very many snapshots are released in more than one go" {
	does get <<-'END'
	printf 'tank/sink/host/tank/a\ttype\tfilesystem\t-\ntank/sink/host/tank/a@2\ttype\tsnapshot\t-\ntank/sink/host/tank/a@2\tguid\t12\t-\n'
	seq 20000 | awk '{
		name = "tank/sink/host/tank/a@a_name_of_some_length_" $1
		printf "%s\ttype\tsnapshot\t-\n%s\tuserrefs\t1\t-\n", name, name
	}'
	END
	# Somebody else's, each of them: zfs says so for each of a command's.
	does release <<-'END'
	shift 2
	printf "cannot release hold from snapshot '%s': no such tag on this dataset\n" "$@" >&2
	exit 1
	END
	receiver Receive "$(receive_request)" < /dev/null	# it is there already
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	[ "$(grep -c ^release ran)" -ge 2 ]
	[ "$(grep ^release ran | tr ' ' '\n' | grep -c '@a_name')" -eq 20000 ]
	# One that fails does not keep the others.
	says release 'out of luck'
	: > ran
	receiver Receive "$(receive_request)" < /dev/null
	[ "$status" -eq 0 ]
	stderr_has 'last-received hold stays: out of luck'
	[ "$(grep ^release ran | tr ' ' '\n' | grep -c '@a_name')" -eq 20000 ]
}

@test "receiver: the old hold goes only when the new one is there" {
	does get <<-'END'
	case $* in
	*@2) printf 'tank/sink/host/tank/a@2\ttype\tsnapshot\t-\ntank/sink/host/tank/a@2\tguid\t12\t-\n' ;;
	*) printf 'tank/sink/host/tank/a\ttype\tfilesystem\t-\ntank/sink/host/tank/a@1\ttype\tsnapshot\t-\ntank/sink/host/tank/a@1\tuserrefs\t1\t-\n' ;;
	esac
	END
	says hold "cannot hold: out of luck"
	receiver Receive "$(receive_request)" < /dev/null
	[ "$status" -eq 1 ]
	run ! grep -q '^release' ran
	rm does/hold
	receiver Receive "$(receive_request)" < /dev/null
	[ "$status" -eq 0 ]
	grep -qx 'release zrepl_last_received_J_job tank/sink/host/tank/a@1' ran
}

@test "receiver: a snapshot with another guid than promised is an error" {
	does get <<-'END'
	case $* in
	*@2) printf 'tank/sink/host/tank/a@2\ttype\tsnapshot\t-\ntank/sink/host/tank/a@2\tguid\t77\t-\n' ;;
	*) printf 'tank/sink/host/tank/a\ttype\tfilesystem\t-\n' ;;
	esac
	END
	receiver Receive "$(receive_request)" < /dev/null
	[ "$status" -eq 1 ]
	stderr_has "guid 77, not 12"
	run ! grep -q '^hold' ran
}

@test "destroying: what zfs says about each, and what it does not say" {
	does destroy <<-'END'
	case $2 in
	*2*) echo "cannot destroy snapshot tank/a@2: it's being held. Run 'zfs holds -r tank/a@2' to see holders." >&2; exit 1 ;;
	esac
	END
	sender DestroySnapshots "{\"Filesystem\":\"tank/a\",\"Snapshots\":[$(version 1),$(version 2)]}"
	[ "$status" -eq 0 ]
	[ "$(jq -c '[.Results[].Error]' <<< "$output")" = '[null,"dataset is busy"]' ]
	[ "$(grep '^destroy' ran | tr '\n' ' ')" = "destroy tank/a@1,2 destroy tank/a@1 " ]
	stderr_has "log: cannot destroy snapshot tank/a@2: it's being held."
	run ! grep -q hint <<< "$stderr"
	does holds <<< "printf 'tank/a@2\\tmy hold\\tMon Nov 23 14:25 2026\\n'"
	sender DestroySnapshots "{\"Filesystem\":\"tank/a\",\"Snapshots\":[$(version 1),$(version 2)]}"
	stderr_has "log: hint: the hold my hold keeps tank/a@2: \"zfs release 'my hold' 'tank/a@2'\" releases it"
	says destroy "internal error: out of luck"
	sender DestroySnapshots "{\"Filesystem\":\"tank/a\",\"Snapshots\":[$(version 1),$(version 2)]}"
	[ "$(jq -c '[.Results[].Error]' <<< "$output")" = '["internal error: out of luck","internal error: out of luck"]' ]
	stderr_has "log: internal error: out of luck"
	# What is said of none of them is said of all, once.
	: > ran
	says destroy "cannot destroy snapshots: permission denied"
	sender DestroySnapshots "{\"Filesystem\":\"tank/a\",\"Snapshots\":[$(version 1),$(version 2)]}"
	[ "$(jq -c '[.Results[].Error] | unique' <<< "$output")" = '["cannot destroy snapshots: permission denied"]' ]
	[ "$(grep -c ^destroy ran)" -eq 1 ]
	stderr_has "log: hint: the user $(id -un) may not do that: \"zfs allow -u $(id -un) destroy,mount tank/a\""
}

@test "destroying: one that is missing among those that zfs says nothing of" {
	says destroy "cannot destroy snapshots: pool is read-only"
	sender DestroySnapshots "{\"Filesystem\":\"tank/a\",\"Snapshots\":[$(version 1),$(version 7),$(version 2)]}"
	[ "$status" -eq 0 ]
	[ "$(jq -c '[.Results[].Error]' <<< "$output")" = '["cannot destroy snapshots: pool is read-only","dataset \"tank/a@7\" does not exist","cannot destroy snapshots: pool is read-only"]' ]
	# Twice the same is as good as once.
	: > does/destroy
	sender DestroySnapshots "{\"Filesystem\":\"tank/a\",\"Snapshots\":[$(version 1),$(version 2),$(version 1)]}"
	[ "$(jq -c '[.Results[].Error]' <<< "$output")" = '[null,null,null]' ]
}

@test "destroying: reasons beyond what is kept of zfs's words are asked for again" {
	does get <<-'END'
	printf 'tank/a\ttype\tfilesystem\t-\n'
	seq 1000 1999 | awk -v OFS='\t' '{
		print "tank/a@" $1, "type", "snapshot", "-"
		print "tank/a@" $1, "guid", "1" $1, "-" }'
	END
	does destroy <<-'END'
	echo "$2" | sed 's/.*@//' | tr , '\n' |
	    sed "s/.*/cannot destroy snapshot tank\/a@&: it's being held. Run 'zfs holds -r tank\/a@&' to see holders./" >&2
	exit 1
	END
	request=$(for i in $(seq 1000 1999); do version "$i"; done | jq -sc '{Filesystem: "tank/a", Snapshots: .}')
	run --separate-stderr timeout 20 zr-endpoint sender -f '<' -j job DestroySnapshots <<< "$request"
	[ "$status" -eq 0 ]
	[ "$(jq -c '.Results | map(.Error) | unique' <<< "$output")" = '["dataset is busy"]' ]
	[ "$(jq '.Results | length' <<< "$output")" -eq 1000 ]
	[ "$(grep -c '^destroy' ran)" -le 3 ]
}

@test "destroying: a snapshot whose name goes on as zfs's words would" {
	does get <<-'END'
	printf 'tank/a\ttype\tfilesystem\t-\n'
	printf 'tank/a@%s\ttype\tsnapshot\t-\ntank/a@%s\tguid\t11\t-\n' 1 1 '1: dataset' '1: dataset'
	END
	does destroy <<-'END'
	case $2 in
	*dataset*) echo "cannot destroy snapshot tank/a@1: dataset: dataset is busy" >&2; exit 1 ;;
	esac
	END
	sender DestroySnapshots "{\"Filesystem\":\"tank/a\",\"Snapshots\":[$(version 1),$(version 1 | sed 's/"1"/"1: dataset"/')]}"
	[ "$(jq -c '[.Results[].Error]' <<< "$output")" = '[null,"dataset is busy"]' ]
}

@test "a signal ends an endpoint that waits for its request, or for the verdict" {
	exec 8<> <(:)
	background zr-endpoint sender -f '<' -j job Ping <&8
	waiting() {
		grep -q '^State:[[:space:]]*S' "/proc/${children[-1]}/status"
	}
	eventually 10 waiting
	kill "${children[-1]}"
	eventually 10 gone "${children[-1]}"

	does get <<-'END'
	printf 'tank/sink/host/tank/a\ttype\tfilesystem\t-\n'
	END
	ZR_VERDICT=8 background zr-endpoint receiver -c host -e inherit -j job tank/sink Receive \
	    "$(receive_request)" < /dev/null
	eventually 10 grep -q ^recv ran
	eventually 10 waiting
	kill "${children[-1]}"
	eventually 10 gone "${children[-1]}"
}
