# How many zfs and zpool processes things cost: zr-endpoint(1) promises.
load zfs_helper

setup() {
	enter_directory || return
	two_pools
	cat > counting-zfs <<-END
	#!/bin/sh
	echo "\$*" >> "$PWD/count"
	exec zfs "\$@"
	END
	chmod +x counting-zfs
	export ZR_ZFS=$PWD/counting-zfs
}

# costs NUMBER COMMAND...
costs() {
	local number=$1
	shift
	: > count
	"$@"
	[ "$(wc -l < count)" -eq "$number" ] || { cat count; return 1; }
}

@test "a step costs the expected zfs processes on all sides" {
	zfs create src/data
	for i in 1 2 3 4 5 6 7; do
		zfs snapshot "src/data@$i"
	done
	step '' src/data@1
	step src/data@1 src/data@2
	costs 11 step src/data@2 src/data@3
	same_snapshot src/data@3
	[ "$(bookmarks_of src/data)" = "$(cursor src/data@3) $(guid_of src/data@3)" ]
	[ "$(holds_of src/data)" = "" ]
	[ "$(holds_of dst/client/src/data)" = "3 $RECEIVED_TAG" ]
	# Holds of others make no difference.
	zfs hold mine src/data@1 src/data@3 src/data@4 dst/client/src/data@1
	costs 12 step src/data@3 src/data@4
	zfs release mine src/data@1 src/data@3 src/data@4 dst/client/src/data@1

	GUARANTEE=GuaranteeNothing
	step src/data@4 src/data@5
	costs 5 step src/data@5 src/data@6
	[ "$(bookmarks_of src/data)$(holds_of src/data)$(holds_of dst/client/src/data)" = "" ]
}

@test "listings cost the expected zfs processes, whatever their size" {
	zfs create src/data
	for i in 1 2 3 4 5 6 7 8; do
		zfs create -p "src/data/$i/below"
		zfs snapshot -r "src/data@$i"
	done
	costs 1 sender ListFilesystems '{}'
	costs 1 sender ListFilesystemVersions '{"Filesystem":"src/data"}'
	costs 1 sender ReplicationCursor '{"Filesystem":"src/data"}'
	costs 2 sender SendDry "$(send_request src/data@1 src/data@2)"
	costs 2 receiver ListFilesystems '{}'
	step '' src/data@1
	step '' src/data/1/below@1
	costs 1 receiver ListFilesystems '{}'
	costs 1 receiver ListFilesystemVersions '{"Filesystem":"src/data"}'
	costs 2 sender DestroySnapshots "$(for i in 2 3 4; do version "src/data@$i"; done |
	    jq -sc '{Filesystem: "src/data", Snapshots: .}')"
	[ "$(zfs list -Ho name -t snapshot src/data | wc -l)" -eq 5 ]
}
