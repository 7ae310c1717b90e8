# The errors that people meet every day, on real ZFS: each with zfs's own words
# and one line that says what to do.
load zfs_helper

setup() {
	enter_directory || return
	two_pools
	zfs create src/data
	random 300000 src/data/file
	zfs snapshot src/data@1
}

# advised WORDS ADVICE COMMAND...: it fails with both.
advised() {
	run -1 --separate-stderr "${@:3}"
	stderr_has "$1"
	stderr_has 'hint: '
	stderr_has "$2"
}

@test "for a held snapshot the log has the hold, and the command that releases it" {
	zfs hold 'my tag' src/data@1
	request="{\"Filesystem\":\"src/data\",\"Snapshots\":[$(version src/data@1)]}"
	run -0 --separate-stderr sender DestroySnapshots "$request"
	[ "$(jq -r '.Results[0].Error' <<< "$output")" = 'dataset is busy' ]
	stderr_has "log: cannot destroy snapshot"
	stderr_has "the hold my tag keeps src/data@1"
	expected="{\"Results\":[{\"Snapshot\":$(version src/data@1 | jq -c 'del(.Type)')}]}"
	command=$(grep -o '"zfs release.*"' <<< "$stderr")
	eval "${command//\"/}"
	run -0 --separate-stderr sender DestroySnapshots "$request"
	[ "$output" = "$expected" ]
	[ -z "$stderr" ]
}

@test "there is advice for a destination that was modified or lacks the base" {
	step '' src/data@1
	zfs snapshot src/data@2
	zfs set mountpoint="$PWD/there" dst/client/src/data
	echo mine > there/mine
	advised 'has been modified' 'zfs rollback' step src/data@1 src/data@2
	# The log's can be done as it stands; the peer's fits nothing of its own.
	stderr_has 'log: hint: something wrote to it'
	stderr_has 'zfs set readonly=on dst/client/src/data'
	stderr_has 'hint: on the receiver: something wrote to it'
	stderr_has 'zfs set readonly=on FILESYSTEM'
	[[ $stderr != *'readonly=on src/data'* ]]
	[ "$(cat there/mine)" = mine ]
	zfs rollback dst/client/src/data@1
	zfs snapshot src/data@3
	advised 'match incremental source' 'name,guid dst/client/src/data' step src/data@2 src/data@3
	zfs create dst/client/src/other
	zfs create src/other
	zfs snapshot src/other@1
	advised 'must specify -F to overwrite it' 'rename dst/client/src/other to' step '' src/other@1
	[[ $stderr != *destroy* ]]
	[[ $stderr != *'rename src/other'* ]]
	[ "$(snapshots_of dst/client/src/data | cut -d ' ' -f 1)" = 1 ]
}

@test "there is advice for a key that is not loaded, on either side" {
	random 32 key
	zfs create -o encryption=on -o keyformat=raw -o "keylocation=file://$PWD/key" src/secret
	zfs snapshot src/secret@1
	zfs unmount src/secret
	zfs unload-key src/secret
	advised 'key must be loaded' 'zfs load-key' step '' src/secret@1
	zfs create -o encryption=on -o keyformat=raw -o "keylocation=file://$PWD/key" -o mountpoint=none dst/other
	zfs unload-key dst/other
	RECEIVER='zr-endpoint receiver -j job -e inherit -c other dst'
	advised 'key' 'zfs load-key' step '' src/data@1
}

@test "there is advice for a full pool, and a quota that is used up" {
	step '' src/data@1
	random 60000000 src/data/large
	zfs snapshot src/data@2
	zfs set quota=20M dst/client
	advised 'quota exceeded' 'zfs get -r quota,refquota dst' step src/data@1 src/data@2
	zfs set quota=none dst/client
	zfs create -o mountpoint=none -o reservation=$(($(property available dst) - 20000000)) dst/reserved
	advised 'out of space' 'zfs list -o space -r dst' step src/data@1 src/data@2
	zfs destroy dst/reserved
	# What had come is not lost.
	token=$(token_of src/data)
	[ -n "$token" ]
	step src/data@1 src/data@2 "$token"
	same_snapshot src/data@2
}

@test "there is advice for a pool that is missing, is read-only, or has failed devices" {
	zpool export dst
	run -1 --separate-stderr step '' src/data@1
	stderr_has 'pool "dst" not imported'
	zpool import -o readonly=on -d "$PWD" dst
	advised 'read-only' 'readonly=on' step '' src/data@1
	# A device that has no room where it claims to have some fails.
	mkdir small
	mount -t tmpfs -o size=24m tmpfs small
	truncate -s 1G small/bad.pool
	zpool create -O mountpoint="$PWD/bad" bad "$PWD/small/bad.pool"
	zfs snapshot bad@1
	request=$(send_request '' bad@1)
	(random 60000000 bad/file; sync) 3>&- &
	children+=($!)
	suspended() {
		[ "$(zpool list -Ho health bad)" = SUSPENDED ]
	}
	eventually 60 suspended
	run --separate-stderr sender Send "$request"
	# First of all the pool has to work again, or nothing can be cleaned up.
	mount -o remount,size=200m small
	zpool clear bad
	wait "${children[-1]}"
	[ "$status" -eq 1 ]
	stderr_has 'pool I/O is currently suspended'
	stderr_has 'hint: on the sender: its devices failed: see "zpool status bad"'
	sender Send "$request" > stream
	zpool destroy -f bad
	umount small
}

@test "there is advice for a raw increment after a plain one" {
	random 32 key
	zfs create -o encryption=on -o keyformat=raw -o "keylocation=file://$PWD/key" src/secret
	for i in 1 2 3; do
		random 300000 src/secret/$i
		zfs snapshot src/secret@$i
	done
	plain=$SENDER raw="$SENDER -E"
	SENDER=$raw step '' src/secret@1
	zfs load-key -L "file://$PWD/key" "$(at src/secret)"
	SENDER=$plain step src/secret@1 src/secret@2
	SENDER=$raw advised 'IV set guid mismatch' 'the last snapshot came in a plain stream' step src/secret@2 src/secret@3
	# Either way out of it.
	SENDER=$plain step src/secret@2 src/secret@3
	zfs release "$RECEIVED_TAG" "$(at src/secret@3)"
	zfs rollback -r "$(at src/secret@1)"
	SENDER=$raw step src/secret@1 src/secret@3
	same_guid src/secret@3
}

@test "there is advice for a renamed snapshot whose name was used again" {
	step '' src/data@1
	zfs rename src/data@1 src/data@old
	random 300000 src/data/new
	zfs snapshot src/data@1
	run -1 --separate-stderr step src/data@old src/data@1
	stderr_has '"src/data@1" already exists, with guid'
	stderr_has 'on the receiver rename the old one as it was renamed there'
	zfs rename "$(at src/data@1)" "$(at src/data@old)"
	step src/data@old src/data@1
	same_snapshot src/data@1
}

@test "there is advice for data that the sender cannot read" {
	POOL_SIZE=100M make_pool bad -O compression=off
	yes 'a line that is easy to find' | head -c 1000000 > bad/file
	zfs snapshot bad@1
	zpool export bad
	perl -0777 -pi -e 's/(a line that is easy to find\n){100}/"x" x length $&/ge' bad.pool
	zpool import -d "$PWD" bad
	advised "cannot send 'bad@1': Input/output error" 'zpool status -v bad' step '' bad@1
	stderr_has 'trying again does not heal that'
}
