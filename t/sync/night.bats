# examples/nightly and its units, with stand-ins for the programs; t/zfs/64-night.bats has
# the real ones.
load ../lib/helper

# Each program writes its arguments to ./ran and ends with what is in ./NAME.status.
setup() {
	enter_directory || return
	mkdir bin
	for name in zr-snap zr-sync zr-prune zr-list zr-check; do
		cat > bin/$name <<-END
			#!/bin/sh
			echo "$name \$*" >> '$PWD/ran'
			echo "$name says" | sed p
			[ ! -e '$PWD/$name.status' ] || exit "\$(cat '$PWD/$name.status')"
		END
		chmod +x bin/$name
	done
	sed "s|^PATH=|PATH=$PWD/bin:|" "$TOP/examples/nightly" > night
	chmod +x night
	mkdir state
	export STATE_DIRECTORY=$PWD/state
}

@test "a night takes snapshots, brings them to the other host, prunes and checks; it is silent" {
	run -0 ./night
	[ -z "$output" ]
	diff - <(sort ran) <<-'END'
		zr-check -p ^zr_ -c 3h -M tank/web=pool/web web.here web.there
		zr-list -e zr-endpoint sender -H backup -f 'pool/web<'
		zr-list -e zr-endpoint sender -j web -f 'tank/web<'
		zr-prune -y -J web -e zr-endpoint sender -j web -f 'tank/web<' -k not_replicated -k not_regex ^zr_ -k grid ^zr_ 1x1h(keep=all) | 24x1h | 14x1d
		zr-snap -r tank/web
		zr-sync -q -e web -J web tank/web backup:pool/web
	END
	# Of each, twice; zr-list's are the listings.
	[ "$(grep -c says state/web.log)" -eq 8 ]
}

@test "all parts run if one fails, and what it says is shown; the first failure is the exit status" {
	for name in zr-snap zr-sync zr-prune; do
		echo 7 > $name.status
		echo 2 > zr-check.status
		rm -f ran
		run -7 --separate-stderr ./night
		[ "$(wc -l < ran)" -eq 6 ]
		[ "$stderr" = "$name says
$name says
zr-check says
zr-check says" ]
		rm $name.status
	done
	run -2 ./night
	rm zr-check.status
	echo 99 > zr-list.status
	rm ran
	run -99 ./night
	run -1 grep zr-check ran
	export STATE_DIRECTORY=/dev/null/none
	run ! ./night
}

@test "for a target on this host there is no -H" {
	sed -i 's/host=backup/host=/' night
	run -0 ./night
	grep -qx "zr-list -e zr-endpoint sender  -f 'pool/web<'" ran
	grep -qx 'zr-sync -q -e .* -J web tank/web pool/web' ran
}

@test "the script passes shellcheck; its units are valid" {
	shellcheck "$TOP/examples/nightly"
	mkdir units
	mkdir -m 700 runtime
	for unit in "$TOP"/examples/systemd/zr-job@.*; do
		sed "s|/etc/zr/%i|$PWD/night|" "$unit" > "units/${unit##*/}"
	done
	XDG_RUNTIME_DIR=$PWD/runtime HOME=$PWD run systemd-analyze --user verify --man=no \
	    units/zr-job@.timer units/zr-job@.service
	[ "$status" -eq 0 ] || { echo "$output"; false; }
	[[ "$output" != *units/* ]] || { echo "$output"; false; }
	# The one unit starts the other.
	grep -qx OnCalendar=hourly units/zr-job@.timer
	run -0 systemd-analyze calendar hourly
}

@test "cron's line in the script runs it once at a time" {
	words=$(sed -n 's|^#	0 \* \* \* \* root ||p' "$TOP/examples/nightly")
	[ -n "$words" ]
	mkfifo go
	printf '#!/bin/sh\necho began >> %q\nread -r _ < %q\n' "$PWD/began" "$PWD/go" > job
	chmod +x job
	words=$(sed "s|/run/zr-NAME.lock|$PWD/lock|; s|/etc/zr/NAME|$PWD/job|" <<< "$words")
	background sh -c "$words"
	eventually 10 test -s began
	run -1 sh -c "$words"
	echo > go
	ended_with 0 "${children[-1]}"
	[ "$(wc -l < began)" -eq 1 ]
	grep -qF "0 * * * * root flock -n /run/zr-web.lock /etc/zr/web" "$TOP/man/zr-sync.1"
}
