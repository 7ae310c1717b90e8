# Whole replications over the network, ZFS to ZFS, in both directions.
load zfs_helper

REPLICATE=$BATS_TEST_DIRNAME/../../examples/replicate.sh

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	children=()
	two_pools
	zfs create -p src/a/b
	zfs create -V 8M -s src/vol
	random 2000000 src/a/b/file
	zfs snapshot -r src@1
	random 100000 src/a/b/more
	zfs snapshot -r src@2
}

# serve NAME ENDPOINT...: on a free port; its address is in $address.
serve() {
	background zr-listen -1 -i 127.0.0.1=client tcp:127.0.0.1:0 zr-handshake accept \
	    zr-mux accept zr-serve "${@:2}" > "port-$1"
	eventually 30 test -s "port-$1"
	address=tcp:127.0.0.1:$(cat "port-$1")
}

# same ROOT: everything below src is there, as it is.
same() {
	local name
	for name in src src/a src/a/b src/vol; do
		[ "$(snapshots_of "$name")" = "$(snapshots_of "$1/$name")" ] || {
			echo "$name"
			return 1
		}
		[ "$(fs_digest "$name@2")" = "$(fs_digest "$1/$name@2")" ]
	done
	[ "$(holds_of src/a/b)" = "" ]
	[ "$(bookmarks_of src/a/b)" = "$(cursor src/a/b@2) $(guid_of src/a/b@2)" ]
}

@test "push: into a client's own root, and again without anything to do" {
	serve sink zr-endpoint receiver -e inherit -j job dst
	sh "$REPLICATE" "zr-endpoint sender -j job -f 'src<'" "zr-remote $address"
	same dst/client
	zfs get -Hpr -o name,property,value guid,userrefs src dst > before
	sh "$REPLICATE" "zr-endpoint sender -j job -f 'src<'" "zr-remote $address"
	zfs get -Hpr -o name,property,value guid,userrefs src dst | diff before -
	random 100000 src/a/b/last
	zfs snapshot -r src@3
	sh "$REPLICATE" "zr-endpoint sender -j job -f 'src<'" "zr-remote $address"
	[ "$(fs_digest src/a/b@3)" = "$(fs_digest dst/client/src/a/b@3)" ]
}

@test "pull: into a root of our own" {
	serve source zr-endpoint sender -j job -f 'src<'
	zfs create dst/copy
	sh "$REPLICATE" "zr-remote $address" "zr-endpoint receiver -n -e inherit -j job dst/copy"
	same dst/copy
}

@test "through an archive without ZFS in between" {
	mkdir archive
	sh "$REPLICATE" "zr-endpoint sender -j job -f 'src/a<'" "zr-endpoint archive archive"
	sh "$REPLICATE" "zr-endpoint archive archive" "zr-endpoint receiver -n -e inherit -j job dst"
	for name in src/a src/a/b; do
		[ "$(snapshots_of "$name")" = "$(snapshots_of "dst/$name")" ]
	done
	[ "$(fs_digest src/a/b@2)" = "$(fs_digest dst/src/a/b@2)" ]
}
