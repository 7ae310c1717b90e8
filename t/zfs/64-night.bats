# examples/nightly on pools: two nights, and nights on which something is wrong.
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
	zfs create src/web
	zfs create src/web/db
	random 200000 src/web/file
	zfs create dst/pool
	sed "s|^PATH=|PATH=$PATH:|; s|^source=.*|source=src/web host=one.test target=dst/pool/web job=web|" \
	    "$TOP/examples/nightly" > night
	mkdir state
	export STATE_DIRECTORY=$PWD/state
}

teardown() {
	end_children
	cd /
	destroy_pools "$BATS_TEST_TMPDIR"
	[ -z "${TMPDIR-}" ] || rm -rf "$TMPDIR"
}

# night STATUS: one that ends so, run as zr-job@.service runs it, without its sandbox.
night() {
	run "-$1" --separate-stderr setsid -w sh ./night < /dev/null
	echo "$stderr"
	tail -n 1 state/web.log
}

# both DATASET: its newest snapshot is on both sides.
both() {
	[ "$(snapshots_of "src/$1" | tail -n 1)" = "$(snapshots_of "dst/pool/$1" | tail -n 1)" ]
}

@test "two nights: each brings its snapshots, and leaves a verdict that is OK and a run that is done" {
	for number in 1 2; do
		random 100000 src/web/db/$number
		night 0
		[ -z "$output$stderr" ]
		grep -q '^OK: 2 filesystems' state/web.log
		zr-status state/web | grep -q 'done'
		both web
		both web/db
	done
	[ "$(snapshots_of dst/pool/web | wc -l)" -eq 2 ]
	[ "$(fs_digest "src/web/db@$(zfs list -Ho name -t snapshot src/web/db | tail -n 1 | cut -d @ -f 2)")" = \
	    "$(fs_digest "$(zfs list -Ho name -t snapshot dst/pool/web/db | tail -n 1)")" ]
	eventually 10 nothing_left
	# A day and more later nothing has come: the check notices without any word of the job.
	later=$(date -u -d '+4 hours' +%FT%TZ)
	run -2 zr-check -T "$later" -p ^zr_ -c 3h -M src/web=dst/pool/web state/web.here state/web.there
	[[ $output == CRITICAL* ]]
}

@test "a host out of reach, a diverged filesystem and a full target are noticed by the exit status and the check" {
	night 0
	sed -i.bak 's/one.test/nowhere.test/' night
	sed -i.bak 's/name=127.0.0.1/name=nowhere.invalid/' ssh
	night 255
	stderr_has 'zr-sync: nowhere.test: no connection'
	stderr_has 'zr-list: endpoint: zr-endpoint: no ssh connection to nowhere.test'
	mv night.bak night
	mv ssh.bak ssh

	# One filesystem diverges: the others go on, with what was missed, and it is named.
	zfs snapshot dst/pool/web/db@own
	night 1
	stderr_has 'src/web/db: diverged'
	both web
	[ "$(zr-status -j state/web | jq -r .state)" = failed ]
	run -2 zr-check -L 0,0 -M src/web=dst/pool/web state/web.here state/web.there
	[[ $output == CRITICAL*src/web/db* ]]
	zfs destroy dst/pool/web/db@own

	# No room.
	zfs set quota=1M dst/pool
	random 5000000 src/web/large
	night 1
	stderr_has 'quota'
	run -2 zr-check -L 0,0 -M src/web=dst/pool/web state/web.here state/web.there
	[[ $output == CRITICAL*src/web* ]]
	zfs set quota=none dst/pool
	night 0
	both web
	both web/db
}
