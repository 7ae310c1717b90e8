# zr-snap on real pools.
load zfs_helper

setup() {
	enter_directory || return
	count_zfs
}

# snap OPTION...: its zfs processes are in the file ran.
snap() {
	: > ran
	ZR_ZFS=$PWD/counted-zfs run --separate-stderr timeout 300 zr-snap "$@"
}

# How many zfs processes took snapshots?
snapshot_processes() {
	grep -c ^snapshot ran
}

# createtxgs [POOL]: how many different ones the snapshots have.
createtxgs() {
	zfs get -Hpo value -r -t snapshot createtxg "$@" | sort -u | wc -l
}

# All snapshots of a pool, without what is in front of @.
names() {
	zfs list -Ho name -t snapshot -r "$@" | sed 's/.*@//' | sort -u
}

count() {
	zfs list -Ho name -t snapshot -r "$@" | wc -l
}

@test "200 datasets: one zfs process, one name, one transaction group; with one left out, too" {
	POOL_SIZE=2G make_pool tank -O canmount=off
	for i in {001..198}; do
		echo "tank/$i"
	done | xargs -n 1 zfs create
	zfs create -s -V 1M tank/volume
	snap -r tank
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	[ "$(snapshot_processes)" -eq 1 ]
	[ "$(wc -l < ran)" -eq 2 ]
	[ "${#lines[@]}" -eq 200 ]
	diff <(sort <<< "$output") <(zfs list -Ho name -t snapshot -r tank | sort)
	[ "$(names tank)" = "${lines[0]#*@}" ]
	[ "$(createtxgs -r tank)" -eq 1 ]

	zfs destroy -r "tank@${lines[0]#*@}"
	snap -r -x tank/007 tank
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	[ "$(snapshot_processes)" -eq 1 ]
	[ "${#lines[@]}" -eq 199 ]
	diff <(sort <<< "$output") <(zfs list -Ho name -t snapshot -r tank | sort)
	[ "$(createtxgs -r tank)" -eq 1 ]
	[ "$(count tank/007)" -eq 0 ]

	# One that exists anywhere: none is taken.
	name=${lines[0]#*@}
	year=$(date -u +%Y)
	zfs snapshot "tank/100@x$year"
	before=$(count tank)
	snap -r -p x -f %Y tank
	[ "$status" -eq 1 ]
	[ -z "$output" ]
	stderr_has 'dataset already exists'
	snap -r -x tank/007 -p x -f %Y tank
	[ "$status" -eq 1 ]
	[ -z "$output" ]
	[ "$(count tank)" -eq "$before" ]
}

@test "two pools, blanks in names, a volume, a clone" {
	make_pool tank
	make_pool other
	zfs create 'tank/a b'
	zfs create 'tank/a b/c'
	zfs create -s -V 1M other/volume
	zfs snapshot tank/'a b'@origin
	zfs clone tank/'a b'@origin tank/clone
	snap -r -p 'p q_' other tank 'tank/a b'
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	[ "$(snapshot_processes)" -eq 2 ]
	[ "${#lines[@]}" -eq 6 ]
	[ "$(sed 's/.*@//' <<< "$output" | sort -u | wc -l)" -eq 1 ]
	zfs list "${lines[@]}"
	[[ ${lines[0]} == other@'p q_'* ]]
	# With a part of one pool only.
	snap 'tank/a b/c' other/volume tank/clone
	[ "$status" -eq 0 ]
	[ "${#lines[@]}" -eq 3 ]
	[ "$(snapshot_processes)" -eq 2 ]
	zfs list "${lines[@]}"
	[ "$(property createtxg "${lines[1]}")" = "$(property createtxg "${lines[2]}")" ]
	# In one pool the name is taken.
	year=$(date -u +%Y)
	zfs snapshot "other/volume@y$year"
	snap -r -p y -f %Y tank other
	[ "$status" -eq 1 ]
	stderr_has "other/volume@y$year"
	[ "${#lines[@]}" -eq 4 ]
	run ! zfs list "other@y$year"
	zfs list "tank@y$year" 'tank/a b/c@y'"$year"
}

@test "a dataset that does not exist: nothing is done; one that cannot hold the name, too" {
	make_pool tank
	long=tank/$(printf 'x%.0s' {1..240})
	zfs create "$long"
	snap -r tank tank/nothing
	[ "$status" -eq 1 ]
	[ "$(count tank)" -eq 0 ]
	snap tank tank/nothing
	[ "$status" -eq 1 ]
	stderr_has "cannot open 'tank/nothing': dataset does not exist"
	[ "$(count tank)" -eq 0 ]
	snap -r tank
	[ "$status" -eq 1 ]
	stderr_has 'is longer than the 255 bytes that ZFS allows'
	[ "$(count tank)" -eq 0 ]
	# 255 bytes fit.
	snap -p 123456789 -f %d "$long"
	[ "$status" -eq 1 ]
	snap -p 1234567 -f %d "$long"
	[ "$status" -eq 0 ]
	[ "${#lines[0]}" -eq 255 ]
	zfs list "$output"
}

@test "-w: what was written, or has no snapshot; a clone has none of its origin's" {
	make_pool tank
	zfs create tank/a
	zfs create tank/b
	zfs create -s -V 1M tank/v
	snap -w -r tank
	[ "$status" -eq 0 ]
	[ "${#lines[@]}" -eq 4 ]
	[ "$(cut -d ' ' -f 1,2 < ran | tail -n 1)" = 'snapshot -r' ]
	snap -w -r tank
	[ "$status" -eq 0 ]
	[ -z "$output$stderr" ]
	random 10000 tank/b/file
	zpool sync tank
	snap -w -r tank
	[ "$status" -eq 0 ]
	[ "${output%@*}" = tank/b ]
	write_volume tank/v 0
	zpool sync tank
	zfs clone tank/a@"$(names tank/a | head -n 1)" tank/clone
	zfs create tank/new
	snap -w -r tank
	[ "$status" -eq 0 ]
	[ "$(sed 's/@.*//' <<< "$output" | grep -v '^tank$')" = 'tank/clone
tank/new
tank/v' ]
}

@test "-i: once in a while" {
	make_pool tank
	zfs create tank/a
	snap -i 1h -r tank
	[ "$status" -eq 0 ]
	[ "${#lines[@]}" -eq 2 ]
	snap -i 1h -r tank
	[ "$status" -eq 0 ]
	[ -z "$output$stderr" ]
	[ "$(wc -l < ran)" -eq 1 ]
	[ "$(count tank)" -eq 2 ]
	eventually 20 due_again
	[ "$(count tank)" -eq 4 ]
}

due_again() {
	snap -i 2s -r tank
	[ -n "$output" ]
}

@test "commands: what the first one writes is in the snapshot, what the second writes is not" {
	make_pool tank
	zfs create tank/db
	snap -r -F -b 'while read -r name; do echo frozen > "$PWD/$name/state"; done' \
	    -a 'while read -r name; do echo thawed > "$PWD/$name/state"; done' tank
	[ "$status" -eq 0 ]
	[ -z "$stderr" ]
	[ "$(cat tank/db/state)" = thawed ]
	name=${lines[0]#*@}
	mkdir at
	mount -t zfs "tank/db@$name" at
	[ "$(cat at/state)" = frozen ]
	umount at
}

@test "a filesystem whose first receive is not complete" {
	make_pool tank
	zfs create tank/a
	random 4000000 tank/a/file
	zfs snapshot tank/a@1
	zfs send tank/a@1 | head -c 2000000 | zfs receive -s tank/b || :
	[ "$(property receive_resume_token tank/b)" != - ]
	for options in '-r' '-r -x tank/c'; do
		[ "$options" = -r ] || zfs create tank/c
		snap $options tank
		[ "$status" -eq 0 ]
		[ "$stderr" = 'zr-snap: tank/b: no snapshot of it can be taken, as its first receive is not complete' ]
		diff <(sort <<< "$output") <(zfs list -Ho name -t snapshot -r tank | grep "@${lines[0]#*@}" | sort)
		[ "${#lines[@]}" -eq 2 ]
	done
	snap tank/b
	[ "$status" -eq 1 ]
	[ "$(snapshot_processes)" -eq 0 ]
}
