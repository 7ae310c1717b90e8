# Shared by the bats files here, which run in the machine: `load zfs_helper`.
load ../lib/helper
export LC_ALL=C.UTF-8

# make_pool NAME [OPTION OF zpool create...]: a pool in a file, mounted below
# ./NAME; gone at the end of the test (or of the file, made in setup_file).
make_pool() {
	local directory=${BATS_TEST_TMPDIR:-$BATS_FILE_TMPDIR}
	truncate -s "${POOL_SIZE:-1G}" "$directory/$1.pool"
	echo "$1" >> "$directory/pools"
	zpool create -O "mountpoint=$directory/$1" "${@:2}" "$1" "$directory/$1.pool"
}

# What the test started ends first: it may keep a pool busy.
destroy_pools() {
	local pool
	[ -e "$1/pools" ] || return 0
	while read -r pool; do
		zpool list -H "$pool" > /dev/null 2>&1 || continue
		eventually 20 zpool destroy -f "$pool" || echo "# $pool stays" >&3
	done < "$1/pools"
}

teardown() {
	end_children
	cd /
	destroy_pools "$BATS_TEST_TMPDIR"
}

teardown_file() {
	destroy_pools "$BATS_FILE_TMPDIR"
}

# create_all: filesystems whose names are the lines of standard input.  A process for
# each would take a minute.
create_all() {
	/usr/bin/python3 -c 'if True:
		import ctypes, sys
		core = ctypes.CDLL("libzfs_core.so.3")
		assert core.libzfs_core_init() == 0
		for name in sys.stdin.buffer.read().splitlines():
		    assert core.lzc_create(name, 2, None, None, 0) == 0, name'
}

# snapshot_all: snapshots, in the same way.
snapshot_all() {
	/usr/bin/python3 -c 'if True:
		import ctypes, sys
		core, nvpair = ctypes.CDLL("libzfs_core.so.3"), ctypes.CDLL("libnvpair.so.3")
		nvpair.fnvlist_alloc.restype = ctypes.c_void_p
		assert core.libzfs_core_init() == 0
		for name in sys.stdin.buffer.read().splitlines():
		    names, errors = ctypes.c_void_p(nvpair.fnvlist_alloc()), ctypes.c_void_p()
		    nvpair.fnvlist_add_boolean(names, name)
		    assert core.lzc_snapshot(names, None, ctypes.byref(errors)) == 0, name
		    nvpair.fnvlist_free(names)'
}

# property NAME DATASET
property() {
	zfs get -Hpo value "$1" "$2"
}

guid_of() {
	property guid "$1"
}

# snapshots_of DATASET: "NAME GUID" a line, oldest first; bookmarks_of: too.
snapshots_of() {
	versions_of snapshot "$1"
}

bookmarks_of() {
	versions_of bookmark "$1"
}

versions_of() {
	zfs list -Hpo name,guid -s createtxg -t "$1" "$2" | sed 's/^[^@#]*[@#]//' | tr '\t' ' '
}

# holds_of DATASET: "SNAPSHOT TAG" a line, sorted; holds_of DATASET@SNAPSHOT too.
holds_of() {
	local snapshots
	case $1 in
	*@*) snapshots=("$1") ;;
	*) mapfile -t snapshots < <(zfs list -Ho name -t snapshot "$1") ;;
	esac
	[ ${#snapshots[@]} -eq 0 ] ||
	zfs holds -H "${snapshots[@]}" | awk -F '\t' '{ sub(/^[^@]*@/, "", $1); print $1, $2 }' | sort
}

# fs_digest DATASET@SNAPSHOT: one line that says what is in it, the same on
# every pool: names, kinds, modes, owners, times and contents.
fs_digest() {
	local directory
	if [ "$(zfs get -Ho value volsize "${1%@*}")" != - ]; then
		volume_digest "$1"
		return
	fi
	directory=$(mktemp -d)
	mount -t zfs -o ro "$1" "$directory" || return
	(
		cd "$directory" || exit
		find . -printf '%P\t%y %m %U %G %s %T@ %l\n' | sort
		find . -type f -print0 | sort -z | xargs -0 -r sha256sum
	) | sha256sum | cut -d ' ' -f 1
	umount "$directory"
	rmdir "$directory"
}

# A volume's contents, by way of a clone.  There is no udev to name devices.
volume_digest() {
	local clone=${1%%[/@]*}/digest.$BASHPID
	zfs clone "$1" "$clone" || return
	eventually 20 device_of "$clone" > /dev/null
	sha256sum < "$(device_of "$clone")" | cut -d ' ' -f 1
	eventually 20 zfs destroy "$clone"
}

# device_of VOLUME
device_of() {
	local device
	for device in /dev/zd*; do
		if [ -b "$device" ] && [ "$(/lib/udev/zvol_id "$device")" = "$1" ]; then
			echo "$device"
			return
		fi
	done
	return 1
}

# version DATASET@SNAPSHOT, version DATASET#BOOKMARK: as a FilesystemVersion;
# null without an argument.  (No name that ZFS allows needs quoting in JSON; and
# processes are slow in the machine.)
version() {
	local name guid createtxg creation type=Snapshot
	[ -n "${1-}" ] || { printf null; return; }
	IFS=$'\t' read -r name guid createtxg creation \
	    < <(zfs list -Hpo name,guid,createtxg,creation -t snapshot,bookmark "$1") || return
	[[ $name != *'#'* ]] || type=Bookmark
	TZ=UTC printf '{"Type":"%s","Name":"%s","Guid":"%s","CreateTXG":"%s","Creation":"%(%FT%TZ)T"}' \
	    $type "${name##*[@#]}" "$guid" "$createtxg" "$creation"
}

# send_request FROM TO [TOKEN [FILESYSTEM]]: FROM may be empty.
# receive_request TO FILESYSTEM.  Both with the guarantee $GUARANTEE.
send_request() {
	printf '{"Filesystem":"%s","From":%s,"To":%s,"ResumeToken":"%s","ReplicationConfig":%s}\n' \
	    "${4-${2%@*}}" "$(version "$1")" "$(version "$2")" "${3-}" "$(protection)"
}

receive_request() {
	printf '{"Filesystem":"%s","To":%s,"ReplicationConfig":%s}\n' "$2" "$(version "$1")" "$(protection)"
}

protection() {
	printf '{"protection":{"Initial":"%s","Incremental":"%s"}}' \
	    "${GUARANTEE:=GuaranteeResumability}" "$GUARANTEE"
}

# The stream of an endpoint's Send, without the answer before it.
stream_of() {
	"$@" | { read -r _; cat; }
}

# random BYTES FILE: the same contents for the same arguments.
random() {
	openssl enc -aes-128-ctr -pass "pass:$2" -nosalt -md sha256 < /dev/zero 2>/dev/null |
	head -c "$1" > "$2"
}

# --- replication: pools src and dst ---

SENDER="zr-endpoint sender -j job -f '<'"
RECEIVER='zr-endpoint receiver -j job -e inherit -c client dst'
STEP_TAG=zrepl_STEP_J_job
RECEIVED_TAG=zrepl_last_received_J_job

two_pools() {
	make_pool src
	make_pool dst
}

# at DATASET[@SNAPSHOT]: what it becomes on the receiver.
at() {
	echo "dst/client/$1"
}

# cursor SNAPSHOT, tentative SNAPSHOT: the bookmark's name
cursor() {
	printf 'zrepl_CURSOR_G_%016x_J_job\n' "$(guid_of "$1")"
}

tentative() {
	printf 'zrepl_CURSORTENTATIVE__G_%016x_J_job\n' "$(guid_of "$1")"
}

# slow_sender COMMANDS: ./slow-sender is $SENDER, but each of its streams goes through
# these.
slow_sender() {
	cat > slow-sender <<-END
		#!/bin/bash
		[ "\${@: -1}" = Send ] || exec $SENDER "\$@"
		$SENDER "\$@" | {
			IFS= read -r line; echo "\$line"
			$1
		}
	END
	chmod +x slow-sender
}

# sender METHOD REQUEST, receiver METHOD REQUEST
sender() {
	sh -c "$SENDER"' "$@"' zr "$@"
}

receiver() {
	sh -c "$RECEIVER"' "$@"' zr "$@"
}

# step FROM TO [TOKEN]: one step of replication, FROM "" for a full send.
step() {
	zr-step -s "$SENDER" -r "$RECEIVER" "$(send_request "$@")"
}

# The receiver's resume token for a filesystem of the sender; "" without one.
token_of() {
	receiver ListFilesystems '{}' |
	    jq -r --arg name "$1" '.Filesystems[]? | select(.Path == $name) | .ResumeToken // ""'
}

# same_guid SNAPSHOT, same_snapshot SNAPSHOT (the contents too, which takes
# longer): it is on both sides.
same_guid() {
	[ "$(guid_of "$1")" = "$(guid_of "$(at "$1")")" ]
}

same_snapshot() {
	same_guid "$1" && [ "$(fs_digest "$1")" = "$(fs_digest "$(at "$1")")" ]
}

# write_volume VOLUME SEEK: 1 MiB of random bytes, SEEK blocks of 64 KiB in
write_volume() {
	eventually 20 device_of "$1" > /dev/null
	random 1048576 blob
	dd if=blob of="$(device_of "$1")" bs=64k "seek=$2" conv=fsync,notrunc status=none
}

# count_zfs, in setup: then "counted COMMAND..." runs it and tells in $processes
# how many zfs(8) it took; their arguments are in the file ran.
count_zfs() {
	cat > counted-zfs <<-END
		#!/bin/sh
		echo "\$*" >> '$PWD/ran'
		exec zfs "\$@"
	END
	chmod +x counted-zfs
}

counted() {
	: > ran
	ZR_ZFS=$PWD/counted-zfs "$@"
	processes=$(wc -l < ran)
}

# --- interruptions ---

# The processes of a session, the one that leads it included.
processes_of() {
	ps -o pid= -s "$1" 2>/dev/null
}

session_ended() {
	[ -z "$(processes_of "$1")" ]
}

# What zr runs as zfs(8) where a stream shall last for some seconds.  Once one is
# being received there is a file "receiving".  While there is a file "pause", a
# stream stops after as many pieces as that says, and makes the file "paused".
slow_zfs() {
	cat > slow-zfs <<-END
		#!/bin/bash
		set -o pipefail
		cd '$PWD'
		case "\$1 \$2" in
		'recv -A') ;;
		recv*) : > receiving ;;
		esac
		[ "\$1" = send ] || exec zfs "\$@"
		zfs "\$@" | perl -e '
		    \$left = -e "pause" ? \`cat pause\` : -1;
		    sub pause { select undef, undef, undef, 0.04 }
		    while (sysread STDIN, \$piece, 65536) {
			syswrite STDOUT, \$piece;
			pause;
			next if --\$left;
			open FILE, ">paused";
			pause while -e "pause";
		    }'
	END
	chmod +x slow-zfs
	export ZR_ZFS=$PWD/slow-zfs
}

# Has a stream stopped that is being received, or is the step that would do it over?
streaming() {
	{ [ -e receiving ] && [ -e paused ]; } || ! kill -0 "$1" 2> /dev/null
}

# interrupted_step SECONDS FROM TO TOKEN: a step in which something is killed
# that runs for it, within so many seconds, or, every other time, somewhere in
# the stream.  Exit status: the step's.  $flowing counts those that failed after
# their stream had begun.
interrupted_step() {
	local request session victims status seconds=$1
	request=$(send_request "${@:2}")
	rm -f receiving paused
	if ((RANDOM % 2)); then
		echo $((RANDOM % 12 + 1)) > pause
	fi
	setsid zr-step -s "$SENDER" -r "$RECEIVER" "$request" > /dev/null 2> step.err 3>&- &
	session=$!
	if [ -e pause ]; then
		eventually 120 streaming $session
		seconds=0.2
	fi
	sleep "$(awk -v seconds="$seconds" -v part=$((RANDOM % 1000)) 'BEGIN { print seconds * part / 1000 }')"
	mapfile -t victims < <(processes_of $session)
	if [ ${#victims[@]} -gt 0 ]; then
		kill "-$((RANDOM % 2 ? 9 : 15))" "${victims[RANDOM % ${#victims[@]}]}" 2>/dev/null || true
	fi
	rm -f pause
	wait $session
	status=$?
	[ $status -eq 0 ] || [ ! -e receiving ] || flowing=$((flowing + 1))
	# A remote end, or what a killed process left, may take its time.
	eventually 60 session_ended $session || { kill -9 $(processes_of $session); return 99; }
	return $status
}

# Have as many steps failed as shall, half of them in their stream, and was one resumed?
enough() {
	[ $interrupted -ge "$count" ] && [ $flowing -ge $((count / 2)) ] && [ $resumed -gt 0 ]
}

# interruptions COUNT FILESYSTEM: snapshots of a filesystem or volume are
# replicated, one after the other, each step tried until it succeeds, until
# enough have been interrupted.  "change" makes the next snapshot differ.
# ZR_TEST_INTERRUPTIONS is another count, for a quick look.
interruptions() {
	local count=${ZR_TEST_INTERRUPTIONS:-$1} filesystem=$2 number=1 from='' interrupted=0 flowing=0 resumed=0 tries=0 began took token
	RANDOM=${ZR_TEST_SEED:=$RANDOM}
	echo "ZR_TEST_SEED=$ZR_TEST_SEED"
	slow_zfs
	change 1
	zfs snapshot "$filesystem@1"
	began=$EPOCHREALTIME
	step '' "$filesystem@1"
	took=$(awk -v from="$began" -v to="$EPOCHREALTIME" 'BEGIN { print to - from }')
	until enough || [ $tries -ge $((count * 4 + 10)) ]; do
		if zfs list "$(at "$filesystem@$number")" > /dev/null 2>&1; then
			from=$filesystem@$number
			number=$((number + 1))
			change $number
			zfs snapshot "$filesystem@$number"
		fi
		token=$(token_of "$filesystem")
		[ -z "$token" ] || resumed=$((resumed + 1))
		tries=$((tries + 1))
		if ! interrupted_step "$took" "$from" "$filesystem@$number" "$token"; then
			interrupted=$((interrupted + 1))
		fi
		# The receiver's last snapshot can be the base of the next step.
		[[ "$(holds_of "$(at "$filesystem")")" == *" $RECEIVED_TAG"* ]] || {
			echo "no last-received hold after:"
			cat step.err
			return 1
		}
	done
	echo "$interrupted of $tries steps interrupted, $flowing of them in their stream, $resumed resumed, $number snapshots"
	enough

	# What is missing, and one more in peace.
	if ! zfs list "$(at "$filesystem@$number")" > /dev/null 2>&1; then
		step "$from" "$filesystem@$number" "$(token_of "$filesystem")"
	fi
	zfs snapshot "$filesystem@last"
	step "$filesystem@$number" "$filesystem@last"
	[ "$(snapshots_of "$filesystem")" = "$(snapshots_of "$(at "$filesystem")")" ]
	[ -z "$(token_of "$filesystem")" ]
	[ -z "$(holds_of "$filesystem")" ]
	[ "$(bookmarks_of "$filesystem" | cut -d ' ' -f 1)" = "$(cursor "$filesystem@last")" ]
	[ "$(holds_of "$(at "$filesystem")")" = "last $RECEIVED_TAG" ]
}
