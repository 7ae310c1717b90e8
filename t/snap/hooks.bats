# zr-snap: the commands before and after; with a stand-in for zfs (t/lib/snap.bash).
# Takes long
load ../lib/helper
load ../lib/snap

# A line for each thing that happens: zfs snapshot and the commands write it.
setup_order() {
	echo 'echo snapshot >> order' > fail-snapshot
	: > order
}

order() {
	[ "$(tr '\n' ' ' < order)" = "$1 " ] || { cat order; return 1; }
}

@test "each is run once for all, with names on standard input and zrepl's variables" {
	setup_order
	snap -r -t 7 -b 'echo before >> order; cat > before; env > environment' \
	    -a 'echo after >> order; cat > after; env > environment2' tank other/x other
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	name=${lines[0]#*@}
	order 'before snapshot snapshot after'
	diff before - <<-END
		other
		other/x
		tank
		tank/a
		tank/a/b
		tank/c
	END
	cmp before after
	diff <(grep -e ^ZREPL -e ^ZR_SNAPSHOT environment | sort) - <<-END
		ZREPL_DRYRUN=
		ZREPL_FS=tank
		ZREPL_HOOKTYPE=pre_snapshot
		ZREPL_SNAPNAME=$name
		ZREPL_TIMEOUT=7
		ZR_SNAPSHOT=$name
	END
	grep -qx ZREPL_HOOKTYPE=post_snapshot environment2
}

@test "they have our locale, and zfs its own" {
	echo 'echo "$LC_ALL" > zfs-locale' > fail-snapshot
	LC_ALL=C.UTF-8 snap -b 'echo "$LC_ALL" > locale' tank
	[ "$(cat locale)" = C.UTF-8 ]
	[ "$(cat zfs-locale)" = C ]
	unset LC_ALL
	snap -b 'echo "${LC_ALL-none}" > locale' tank
	[ "$(cat locale)" = none ]
	[ "$(cat zfs-locale)" = C ]
}

@test "-b fails: the snapshots are taken, -a is not run, status 1" {
	setup_order
	snap -b 'exit 3' -a 'echo after >> order' tank
	[ "$status" -eq 1 ]
	[ "$stderr" = 'zr-snap: -b ended with status 3' ]
	[ "${#lines[@]}" -eq 1 ]
	order snapshot
}

@test "-b fails with -F: nothing is taken" {
	setup_order
	snap -F -b 'echo why; exit 3' -a 'echo after >> order' tank
	[ "$status" -eq 1 ]
	[ "${stderr_lines[0]}" = 'zr-snap: -b: why' ]
	[ "${stderr_lines[1]}" = 'zr-snap: -b ended with status 3' ]
	nothing_taken
	[ ! -s order ]
	snap -F -b true -a 'echo after >> order' tank
	[ "$status" -eq 0 ]
	order 'snapshot after'
}

@test "-b dies by a signal, or is a command that is not there" {
	snap -F -b 'kill -9 $$' tank
	[ "$status" -eq 1 ]
	[ "$stderr" = 'zr-snap: -b was ended by signal 9 (Killed)' ]
	nothing_taken
	snap -F -b 'no-such-command-anywhere' tank
	[ "$status" -eq 1 ]
	stderr_has 'zr-snap: -b ended with status 127'
	nothing_taken
	# No shell at all.
	printf '#!/bin/bash\nPATH=/usr/bin:/bin; exec ./zfs "$@"\n' > zfs-with-path
	chmod +x zfs-with-path
	run -1 --separate-stderr env "ZR_ZFS=$PWD/zfs-with-path" PATH=/nowhere \
	    "$ZR_BUILD/bin/zr-snap" -F -b true tank
	[ "$stderr" = 'zr-snap: -b: cannot execute sh: No such file or directory' ]
}

@test "-a fails: status 1; the snapshots are there" {
	snap -a 'exit 2' tank
	[ "$status" -eq 1 ]
	[ "$stderr" = 'zr-snap: -a ended with status 2' ]
	[ "${#lines[@]}" -eq 1 ]
}

@test "-a is run although zfs fails, also without -b" {
	echo 'echo snapshot >> order; echo no >&2; exit 1' > fail-snapshot
	snap -b 'echo before >> order' -a 'echo after >> order' tank
	[ "$status" -eq 1 ]
	[ "$stderr" = 'zr-snap: no' ]
	order 'before snapshot after'
	rm order
	snap -a 'echo after >> order' tank
	[ "$status" -eq 1 ]
	order 'snapshot after'
}

@test "-n runs them, and says so to them" {
	snap -n -b 'echo "$ZREPL_DRYRUN" > before' -a 'echo "$ZREPL_DRYRUN" > after' tank
	[ "$status" -eq 0 ]
	[ "$(cat before after)" = 'true
true' ]
	run ! grep ^snapshot calls
	snap -n -F -b false tank
	[ "$status" -eq 1 ]
	[ -z "$output" ]
}

@test "one that hangs is ended with its children, by SIGKILL if need be; -a is not run" {
	snap -t 1 -b 'sleep 60 & echo $! > child; echo $$ > pid; wait' -a 'touch after' tank
	[ "$status" -eq 1 ]
	[ "$stderr" = 'zr-snap: -b did not end within 1 s' ]
	eventually 5 gone "$(cat pid)"
	eventually 5 gone "$(cat child)"
	[ ! -e after ]
	[ "${#lines[@]}" -eq 1 ]
	snap -t 1 -F -b 'trap "" TERM; echo $$ > pid; while :; do sleep 1; done' tank
	[ "$status" -eq 1 ]
	stderr_has '-b did not end within 1 s'
	eventually 5 gone "$(cat pid)"
	nothing_taken_since
}

nothing_taken_since() {
	[ -z "$output" ]
	run ! grep ^snapshot calls
}

@test "one that is stopped is ended, too" {
	snap -t 1 -a 'echo $$ > pid; kill -STOP $$' tank
	[ "$status" -eq 1 ]
	stderr_has '-a did not end within 1 s'
	eventually 5 gone "$(cat pid)"
}

@test "-a is run if -b ended with 0, even too late" {
	snap -t 1 -b 'trap "exit 0" TERM; while :; do sleep 0.1; done' -a 'touch after' tank
	[ "$status" -eq 1 ]
	[ "${stderr_lines[-1]}" = 'zr-snap: -b did not end within 1 s' ]
	[ -e after ]
}

@test "what they print is shown line by line, in order, whatever it is" {
	snap -b 'echo one; echo two >&2; printf "\033[2Jthree\0four\n\n%5000d\nfive" 0' tank
	[ "$status" -eq 0 ]
	[ "${stderr_lines[0]}" = 'zr-snap: -b: one' ]
	[ "${stderr_lines[1]}" = 'zr-snap: -b: two' ]
	[ "${stderr_lines[2]}" = 'zr-snap: -b: \033[2Jthree?four' ]
	[ "${#stderr_lines[3]}" -eq $((4096 + 13)) ]
	[ "${#stderr_lines[4]}" -eq $((5000 - 4096 + 13)) ]
	[ "${stderr_lines[5]}" = 'zr-snap: -b: five' ]
	[ "${#lines[@]}" -eq 1 ]
}

@test "a flood is cut at 1 MiB, and the command still ends" {
	snap -b 'yes 1234567890 | head -c 20000000; echo end > end' tank
	[ "$status" -eq 0 ]
	[ -e end ]
	[ "${#stderr}" -lt 3000000 ]
	[ "$(grep -c '^zr-snap: -b: 1234567890$' <<< "$stderr")" -eq $((1048576 / 11)) ]
	[ "${stderr_lines[-1]}" = 'zr-snap: -b prints more than 1048576 bytes: the rest is not shown' ]
	snap -t 1 -b 'exec yes' tank
	[ "$status" -eq 1 ]
	stderr_has '-b did not end within 1 s'
	[ "${#lines[@]}" -eq 1 ]
}

@test "processes left behind are not waited for, and killed" {
	began=$SECONDS
	snap -b 'sleep 60 & echo $! > child' -a '(sleep 0.2; echo late) &' tank
	[ "$status" -eq 0 ]
	[ $((SECONDS - began)) -lt 10 ]
	eventually 5 gone "$(cat child)"
	[ "$stderr" = 'zr-snap: -a: late' ]
	# Without the output, too, and one that has left the group.
	snap -b 'sleep 60 > /dev/null 2>&1 & echo $! > child' tank
	eventually 5 gone "$(cat child)"
	snap -b 'setsid sh -c "echo \$\$ > stays; exec sleep 60" & until [ -s stays ]; do :; done' tank
	[ "$status" -eq 0 ]
	children+=("$(cat stays)")
	kill -0 "$(cat stays)"
}

@test "one that does not read its input, of any length, is no problem" {
	pools tank $(printf "tank/%04d-$(printf 'x%.0s' {1..150}) " {1..1000})
	: > calls
	cat > fail-snapshot <<< 'exit 0'
	snap -r -b 'exec 0<&-; true' -a 'sleep 0.3' tank
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	snap -r -b 'wc -l > count' tank
	[ "$(cat count)" -eq 1001 ]
	snap -r -b 'head -n 1 > first' tank
	[ "$status" -eq 0 ]
	[ "$(cat first)" = tank ]
}

# interrupted SIGNAL OPTION...: zr-snap in the background until there is a file "now",
# then the signal; its status is in $code.
interrupted() {
	rm -f now order
	: > calls
	background zr-snap "${@:2}" > out 2> err
	eventually 10 test -e now
	kill "-$1" "${children[-1]}"
	code=0
	wait "${children[-1]}" || code=$?
}

@test "a signal during -b ends it: no snapshot, no -a, 128+N" {
	for signal in TERM HUP; do
		interrupted "$signal" -b 'echo $$ > pid; : > now; sleep 60' -a 'echo after >> order' tank
		[ "$code" -eq $((128 + $(kill -l "$signal"))) ]
		eventually 5 gone "$(cat pid)"
		[ ! -e order ]
		[ ! -s out ]
		run ! grep ^snapshot calls
	done
}

@test "a signal during -b that ends with 0 all the same: no snapshot, but -a" {
	interrupted TERM -b 'trap "exit 0" TERM; : > now; while :; do sleep 0.1; done' -a 'echo after >> order' tank
	[ "$code" -eq 143 ]
	order after
	run ! grep ^snapshot calls
}

@test "a signal while zfs works: -a is run, 128+N" {
	echo 'trap "exit 1" TERM; : > now; while :; do sleep 0.1; done' > fail-snapshot
	interrupted TERM -b 'echo before >> order' -a 'echo after >> order' tank other
	[ "$code" -eq 143 ]
	order 'before after'
	[ "$(taken | wc -l)" -eq 1 ]
	[ ! -s out ]
	[ "$(cat err)" = 'zr-snap: ended by signal 15 (Terminated)' ]
}

# Is the signal no longer pending with the last that was put into the background?
noted() {
	local pending
	pending=$(awk '$1 == "ShdPnd:" { print $2 }' "/proc/${children[-1]}/status")
	(((16#$pending & (1 << ($(kill -l "$1") - 1))) == 0))
}

@test "a signal during -a does not end it; the second does" {
	interrupted TERM -b true -a ': > now; sleep 1; echo after >> order' tank
	[ "$code" -eq 143 ]
	order after
	[ "$(wc -l < out)" -eq 1 ]
	rm -f now order
	background zr-snap -a 'echo $$ > now; sleep 60; echo after >> order' tank > out 2> err
	eventually 10 test -s now
	kill "${children[-1]}"
	# The first one is noted before the second comes, and ends nothing.
	eventually 10 noted TERM
	kill -0 "$(cat now)"
	kill "${children[-1]}"
	ended_with 143 "${children[-1]}"
	[ ! -e order ]
	grep -qx 'zr-snap: -a was ended by signal 15 (Terminated)' err
}

@test "told to end while zfs worked, it ends -a at the next signal" {
	echo 'trap "exit 1" TERM; : > now; while :; do sleep 0.1; done' > fail-snapshot
	background zr-snap -a 'echo $$ > after; sleep 60; echo after >> order' tank > out 2> err
	eventually 10 test -e now
	kill "${children[-1]}"
	eventually 10 test -s after
	kill "${children[-1]}"
	ended_with 143 "${children[-1]}"
	grep -qx 'zr-snap: -a was ended by signal 15 (Terminated)' err
	[ ! -e order ]
}

# unkillable OPTION...: zr-snap in the background, whose SIGKILL has no effect.
unkillable() {
	background env LD_PRELOAD="$ZR_BUILD/t/no_kill.so" \
	    ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0" \
	    zr-snap "$@" > out 2> err
}

@test "told to end while zfs hangs, it ends zfs by SIGKILL, and -a is run" {
	echo 'trap "" TERM; echo $$ > pid; : > now; exec sleep 60' > fail-snapshot
	interrupted TERM -b 'echo before >> order' -a 'echo after >> order' tank other
	[ "$code" -eq 143 ]
	order 'before after'
	[ "$(taken | wc -l)" -eq 1 ]
	gone "$(cat pid)"
	[ "$(cat err)" = 'zr-snap: ended by signal 15 (Terminated)' ]
}

@test "even SIGKILL does not end zfs: it is left alone, and -a is run" {
	echo 'trap "" TERM; echo $$ > pid; : > now; exec sleep 60' > fail-snapshot
	unkillable -b 'echo before >> order' -a 'echo after >> order' tank other
	eventually 10 test -e now
	children+=("$(cat pid)")
	kill "${children[0]}"
	ended_with 143 "${children[0]}"
	order 'before after'
	[ "$(taken | wc -l)" -eq 1 ]
	kill -0 "$(cat pid)"
	[ "$(cat err)" = "zr-snap: ended by signal 15 (Terminated), but zfs snapshot cannot be ended: process $(cat pid)" ]
}

@test "even SIGKILL does not end a command: it is left alone" {
	unkillable -t 1 -F -b 'trap "" TERM; echo $$ > pid; exec sleep 60' tank
	eventually 10 test -s pid
	children+=("$(cat pid)")
	ended_with 1 "${children[0]}"
	kill -0 "$(cat pid)"
	grep -qx "zr-snap: -b cannot be ended: process $(cat pid)" err
	[ ! -s out ]
	run ! grep ^snapshot calls
}

@test "under nohup a hangup ends neither zfs nor a command" {
	echo ': > now; until [ -e go ]; do sleep 0.05; done' > fail-snapshot
	background sh -c "trap '' HUP; exec zr-snap -a 'echo after > order' tank" > out 2> err
	eventually 10 test -e now
	kill -HUP "${children[-1]}"
	touch go
	ended_with 0 "${children[-1]}"
	order after
	[ "$(wc -l < out)" -eq 1 ]
}
