# zr-holds with a stand-in for zfs, which keeps its pool in the file `pool`:
# lines "NAME TYPE GUID CREATETXG TAG...", and writes down what it was asked.
load ../lib/helper

CURSOR=zrepl_CURSOR_G_
TENTATIVE=zrepl_CURSORTENTATIVE__G_

setup() {
	enter_directory || return
	cat > zfs <<-'SCRIPT'
		#!/bin/bash
		printf '%s' "$1" >> calls
		printf ' [%s]' "${@:2}" >> calls
		echo >> calls
		[ ! -e "fail-$1" ] || { cat "fail-$1" >&2; exit 1; }
		case $1 in
		get)
			while IFS='|' read -r name type guid txg tags; do
				read -ra tags <<< "${tags//;/ }"
				holds=${#tags[@]}
				[ "$type" = snapshot ] || holds=-
				printf '%s\t%s\t%s\t-\n' "$name" type "$type" \
				    "$name" guid "$guid" "$name" createtxg "$txg" \
				    "$name" creation $((1700000000 + txg)) "$name" userrefs "$holds"
			done < pool ;;
		holds)
			shift 2
			for name; do
				IFS='|' read -r _ _ _ _ tags < <(grep -F "$name|" pool)
				IFS=';' read -ra tags <<< "$tags"
				for tag in "${tags[@]}"; do
					printf '%s\t%s\tMon Nov 23 14:25 2026\n' "$name" "$tag"
				done
			done ;;
		esac
	SCRIPT
	chmod +x zfs
	export ZR_ZFS=$PWD/zfs
	cat > pool <<-POOL
		p/a@1|snapshot|1|10|zrepl_STEP_J_web;mine
		p/a@2|snapshot|2|20|zrepl_STEP_J_web
		p/a@3|snapshot|3|30|
		p/a#${CURSOR}0000000000000001_J_web|bookmark|1|10|
		p/a#${CURSOR}0000000000000002_J_web|bookmark|2|20|
		p/a#${CURSOR}0000000000000009_J_web|bookmark|1|10|
		p/a#${TENTATIVE}0000000000000003_J_web|bookmark|3|30|
		p/a#${CURSOR}0000000000000001_J_other job|bookmark|1|10|
		p/a#mine|bookmark|1|10|
		p/a#zrepl_replication_cursor|bookmark|1|10|
		p/b c@1|snapshot|4|10|zrepl_last_received_J_sink
		p/b c@2|snapshot|5|20|zrepl_last_received_J_sink
	POOL
}

@test "list shows holds and bookmarks of replication, and which are stale" {
	run -0 --separate-stderr zr-holds -H list
	[ -z "$stderr" ]
	cut -f 1-3,5 <<< "$output" > shown
	diff - shown <<-EOT
		p/a#${CURSOR}0000000000000001_J_other job	cursor	other job	10
		p/a#${CURSOR}0000000000000001_J_web	cursor	web	10
		p/a#${CURSOR}0000000000000009_J_web	cursor	web	10
		p/a#zrepl_replication_cursor	old-bookmark	-	10
		p/a@1	step-hold	web	10
		p/a#${CURSOR}0000000000000002_J_web	cursor	web	20
		p/a@2	step-hold	web	20
		p/a#${TENTATIVE}0000000000000003_J_web	tentative-cursor	web	30
		p/b c@1	last-received-hold	sink	10
		p/b c@2	last-received-hold	sink	20
	EOT
	cut -f 7 <<< "$output" > reasons
	diff - reasons <<-EOT
		-
		the job's cursor ${CURSOR}0000000000000002_J_web is newer
		its guid is not the one in its name: it is no cursor to anybody
		zrepl before 0.4 made it, nothing uses it now
		its step is over: the job's cursor ${CURSOR}0000000000000002_J_web is as new or newer
		-
		its step is over: the job's cursor ${CURSOR}0000000000000002_J_web is as new or newer
		-
		the job holds 2, which came later
		-
	EOT
}

@test "list runs zfs twice, and release once for a thousand, however many there are" {
	for i in $(seq 1100); do
		echo "p/many$i@s|snapshot|$i|$i|zrepl_STEP_J_web"
	done >> pool
	run -0 --separate-stderr zr-holds -H -k step-hold list
	[ "${#lines[@]}" -eq 1102 ]
	[ "$(wc -l < calls)" -eq 2 ]
	grep -q '^get .*\[snapshot,bookmark\]' calls
	run -0 --separate-stderr zr-holds -aHy -k step-hold release
	[ "${#lines[@]}" -eq 1102 ]
	[ "$(grep -c ^release calls)" -eq 2 ]
}

@test "list selects by job, kind, filesystem and staleness" {
	run -0 zr-holds -H -J web -k cursor list
	[ "${#lines[@]}" -eq 3 ]
	run -0 zr-holds -H -J 'other job' list
	[ "${#lines[@]}" -eq 1 ]
	run -0 zr-holds -H -J nobody list
	[ -z "$output" ]
	run -0 zr-holds -Hs list
	[ "${#lines[@]}" -eq 6 ]
	rm calls
	run -0 zr-holds list 'p/b c' p/a
	grep -q '^get .* \[p/b c\] \[p/a\]$' calls
}

@test "list -j prints a JSON object for each" {
	run -0 zr-holds -j -J sink list
	[ "$(jq -c . <<< "${lines[0]}")" = '{"name":"p/b c@1","kind":"last-received-hold","job":"sink","tag":"zrepl_last_received_J_sink","guid":"4","createtxg":"10","creation":"2023-11-14T22:13:30Z","stale":true,"reason":"the job holds 2, which came later"}' ]
	[ "$(jq -c '[.stale, has("reason")]' <<< "${lines[1]}")" = '[false,false]' ]
}

@test "list for people has a heading and columns" {
	run -0 zr-holds -J sink list
	[[ "${lines[0]}" =~ ^NAME\ +KIND\ +SNAPSHOT\ MADE\ +JOB\ +STALE$ ]]
	[[ "${lines[2]}" =~ ^p/b\ c@2\ +last-received-hold\ .*\ sink\ +-$ ]]
}

@test "release without -y changes nothing and says so" {
	run -0 --separate-stderr zr-holds -H release
	[ "${#lines[@]}" -eq 6 ]
	stderr_has 'nothing is released yet: add -y'
	run -1 grep -E '^(release|destroy)' calls
}

@test "release and list say so if there is nothing to release or to list" {
	for y in -y ''; do
		run -0 --separate-stderr zr-holds $y -J 'other job' release
		[ -z "$output" ]
		stderr_has 'zr-holds: nothing to release: nothing there is stale (zr-holds list shows everything'
		run -0 --separate-stderr zr-holds $y -a -J nobody release
		[ -z "$output" ]
		[ "$stderr" = 'zr-holds: nothing to release' ]
	done
	run -1 grep -E '^(release|destroy)' calls
	run -0 --separate-stderr zr-holds -J nobody list
	[ -z "$output" ]
	[ "$stderr" = 'zr-holds: nothing to list' ]
	for format in -H -j; do
		run -0 zr-holds $format -J nobody list
		[ -z "$output" ]
	done
}

@test "leftovers of zr beside those of a running zrepl daemon are named" {
	# zrepl sent 1 and 3, zr 2; on the receiver likewise.
	cat > pool <<-POOL
		p/a@1|snapshot|1|10|
		p/a@2|snapshot|2|20|
		p/a@3|snapshot|3|30|
		p/a#${CURSOR}0000000000000002_J_web|bookmark|2|20|
		p/a#${CURSOR}0000000000000003_J_web|bookmark|3|30|
		p/sink/a@2|snapshot|2|20|zrepl_last_received_J_sink
		p/sink/a@3|snapshot|3|30|zrepl_last_received_J_sink
	POOL
	run -0 --separate-stderr zr-holds -sH list
	[ "$(cut -f 1,2 <<< "$output")" = "p/a#${CURSOR}0000000000000002_J_web	cursor
p/sink/a@2	last-received-hold" ]
}

@test "release -y releases stale leftovers and nothing else" {
	run -0 --separate-stderr zr-holds -Hy release
	[ -z "$stderr" ]
	[ "${#lines[@]}" -eq 6 ]
	grep -vE '^(get|holds) ' calls | sort > changes
	sort > expected <<-EOT
		destroy [p/a#${CURSOR}0000000000000001_J_web]
		destroy [p/a#${CURSOR}0000000000000009_J_web]
		destroy [p/a#zrepl_replication_cursor]
		release [zrepl_STEP_J_web] [p/a@1] [p/a@2]
		release [zrepl_last_received_J_sink] [p/b c@1]
	EOT
	diff expected changes
}

@test "release -a also releases leftovers in use, but never everything" {
	run -100 --separate-stderr zr-holds -ay release
	stderr_has 'everything on all pools'
	[ ! -e calls ]
	run -0 zr-holds -Hay -J sink release
	grep -qx 'release \[zrepl_last_received_J_sink\] \[p/b c@1\] \[p/b c@2\]' calls
	run -1 grep destroy calls
}

@test "a hold that is already gone counts as released" {
	printf "cannot release hold from snapshot 'p/a@1': no such tag on this dataset\ncannot release hold from snapshot 'p/a@2': dataset does not exist\n" > fail-release
	echo "bookmark 'p/a#x' does not exist." > fail-destroy
	run -0 --separate-stderr zr-holds -Hy release
	[ -z "$stderr" ]
	[ "${#lines[@]}" -eq 6 ]
}

@test "a hold that cannot be released does not stop the others; the exit status is 1" {
	echo "cannot release: permission denied" > fail-release
	run -1 --separate-stderr zr-holds -Hy -J web release
	[ "${#lines[@]}" -eq 2 ]
	stderr_has 'p/a@1: cannot release: permission denied'
	stderr_has 'p/a@2: cannot release: permission denied'
	stderr_has "hint: the user $(id -un) may not do that: \"zfs allow -u $(id -un) release p/a\""
}

@test "if zfs get or zfs holds fails its words are the error" {
	echo "cannot open 'p': pool I/O is currently suspended" > fail-get
	run -1 --separate-stderr zr-holds list p
	stderr_has "cannot open 'p': pool I/O is currently suspended"
	stderr_has 'hint: its devices failed: see "zpool status p"'
	rm fail-get
	echo "cannot do that" > fail-holds
	run -1 --separate-stderr zr-holds list p
	stderr_has 'cannot do that'
	[ -z "$output" ]
	echo "cannot open 'p/a@1': dataset does not exist" > fail-holds
	run -0 zr-holds list p
	ZR_ZFS=/nonexistent/zfs run -127 zr-holds list
}

@test "invalid names reach no command line" {
	for name in -x p//a p/../a 'p/a@1' 'p/a;b' '' 1p; do
		run -100 --separate-stderr zr-holds list "$name"
		[ -n "$stderr" ]
	done
	run -100 zr-holds -J 'a/b' list
	run -100 zr-holds -k nothing list
	[ ! -e calls ]
	printf -- "-p/a#${CURSOR}0000000000000001_J_web|bookmark|2|10|\np/%%a#${CURSOR}0000000000000001_J_web|bookmark|2|10|\n" > pool
	run -1 --separate-stderr zr-holds -y release
	stderr_has 'not a name to give to zfs'
	run -1 grep destroy calls
}

@test "tags with unusual bytes are ignored" {
	printf 'p/a@1|snapshot|1|10|zrepl_STEP_J_;zrepl_STEP_J_a/b;zrepl_STEP_J_..;.;zrepl_STEP_J_\xff\x1b[2J;zrepl_STEP_J_ok\n' > pool
	run -0 zr-holds -H list
	[ "${#lines[@]}" -eq 1 ]
	[ "$(cut -f 3 <<< "$output")" = ok ]
}

@test "a tag that looks like another hold's line does not affect that hold" {
	awk '{ print } /^[[:space:]]*holds\)/ {
		print "printf \"p/b c@1\\tzrepl_last_received_J_sink\\tnow\\np/b c@3\\tzrepl_last_received_J_sink\\tnow\\n\""
	}' zfs > forging
	chmod +x forging
	export ZR_ZFS=$PWD/forging
	run -0 --separate-stderr zr-holds -H list
	stderr_has "p/b c@1 has fewer holds than zfs lists: its filesystem's are left alone"
	run ! grep -F 'p/b c@1' <<< "$output"
	run -0 --separate-stderr zr-holds -y release
	run ! grep 'release .*p/b c' calls
}

@test "missing facts about one hold make no other one stale" {
	# The step from @1, the cursor's, to @2 runs; a tag says of @2 what is not so.
	cat > pool <<-POOL
		p/a@1|snapshot|1|10|zrepl_STEP_J_web
		p/a@2|snapshot|2|20|zrepl_STEP_J_web
		p/a#${CURSOR}0000000000000001_J_web|bookmark|1|10|
		p/ab@1|snapshot|3|10|zrepl_STEP_J_web
		p/ab#${CURSOR}0000000000000003_J_web|bookmark|3|10|
	POOL
	awk '{ print } /^[[:space:]]*holds\)/ { print "printf \"p/a@2\\tfoo\\tnow\\n\"" }' zfs > forging
	chmod +x forging
	export ZR_ZFS=$PWD/forging
	run -0 --separate-stderr zr-holds -s -H list
	stderr_has "p/a@2 has fewer holds than zfs lists"
	[ "$(cut -f 1 <<< "$output")" = p/ab@1 ]
}
