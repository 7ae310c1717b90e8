# ZFS -> zr-endpoint archive -> ZFS: the same guids and contents.
load zfs_helper

setup() {
	enter_directory || return
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

@test "an archive restores streams: full, incremental, from a bookmark, empty" {
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

@test "an archive restores compressed, large and embedded blocks, and properties" {
	zfs create -o recordsize=1M -o compression=zstd src/data
	yes | head -c 3000000 > src/data/compressible
	random 2000000 src/data/random
	echo small > src/data/embedded
	zfs snapshot src/data@1
	through '' src/data@1 -L -c -e -p
	same src/data@1
	[ "$(property recordsize dst/data)" = 1048576 ]
}

@test "an archive restores a raw encrypted stream, readable with the key" {
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

@test "an archive restores a volume" {
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

@test "after a sender has moved, its snapshots are listed, restored and received in order" {
	make_pool new
	zfs create src/data
	# The old pool has seen more.
	for _ in {1..60}; do zpool sync src; done
	random 300000 src/data/one
	zfs snapshot src/data@one
	random 300000 src/data/two
	zfs snapshot src/data@two
	zr-replicate -I all -s "zr-endpoint sender -j job -f 'src/data'" -r "zr-endpoint archive box" > steps
	zfs send -R src/data@two | zfs recv -u new/data
	zfs destroy -r src/data
	zfs mount new/data
	random 300000 new/data/three
	zfs snapshot new/data@three
	[ "$(property createtxg new/data@three)" -lt "$(jq -s 'map(.createtxg | tonumber) | max' box/src/data/@*.json)" ]
	zr-step -s "zr-endpoint sender -j job -f new/data" \
	    -r 'zr-endpoint archive box' -d src/data \
	    "$(send_request new/data@two new/data@three)"
	archive_names() {
		zr-endpoint archive box ListFilesystemVersions '{"Filesystem":"src/data"}' |
		    jq -r '.Versions | [map(.Name), (sort_by(.CreateTXG | tonumber) | map(.Name))] |
		        map(join(" "))[]' | uniq
	}
	[ "$(archive_names)" = "one two three" ]
	# Back into a pool, by zr and by the recipe of zr-archive(5).
	zr-replicate -I all -s "zr-endpoint archive box" -r "zr-endpoint receiver -n -j job -e inherit dst" > steps
	[ "$(fs_digest new/data@three)" = "$(fs_digest dst/src/data@three)" ]
	zfs create dst/pool
	sed -n '/^cd \/backup/,/^done$/p' "$TOP/man/zr-archive.5" |
	    sed 's,/backup/tank,box/src,; s,tank/restored,dst/pool/data,' > recipe
	sh -eu recipe
	[ "$(snapshots_of dst/pool/data)" = "$(snapshots_of new/data)" ]
	[ "$(fs_digest new/data@three)" = "$(fs_digest dst/pool/data@three)" ]
}

# a_box PROPERTY=VALUE...: box on a dataset with these
a_box() {
	rmdir box
	zfs create "${@/#/-o}" -o "mountpoint=$PWD/box" dst/box
}

@test "an archive on a dataset that ignores case does not mix filesystems" {
	a_box casesensitivity=insensitive
	zfs create src/Data
	zfs create src/data
	echo one > src/Data/file
	echo two > src/data/file
	zfs snapshot -r src@1
	zfs send src/Data@1 | zr-endpoint archive box Receive "$(receive_request src/Data@1 src/Data)"
	run -1 --separate-stderr zr-endpoint archive box Receive "$(receive_request src/data@1 src/data)" < <(zfs send src/data@1)
	stderr_has '"src/data" cannot be kept: the archive'\''s directory ignores case'
	run -1 --separate-stderr zr-endpoint archive box ListFilesystemVersions '{"Filesystem":"src/data"}'
	stderr_has 'dataset "src/data" does not exist'
	zr-endpoint archive box ListFilesystemVersions '{"Filesystem":"src/Data"}' | jq -e '.Versions | length == 1'
	[ "$(ls box/src)" = Data ]
	zr-endpoint archive -c Web box ListFilesystems '{}'
	run -111 --separate-stderr zr-endpoint archive -c web box ListFilesystems '{}'
	stderr_has 'has another client under the name "web"'
}

@test "normalization of names changes nothing: they are ASCII" {
	a_box normalization=formD casesensitivity=mixed
	zfs create src/Data
	zfs create src/data
	zfs snapshot -r src@1
	for name in Data data; do
		zfs send "src/$name@1" | zr-endpoint archive box Receive "$(receive_request "src/$name@1" "src/$name")"
	done
	[ "$(ls box/src | xargs)" = "Data data" ]
}

@test "damaged bytes are found by a scrub, sent again by the next replication, and restored whole" {
	zfs create src/data
	for one in 1 2; do
		random 400000 "src/data/$one"
		zfs snapshot "src/data@$one"
	done
	replicate() {
		zr-replicate -I all -s 'zr-endpoint sender -j job -f "src/data<"' -r 'zr-endpoint archive box'
	}
	replicate
	run -0 zr-scrub -j box
	[ "$(jq -r .streams <<< "$output")" -eq 2 ]
	for one in 1 2; do
		stream=$(printf 'box/src/data/@%016x.zstream' "$(guid_of "src/data@$one")")
		byte=$(od -An -tu1 -j 300000 -N 1 "$stream")
		printf "\\x$(printf %x $((byte ^ 4)))" | dd of="$stream" bs=1 seek=300000 conv=notrunc status=none
	done
	run -1 zr-scrub -j box
	[ "$(jq -r 'select(.state) | .state + " " + .snapshot' <<< "$output" | sort | xargs)" = 'damaged 1 damaged 2' ]
	replicate
	run -0 zr-scrub -j box
	[ "$(jq -r 'select(.state)' <<< "$output")" = '' ]
	zr-replicate -I all -s 'zr-endpoint archive box' -r 'zr-endpoint receiver -n -j job -e inherit dst'
	for one in 1 2; do
		[ "$(fs_digest "src/data@$one")" = "$(fs_digest "dst/src/data@$one")" ]
		[ "$(guid_of "src/data@$one")" = "$(guid_of "dst/src/data@$one")" ]
	done
}
