# zr-holds on real holds and bookmarks.
load zfs_helper

POOL=holds
CURSOR=zrepl_CURSOR_G_
TENTATIVE=zrepl_CURSORTENTATIVE__G_

# hex SNAPSHOT: its guid as the names of bookmarks have it.
hex() {
	printf '%016x' "$(guid_of "$1")"
}

setup_file() {
	make_pool "$POOL"
}

setup() {
	enter_directory || return
	F="$POOL/odd name:$BATS_TEST_NUMBER"
	zfs create -u "$F"
	zfs create -u "$F/below"
	for name in 1 2 "3 four"; do
		zfs snapshot "$F@$name"
	done
}

@test "stale holds are found and released, the others stay" {
	zfs bookmark "$F@1" "$F#$CURSOR$(hex "$F@1")_J_web"
	zfs bookmark "$F@2" "$F#$CURSOR$(hex "$F@2")_J_web"
	zfs bookmark "$F@2" "$F#$CURSOR$(hex "$F@1")_J_lying"
	zfs bookmark "$F@2" "$F#$TENTATIVE$(hex "$F@2")_J_web"
	zfs bookmark "$F@3 four" "$F#$TENTATIVE$(hex "$F@3 four")_J_web"
	zfs bookmark "$F@1" "$F#zrepl_replication_cursor"
	zfs bookmark "$F@1" "$F#mine"
	zfs hold zrepl_STEP_J_web "$F@1" "$F@2"
	zfs hold zrepl_STEP_J_other "$F@2" "$F@3 four"
	zfs hold "zrepl_last_received_J_sink job" "$F@1" "$F@2"
	zfs hold mine "$F@1"

	run -0 zr-holds -H list "$F"
	[ "${#lines[@]}" -eq 12 ]
	run -0 zr-holds -Hs list "$F"
	cut -f 1-3 <<< "$output" | sort > stale
	sort > expected <<-EOT
		$F#$CURSOR$(hex "$F@1")_J_web	cursor	web
		$F#$CURSOR$(hex "$F@1")_J_lying	cursor	lying
		$F#zrepl_replication_cursor	old-bookmark	-
		$F@1	step-hold	web
		$F@2	step-hold	web
		$F@1	last-received-hold	sink job
	EOT
	diff expected stale

	run -0 zr-holds -H release "$F"
	run -0 zr-holds -Hs list "$F"
	[ "${#lines[@]}" -eq 6 ]
	run -0 zr-holds -Hy release "$F"
	cut -f 1-3 <<< "$output" | sort > released
	diff expected released
	run -0 zr-holds -Hs list "$F"
	[ -z "$output" ]
	run -0 zr-holds -H list "$F"
	[ "${#lines[@]}" -eq 6 ]
	[ "$(holds_of "$F@1")" = '1 mine' ]
	zfs list -t bookmark "$F#mine"
}

@test "release -a releases all of a job and nothing of another" {
	zfs hold zrepl_STEP_J_web "$F@1" "$F@2"
	zfs hold zrepl_STEP_J_web2 "$F@1"
	zfs bookmark "$F@1" "$F#$CURSOR$(hex "$F@1")_J_web"
	run -1 zfs destroy "$F@2"
	run -0 zr-holds -y -a -J web release "$F"
	zfs destroy "$F@2"
	[ "$(holds_of "$F@1")" = '1 zrepl_STEP_J_web2' ]
	run -1 zfs list -t bookmark "$F#$CURSOR$(hex "$F@1")_J_web"
}

@test "without an operand all pools are listed" {
	zfs snapshot "$F/below@s"
	zfs hold zrepl_last_received_J_everywhere "$F/below@s"
	run -0 zr-holds -H -J everywhere list
	[ "$(cut -f 1 <<< "$output")" = "$F/below@s" ]
}

@test "a filesystem that does not exist is an error in zfs's words" {
	run -1 --separate-stderr zr-holds list "$POOL/nothing"
	[[ "$stderr" == *"cannot open '$POOL/nothing': dataset does not exist"* ]]
}

@test "in a tree of filesystems only the older holds of each are released" {
	zfs create -u -p "$F/many/1"
	for i in $(seq 2 12); do
		zfs create -u "$F/many/$i"
	done
	for i in $(seq 8); do
		zfs snapshot -r "$F/many@$i"
		zfs hold -r zrepl_last_received_J_many "$F/many@$i"
	done
	run -0 zr-holds -H list "$F/many"
	[ "${#lines[@]}" -eq $((13 * 8)) ]
	run -0 zr-holds -Hy release "$F/many"
	[ "${#lines[@]}" -eq $((13 * 7)) ]
	run -0 zr-holds -H list "$F/many"
	[ "${#lines[@]}" -eq 13 ]
	[ "$(cut -f 1 <<< "$output" | grep -c '@8$')" -eq 13 ]
}
