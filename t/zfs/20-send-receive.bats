# zr-endpoint sender to zr-endpoint receiver by zr-step: every kind of stream
# arrives as it was, and leaves the holds and bookmarks of zr-protocol(7).
load zfs_helper

setup() {
	enter_directory || return
	two_pools
}

@test "full, incremental, empty or from a bookmark, a step leaves its holds and cursor" {
	zfs create src/data
	random 3000000 src/data/one
	zfs snapshot src/data@1
	step '' src/data@1
	same_snapshot src/data@1
	[ "$(holds_of src/data)" = "" ]
	[ "$(bookmarks_of src/data)" = "$(cursor src/data@1) $(guid_of src/data@1)" ]
	[ "$(holds_of dst/client/src/data)" = "1 $RECEIVED_TAG" ]

	random 1000000 src/data/two
	rm src/data/one
	zfs snapshot src/data@2
	step src/data@1 src/data@2
	same_snapshot src/data@2
	[ "$(holds_of src/data)" = "" ]
	[ "$(bookmarks_of src/data)" = "$(cursor src/data@2) $(guid_of src/data@2)" ]
	[ "$(holds_of dst/client/src/data)" = "2 $RECEIVED_TAG" ]

	zfs snapshot src/data@3
	step src/data@2 src/data@3
	same_snapshot src/data@3
	cursor=$(cursor src/data@3)

	zfs destroy src/data@3
	truncate -s 40M src/data/sparse
	zfs snapshot src/data@4
	step "src/data#$cursor" src/data@4
	same_snapshot src/data@4
	[ "$(holds_of src/data)" = "" ]
	[ "$(bookmarks_of src/data)" = "$(cursor src/data@4) $(guid_of src/data@4)" ]
	[ "$(holds_of dst/client/src/data)" = "4 $RECEIVED_TAG" ]
	[ "$(snapshots_of dst/client/src/data | cut -d ' ' -f 1 | xargs)" = "1 2 3 4" ]
}

@test "a running step has the holds and bookmarks of its guarantee" {
	zfs create src/data
	zfs snapshot src/data@1
	zfs snapshot src/data@2
	begin=$(tentative src/data@1)
	end=$(tentative src/data@2)
	GUARANTEE=GuaranteeResumability
	sender Send "$(send_request src/data@1 src/data@2)" > stream
	[ "$(holds_of src/data | xargs)" = "1 $STEP_TAG 2 $STEP_TAG" ]
	# The job's first step shows that the pool can make a cursor.
	[ "$(bookmarks_of src/data | cut -d ' ' -f 1)" = "$end" ]

	GUARANTEE=GuaranteeIncrementalReplication
	sender Send "$(send_request src/data@1 src/data@2)" > stream
	[ -z "$(holds_of src/data)" ]
	[ "$(bookmarks_of src/data | cut -d ' ' -f 1 | xargs)" = "$begin $end" ]

	GUARANTEE=GuaranteeNothing
	sender Send "$(send_request src/data@1 src/data@2)" > stream
	[ -z "$(holds_of src/data)" ]
	[ -z "$(bookmarks_of src/data)" ]

	# Another job's things stay.
	zfs hold zrepl_STEP_J_other src/data@1
	zfs bookmark src/data@1 "src/data#${begin%job}other"
	GUARANTEE=GuaranteeResumability
	sender Send "$(send_request '' src/data@2)" > stream
	[ "$(holds_of src/data | xargs)" = "1 zrepl_STEP_J_other 2 $STEP_TAG" ]
	[ "$(bookmarks_of src/data | cut -d ' ' -f 1 | xargs)" = "${begin%job}other $end" ]
	zfs release zrepl_STEP_J_other src/data@1
}

@test "a step without guarantees leaves no hold and no bookmark" {
	zfs create src/data
	zfs snapshot src/data@1
	zfs snapshot src/data@2
	step '' src/data@1
	GUARANTEE=GuaranteeNothing step src/data@1 src/data@2
	[ -z "$(holds_of src/data)" ]
	[ -z "$(bookmarks_of src/data)" ]
	[ -z "$(holds_of dst/client/src/data)" ]
}

@test "the replication cursor is answered, moves, and never goes back" {
	zfs create src/data
	cursor_told() {
		sender ReplicationCursor '{"Filesystem":"src/data"}' | jq -r '.Guid // .Notexist'
	}
	[ "$(cursor_told)" = true ]
	zfs snapshot src/data@1
	zfs snapshot src/data@2
	step '' src/data@1
	[ "$(cursor_told)" = "$(guid_of src/data@1)" ]
	step src/data@1 src/data@2
	[ "$(cursor_told)" = "$(guid_of src/data@2)" ]
	sender SendCompleted "{\"OriginalReq\":$(send_request '' src/data@1)}"
	[ "$(cursor_told)" = "$(guid_of src/data@2)" ]
	# A bookmark whose name lies about its guid is none, nor is the old kind.
	zfs destroy "src/data#$(cursor src/data@2)"
	zfs destroy "src/data#$(cursor src/data@1)" || true
	zfs bookmark src/data@1 "src/data#$(cursor src/data@2)"
	zfs bookmark src/data@1 src/data#zrepl_replication_cursor
	[ "$(cursor_told)" = true ]
}

@test "compressed, large and embedded blocks and properties are replicated" {
	SENDER="$SENDER -L -c -e -p"
	RECEIVER="${RECEIVER% dst} -x mountpoint -o org.example:copy=yes dst"
	zfs create -o recordsize=1M -o compression=zstd -o org.example:kept=yes src/data
	yes | head -c 3000000 > src/data/compressible
	random 2000000 src/data/random
	echo small > src/data/embedded
	zfs snapshot src/data@1
	step '' src/data@1
	same_snapshot src/data@1
	[ "$(property recordsize dst/client/src/data)" = 1048576 ]
	[ "$(property org.example:kept dst/client/src/data)" = yes ]
	[ "$(property org.example:copy dst/client/src/data)" = yes ]
	[ "$(property mountpoint dst/client/src/data)" = none ]
}

@test "raw encrypted streams, full and incremental, are readable with the key" {
	random 32 key
	zfs create -o encryption=on -o keyformat=raw -o "keylocation=file://$PWD/key" src/secret
	random 500000 src/secret/one
	zfs snapshot src/secret@1
	SENDER="$SENDER -E"
	step '' src/secret@1
	random 500000 src/secret/two
	zfs snapshot src/secret@2
	step src/secret@1 src/secret@2
	[ "$(property keystatus dst/client/src/secret)" = unavailable ]
	zfs load-key -L "file://$PWD/key" dst/client/src/secret
	same_snapshot src/secret@2

	# The policy holds for both kinds of filesystem.
	zfs create src/plain
	zfs snapshot src/plain@1
	run -1 --separate-stderr step '' src/plain@1
	stderr_has 'filesystem src/plain is not encrypted'
	SENDER="${SENDER% -E} -w"
	run -1 --separate-stderr step '' src/secret@2
	stderr_has 'filesystem src/secret is encrypted'
	step '' src/plain@1
	same_snapshot src/plain@1
}

@test "an encrypted filesystem can be sent in the clear, into an encrypted root" {
	random 32 key
	zfs create -o encryption=on -o keyformat=raw -o "keylocation=file://$PWD/key" src/secret
	zfs create -o encryption=on -o keyformat=raw -o "keylocation=file://$PWD/key" dst/vault
	random 500000 src/secret/one
	zfs snapshot src/secret@1
	RECEIVER='zr-endpoint receiver -j job -e inherit -c client dst/vault'
	step '' src/secret@1
	[ "$(property encryptionroot dst/vault/client/src/secret)" = dst/vault ]
	[ "$(fs_digest src/secret@1)" = "$(fs_digest dst/vault/client/src/secret@1)" ]
	RECEIVER='zr-endpoint receiver -j job -e off -c open dst/vault'
	step '' src/secret@1
	[ "$(property encryption dst/vault/open/src)" = off ]
}

@test "a volume, its growth and its increment are replicated" {
	zfs create -s -V 8M src/vol
	write_volume src/vol 0
	zfs snapshot src/vol@1
	step '' src/vol@1
	same_snapshot src/vol@1
	zfs set volsize=16M src/vol
	write_volume src/vol 140
	zfs snapshot src/vol@2
	step src/vol@1 src/vol@2
	same_snapshot src/vol@2
	[ "$(property volsize dst/client/src/vol)" = $((16 << 20)) ]
}
