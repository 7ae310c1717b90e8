# Few processes, destroying snapshots, and what the filter hides.
load zfs_helper

setup() {
	enter_directory || return
	count_zfs
}

@test "a whole step runs zfs as often as the manual page says" {
	two_pools
	zfs create src/data
	zfs snapshot src/data@1
	zfs snapshot src/data@2
	zfs snapshot src/data@3
	zfs snapshot src/data@4
	step '' src/data@1
	request=$(send_request src/data@1 src/data@2)
	counted zr-step -s "$SENDER" -r "$RECEIVER" "$request"
	cat ran
	[ "$processes" -eq 11 ]
	# The first without a guarantee removes the cursor and the hold of the last one.
	GUARANTEE=GuaranteeNothing
	step src/data@2 src/data@3
	request=$(send_request src/data@3 src/data@4)
	counted zr-step -s "$SENDER" -r "$RECEIVER" "$request"
	cat ran
	[ "$processes" -eq 5 ]
}

# destroy ROLE FILESYSTEM VERSION...: "NAME: ERROR" a line
destroy() {
	jq -cn --arg fs "$2" '{Filesystem: $fs, Snapshots: $ARGS.positional}' --jsonargs "${@:3}" |
	"$1" DestroySnapshots | jq -r '.Results[] | "\(.Snapshot.Name): \(.Error // "")"'
}

# as NAME [GUID]: what a client says of a snapshot that need not be there
as() {
	printf '{"Name":"%s","Guid":"%s","CreateTXG":"1","Creation":"2026-11-22T10:43:50Z"}' "$1" "${2-0}"
}

@test "held, cloned, missing or changed snapshots do not stop the destruction of others" {
	make_pool src
	zfs create src/data
	for i in free held cloned other last; do
		zfs snapshot "src/data@$i"
	done
	zfs hold keep src/data@held
	zfs clone src/data@cloned src/clone
	result=$(destroy sender src/data "$(version src/data@free)" "$(version src/data@held)" \
	    "$(version src/data@cloned)" "$(as missing)" "$(as other 7)" "$(as last)")
	echo "$result"
	[ "$(grep ^free: <<< "$result")" = "free: " ]
	[ "$(grep ^held: <<< "$result")" = "held: dataset is busy" ]
	[[ "$(grep ^cloned: <<< "$result")" == "cloned: "*clone* ]]
	[ "$(grep ^missing: <<< "$result")" = 'missing: dataset "src/data@missing" does not exist' ]
	[[ "$(grep ^other: <<< "$result")" == *"has guid $(guid_of src/data@other), not 7" ]]
	[ "$(grep ^last: <<< "$result")" = "last: " ]
	[ "$(snapshots_of src/data | cut -d ' ' -f 1 | xargs)" = "held cloned other" ]

	RECEIVER='zr-endpoint receiver -n -j job src'
	result=$(destroy receiver data "$(as held)" "$(as gone)")
	[ "$(grep ^held: <<< "$result")" = "held: dataset is busy" ]
	[ "$(grep ^gone: <<< "$result")" = 'gone: dataset "data@gone" does not exist' ]
	zfs release keep src/data@held
}

@test "names that zfs would take for several snapshots destroy nothing" {
	make_pool src
	zfs create src/data
	for i in a b c; do
		zfs snapshot "src/data@$i"
	done
	for name in a%c a,b % '' %c ../x@a a@b; do
		run destroy sender src/data "$(as "$name")"
		[ "$(snapshots_of src/data | wc -l)" -eq 3 ]
	done
	zfs bookmark src/data@a src/data#mark
	run -1 --separate-stderr sender DestroySnapshots \
	    "{\"Filesystem\":\"src/data\",\"Snapshots\":[$(version src/data@a),$(version src/data#mark)]}"
	stderr_has 'version "mark" is not a snapshot'
	[ "$(snapshots_of src/data | wc -l)" -eq 3 ]
}

@test "denied filesystems do not exist; those below an allowed entry do" {
	make_pool src
	zfs create src/a
	zfs create src/a/b
	zfs create src/ab
	zfs snapshot -r src@1
	SENDER="zr-endpoint sender -j job -f 'src/a<' -f '!src/a/b'"
	[ "$(sender ListFilesystems '{}' | jq -r '[.Filesystems[].Path] | join(" ")')" = src/a ]
	sender ListFilesystemVersions '{"Filesystem":"src/a"}'
	for name in src src/ab src/a/b src/a/../ab src/a/ src//a; do
		run -1 --separate-stderr sender ListFilesystemVersions "{\"Filesystem\":\"$name\"}"
		[[ "$stderr" == *"does not allow access to filesystem $name"* || "$stderr" == *"is not the name of"* ]]
	done
	run -1 sender DestroySnapshots "{\"Filesystem\":\"src/ab\",\"Snapshots\":[$(version src/ab@1)]}"
	run -1 sender SendDry "$(send_request '' src/ab@1)"
	run -1 sender Send "$(send_request '' src/a/b@1)"
	[ "$(zfs list -Ho name -t snapshot | wc -l)" -eq 4 ]
}
