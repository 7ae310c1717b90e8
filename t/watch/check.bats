# zr-check: limits, states, what cannot be judged, and the forms of its output.
load ../lib/helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	children=()
}

NOW=2026-11-30T12:00:00Z

# snapshot GUID NAME [TIME]: the GUID is the CreateTXG, too
snapshot() {
	jq -cn --arg guid "$1" --arg name "$2" --arg creation "${3-2026-11-30T11:00:00Z}" \
	    '{Name: $name, Guid: $guid, CreateTXG: $guid, Creation: $creation}'
}

bookmark() {
	snapshot "$@" | jq -c '.Type = "Bookmark"'
}

# filesystem NAME VERSION...: a line of a listing
filesystem() {
	printf '%s\n' "${@:2}" | jq -cs --arg name "$1" '{Filesystem: $name, Versions: .}'
}

# check STATUS ARGUMENT...
check() {
	run "-$1" --separate-stderr timeout 50 zr-check -T "$NOW" "${@:2}"
	[ -z "$stderr" ] || { echo "$stderr"; return 1; }
}

# says STATUS TEXT ARGUMENT...: that, before the bar, in a line
says() {
	check "$1" "${@:3}"
	[ "${#lines[@]}" -eq 1 ]
	[ "${output%% |*}" = "$2" ] || { echo "$output"; return 1; }
}

@test "-w and -c: what is as old as the limit is good, a second more is not" {
	filesystem a "$(snapshot 1 old 2026-11-29T00:00:00Z)" "$(snapshot 2 new 2026-11-30T11:59:00Z)" > l
	says 0 'OK: 1 filesystem, newest snapshot at most 60 s old' -w 60s -c 2m l
	says 1 'WARNING: a: the newest snapshot @new is 60 s old' -w 59s -c 60s l
	says 2 'CRITICAL: a: the newest snapshot @new is 60 s old' -w 1s -c 59s l
	says 2 'CRITICAL: a: the newest snapshot @new is 60 s old' -c 59s l
	says 0 'OK: 1 filesystem, newest snapshot at most 60 s old' -c 1m l
}

@test "-W and -C: the same for the oldest" {
	filesystem a "$(snapshot 1 old 2026-11-29T12:00:00Z)" "$(snapshot 2 new)" > l
	says 0 'OK: 1 filesystem, newest snapshot at most 60 min old' -W 1d -C 24h l
	says 1 'WARNING: a: the oldest snapshot @old is 24 h old' -W 86399s -C 1d l
	says 2 'CRITICAL: a: the oldest snapshot @old is 24 h old' -W 1s -C 86399s l
	says 2 'CRITICAL: a: the oldest snapshot @old is 24 h old' -C 23h l
	# The newest comes first where both are as bad.
	says 1 'WARNING: a: the newest snapshot @new is 60 min old' -w 1s -W 1s l
	says 2 'CRITICAL: a: the oldest snapshot @old is 24 h old' -w 1s -C 1s l
}

@test "every unit of an age" {
	filesystem a "$(snapshot 1 s 2026-11-16T12:00:00Z)" > l
	for age in 2w 14d 336h 20160m 1209600s; do
		check 0 -c "$age" l
	done
	for age in 1w 13d 335h 20159m 1209599s; do
		check 2 -c "$age" l
	done
}

@test "-L: how many snapshots the receiver is behind, on both sides of each number" {
	filesystem a "$(snapshot 1 s1)" "$(snapshot 2 s2)" "$(snapshot 3 s3)" "$(bookmark 4 mark)" > here
	filesystem a "$(snapshot 1 s1)" > there
	check 0 -L 2 here there
	says 1 'WARNING: a: the receiver is 2 snapshots behind, 0 s' -L 1 here there
	check 1 -L 1,2 here there
	says 2 'CRITICAL: a: the receiver is 2 snapshots behind, 0 s' -L 0,1 here there
	check 0 -L 2,3 here there
	check 0 here there
	filesystem a "$(snapshot 1 s1)" "$(snapshot 3 other-name)" > there
	check 0 -L 0 here there
}

@test "with two listings -w and -c mean the newest common one, and the time behind is shown" {
	filesystem a "$(snapshot 1 s1 2026-11-30T10:00:00Z)" "$(snapshot 2 s2 2026-11-30T11:30:00Z)" > here
	filesystem a "$(snapshot 1 s1 2026-11-30T10:00:00Z)" "$(snapshot 9 theirs 2026-11-30T11:59:00Z)" > there
	says 0 'OK: 1 filesystem, newest common snapshot at most 2 h old' -w 2h here there
	[[ $output == *' | newest=7200s;7200;;0 oldest=7200s;;;0 behind=1;;;0 behind_time=5400s;;;0 filesystems=1;;;0 '* ]]
	says 1 'WARNING: a: the newest common snapshot @s1 is 2 h old' -w 7199s here there
	check 0 -w 30m here here
	# The sender has destroyed it and kept a bookmark.
	filesystem a "$(bookmark 1 mark 2026-11-30T10:00:00Z)" "$(snapshot 2 s2 2026-11-30T11:30:00Z)" > here
	says 1 'WARNING: a: the newest common snapshot #mark is 2 h old' -w 7199s here there
}

@test "a receiver that has nothing of it: critical, in each way; one that cannot say: unknown" {
	filesystem a "$(snapshot 1 s1)" > here
	filesystem b "$(snapshot 1 s1)" > there
	says 2 'CRITICAL: a: the receiver does not have it' here there
	echo '{"Filesystem":"a","IsPlaceholder":true}' > there
	says 2 'CRITICAL: a: the receiver has only a placeholder of it' here there
	filesystem a "$(snapshot 2 s1)" "$(bookmark 1 s1)" > there
	says 2 'CRITICAL: a: the receiver has no snapshot that the sender has, too' here there
	filesystem a > there
	says 2 'CRITICAL: a: the receiver has no snapshot that the sender has, too' here there
	echo '{"Filesystem":"a","error":{"code":99,"message":"too late"}}' > there
	says 3 'UNKNOWN: a: the receiver cannot list it: too late' here there
	# A receiver that is empty has nothing of anything.
	says 2 'CRITICAL: a: the receiver does not have it' here /dev/null
}

@test "-M: the names at the receiver" {
	{ filesystem tank/web "$(snapshot 1 s1)"; filesystem tank/web/db "$(snapshot 2 s1)"; } > here
	{ filesystem web "$(snapshot 1 s1)"; filesystem web/db "$(snapshot 2 s1)"; } > there
	check 2 here there
	check 0 -M tank/web=web here there
	says 2 'CRITICAL: tank/web/db: the receiver does not have it (the other is OK)' \
	    -M tank/web=web -M tank/web/db=db here there
}

@test "-p: only snapshots that match; where none does, critical" {
	filesystem a "$(snapshot 1 zr_1 2026-11-30T01:00:00Z)" "$(snapshot 2 by-hand)" > l
	check 0 -w 2h l
	says 1 'WARNING: a: the newest snapshot @zr_1 is 11 h old' -w 2h -p '^zr_' l
	says 2 'CRITICAL: a: it has no snapshot that matches' -p '^zrepl_' l
	# The bookmark of a snapshot does not count as one.
	filesystem a "$(bookmark 1 zr_1)" > l
	says 2 'CRITICAL: a: it has no snapshot that matches' -p . l
	says 2 'CRITICAL: a: it has no snapshot' l
	filesystem a "$(snapshot 1 "$(printf 'a%.0s' {1..60})b")" > l
	check 3 -p '^(a+)+$' l
	[[ $output == 'UNKNOWN: a: the pattern cannot be matched '* ]]
}

@test "of two listings both sides' names have to match" {
	filesystem a "$(snapshot 1 zr_1)" "$(snapshot 2 by-hand)" "$(snapshot 3 zr_3)" > here
	filesystem a "$(snapshot 1 zr_1)" "$(snapshot 2 by-hand)" > there
	check 0 -p ^zr_ -L 1 here there
	says 1 'WARNING: a: the receiver is 1 snapshot behind, 0 s' -p ^zr_ -L 0 here there
	filesystem a "$(snapshot 2 by-hand)" > there
	says 2 'CRITICAL: a: the receiver has no matching snapshot that the sender has, too' -p ^zr_ here there
}

@test "the worst filesystem is named, and how many others: critical, unknown, warning" {
	filesystem a "$(snapshot 1 s 2026-11-30T09:00:00Z)" > l
	filesystem b "$(snapshot 1 s)" >> l
	says 1 'WARNING: a: the newest snapshot @s is 3 h old (the other is OK)' -w 2h -c 26h l
	filesystem c "$(snapshot 1 s)" >> l
	says 1 'WARNING: a: the newest snapshot @s is 3 h old (all others are OK)' -w 2h -c 26h l
	filesystem d "$(snapshot 1 s 2026-11-30T08:00:00Z)" >> l
	says 1 'WARNING: d: the newest snapshot @s is 4 h old (1 other is not OK, 2 are)' -w 2h -c 26h l
	echo '{"Filesystem":"e","error":{"code":1,"message":"no such luck"}}' >> l
	says 3 'UNKNOWN: e: it cannot be listed: no such luck (2 others are not OK, 2 are)' -w 2h -c 26h l
	filesystem f "$(snapshot 1 s 2026-11-29T08:00:00Z)" >> l
	says 2 'CRITICAL: f: the newest snapshot @s is 28 h old (3 others are not OK, 2 are)' -w 2h -c 26h l
	[ "${output#* | }" = 'newest=100800s;7200;93600;0 oldest=100800s;;;0 filesystems=6;;;0 warning=2;;;0 critical=1;;;0 unknown=1;;;0' ]
	filesystem g >> l
	says 2 'CRITICAL: g: it has no snapshot (4 others are not OK, 2 are)' -w 2h -c 26h l
}

@test "a date in the future hides nothing: five minutes are none, more is a warning and not the newest" {
	filesystem a "$(snapshot 1 s1 2026-11-30T10:00:00Z)" "$(snapshot 2 s2 2026-11-30T12:05:00Z)" > l
	says 0 'OK: 1 filesystem, newest snapshot at most 0 s old' -c 1h l
	filesystem a "$(snapshot 1 s1 2026-11-30T10:00:00Z)" "$(snapshot 2 s2 2026-11-30T12:05:01Z)" > l
	says 1 'WARNING: a: @s2 is dated 5 min in the future' -c 2h l
	says 2 'CRITICAL: a: the newest snapshot @s1 is 2 h old' -c 1h l
	filesystem a "$(snapshot 2 s2 2036-11-30T12:00:00Z)" > l
	says 2 'CRITICAL: a: there is no other snapshot, and @s2 is dated 3653 d in the future' l
	# The common one, too.
	filesystem a "$(snapshot 1 s1 2026-11-30T10:00:00Z)" "$(snapshot 2 s2 2036-11-30T12:00:00Z)" > l
	says 2 'CRITICAL: a: the newest common snapshot @s1 is 2 h old' -c 1h l l
}

@test "nothing to check: no filesystem, only placeholders, no file, no listing" {
	: > l
	says 3 'UNKNOWN: l lists no filesystem' l
	run -3 zr-check -w 2h - < l
	[ "$output" = 'UNKNOWN: standard input lists no filesystem' ]
	echo '{"Filesystem":"a","IsPlaceholder":true}' > l
	says 3 'UNKNOWN: l lists no filesystem but placeholders' l
	says 3 'UNKNOWN: none: No such file or directory' none
	filesystem b "$(snapshot 1 s)" >> l
	check 0 l
	says 3 'UNKNOWN: none: No such file or directory' l none
	filesystem c "$(snapshot 1 s)" | head -c 40 >> l
	check 3 l
	[[ $output == 'UNKNOWN: l: line 3: '* ]]
	[ "${#lines[@]}" -eq 1 ]
	{ filesystem c "$(snapshot 1 s)"; filesystem c "$(snapshot 1 s)"; } > l
	says 3 'UNKNOWN: l: c is listed twice' l
	for form in -j -m; do
		run -3 --separate-stderr zr-check $form none
		[ -z "$output" ]
		[ "$stderr" = 'zr-check: none: No such file or directory' ]
	done
}

@test "in a pipe behind zr-list: what it could not list is unknown, what it lists is judged" {
	mkdir archive
	run -3 sh -c 'zr-list -e "zr-endpoint archive archive" | zr-check -'
	run -3 sh -c 'zr-list -e "exit 7;" 2>&1 | zr-check -'
	cat > endpoint <<-'END'
		#!/bin/sh
		read -r request
		case $1 in
		batch) exit 100 ;;
		ListFilesystems) echo '{"Filesystems":[{"Path":"a"},{"Path":"b"}]}' ;;
		*) case $request in
			*a*) echo '{"Versions":[{"Name":"s","Guid":"1","CreateTXG":"1","Creation":"2026-11-30T11:00:00Z"}]}' ;;
			*) echo 'the disk is gone' >&2; exit 1 ;;
			esac ;;
		esac
	END
	chmod +x endpoint
	run -3 sh -c "zr-list -e ./endpoint 2>/dev/null | zr-check -T $NOW -w 2h -c 26h -"
	[[ $output == 'UNKNOWN: b: it cannot be listed: '*'the disk is gone'*' (the other is OK) |'* ]]
	run -0 sh -c "zr-list -e ./endpoint a 2>/dev/null | zr-check -T $NOW -w 2h -c 26h -"
}

@test "names cannot break the line: no control character, and a bar is not one" {
	jq -cn '{Filesystem: "a|b\u001b[2J\nc", Versions: []}' > l
	says 2 'CRITICAL: a\174b\033[2J\nc: it has no snapshot' l
	[ "$(grep -o '|' <<< "$output" | wc -l)" = 1 ]
	jq -cn --arg e "$(printf 'x|y\033[31m')" '{Filesystem: "a", error: {code: 1, message: $e}}' > l
	check 3 l
	[[ $output == 'UNKNOWN: a: it cannot be listed: x\174y\033[31m |'* ]]
}

@test "-j: all that is known of each filesystem, and the same exit status" {
	filesystem a "$(snapshot 1 s1 2026-11-30T10:00:00Z)" "$(snapshot 2 s2 2026-11-30T11:00:00+01:00)" "$(snapshot 3 s3 2027-01-01T00:00:00Z)" > here
	filesystem b >> here
	filesystem a "$(snapshot 1 s1 2026-11-30T10:00:00Z)" > there
	check 2 -j -w 1h here there
	jq -s . <<< "$output" > got
	jq . > wanted <<-'END'
		[{"filesystem":"a","state":"warning","message":"the newest common snapshot @s1 is 2 h old","snapshots":3,
		"newest":{"snapshot":"s2","creation":"2026-11-30T10:00:00Z","age":7200},
		"oldest":{"snapshot":"s1","creation":"2026-11-30T10:00:00Z","age":7200},
		"future":{"snapshot":"s3","creation":"2027-01-01T00:00:00Z","age":0},
		"common":{"snapshot":"s1","creation":"2026-11-30T10:00:00Z","age":7200},
		"unreplicated_snapshots":2,"unreplicated_seconds":0},
		{"filesystem":"b","state":"critical","message":"it has no snapshot","snapshots":0,"unreplicated_snapshots":0}]
	END
	diff wanted got
	head -n 1 here > l
	check 1 -j -c 3h l
	[ "$(jq -r .message <<< "$output")" = '@s3 is dated 31 d 12 h in the future' ]
}

# metrics: $output, read strictly
metrics() {
	printf '%s\n' "$output" | "$HELPERS/metrics.py"
}

@test "-m: metrics that a strict parser reads, whatever the names; 0, as nothing is judged" {
	name='a"b\c|d é{}=,'
	{
		filesystem "$name" "$(snapshot 1 s1 2026-11-30T10:00:00Z)" "$(snapshot 2 s2 2026-11-30T11:00:00Z)"
		filesystem none
		jq -cn '{Filesystem: "x\ny\u001b", Versions: []}'
		echo '{"Filesystem":"broken","error":{"code":1,"message":"no"}}'
		echo '{"Filesystem":"p","IsPlaceholder":true}'
	} > l
	check 0 -m l
	metrics > got
	[ "$(jq -r 'select(.[0] == "zr_newest_snapshot_timestamp_seconds") | "\(.[1].filesystem) \(.[2])"' got)" = "$name $(date -d 2026-11-30T11:00:00Z +%s)
none 0
x\\ny\\033 0" ]
	[ "$(jq -r 'select(.[0] == "zr_snapshots")[2]' got | paste -sd ' ')" = '2 0 0' ]
	[ "$(jq -r 'select(.[0] == "zr_listing_error")[2]' got | paste -sd ' ')" = '0 1 0 0' ]
	[ "$(jq -r 'select(.[0] == "zr_listing_error" and .[2] == 1)[1].filesystem' got)" = broken ]
	[ "$(jq -r '.[0]' got | sort -u | paste -sd ' ')" = \
	    'zr_listing_error zr_newest_snapshot_timestamp_seconds zr_snapshots' ]
	run -0 grep -c '^# TYPE' <<< "$output"
	[ "$output" = 3 ]
}

@test "-m with two listings: how far behind, +Inf where nothing is common, nothing where it is unknown" {
	{
		filesystem a "$(snapshot 1 s1 2026-11-30T10:00:00Z)" "$(snapshot 2 s2 2026-11-30T11:00:00Z)"
		filesystem b "$(snapshot 3 s1)"
		filesystem c "$(snapshot 4 s1)"
	} > here
	{
		filesystem a "$(snapshot 1 s1 2026-11-30T10:00:00Z)"
		echo '{"Filesystem":"c","error":{"code":1,"message":"no"}}'
	} > there
	check 0 -m here there
	metrics > got
	[ "$(jq -r 'select(.[0] | startswith("zr_unr")) | "\(.[0]) \(.[1].filesystem) \(.[2])"' got)" = \
'zr_unreplicated_snapshots a 1
zr_unreplicated_snapshots b 1
zr_unreplicated_seconds a 3600
zr_unreplicated_seconds b inf' ]
	[ "$(jq -r 'select(.[0] == "zr_listing_error") | "\(.[1].filesystem) \(.[2])"' got | paste -sd ,)" = 'a 0,b 0,c 1' ]
	[[ $output == *'zr_unreplicated_seconds{filesystem="b"} +Inf'* ]]
}

@test "a command line that makes no sense: 3, on standard error" {
	filesystem a "$(snapshot 1 s)" > l
	while IFS='~' read -r wanted arguments; do
		run -3 --separate-stderr zr-check $arguments
		[ -z "$output" ]
		[[ $stderr == "zr-check: "$wanted ]] || { echo "$arguments: $stderr"; false; }
	done <<-'END'
		-w wants an age, a number and one of s m h d w, not 2~-w 2 l
		-c wants an age*not 0h~-c 0h l
		-W wants an age*not 1hh~-W 1hh l
		-C wants an age*not -1h~-C -1h l
		-w is beyond -c~-w 2h -c 1h l
		-W is beyond -C~-W 2h -C 119m l
		the warning of -L is beyond its critical number~-L 2,1 l l
		-L wants snapshots, 0 to 2147483647, not x~-L 1,x l l
		-L wants snapshots, 0 to 2147483647, not*~-L 1, l l
		-L and -M are for two listings~-L 1 l
		-L and -M are for two listings~-M a=b l
		-j and -m exclude each other~-j -m l
		-m judges nothing: -C, -c, -L, -W and -w have no effect~-m -w 1h l
		-T wants a time, such as 2026-11-30T12:00:00Z, not now~-T now l
		-p can be given once*~-p a -p b l
		(: at byte 1: *~-p ( l
		only one listing can be standard input~- -
	END
	run -3 --separate-stderr zr-check l l l
	[[ $stderr == 'usage: '* ]]
	run -3 --separate-stderr sh -c 'zr-check l > /dev/full'
	stderr_has 'standard output: write: No space left on device'
}
