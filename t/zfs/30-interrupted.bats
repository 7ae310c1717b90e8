# Steps interrupted at random points on one host: whatever was killed, the next
# one goes on, and at the end both sides are the same and hold what they should.
load zfs_helper

setup() {
	enter_directory || return
	two_pools
}

@test "a filesystem arrives despite 15 interruptions" {
	zfs create src/data
	change() {
		random 3000000 "src/data/$(($1 % 3))"
	}
	interruptions 15 src/data
	same_snapshot src/data@last
}

@test "a raw encrypted filesystem arrives despite 10 interruptions" {
	random 32 key
	zfs create -o encryption=on -o keyformat=raw -o "keylocation=file://$PWD/key" src/secret
	SENDER="$SENDER -E"
	change() {
		random 3000000 "src/secret/$(($1 % 3))"
	}
	interruptions 10 src/secret
	zfs load-key -L "file://$PWD/key" dst/client/src/secret
	same_snapshot src/secret@last
}

@test "full streams over placeholders with children arrive despite 6 interruptions" {
	local count=${ZR_TEST_INTERRUPTIONS:-6} interrupted=0 flowing=0 resumed=0 number=0 tries=0 name token
	RANDOM=${ZR_TEST_SEED:=$RANDOM}
	echo "ZR_TEST_SEED=$ZR_TEST_SEED"
	slow_zfs
	zfs create -o mountpoint=none -o zrepl:placeholder=on dst/client
	zfs create -o mountpoint=none -o zrepl:placeholder=on dst/client/src
	until enough || [ $tries -ge $((count * 4 + 10)) ]; do
		number=$((number + 1))
		name=src/$number
		zfs create $name
		random 3000000 $name/file
		zfs snapshot $name@1
		zfs create -o mountpoint=none -o zrepl:placeholder=on "$(at $name)"
		zfs create -o mountpoint=none "$(at $name)/child"
		until zfs list "$(at $name)@1" > /dev/null 2>&1; do
			token=$(token_of $name)
			[ -z "$token" ] || resumed=$((resumed + 1))
			tries=$((tries + 1))
			[ $tries -lt 100 ]
			interrupted_step 4 '' $name@1 "$token" || interrupted=$((interrupted + 1))
		done
		# The last word may not have reached the sender.
		step '' $name@1
		same_snapshot $name@1
		[ "$(zfs get -Ho value,source zrepl:placeholder "$(at $name)")" = "off	local" ]
		[ "$(holds_of "$(at $name)")" = "1 $RECEIVED_TAG" ]
		[ "$(holds_of $name)$(bookmarks_of $name)" = "$(cursor $name@1) $(guid_of $name@1)" ]
		zfs list "$(at $name)/child" > /dev/null
	done
	echo "$interrupted of $tries steps interrupted, $flowing of them in their stream, $resumed resumed, $number filesystems"
	enough
}
