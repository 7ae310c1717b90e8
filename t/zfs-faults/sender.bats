# zr-endpoint sender with a zfs that fails, hangs or prints odd things, as no
# real one does on demand.  What it does with a real one is in t/zfs.
load ../lib/helper
load ../lib/zfs_faults

@test "without any fault the stand-in works like zfs" {
	does send <<< 'printf stream'
	sender Send "$(request)"
	[ "$status" -eq 0 ]
	[ "$output" = "$(printf '{}\nstream')" ]
	grep -qx 'hold zrepl_STEP_J_job tank/a@2 tank/a@1' ran
	grep -qx 'destroy tank/a#zrepl_CURSORTENTATIVE__G_0000000000000009_J_job' ran
	sender SendCompleted "{\"OriginalReq\":$(request)}"
	[ "$status" -eq 0 ]
}

# filtered METHOD REQUEST: by the file filter, which is standard input.
filtered() {
	cat > filter
	: > ran
	run --separate-stderr timeout 20 zr-endpoint sender -F filter -j job "$@"
}

@test "sender: a file lists the filesystems that may be sent" {
	for end in '\n' ''; do
		filtered ListFilesystems '{}' < <(printf '# all but one\n\n \t\ntank/sink<\n!tank/sink/host/tank'"$end")
		[ "$status" -eq 0 ]
		[ -z "$stderr" ]
		[ "$(jq -c '[.Filesystems[].Path]' <<< "$output")" = '["tank/sink","tank/sink/host"]' ]
	done
	for method in ListFilesystemVersions ReplicationCursor DestroySnapshots; do
		filtered $method '{"Filesystem":"tank/sink/host/tank"}' < <(printf 'tank<\n!tank/sink/host<\n')
		[ "$status" -eq 1 ]
		[ -z "$output" ]
		[ "$stderr" = "zr-endpoint: endpoint does not allow access to filesystem tank/sink/host/tank" ]
		[ ! -s ran ]
	done
	for method in Send SendDry SendCompleted; do
		body=$(request)
		[ $method != SendCompleted ] || body="{\"OriginalReq\":$body}"
		filtered $method "$body" < <(printf 'tank<\n!tank/a\n')
		[ "$status" -eq 1 ]
		[ -z "$output" ]
		[ "$stderr" = "zr-endpoint: endpoint does not allow access to filesystem tank/a" ]
		[ ! -s ran ]
	done
	# Together with entries of the command line.
	echo '!tank/sink<' > filter
	sender -F filter ListFilesystems '{}'
	[ "$(jq -c '[.Filesystems[].Path]' <<< "$output")" = '["tank"]' ]
}

@test "sender: a file without a valid list of filesystems is refused" {
	while read -r number text; do
		filtered ListFilesystems '{}' < <(printf "$text")
		[ "$status" -eq 100 ]
		[ -z "$output" ]
		[[ $stderr == "zr-endpoint: filter:$number: "* ]] || { echo "$text: $stderr"; false; }
		[ "$(wc -l <<< "$stderr")" -eq 1 ]
		[ ! -s ran ]
	done <<-'END'
	3 # one\ntank<\ntank/a/\ntank/b
	1 tank/a@1\n
	2 \n  # a comment begins its line
	1 tank<\r\n
	2 tank/a\n!tank/a\n
	2 tank<\n!tank/a\000\n
	2 tank<\n\000!tank/a\n
	END
	for text in '# nothing' '!tank/tmp<'; do
		filtered ListFilesystems '{}' <<< "$text"
		[ "$status" -eq 100 ]
		[ -z "$output" ]
		stderr_has "which filesystems may be sent?"
	done
	for file in none .; do
		run --separate-stderr zr-endpoint sender -F $file -f '<' ListFilesystems '{}'
		[ "$status" -eq 111 ]
		[ -z "$output" ]
		case $file in
		none) [ "$stderr" = "zr-endpoint: none: No such file or directory" ] ;;
		.) [ "$stderr" = "zr-endpoint: .: Is a directory" ] ;;
		esac
	done
	[ ! -s ran ]
}

@test "sender: an entry that matches no filesystem is named, once in a batch" {
	filtered ListFilesystems '{}' < <(printf '%s\n' 'tank/wbe<' tank '!tank/none' tank/sink/hos 'tank/sink/host/tank<')
	[ "$status" -eq 0 ]
	[ "$(jq -c '[.Filesystems[].Path]' <<< "$output")" = '["tank","tank/sink/host/tank"]' ]
	[ "$stderr" = 'zr-endpoint: filter entry "tank/wbe<" matches no filesystem
zr-endpoint: filter entry "tank/sink/hos" matches no filesystem' ]
	# Matched, if beaten by another one.
	filtered ListFilesystems '{}' < <(printf '%s\n' 'tank<' '!tank')
	[ -z "$stderr" ]
	seq 20 | sed 's/.*/{"id":&,"method":"ListFilesystems"}/' > calls
	run -0 --separate-stderr timeout 20 zr-endpoint sender -f 'tank/wbe<' batch < calls
	[ "$(jq -s 'map(select(.response == {})) | length' <<< "$output")" -eq 20 ]
	[ "$stderr" = 'zr-endpoint: filter entry "tank/wbe<" matches no filesystem' ]
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

@test "sender: if no cursor can be made, that is noticed before there is a hold" {
	says bookmark "cannot create bookmark: out of luck"
	sender Send "$(request)"
	[ "$status" -eq 1 ]
	[ -z "$output" ]
	stderr_has "out of luck"
	run ! grep -q -e '^hold' -e '^send' ran
	# Where the job has a cursor it can make more.
	echo "printf 'tank/a#zrepl_CURSOR_G_0000000000000011_J_job\ttype\tbookmark\t-\ntank/a#zrepl_CURSOR_G_0000000000000011_J_job\tguid\t17\t-\n'" >> does/get
	: > ran
	sender Send "$(request)"
	[ "$status" -eq 0 ]
	run ! grep -q '^bookmark' ran
}

@test "sender: an existing hold is no error, a missing snapshot is one" {
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

@test "sender: a stream that breaks off fails the call, after its answer" {
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

@test "sender: a failure to clean up is reported, but is not an error" {
	says release "cannot release: out of luck"
	says destroy "cannot destroy bookmark: out of luck"
	sender SendCompleted "{\"OriginalReq\":$(request)}"
	[ "$status" -eq 0 ]
	[ "$output" = '{}' ]
	stderr_has "stale step holds stay: cannot release: out of luck"
	stderr_has "a stale bookmark stays: cannot destroy bookmark: out of luck"
}

@test "sender: if a cursor cannot be made, the holds are released and older cursors stay" {
	says bookmark "cannot create bookmark: out of luck"
	sender SendCompleted "{\"OriginalReq\":$(request)}"
	[ "$status" -eq 1 ]
	[ -z "$output" ]
	stderr_has "cannot create bookmark: out of luck"
	grep -qx 'release zrepl_STEP_J_job tank/a@1' ran
	run ! grep -q '^destroy' ran
}

@test "sender: an absurd estimate is ignored" {
	for size in 18446744073709551615 2305843009213693952 99999999999999999999 -5 x 1.5K '' ' 7'; do
		does send <<< "printf 'incremental\t1\ttank/a@2\t$size\nsize\t$size\n'"
		sender SendDry "$(request)"
		[ "$status" -eq 0 ]
		[ "$output" = '{}' ]
	done
	for odd in '' size nonsense 'sizes\t624\n' '\000size\t624\n' '\n\n'; do
		does send <<< "printf '$odd'"
		sender SendDry "$(request)"
		[ "$status" -eq 0 ]
		[ "$output" = '{}' ]
	done
	does send <<< "printf 'size\t624\n'"
	sender SendDry "$(request)"
	[ "$output" = '{"ExpectedSize":"624"}' ]
}

@test "sender: an estimate that fails ends the call, whatever was printed" {
	while IFS='|' read -r script reason; do
		does send <<< "printf 'size\t624\n'; $script"
		sender SendDry "$(request)"
		[ "$status" -eq 1 ]
		[ -z "$output" ]
		[[ $stderr =~ ^"zr-endpoint: $reason"[^$'\n']*$ ]] || { echo "$stderr"; false; }
	done <<-'END'
	echo "cannot send: out of luck" >&2; exit 1|cannot send: out of luck
	exit 3|zfs send ended with status 3
	kill -9 $$|zfs send was ended by signal 9
	exec head -c 3000000 /dev/zero|zfs printed more than there is room for
	END
	run ! grep -q -e '^hold' -e '^bookmark' ran
	# Send asks for none.
	: > ran
	does send <<< 'printf stream'
	sender Send "$(request)"
	[ "$(grep -c '^send' ran)" -eq 1 ]
	run ! grep -q '^send -n' ran
}

@test "malformed output of zfs get is an error, not a listing" {
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

@test "a flood on standard error is read to its end, and cut" {
	does get <<< 'yes "cannot do that" | head -c 3000000 >&2; exit 1'
	sender ListFilesystems '{}'
	[ "$status" -eq 1 ]
	[ "${#stderr}" -lt 10000 ]
	does get <<< 'head -c 100000 /dev/urandom >&2; exit 1'
	sender ListFilesystems '{}'
	[ "$status" -eq 1 ]
}

@test "a zfs that prints nothing, cannot run or does not exist is an error" {
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

@test "sender: a command that hangs ends with its endpoint" {
	sender=(zr-endpoint sender -f '<' -j job)
	: > stream
	request | jq -c 'del(.From)' > request
	for command in get hold release destroy send; do
		ended_while $command 143 "${sender[@]}" Send
	done
	ended_while send 143 "${sender[@]}" SendDry
	[ ! -s answer ]
	request GuaranteeIncrementalReplication > request
	ended_while bookmark 143 "${sender[@]}" Send
	request | jq -c '{OriginalReq: .}' > request
	ended_while bookmark 143 "${sender[@]}" SendCompleted
	# The cursor is there: the rest is for the next step to clean up.
	for command in release destroy; do
		ended_while $command 0 "${sender[@]}" SendCompleted
	done
	echo "{\"Filesystem\":\"tank/a\",\"Snapshots\":[$(version 1)]}" > request
	ended_while destroy 143 "${sender[@]}" DestroySnapshots
}

@test "destroying: each snapshot has zfs's reason, or its general words" {
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

@test "destroying: the hold of a busy snapshot is named only if zfs holds is well-formed" {
	says destroy "cannot destroy snapshot tank/a@2: dataset is busy"
	request="{\"Filesystem\":\"tank/a\",\"Snapshots\":[$(version 2)]}"
	while read -r script; do
		: > ran
		does holds <<< "$script"
		sender DestroySnapshots "$request"
		[ "$status" -eq 0 ]
		[ "$(jq -c '[.Results[].Error]' <<< "$output")" = '["dataset is busy"]' ]
		grep -qx 'holds -H tank/a@2' ran
		[ "$stderr" = "zr-endpoint: log: cannot destroy snapshot tank/a@2: dataset is busy" ] || { echo "$script: $stderr"; false; }
	done <<-'END'
	echo "cannot open 'tank/a@2': out of luck" >&2; exit 1
	printf 'tank/a@2\ttag\ttime\n'; exit 1
	kill -9 $$
	printf 'tank/a@2'
	printf 'tank/a@2\n'
	printf 'tank/a@2\ttag'
	printf 'tank/a@2\ttag\ntank/a@2\tother\ttime\n'
	printf 'tank/a@2\t\ttime\n'
	printf "tank/a@2\tone's\ttime\n"
	printf 'tank/a@1\ttag\ttime\n'
	printf 'nonsense\ntank/a@2\ttag\ttime\n'
	printf '\ntank/a@2\ttag\ttime\n'
	printf 'tank/a@2\ta\tb\ttime\n'
	printf 'tank/a@2\ta\033b\ttime\n'
	printf '\000tank/a@2\ttag\ttime\n'
	yes 'tank/a@2	tag	time' | head -c 3000000
	exec head -c 3000000 /dev/zero
	END
	# The first of more will do.
	does holds <<< "printf 'tank/a@2\tone\ttime\ntank/a@2\ttwo\ttime\n'"
	sender DestroySnapshots "$request"
	stderr_has "hint: the hold one keeps tank/a@2: \"zfs release 'one' 'tank/a@2'\" releases it"
}

@test "destroying: the answer does not wait for zfs holds" {
	says destroy "cannot destroy snapshot tank/a@2: dataset is busy"
	hangs holds
	background zr-endpoint sender -f '<' -j job DestroySnapshots \
	    "{\"Filesystem\":\"tank/a\",\"Snapshots\":[$(version 2)]}" > answer 2> errors
	eventually 10 test -s hangs
	[ "$(jq -c '[.Results[].Error]' answer)" = '["dataset is busy"]' ]
	kill "${children[-1]}"
	wait "${children[-1]}"
	eventually 5 gone "$(cat hangs)"
	run ! grep hint errors
}

@test "destroying: a snapshot that zfs does not mention may be missing" {
	says destroy "cannot destroy snapshots: pool is read-only"
	sender DestroySnapshots "{\"Filesystem\":\"tank/a\",\"Snapshots\":[$(version 1),$(version 7),$(version 2)]}"
	[ "$status" -eq 0 ]
	[ "$(jq -c '[.Results[].Error]' <<< "$output")" = '["cannot destroy snapshots: pool is read-only","dataset \"tank/a@7\" does not exist","cannot destroy snapshots: pool is read-only"]' ]
	# Twice the same is as good as once.
	: > does/destroy
	sender DestroySnapshots "{\"Filesystem\":\"tank/a\",\"Snapshots\":[$(version 1),$(version 2),$(version 1)]}"
	[ "$(jq -c '[.Results[].Error]' <<< "$output")" = '[null,null,null]' ]
}

@test "destroying: a snapshot that is gone by then does not exist" {
	says destroy "could not find any snapshots to destroy; check snapshot names."
	request="{\"Filesystem\":\"tank/a\",\"Snapshots\":[$(version 1),$(version 2)]}"
	sender DestroySnapshots "$request"
	[ "$status" -eq 0 ]
	[ "$(jq -c '[.Results[].Error]' <<< "$output")" = '["dataset \"tank/a@1\" does not exist","dataset \"tank/a@2\" does not exist"]' ]
	[ -z "$stderr" ]
	# Its filesystem, too.
	says destroy "cannot open 'tank/a': dataset does not exist"
	sender DestroySnapshots "$request"
	[ "$(jq -c '[.Results[].Error]' <<< "$output")" = '["dataset \"tank/a@1\" does not exist","dataset \"tank/a@2\" does not exist"]' ]
	receiver DestroySnapshots "$request"
	[ "$status" -eq 0 ]
	[ "$(jq -c '[.Results[].Error]' <<< "$output")" = '["dataset \"tank/a@1\" does not exist","dataset \"tank/a@2\" does not exist"]' ]
}

@test "destroying: reasons beyond the kept part of zfs's words are asked for again" {
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

@test "destroying: a snapshot's name may look like the rest of zfs's words" {
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

@test "a signal ends an endpoint that waits for its request" {
	exec 8<> <(:)
	background zr-endpoint sender -f '<' -j job Ping <&8
	eventually 10 waiting
	kill "${children[-1]}"
	eventually 10 gone "${children[-1]}"
}
