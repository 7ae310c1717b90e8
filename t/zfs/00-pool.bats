# The machine itself: ZFS works in it, and what the tests lean on.
load zfs_helper

@test "a pool can be made, and receives what was sent" {
	make_pool src
	make_pool dst
	zfs create src/data
	random 300000 src/data/random
	ln -s random src/data/link
	zfs snapshot src/data@one
	zfs send src/data@one | zfs recv dst/copy
	[ "$(guid_of src/data@one)" = "$(guid_of dst/copy@one)" ]
	[ "$(fs_digest src/data@one)" = "$(fs_digest dst/copy@one)" ]
	cmp src/data/random dst/copy/random
}

@test "pools are gone after the test that made them" {
	[ -z "$(zpool list -H)" ]
}

@test "a digest sees contents, names, modes, times and links" {
	make_pool src
	seen=()
	digest_differs() {
		local digest
		zfs snapshot "src@${#seen[@]}"
		digest=$(fs_digest "src@${#seen[@]}")
		[ -n "$digest" ]
		[[ " ${seen[*]} " != *" $digest "* ]]
		seen+=("$digest")
	}
	echo one > src/file
	touch -d 2020-01-01 src/file src
	digest_differs
	echo two > src/file
	touch -d 2020-01-01 src/file
	digest_differs
	chmod 600 src/file
	digest_differs
	touch -d 2021-01-01 src/file
	digest_differs
	mv src/file src/other
	digest_differs
	ln -s other src/link
	digest_differs
}

@test "volumes have devices and a digest of their contents" {
	make_pool src
	make_pool dst
	zfs create -V 8M src/vol
	eventually 20 device_of src/vol > /dev/null
	random 2000000 blob
	dd if=blob of="$(device_of src/vol)" bs=64k conv=fsync,notrunc status=none
	zfs snapshot src/vol@one
	zfs send src/vol@one | zfs recv dst/vol
	[ "$(fs_digest src/vol@one)" = "$(fs_digest dst/vol@one)" ]
	[ "$(fs_digest src/vol@one)" = "$({ cat blob; head -c $((8 * 1024 * 1024 - 2000000)) /dev/zero; } | sha256sum | cut -d ' ' -f 1)" ]
}

@test "the helpers read versions, holds and bookmarks" {
	make_pool src
	zfs create 'src/a b'
	zfs snapshot 'src/a b@x y'
	zfs bookmark 'src/a b@x y' 'src/a b#mark'
	zfs hold tag 'src/a b@x y'
	guid=$(guid_of 'src/a b@x y')
	[ "$(snapshots_of 'src/a b')" = "x y $guid" ]
	[ "$(bookmarks_of 'src/a b')" = "mark $guid" ]
	[ "$(holds_of 'src/a b')" = "x y tag" ]
	[ "$(holds_of 'src/a b@x y')" = "x y tag" ]
	[ -z "$(holds_of src)" ]
	version 'src/a b#mark' | jq -e --arg guid "$guid" '.Type == "Bookmark" and .Name == "mark" and .Guid == $guid'
	zfs release tag 'src/a b@x y'
}
