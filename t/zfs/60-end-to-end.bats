# Whole replications over the network, ZFS to ZFS, in both directions.
load zfs_helper

setup() {
	enter_directory || return
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
	    zr-mux accept zr-serve -b "${@:2}" > "port-$1"
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

@test "a push goes into the client's own root; a second one has nothing to do" {
	serve sink zr-endpoint receiver -e inherit -j job dst
	zr-replicate -I all -s "zr-endpoint sender -j job -f 'src<'" -r "zr-remote $address"
	same dst/client
	zfs get -Hpr -o name,property,value guid,userrefs src dst > before
	zr-replicate -I all -s "zr-endpoint sender -j job -f 'src<'" -r "zr-remote $address"
	zfs get -Hpr -o name,property,value guid,userrefs src dst | diff before -
	random 100000 src/a/b/last
	zfs snapshot -r src@3
	zr-replicate -I all -s "zr-endpoint sender -j job -f 'src<'" -r "zr-remote $address"
	[ "$(fs_digest src/a/b@3)" = "$(fs_digest dst/client/src/a/b@3)" ]
}

@test "a pull goes into a root of our own" {
	serve source zr-endpoint sender -j job -f 'src<'
	zfs create dst/copy
	zr-replicate -I all -s "zr-remote $address" -r "zr-endpoint receiver -n -e inherit -j job dst/copy"
	same dst/copy
}

@test "a stream passes through an archive without ZFS in between" {
	mkdir archive
	zr-replicate -I all -s "zr-endpoint sender -j job -f 'src/a<'" -r "zr-endpoint archive archive"
	zr-replicate -I all -s "zr-endpoint archive archive" -r "zr-endpoint receiver -n -e inherit -j job dst"
	for name in src/a src/a/b; do
		[ "$(snapshots_of "$name")" = "$(snapshots_of "dst/$name")" ]
	done
	[ "$(fs_digest src/a/b@2)" = "$(fs_digest dst/src/a/b@2)" ]
}

# connect NAME ENDPOINT: a batch over one control connection.
connect() {
	printf '#!/bin/sh\necho "$1" >> "%s"\nexec %s "$@"\n' "$PWD/log" "$2" > "$1"
	chmod +x "$1"
	serve "$1" "$PWD/$1"
	rm -f in
	mkfifo in
	: > out
	: > log
	calls=0
	zr-remote "$address" batch < in > out 3>&- &
	client=$!
	children+=($client)
	exec 9> in
	eventually 120 batched
}

# call METHOD REQUEST: its answer is in $answer.
call() {
	calls=$((calls + 1))
	echo "{\"id\":$calls,\"method\":\"$1\",\"request\":$2}" >&9
	eventually 120 answered || return
	answer=$(jq -c "select(.id == $calls).response" out)
	echo "$1: $answer"
}

answered() {
	[ "$(wc -l < out)" -eq "$calls" ]
}

# Is it the endpoint's batch that answers by now, without a process of its own for a call?
batched() {
	local before
	before=$(wc -l < log)
	call Ping '{"Message":"there"}'
	[ "$answer" = '{"Echo":"there"}' ] || return
	[ "$(wc -l < log)" -eq "$before" ]
}

disconnect() {
	exec 9>&-
	wait $client
	[ "$(grep -c '^batch$' log)" -eq 1 ]
	run ! grep -vx -e Ping -e batch log
}

@test "several calls on one connection see each change, of a sender and of a receiver" {
	connect source "zr-endpoint sender -j job -f 'src<'"
	call ListFilesystems '{}'
	[ "$(jq -r '.Filesystems[].Path' <<< "$answer" | sort | xargs)" = "src src/a src/a/b src/vol" ]
	call ListFilesystemVersions '{"Filesystem":"src/a/b"}'
	[ "$(jq -r '.Versions[] | "\(.Name) \(.Guid)"' <<< "$answer")" = "$(snapshots_of src/a/b)" ]
	[ "$(jq '.Versions | length' <<< "$answer")" -eq 2 ]
	call DestroySnapshots "{\"Filesystem\":\"src/a/b\",\"Snapshots\":[$(version src/a/b@1)]}"
	[ "$(jq -r '.Results[] | "\(.Snapshot.Name):\(.Error // "")"' <<< "$answer")" = "1:" ]
	call ListFilesystemVersions '{"Filesystem":"src/a/b"}'
	[ "$(jq -r '.Versions[] | "\(.Name) \(.Guid)"' <<< "$answer")" = "2 $(guid_of src/a/b@2)" ]
	[ "$(snapshots_of src/a/b)" = "2 $(guid_of src/a/b@2)" ]
	disconnect

	step '' src/a@2
	connect sink "zr-endpoint receiver -e inherit -j job dst"
	call ListFilesystems '{}'
	[ "$(jq -r '.Filesystems[] | "\(.Path) \(.IsPlaceholder // false)"' <<< "$answer" | sort | xargs)" = \
	    "src true src/a false" ]
	call ListFilesystemVersions '{"Filesystem":"src/a"}'
	[ "$(jq -r '.Versions[] | "\(.Name) \(.Guid)"' <<< "$answer")" = "2 $(guid_of src/a@2)" ]
	disconnect
}
