# ZFS -> zr-endpoint archive -> ZFS: the same guids and contents.
load zfs_helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	children=()
	make_pool src
	make_pool dst
	mkdir box
}

# through FROM TO [OPTION OF zfs send...]: send it into the archive, send that
# into dst, and compare.
through() {
	local from=$1 to=$2
	zfs send "${@:3}" ${from:+-i "$from"} "$to" |
	    zr-endpoint archive box Receive "$(receive_request "$to" "${to%@*}")"
	stream_of zr-endpoint archive box Send "$(send_request "$from" "$to")" |
	    zfs recv -u "dst/${to#src/}"
	[ "$(guid_of "$to")" = "$(guid_of "dst/${to#src/}")" ]
}

same() {
	[ "$(fs_digest "$1")" = "$(fs_digest "dst/${1#src/}")" ]
}

@test "full, incremental, from a bookmark, empty" {
	zfs create src/data
	random 3000000 src/data/one
	zfs snapshot src/data@1
	through '' src/data@1
	same src/data@1
	random 1000000 src/data/two
	rm src/data/one
	zfs snapshot src/data@2
	through src/data@1 src/data@2
	same src/data@2
	zfs snapshot src/data@3
	through src/data@2 src/data@3
	zfs bookmark src/data@3 src/data#mark
	zfs destroy src/data@3
	truncate -s 40M src/data/sparse
	zfs snapshot src/data@4
	through src/data#mark src/data@4
	same src/data@4
	[ "$(snapshots_of dst/data | cut -d ' ' -f 1 | xargs)" = "1 2 3 4" ]
}

@test "compressed, large blocks, embedded data, properties" {
	zfs create -o recordsize=1M -o compression=zstd src/data
	yes | head -c 3000000 > src/data/compressible
	random 2000000 src/data/random
	echo small > src/data/embedded
	zfs snapshot src/data@1
	through '' src/data@1 -L -c -e -p
	same src/data@1
	[ "$(property recordsize dst/data)" = 1048576 ]
}

@test "raw encrypted, readable with the key" {
	random 32 key
	zfs create -o encryption=on -o keyformat=raw -o "keylocation=file://$PWD/key" src/secret
	random 500000 src/secret/one
	zfs snapshot src/secret@1
	through '' src/secret@1 -w
	random 500000 src/secret/two
	zfs snapshot src/secret@2
	through src/secret@1 src/secret@2 -w
	[ "$(property keystatus dst/secret)" = unavailable ]
	zfs load-key -L "file://$PWD/key" dst/secret
	same src/secret@2
}

@test "a volume" {
	zfs create -V 8M src/vol
	eventually 20 device_of src/vol > /dev/null
	random 2000000 blob
	dd if=blob of="$(device_of src/vol)" bs=64k conv=fsync,notrunc status=none
	zfs snapshot src/vol@1
	through '' src/vol@1
	same src/vol@1
	zfs set volsize=16M src/vol
	dd if=blob of="$(device_of src/vol)" bs=64k seek=10 conv=fsync,notrunc status=none
	zfs snapshot src/vol@2
	through src/vol@1 src/vol@2
	same src/vol@2
}
