# zr-prune on real pools.
load zfs_helper

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	children=()
	# For thousands of snapshots.
	POOL_SIZE=2G two_pools
	count_zfs
}

SENDER="zr-endpoint sender -j job -f 'src<'"
RECEIVER='zr-endpoint receiver -n -e inherit -j job dst'

# prune STATUS ARGUMENT...
prune() {
	run "-$1" --separate-stderr timeout 600 zr-prune "${@:2}"
	printf '%s\n' "$output" "$stderr" | tail -n 5
}

names_of() {
	snapshots_of "$1" | cut -d ' ' -f 1 | paste -sd ' '
}

@test "thousands of snapshots of a filesystem are destroyed by six zfs processes at most" {
	zfs create src/a
	count=${ZR_TEST_SNAPSHOTS:-2000}	# 5000 takes another two minutes
	seq -f 'src/a@s%04g' $count | snapshot_all
	zfs snapshot src/a@keep
	counted zr-prune -y -e "$SENDER" -k 'regex ^keep$' > gone 2> log
	cat log
	awk '{ print $1 }' ran | sort | uniq -c
	[ "$(wc -l < gone)" -eq $count ]
	[ "$(names_of src/a)" = keep ]
	# Two lists; and each call, of 2,500, looks before it destroys.
	[ "$processes" -le $((2 + 2 * ((count + 2499) / 2500))) ]
}

@test "a held snapshot and the origin of a clone are in use, which is no failure" {
	zfs create src/a
	for i in 1 2 3 4; do
		zfs snapshot "src/a@$i"
	done
	zfs hold mine src/a@2
	prune 0 -e "$SENDER" -k 'last_n 1'
	[ "$(names_of src/a)" = '1 2 3 4' ]
	prune 0 -y -e "$SENDER" -k 'last_n 1'
	[ "$output" = $'src/a@1\nsrc/a@3' ]
	stderr_has 'zr-prune: src/a: 1 snapshot is in use, and stays'
	[ "$(names_of src/a)" = '2 4' ]
	zfs clone src/a@4 src/clone
	zfs snapshot src/a@5
	prune 0 -y -e "$SENDER" -k 'last_n 1'
	[ -z "$output" ]
	stderr_has 'zr-prune: src/a: 2 snapshots are in use, and stay'
	zfs release mine src/a@2
	zfs destroy src/clone
	prune 0 -y -e "$SENDER" -k 'last_n 1'
	[ "$(names_of src/a)" = 5 ]
}

@test "rules that keep nothing leave the filesystem alone, but for -A" {
	zfs create src/a
	zfs snapshot src/a@1
	zfs snapshot src@other
	prune 1 -y -e "$SENDER" -k 'regex other'
	stderr_has 'src/a: left alone: the rules keep none of its 1 snapshot '
	[ "$(names_of src/a)" = 1 ]
	prune 0 -yA -e "$SENDER" -k 'regex other'
	[ -z "$(names_of src/a)" ]
	[ "$(names_of src)" = other ]
}

@test "after replication the sender loses what has arrived, and goes on from its cursor" {
	zfs create src/a
	for i in 1 2 3; do
		zfs snapshot "src/a@$i"
	done
	# Without a cursor nothing counts as replicated.
	prune 0 -y -J job -e "$SENDER" -k not_replicated
	stderr_has 'no filesystem has a cursor of the job job'
	[ "$(names_of src/a)" = '1 2 3' ]
	zr-replicate -q -I all -s "$SENDER" -r "$RECEIVER"
	zfs snapshot src/a@4
	prune 0 -y -J job -e "$SENDER" -k not_replicated
	[ "$(names_of src/a)" = '3 4' ]
	prune 0 -y -J job -e "$SENDER" -k 'not_replicated drop_cursor'
	[ "$(names_of src/a)" = 4 ]
	zr-replicate -q -s "$SENDER" -r "$RECEIVER"
	[ "$(names_of dst/src/a)" = '1 2 3 4' ]
	# On the receiver, what the sender still has protects nothing but the filesystem;
	# the last that was received is held.
	prune 0 -yA -s "$SENDER" -e "$RECEIVER" -k 'regex 2'
	[ "$(names_of dst/src/a)" = '2 4' ]
	stderr_has 'src/a: 1 snapshot is in use, and stays'
	zfs destroy -r src/a
	prune 0 -yA -s "$SENDER" -e "$RECEIVER" -k 'regex none'
	stderr_has '1 filesystem was left alone, as the sender does not have it'
	[ "$(names_of dst/src/a)" = '2 4' ]
}

@test "zr-replicate -k sends nothing that zr-prune with these rules would destroy there" {
	zfs create src/a
	for i in 1 2 3 4 5; do
		random 100000 src/a/file
		zfs snapshot "src/a@$i"
	done
	rules=(-k 'regex [24]' -k 'last_n 1')
	zr-replicate -q -I all "${rules[@]}" -s "$SENDER" -r "$RECEIVER"
	[ "$(names_of dst/src/a)" = '2 4 5' ]
	prune 0 -y -e "$RECEIVER" "${rules[@]}"
	[ -z "$output" ]
	zfs snapshot src/a@6
	zr-replicate -q -I all "${rules[@]}" -s "$SENDER" -r "$RECEIVER"
	prune 0 -y -e "$RECEIVER" "${rules[@]}"
	[ "$output" = src/a@5 ]
	[ "$(fs_digest src/a@6)" = "$(fs_digest dst/src/a@6)" ]
}
