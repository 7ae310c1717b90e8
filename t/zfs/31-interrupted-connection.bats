# The same with zrepl's protocol between the two: each end and the connection
# itself is among what is killed.
load zfs_helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	children=()
	two_pools
}

# A server, found at an address of zr-remote.
served() {
	printf "zr-remote 'exec:zr-handshake accept zr-mux accept zr-serve %s'" "${1//\'/}"
}

@test "a push, interrupted 15 times" {
	zfs create src/data
	change() {
		random 3000000 "src/data/$(($1 % 3))"
	}
	RECEIVER=$(served "$RECEIVER")
	interruptions 15 src/data
	same_snapshot src/data@last
}

@test "a pull of a volume, interrupted 15 times" {
	zfs create -s -V 16M src/vol
	SENDER=$(served 'zr-endpoint sender -j job -f src/vol')
	RECEIVER='zr-endpoint receiver -n -j job -e inherit dst'
	at() {
		echo "dst/$1"
	}
	change() {
		write_volume src/vol $(($1 % 8 * 16))
	}
	interruptions 15 src/vol
	same_snapshot src/vol@last
}
