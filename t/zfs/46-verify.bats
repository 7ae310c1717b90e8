# zr-verify on real pools: copies over TLS, one of which was changed; pool and archive; raw,
# without keys.
load zfs_helper

setup_file() {
	export PKI=$BATS_FILE_TMPDIR/pki
	zr-cert ca "$PKI"
	zr-cert server "$PKI" server localhost
	zr-cert client "$PKI" web1
}

setup() {
	enter_directory || return
	two_pools
}

# serve ENDPOINT...: over TLS; the client's endpoint, as a command string, is in $remote
serve() {
	: > port
	background zr-listen -1 tcp:127.0.0.1:0 zr-tls -d "$PKI" -n server -c web1 accept \
	    zr-handshake accept zr-mux accept zr-serve -b "$@" > port
	eventually 30 test -s port
	remote="zr-remote -d $PKI -n web1 -s localhost tls:127.0.0.1:$(cat port)"
}

# sender POOL [OPTION...]: a job of its own
sender() {
	echo "zr-endpoint sender -j verify ${*:2} -f '$1<'"
}

# ZR_TEST_FILESYSTEMS=20 for more of them.
@test "filesystems of two pools over TLS: the one changed file is named by its inode; holds and bookmarks stay as they are" {
	local count=${ZR_TEST_FILESYSTEMS:-4}
	for ((i = 1; i <= count; i++)); do echo "src/fs$i"; done | create_all
	zfs mount -a
	for ((i = 1; i <= count; i++)); do random $((1000 * i)) "src/fs$i/file"; done
	random 300000 src/fs3/other
	mkdir src/fs3/directory
	zfs snapshot -r src@1
	zfs send -R src@1 | zfs recv -u dst/web
	# A step of another job that waits to be resumed.
	zfs hold $STEP_TAG src/fs1@1
	# This copy was changed under way.
	inode=$(stat -c %i src/fs3/other)
	zfs send src/fs3@1 > stream
	/usr/bin/python3 - "$HELPERS" "$inode" > changed.stream <<-'END'
		import sys
		sys.path.insert(0, sys.argv[1])
		from streamsum_model import WRITE, records, u64, write
		all_records = records(open("stream", "rb").read())
		block = next(r for r in all_records if r[0] == WRITE and u64(r[1], 0) == int(sys.argv[2]))
		block[2] = bytes([block[2][0] ^ 1]) + block[2][1:]
		write(sys.stdout.buffer, all_records)
	END
	zfs destroy -r dst/web/fs3
	zfs recv -u dst/web/fs3 < changed.stream
	[ "$(guid_of dst/web/fs3@1)" = "$(guid_of src/fs3@1)" ]

	zfs get -Hpr -t snapshot,bookmark -o name,property,value guid,userrefs src dst > before
	serve zr-endpoint sender -j verify -f 'dst/web<'
	run -1 --separate-stderr zr-verify -m src=dst/web -s "$(sender src)" -r "$remote"
	echo "$output"
	[ "$(grep -c '^same src\(/fs[0-9]*\)\?@1 logical ' <<< "$output")" -eq "$count" ]
	[[ "$(grep -A 9 ^differs <<< "$output" | head -n 2)" == "differs src/fs3@1 logical "*$'\n'"  object $inode differs" ]]
	[ "$(grep -c '^  object' <<< "$output")" -eq 1 ]
	[[ "$stderr" == "zr-verify: $((count + 1)) snapshots: $count the same, 1 differs, 0 not compared ("* ]]
	zfs get -Hpr -t snapshot,bookmark -o name,property,value guid,userrefs src dst | diff before -
	run -0 --separate-stderr zr-verify -q -m src=dst/web -s "$(sender src)" -r "$remote" src/fs2 src/fs4@1
	[ -z "$output$stderr" ]
}

@test "a pool and an archive: the newest that the archive has in full; what grew on one side only is passed over" {
	zfs create src/a
	random 300000 src/a/file
	zfs snapshot src/a@1
	mkdir box
	zr-replicate -q -s "zr-endpoint sender -j job -f 'src/a<'" -r 'zr-endpoint archive box'
	random 200000 src/a/more
	zfs snapshot src/a@2
	zr-replicate -q -s "zr-endpoint sender -j job -f 'src/a<'" -r 'zr-endpoint archive box'
	zfs snapshot src/a@3
	serve zr-endpoint archive "$PWD/box"
	run -0 --separate-stderr zr-verify -N 9 -s "$(sender src/a)" -r "$remote"
	[[ "$output" == 'same src/a@1 logical '* ]]
	[ "$(wc -l <<< "$output")" -eq 1 ]
	# With compressed blocks its stream would be another one.
	run -1 --separate-stderr zr-verify -s "$(sender src/a -c)" -r "$remote"
	[[ "$output" == 'not compared src/a@1: sender: '*'send it without -c'* ]] || { echo "$output"; false; }
	run -1 --separate-stderr zr-verify -s "$(sender src/a)" -r 'zr-endpoint receiver -n -e inherit dst'
	stderr_has 'zr-verify: 1 snapshot: 0 the same, 0 differ, 1 not compared'
}

@test "a raw copy of an encrypted filesystem compares without its key, and not with a plain stream" {
	random 32 key
	zfs create -o encryption=on -o keyformat=raw -o "keylocation=file://$PWD/key" src/secret
	random 300000 src/secret/file
	zfs snapshot src/secret@1
	zfs send -w src/secret@1 | zfs recv -u dst/secret
	[ "$(property keystatus dst/secret)" = unavailable ]
	run -0 --separate-stderr zr-verify -m src/secret=dst/secret -s "$(sender src/secret -E -w)" -r "$(sender dst/secret -E -w)"
	[[ "$output" == 'same src/secret@1 raw '* ]]
	run -1 --separate-stderr zr-verify -m src/secret=dst/secret -s "$(sender src/secret)" -r "$(sender dst/secret -E -w)"
	[[ "$output" == *"the sender's stream is logical, the receiver's raw: let both send it raw"* ]] || { echo "$output"; false; }
	# Without the key zfs cannot send it plain: not a difference either.
	run -1 --separate-stderr zr-verify -m src/secret=dst/secret -s "$(sender src/secret)" -r "$(sender dst/secret)"
	[[ "$output" == 'not compared src/secret'*': receiver: '* ]] || { echo "$output"; false; }
}
