# zr-snap: which datasets, which name, when; with a stand-in for zfs (t/lib/snap.bash).
load ../lib/helper
load ../lib/snap

@test "one name for all, one zfs snapshot for each pool, and its names printed" {
	snap tank/c tank other tank/a
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	name=${lines[0]#*@}
	[[ $name =~ ^zr_20[0-9]{6}_[0-9]{6}_[0-9]{3}$ ]]
	[ "$output" = "other@$name
tank@$name
tank/a@$name
tank/c@$name" ]
	diff <(taken) - <<-END
		[other@$name]
		[tank@$name] [tank/a@$name] [tank/c@$name]
	END
	[ "$(wc -l < calls)" -eq 3 ]
}

@test "-r of everything is zfs snapshot -r of what was given" {
	snap -r -f x%Y -p '' tank/a other
	[ "$status" -eq 0 ]
	year=$(date -u +x%Y)
	[ "$output" = "other@$year
other/x@$year
tank/a@$year
tank/a/b@$year" ]
	diff <(taken) - <<-END
		[-r] [other@$year]
		[-r] [tank/a@$year]
	END
	pools tank tank/a tank/a/b tank/c
	snap -r tank/a tank/c tank/a/b tank/a
	[ "$status" -eq 0 ]
	[ "${#lines[@]}" -eq 3 ]
	[ "$(taken)" = "[-r] [tank/a@${lines[0]#*@}] [tank/c@${lines[0]#*@}]" ]
}

@test "-r with something left out names the others, and other pools stay recursive" {
	snap -r -x tank/a tank other
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	name=${lines[0]#*@}
	diff <(taken) - <<-END
		[-r] [other@$name]
		[tank@$name] [tank/c@$name]
	END
	[ "${#lines[@]}" -eq 4 ]
	# One that is not there leaves nothing out, but is said.
	snap -r -x tank/A tank
	[ "$status" -eq 0 ]
	[ "$stderr" = 'zr-snap: -x tank/A: there is no such dataset' ]
	[ "$(taken)" = "[-r] [tank@${lines[0]#*@}]" ]
}

@test "the pools of datasets whose names stand between others are not mixed up" {
	pools tank tank-2 tank-2/a tank/a tank.3 'tank/a b' tank/a/b
	snap tank-2 tank tank/a tank.3 'tank/a b' tank/a/b tank-2/a
	[ "$status" -eq 0 ]
	name=${lines[0]#*@}
	diff <(taken) - <<-END
		[tank@$name] [tank/a@$name] [tank/a/b@$name] [tank/a b@$name]
		[tank-2@$name] [tank-2/a@$name]
		[tank.3@$name]
	END
}

@test "more than fits on a command line: in parts, and that is said" {
	long=$(printf 'x%.0s' {1..200})
	pools tank $(printf "tank/%03d-$long " {1..900})
	# 128 KiB for arguments and environment
	: > calls
	run --separate-stderr bash -c 'ulimit -s 512; exec timeout 60 zr-snap -r tank'
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	[ "${#lines[@]}" -eq 901 ]
	sed -i '/|snapshot|/d' pools
	: > calls
	run --separate-stderr bash -c "ulimit -s 512; exec timeout 60 zr-snap -r -x tank/007-$long tank"
	[ "$status" -eq 0 ]
	[ "$stderr" = 'zr-snap: tank: the names do not fit on one command line: its snapshots are taken one part after the other, not all at one moment' ]
	[ "${#lines[@]}" -eq 900 ]
	[ "$(taken | wc -l)" -ge 2 ]
	[ "$(taken | wc -l)" -le 4 ]
	[ "$(grep -c '|snapshot|' pools)" -eq 900 ]
	[ "$(sed 's/.*@//' <<< "$output" | sort -u | wc -l)" -eq 1 ]
	run ! grep -- "tank/007-$long@" pools
}

@test "a part that fails is the last of its pool; what was taken is printed, and other pools are done" {
	long=$(printf 'x%.0s' {1..200})
	pools tank $(printf "tank/%03d-$long " {1..900}) zoo
	cat > fail-snapshot <<-'END'
		if [[ "$*" != *zoo* && -e once ]]; then
			echo "cannot create snapshots : out of space" >&2
			exit 1
		fi
		: > once
	END
	: > calls
	run --separate-stderr bash -c "ulimit -s 512; exec timeout 60 zr-snap -r -x tank/007-$long tank zoo"
	[ "$status" -eq 1 ]
	stderr_has 'zr-snap: cannot create snapshots : out of space'
	[ "${#lines[@]}" -eq "$(grep -c '|snapshot|' pools)" ]
	[ "${#lines[@]}" -gt 100 ]
	[ "${#lines[@]}" -lt 901 ]
	[ "${lines[-1]%@*}" = zoo ]
	[ "$(taken | grep -c '\[tank')" -eq 2 ]
}

@test "a name that exists: nothing of that pool, all of the others, status 1" {
	year=$(date -u +%Y)
	snapshot "tank/a@x$year"
	snap -r -p x -f %Y tank other
	[ "$status" -eq 1 ]
	stderr_has "cannot create snapshot 'tank/a@x$year': dataset already exists; no snapshots were created"
	[ "$output" = "other@x$year
other/x@x$year" ]
	[ "$(grep -c '^tank.*|snapshot|' pools)" -eq 1 ]
}

@test "a dataset that does not exist: nothing is done" {
	snap -b 'touch hook' -a 'touch hook' tank tank/nothing other
	[ "$status" -eq 1 ]
	[ "$stderr" = "zr-snap: cannot open 'tank/nothing': dataset does not exist" ]
	nothing_taken
	[ ! -e hook ]
}

@test "a name that is too long for ZFS: nothing is done" {
	long=tank/$(printf 'x%.0s' {1..227})
	pools tank "$long" "${long}x"
	snap -r -b 'touch hook' tank
	[ "$status" -eq 1 ]
	[[ $stderr == "zr-snap: ${long}x@zr_"*' is longer than the 255 bytes that ZFS allows' ]]
	nothing_taken
	[ ! -e hook ]
	snap -r -x "${long}x" tank
	[ "$status" -eq 0 ]
	[ "${#lines[@]}" -eq 2 ]
}

@test "-j prints an object for each" {
	snap -j -p '' -f %s tank/a
	[ "$status" -eq 0 ]
	[ "$(jq -c '[.filesystem, (.snapshot | tonumber | . > 1700000000)]' <<< "$output")" = '["tank/a",true]' ]
}

@test "-n says what would be taken and takes nothing" {
	snap -n -r tank
	[ "$status" -eq 0 ]
	[ "${#lines[@]}" -eq 4 ]
	[[ ${lines[1]} == tank/a@zr_* ]]
	run ! grep ^snapshot calls
}

@test "-i: not due is silence, due is a snapshot of all" {
	snapshot tank@zr_1 3500
	snapshot tank@other 10
	snapshot tank/a@zr_1 100
	snap -i 1h -b 'touch hook' tank tank/a tank/c
	[ "$status" -eq 0 ]
	[ -z "$output$stderr" ]
	[ ! -e hook ]
	[ "$(wc -l < calls)" -eq 1 ]
	snap -n -i 1h tank
	[ "$stderr" = 'zr-snap: it is not time yet' ]
	snap -i 58m tank tank/a tank/c
	[ "$status" -eq 0 ]
	[ "${#lines[@]}" -eq 3 ]
	# Now they are new.
	snap -i 1m tank tank/a tank/c
	[ "$status" -eq 0 ]
	[ -z "$output$stderr" ]
}

@test "-i: only names with the prefix count, and none at all is due" {
	snapshot tank@other 10
	snap -i 1h tank
	[ "$status" -eq 0 ]
	[ "${#lines[@]}" -eq 1 ]
	snap -i 1h -p oth tank
	[ -z "$output$stderr" ]
}

@test "-i: children that were not asked for do not count" {
	snapshot tank@zr_1 10
	snapshot tank/a@zr_1 7200
	snap -i 1h tank
	[ "$status" -eq 0 ]
	[ -z "$output$stderr" ]
	snap -i 1h -r tank
	[ "${#lines[@]}" -eq 4 ]
}

@test "-i: a snapshot from the future is said and does not count; all such are an error" {
	snapshot tank@zr_1 -1000
	snapshot tank@zr_0 7200
	snap -i 1h tank
	[ "$status" -eq 1 ]
	[ "${stderr_lines[0]}" = 'zr-snap: tank: its newest snapshot is dated in the future and does not count for -i' ]
	[ "${stderr_lines[1]}" = 'zr-snap: all newest snapshots are dated in the future: without -i they do not matter' ]
	run ! grep ^snapshot calls
	snapshot tank/a@zr_0 7200
	snap -i 1h tank tank/a
	[ "$status" -eq 0 ]
	[ "${#stderr_lines[@]}" -eq 1 ]
	[ "${#lines[@]}" -eq 2 ]
}

@test "-i: what another run takes while zfs lists is not from the future" {
	cat > fail-get <<-'END'
		began=$(date +%s)
		until [ "$(date +%s)" -gt "$began" ]; do sleep 0.05; done
		echo "tank@zr_1|snapshot|0|$(date +%s)" >> pools
	END
	snap -i 1h tank
	[ "$status" -eq 0 ]
	[ -z "$output$stderr" ]
	run ! grep ^snapshot calls
}

@test "-w leaves out what has a snapshot and nothing written since" {
	snapshot tank@x 100
	snapshot tank/a@x 100
	written tank/a 0
	written tank/c 0
	snap -w -r tank
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	name=${lines[0]#*@}
	# tank/c has no snapshot
	[ "$(taken)" = "[tank@$name] [tank/a/b@$name] [tank/c@$name]" ]
	for dataset in tank tank/a/b tank/c; do
		written "$dataset" 0
	done
	snap -w -r -b 'touch hook' -a 'touch hook' tank
	[ "$status" -eq 0 ]
	[ -z "$output$stderr" ]
	[ ! -e hook ]
	written tank 1
	snap -w tank tank/a
	[ "$(taken)" = "[tank@${lines[0]#*@}]" ]
	for dataset in tank tank/a tank/a/b tank/c; do
		written "$dataset" 1
	done
	snap -w -r tank
	[ "$(taken)" = "[-r] [tank@${lines[0]#*@}]" ]
}

@test "-w with -i: what is left out does not make it time" {
	snapshot tank/a@zr_1 7200
	written tank/a 0
	snapshot tank@zr_1 60
	snap -w -i 1h tank tank/a
	[ "$status" -eq 0 ]
	[ -z "$output$stderr" ]
	written tank/a 1
	snap -w -i 1h tank tank/a
	[ "${#lines[@]}" -eq 2 ]
}

# incomplete DATASET: its first receive is not complete.
incomplete() {
	sed -i "s/^\($(sed 's,/,\\/,g' <<< "$1")|filesystem.*\)/\1|1/" pools
}

@test "what is being received for the first time is passed over, and said" {
	incomplete tank/c
	snap -r -b 'cat > before' tank
	[ "$status" -eq 0 ]
	[ "$stderr" = 'zr-snap: tank/c: no snapshot of it can be taken, as its first receive is not complete' ]
	[ "${#lines[@]}" -eq 3 ]
	[ "$(taken)" = "[-r] [tank@${lines[0]#*@}]" ]
	run ! grep tank/c before
	# Something is below it, or it was given: named, one by one.
	incomplete tank/a
	snap -r tank
	[ "$status" -eq 0 ]
	[ "$(taken)" = "[tank@${lines[0]#*@}] [tank/a/b@${lines[0]#*@}]" ]
	snap -r tank/a tank/c other
	[ "$status" -eq 1 ]
	[ "${#lines[@]}" -eq 3 ]
	snap tank/c
	[ "$status" -eq 1 ]
	[ -z "$output" ]
	[ "$(wc -l < calls)" -eq 1 ]
	snap -r -x tank/a -x tank/c tank
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
}

@test "options that make no sense, one line each" {
	wrong() {
		snap "${@:2}"
		[ "$status" -eq 100 ]
		[ "$stderr" = "zr-snap: $1" ] || { echo "$stderr"; false; }
		[ ! -s calls ]
	}
	wrong '-F is for -b' -F -a true tank
	wrong '-t is for -a and -b' -t 3 tank
	wrong '-t wants seconds, 1 to 86400, not 0' -t 0 -a true tank
	wrong '-x is for -r' -x tank/a tank
	wrong '-x other is not below any of the datasets' -r -x other tank
	wrong '-x tank leaves nothing of tank/a' -r -x tank tank/a
	wrong '-i wants a number and one of s m h d w, not 1' -i 1 tank
	wrong '-i wants a number and one of s m h d w, not 1h30m' -i 1h30m tank
	wrong '-i wants a number and one of s m h d w, not 0h' -i 0h tank
	wrong 'a DATASET is missing after the options' -r
	wrong 'tank@a: not a name of a filesystem or volume' tank@a
	wrong 'tank#a: not a name of a filesystem or volume' -r -x 'tank#a' tank
	wrong 'tank/: not a name of a filesystem or volume' tank/
	wrong '-r stands where a dataset is expected, which does not begin with "-": options come first' tank -r
	snap -p a/b tank
	[ "$status" -eq 100 ]
	stderr_has 'is not a valid name for a snapshot'
	snap -f weekly tank
	[ "$status" -eq 100 ]
	stderr_has 'weekly is neither dense, human, iso-8601 or unix-seconds nor a format for strftime(3)'
}

@test "zfs that cannot be run, fails, or prints what it was not asked for" {
	ZR_ZFS=./missing run -127 zr-snap tank
	ZR_ZFS=. run -126 zr-snap tank
	echo 'echo "internal error" >&2; exit 1' > fail-get
	snap tank
	[ "$status" -eq 1 ]
	[ "$stderr" = 'zr-snap: internal error' ]
	echo "printf 'tankx\ttype\tfilesystem\t-\n'; exit" > fail-get
	snap tank
	[ "$status" -eq 1 ]
	stderr_has 'zfs get printed tankx, which it was not asked for'
	echo 'exit 0' > fail-get
	snap tank
	[ "$status" -eq 1 ]
	stderr_has 'zfs get printed nothing of 1 of the datasets'
	echo "printf 'tank\ttype\tfilesystem\t-\ntank\ttype\tfilesystem\t-\n'; exit" > fail-get
	snap tank
	[ "$status" -eq 1 ]
	stderr_has 'zfs get printed tank twice'
	echo "printf 'tank\ttype\tfilesystem\t-\ntank\twritten\tmuch\t-\n'; exit" > fail-get
	snap -w tank
	[ "$status" -eq 1 ]
	stderr_has 'zfs get printed "much" as written of tank'
	nothing_taken
	rm fail-get
	echo 'echo "cannot create snapshots : permission denied" >&2; exit 1' > fail-snapshot
	snap tank
	[ "$status" -eq 1 ]
	stderr_has 'hint: '
	echo 'kill -9 $$' > fail-snapshot
	snap tank other
	[ "$status" -eq 1 ]
	stderr_has 'zfs snapshot was ended by signal 9'
	[ -z "$output" ]
}

@test "standard output that is full is an error" {
	: > calls
	run -111 --separate-stderr sh -c 'zr-snap tank > /dev/full'
	[ "$stderr" = 'zr-snap: write: No space left on device' ]
}

@test "-H takes them on another host, in one command; without a connection the status is ssh's and nothing is taken" {
	cat > ssh <<-'END'
	#!/bin/sh
	# The login shell of the other host: it gets one string.
	printf '%s\n' "$*" >> hosts
	for last; do :; done
	exec sh -c "$last"
	END
	chmod +x ssh
	ZR_SSH=$PWD/ssh snap -r -H me@far tank
	[ "$status" -eq 0 ]
	[ "${#lines[@]}" -eq 4 ]
	[ "$(taken)" = "[-r] [tank@${lines[0]#*@}]" ]
	run -0 grep -c -e '-- me@far ' hosts
	[ "$output" -eq 2 ]

	printf '#!/bin/sh\necho "ssh: connect to host far port 22: Connection refused" >&2\nexit 255\n' > ssh
	pools tank
	ZR_SSH=$PWD/ssh snap -H far tank
	[ "$status" -eq 255 ]
	[[ "$stderr" == *"far"*"Connection refused"* ]]
	[ "$(wc -l <<< "$stderr")" -eq 1 ]
	nothing_taken
	snap -H '-x' tank
	[ "$status" -eq 100 ]
}
