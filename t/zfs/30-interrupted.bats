# Steps interrupted at random points on one host: whatever was killed, the next
# one goes on, and at the end both sides are the same and hold what they should.
load zfs_helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	children=()
	two_pools
}

@test "a filesystem, interrupted 15 times" {
	zfs create src/data
	change() {
		random 3000000 "src/data/$(($1 % 3))"
	}
	interruptions 15 src/data
	same_snapshot src/data@last
}

@test "a raw encrypted filesystem, interrupted 10 times" {
	random 32 key
	zfs create -o encryption=on -o keyformat=raw -o "keylocation=file://$PWD/key" src/secret
	SENDER="$SENDER -E"
	change() {
		random 3000000 "src/secret/$(($1 % 3))"
	}
	interruptions 10 src/secret
	zfs load-key -L "file://$PWD/key" dst/client/src/secret
	same_snapshot src/secret@last
}
