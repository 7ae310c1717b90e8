# zr-sync between pools: everything that one line can say.  The hosts are this one, by ssh.
load zfs_helper
load ../lib/sshd
load ../lib/sync

setup_file() {
	make_ssh_keys
}

setup() {
	enter_directory || return
	two_pools
	hosts
}

teardown() {
	end_children
	cd /
	destroy_pools "$BATS_TEST_TMPDIR"
	[ -z "${TMPDIR-}" ] || rm -rf "$TMPDIR"
}

# A tree, with a name that has a blank.  (t/zfs/39-host.bats has volumes.)
tree() {
	zfs create src/web
	zfs create "src/web/a b"
	random 300000 src/web/file
	random 300000 "src/web/a b/file"
	zfs snapshot -r src/web@1
	random 100000 "src/web/a b/more"
	zfs snapshot "src/web/a b@2"
}

# same FROM TO: the tree is there, as it is.
same() {
	[ "$(snapshots_of "$1")" = "$(snapshots_of "$2")" ]
	[ "$(snapshots_of "$1/a b")" = "$(snapshots_of "$2/a b")" ]
	[ "$(fs_digest "$1/a b@2")" = "$(fs_digest "$2/a b@2")" ]
}

@test "push: the tree arrives under TARGET's name, read-only and not mounted, by one connection; a second run does nothing" {
	tree
	zfs create dst/pool
	run -0 --separate-stderr zr-sync -j -I all src/web one.test:dst/pool/renamed
	[ "${#lines[@]}" -eq 3 ]
	[ "$(connections)" -eq 1 ]
	eventually 10 nothing_left
	same src/web dst/pool/renamed
	for name in '' '/a b'; do
		[ "$(property readonly "dst/pool/renamed$name")" = on ]
		[ "$(property mounted "dst/pool/renamed$name")" = no ]
		[ "$(holds_of "src/web$name")" = '' ]
		[[ "$(holds_of "dst/pool/renamed$name")" == [12]' zrepl_last_received_J_one.test_dst_pool_renamed' ]]
		bookmarks_of "src/web$name" | grep -q '_J_one.test_dst_pool_renamed '
	done
	run -0 --separate-stderr zr-sync -j src/web one.test:dst/pool/renamed
	[ -z "$output" ]
	stderr_has '2 up to date'
	[ "$(connections)" -eq 2 ]
}

@test "pull, and a third party with both places elsewhere, also raw" {
	tree
	random 32 key
	zfs create -o encryption=on -o keyformat=raw -o "keylocation=file://$PWD/key" src/secret
	random 300000 src/secret/file
	zfs snapshot src/secret@1
	zfs unmount src/secret
	zfs unload-key src/secret
	run -0 --separate-stderr zr-sync -q -I all one.test:src/web dst/pulled
	same src/web dst/pulled
	[ "$(connections)" -eq 1 ]
	run -0 --separate-stderr zr-sync -q -w one.test:src/secret two.test:dst/secret
	[ "$(connections)" -eq 3 ]
	[ "$(property keystatus dst/secret)" = unavailable ]
	zfs load-key -L "file://$PWD/key" dst/secret
	zfs load-key src/secret
	[ "$(fs_digest src/secret@1)" = "$(fs_digest dst/secret@1)" ]
	eventually 10 nothing_left
}

@test "a local run; back from the pool, and by way of an archive, with nothing left on the backup" {
	tree
	run -0 --separate-stderr zr-sync -q -I all src/web dst/web
	before=$(bookmarks_of dst/web; holds_of dst/web)
	run -0 --separate-stderr zr-sync -q -I all -g nothing one.test:dst/web src/restored
	same src/web src/restored
	[ "$before" = "$(bookmarks_of dst/web; holds_of dst/web)" ]
	[ "$(holds_of src/restored)" = '' ]
	zfs set readonly=off src/restored
	zfs mount src/restored
	echo new > src/restored/new
	mkdir archive
	run -0 --separate-stderr zr-sync -q -I all dst/web archive:archive
	run -0 --separate-stderr zr-sync -q -f dst/web archive:archive src/from-archive
	same src/web src/from-archive
}

@test "Ctrl-C leaves nothing behind but what the next run resumes" {
	slow_zfs
	zfs create src/data
	random 3000000 src/data/file
	zfs snapshot src/data@1
	echo 12 > pause
	group zr-sync -q src/data one.test:dst/data
	eventually 60 streaming $!
	kill -INT -- -$!
	rm pause
	ended_with 130 $!
	eventually 20 nothing_left
	[ "$(property receive_resume_token dst/data)" != - ]
	run -0 --separate-stderr zr-sync -j src/data one.test:dst/data
	[ "$(jq -r .resumed <<< "$output")" = true ]
	[ "$(fs_digest src/data@1)" = "$(fs_digest dst/data@1)" ]
	[ "$(holds_of src/data)" = '' ]
	[ "$(connections)" -eq 2 ]
	eventually 10 nothing_left
}

@test "many filesystems in parallel share the one connection, without a word from ssh" {
	zfs create -o mountpoint=none src/many
	seq -f 'src/many/%g' 5 | create_all
	zfs snapshot -r src/many@1
	run -0 --separate-stderr zr-sync -q -P 4 one.test:src/many alias.test:dst/many
	[ -z "$stderr" ]
	[ "$(zfs list -Hro name -t snapshot dst/many | wc -l)" -eq 6 ]
	[ "$(connections)" -eq 1 ]
}

@test "a dataset or a parent that is missing, a conflict and a host out of reach have a clear line each" {
	tree
	run ! zr-sync src/none one.test:dst/none
	echo "$output"
	[[ $output == *src/none* ]]
	run ! zr-sync one.test:src/none dst/none
	echo "$output"
	[[ $output == *src/none* ]]
	for target in one.test:dst/no/such dst/no/such; do
		run ! zr-sync src/web $target
		echo "$output"
		[[ $output == *dst/no* ]]
		[[ $output == *'zfs create'* ]]
	done
	zfs create dst/web
	zfs snapshot dst/web@own
	run -1 zr-sync src/web one.test:dst/web
	echo "$output"
	[[ $output == *src/web* ]]
	[ "$(snapshots_of dst/web | wc -l)" -eq 1 ]
	port=1
	ssh_as client
	run -255 --separate-stderr zr-sync src/web one.test:dst/web
	stderr_has 'zr-sync: one.test: no connection'
}

# As zr-sync(1) says it.
@test "neither side needs root, but what zfs allow gives" {
	id zrsync > /dev/null 2>&1 || useradd -r -m -s /bin/sh -p '*' zrsync
	chmod 711 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "${BATS_TEST_TMPDIR%/*}"
	cp -r "$ZR_BUILD/bin" .
	tree
	zfs create -u dst/pool
	sed -n 's/^zfs allow -u USER //p' "$TOP/man/zr-sync.1" > allow
	[ "$(wc -l < allow)" -eq 2 ]
	sed 's/ tank.web$/ src\/web/; s/ pool$/ dst\/pool/; s/^/zfs allow -u zrsync /' allow | sh -e
	# Its own key, and files that it can reach.
	install -m 600 -o zrsync "$SSH_DIR/client" key
	chmod 711 "$SSH_DIR"
	sed -i "s|-i '[^']*'|-i '$PWD/key'|; /clients/d" ssh
	chmod 777 "$TMPDIR"
	run -0 --separate-stderr setpriv --reuid zrsync --regid zrsync --clear-groups --no-new-privs \
	    env PATH="$PWD/bin:$PATH" HOME=/ zr-sync -j src/web zrsync@one.test:dst/pool/web
	[ "${#lines[@]}" -eq 2 ]
	[ "$(property readonly dst/pool/web)" = on ]
}
