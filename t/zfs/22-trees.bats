# Trees: placeholders above what is received, and names of every kind.
load zfs_helper

setup() {
	enter_directory || return
	two_pools
}

# placeholder FILESYSTEM-OF-THE-RECEIVER: on, off or -
placeholder() {
	zfs get -Ho value -s local zrepl:placeholder "$1"
}

@test "missing parents become placeholders, which their own streams replace" {
	zfs create -p src/a/b/c
	echo a > src/a/file
	echo c > src/a/b/c/file
	zfs snapshot -r src/a@1
	step '' src/a/b/c@1
	same_guid src/a/b/c@1
	for name in dst/client dst/client/src dst/client/src/a dst/client/src/a/b; do
		[ "$(placeholder $name)" = on ]
		[ "$(property mountpoint $name)" = none ]
	done
	receiver ListFilesystems '{}' | jq -e '[.Filesystems[] | [.Path, .IsPlaceholder // false]] ==
	    [["src", true], ["src/a", true], ["src/a/b", true], ["src/a/b/c", false]]'

	step '' src/a@1
	same_snapshot src/a@1
	same_snapshot src/a/b/c@1
	[ "$(placeholder dst/client/src/a)" = off ]
	[ "$(placeholder dst/client/src/a/b)" = on ]
	receiver ListFilesystems '{}' | jq -e '[.Filesystems[] | select(.IsPlaceholder) | .Path] == ["src", "src/a/b"]'
	zfs snapshot src/a@2
	step src/a@1 src/a@2
	[ "$(snapshots_of dst/client/src/a | wc -l)" -eq 2 ]
}

@test "snapshots of a placeholder are no obstacle" {
	zfs create -p src/a/b
	zfs snapshot -r src/a@1
	step '' src/a/b@1
	zfs snapshot dst/client/src/a@mine
	zfs snapshot dst/client/src/a@another
	step '' src/a@1
	[ "$(snapshots_of dst/client/src/a | cut -d ' ' -f 1)" = 1 ]
	same_guid src/a/b@1
}

@test "a stream that fails over a placeholder leaves a placeholder" {
	zfs create -p src/a/b
	zfs snapshot -r src/a@1
	step '' src/a/b@1
	request=$(receive_request src/a@1 src/a)
	run -1 --separate-stderr receiver Receive "$request" < /dev/null
	[ "$(placeholder dst/client/src/a)" = on ]
	head -c 1000000 /dev/urandom > noise
	run -1 --separate-stderr receiver Receive "$request" < noise
	[ "$(placeholder dst/client/src/a)" = on ]
	step '' src/a@1
	same_snapshot src/a@1
}

@test "siblings without existing parents can be received at the same time" {
	zfs create -p src/deep/er/one
	for name in two three four; do
		zfs create src/deep/er/$name
		zfs snapshot src/deep/er/$name@1
	done
	zfs snapshot src/deep/er/one@1
	jobs=()
	for name in one two three four; do
		request=$(receive_request src/deep/er/$name@1 src/deep/er/$name)
		zfs send src/deep/er/$name@1 | receiver Receive "$request" 3>&- &
		jobs+=($!)
	done
	for job in "${jobs[@]}"; do
		wait "$job"
	done
	for name in one two three four; do
		same_guid src/deep/er/$name@1
	done
}

@test "a raw encrypted filesystem takes the place of a placeholder that has children" {
	random 32 key
	zfs create -o encryption=on -o keyformat=raw -o "keylocation=file://$PWD/key" src/secret
	zfs create src/secret/child
	zfs create -o encryption=off src/secret/open
	echo secret > src/secret/file
	zfs snapshot -r src/secret@1
	step '' src/secret/open@1
	SENDER="$SENDER -E"
	step '' src/secret/child@1
	[ "$(placeholder dst/client/src/secret)" = on ]
	step '' src/secret@1
	[ "$(placeholder dst/client/src/secret)" != on ]
	zfs load-key -L "file://$PWD/key" dst/client/src/secret
	same_snapshot src/secret@1
	zfs load-key -L "file://$PWD/key" dst/client/src/secret/child 2>/dev/null || true
	same_snapshot src/secret/child@1
	same_guid src/secret/open@1
	receiver ListFilesystems '{}' | jq -e '[.Filesystems[].Path] ==
	    ["src", "src/secret", "src/secret/child", "src/secret/open"]'
	# and it goes on from there
	zfs snapshot -r src/secret@2
	step src/secret@1 src/secret@2
	step src/secret/child@1 src/secret/child@2
	same_snapshot src/secret/child@2
}

@test "names may have blanks, dots, colons and dashes in every part" {
	name='src/a b/c.d:e_f-g/ x'
	zfs create -p "$name"
	echo odd > "$BATS_TEST_TMPDIR/$name/file"
	zfs snapshot "$name@s n:a.p-_1"
	zfs snapshot "$name@2 "
	RECEIVER="zr-endpoint receiver -j job -e inherit -c 'the client:1.a' dst"
	at() {
		echo "dst/the client:1.a/$1"
	}
	step '' "$name@s n:a.p-_1"
	step "$name@s n:a.p-_1" "$name@2 "
	same_snapshot "$name@2 "
	[ "$(holds_of "dst/the client:1.a/$name")" = "2  $RECEIVED_TAG" ]
	[ "$(bookmarks_of "$name")" = "$(cursor "$name@2 ") $(guid_of "$name@2 ")" ]
	receiver ListFilesystems '{}' | jq -e --arg name "$name" '.Filesystems[-1].Path == $name'
}

@test "names may be as deep and as long as ZFS allows" {
	name=src
	for i in {1..14}; do
		name=$name/$i
	done
	zfs create -p "$name"
	zfs snapshot "$name@1"
	step '' "$name@1"
	same_guid "$name@1"

	# With its cursor it would be longer than ZFS allows a bookmark's name to be.
	name=src/$(printf '%0240d' 0)
	zfs create -o mountpoint=none "$name"
	zfs snapshot "$name@1"
	run -1 --separate-stderr sender SendDry "$(send_request '' "$name@1")"
	stderr_has 'too long for a replication cursor'
	GUARANTEE=GuaranteeNothing
	run -1 --separate-stderr step '' "$name@1"
	stderr_has 'too long for this receiver'
	RECEIVER='zr-endpoint receiver -n -j job -e inherit dst'
	step '' "$name@1"
	[ "$(guid_of "$name@1")" = "$(guid_of "dst/$name@1")" ]
}

@test "the receiver's refusals have their reasons" {
	zfs create -p src/a/b
	zfs snapshot -r src/a@1
	refused() {
		run -1 --separate-stderr step '' src/a/b@1
		stderr_has "$1"
	}
	RECEIVER='zr-endpoint receiver -j job -c client dst'
	refused 'placeholder filesystem encryption handling is unspecified in receiver config'
	RECEIVER='zr-endpoint receiver -j job -e inherit -c client dst/missing'
	refused 'root_fs "dst/missing" does not exist'
	run -1 --separate-stderr receiver ListFilesystems '{}'
	stderr_has 'root_fs does not exist'
	RECEIVER='zr-endpoint receiver -j job -e inherit -c client nowhere/x'
	refused 'pool "nowhere" not imported'
	RECEIVER='zr-endpoint receiver -j job -e inherit -c ../dst dst'
	refused 'no valid identity'
	RECEIVER='env ZR_CLIENT_IDENTITY= zr-endpoint receiver -j job -e inherit dst'
	refused 'no valid identity'
	# A client that has sent nothing yet sees nothing, also of others.
	zfs create -p dst/other/tank
	RECEIVER='zr-endpoint receiver -j job -e inherit -c newcomer dst'
	[ "$(receiver ListFilesystems '{}')" = '{}' ]
	run -1 receiver ListFilesystemVersions '{"Filesystem":"../other/tank"}'
	run -1 receiver ListFilesystemVersions '{"Filesystem":"other/tank"}'
	# What is there and diverged is not overwritten.
	RECEIVER='zr-endpoint receiver -j job -e inherit -c client dst'
	zfs create -p dst/client/src/a/b
	zfs snapshot dst/client/src/a/b@own
	own=$(guid_of dst/client/src/a/b@own)
	refused 'destination'
	[ "$(guid_of dst/client/src/a/b@own)" = "$own" ]
}
