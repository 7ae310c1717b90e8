# Guarantees that a pool cannot give: said before the stream, with what helps.
load zfs_helper

setup() {
	enter_directory || return
	make_pool dst
}

# filesystem OPTION OF zpool create...: src/data with snapshots 1 and 2.
filesystem() {
	make_pool src "$@"
	zfs create src/data
	random 300000 src/data/file
	zfs snapshot src/data@1
	random 300000 src/data/more
	zfs snapshot src/data@2
}

# The command in a hint: the first that is quoted.
quoted() {
	grep -o 'hint: [^"]*"[^"]*"' <<< "$stderr" | cut -d '"' -f 2
}

@test "a pool without bookmarks is noticed before the stream, and no hold stays" {
	filesystem -d
	for GUARANTEE in GuaranteeResumability GuaranteeIncrementalReplication; do
		run -1 --separate-stderr sender Send "$(send_request '' src/data@1)"
		[ -z "$output" ]
		stderr_has 'bookmark feature not enabled'
		stderr_has 'or ask for GuaranteeNothing'
		[ -z "$(holds_of src/data)" ]
	done
	GUARANTEE=GuaranteeNothing step '' src/data@1
	GUARANTEE=GuaranteeResumability
	run -1 step src/data@1 src/data@2
	[ -z "$(holds_of src/data)" ]
	[ "$(quoted)" = 'zpool set feature@bookmarks=enabled src' ]
	$(quoted)
	step src/data@1 src/data@2
	same_snapshot src/data@2
	[ "$(bookmarks_of src/data)" = "$(cursor src/data@2) $(guid_of src/data@2)" ]
	[ -z "$(holds_of src/data)" ]
}

@test "a pool that is imported read-only replicates only with GuaranteeNothing" {
	filesystem
	zfs hold "$STEP_TAG" src/data@1
	zfs bookmark src/data@1 "src/data#$(cursor src/data@1)"
	zpool export src
	zpool import -o readonly=on -d "$PWD" src
	for GUARANTEE in GuaranteeResumability GuaranteeIncrementalReplication; do
		run -1 --separate-stderr sender Send "$(send_request '' src/data@2)"
		[ -z "$output" ]
		stderr_has 'pool is read-only'
		stderr_has "the sender's pool was imported with readonly=on"
		stderr_has 'or ask for GuaranteeNothing'
	done
	run -1 zr-replicate -I all -s "zr-endpoint sender -j job -f src/data" -r "$RECEIVER"
	zr-replicate -j -I all -g nothing -s "zr-endpoint sender -j job -f src/data" -r "$RECEIVER" > steps
	[ "$(jq -c '[.from, .to]' steps | xargs)" = '[null,1] [1,2]' ]
	same_snapshot src/data@2
	[ -z "$(holds_of "$(at src/data)")" ]
}
