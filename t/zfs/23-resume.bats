# A stream that was cut goes on where it stopped, if that is what the token says.
load zfs_helper

setup() {
	enter_directory || return
	two_pools
	# Its stream ends after so many bytes, as that of a dead sender does.
	cat > cut-sender <<-END
		#!/bin/bash
		[ "\${@: -1}" = Send ] || exec $SENDER "\$@"
		$SENDER "\$@" | { IFS= read -r line; echo "\$line"; head -c "\$CUT"; }
		exit 1
	END
	chmod +x cut-sender
}

# broken_off BYTES FROM TO [TOKEN]: a step that breaks off after so much of the stream.
broken_off() {
	local request
	request=$(send_request "${@:2}")
	# shellcheck disable=SC2016 # what the cut sender reads
	CUT=$1 run -1 --separate-stderr zr-step -s ./cut-sender -r "$RECEIVER" "$request"
}

# cut_and_resumed FROM TO: cut twice, then whole
cut_and_resumed() {
	local token second
	broken_off 1500000 "$1" "$2"
	token=$(token_of "${2%@*}")
	[[ $token == 1-* ]]
	broken_off 1000000 "$1" "$2" "$token"
	second=$(token_of "${2%@*}")
	[[ $second == 1-* ]]
	[ "$second" != "$token" ]
	run -0 --separate-stderr step "$1" "$2" "$second"
	[ "$(jq .resumed <<< "$output")" = true ]
	[ -z "$(token_of "${2%@*}")" ]
	[ -z "$(holds_of "${2%@*}")" ]
	[ "$(bookmarks_of "${2%@*}" | cut -d ' ' -f 1)" = "$(cursor "$2")" ]
	[ "$(holds_of "$(at "${2%@*}")")" = "${2#*@} $RECEIVED_TAG" ]
}

@test "a full stream and an increment are resumed" {
	zfs create src/data
	random 4000000 src/data/one
	zfs snapshot src/data@1
	cut_and_resumed '' src/data@1
	random 4000000 src/data/two
	zfs snapshot src/data@2
	cut_and_resumed src/data@1 src/data@2
	same_snapshot src/data@2
}

@test "a full stream over a placeholder is resumed" {
	zfs create -p src/data/child
	random 4000000 src/data/one
	zfs snapshot -r src/data@1
	step '' src/data/child@1
	cut_and_resumed '' src/data@1
	same_snapshot src/data@1
	same_guid src/data/child@1
}

@test "a raw stream over a placeholder that has children is resumed" {
	random 32 key
	zfs create -o encryption=on -o keyformat=raw -o "keylocation=file://$PWD/key" src/secret
	zfs create src/secret/child
	random 4000000 src/secret/one
	zfs snapshot -r src/secret@1
	sed -i 's/ sender -j/ sender -E -j/' cut-sender
	SENDER="$SENDER -E"
	step '' src/secret/child@1
	cut_and_resumed '' src/secret@1
	same_guid src/secret/child@1
	zfs load-key -L "file://$PWD/key" dst/client/src/secret
	same_snapshot src/secret@1
	receiver ListFilesystems '{}' | jq -e '[.Filesystems[].Path] == ["src", "src/secret", "src/secret/child"]'
}

@test "the stream of a volume is resumed" {
	zfs create -V 8M src/vol
	eventually 20 device_of src/vol > /dev/null
	random 4000000 blob
	dd if=blob of="$(device_of src/vol)" bs=64k conv=fsync,notrunc status=none
	zfs snapshot src/vol@1
	cut_and_resumed '' src/vol@1
	same_snapshot src/vol@1
}

@test "without the token the step begins again, and the saved state is discarded" {
	zfs create src/data
	random 4000000 src/data/one
	zfs snapshot src/data@1
	broken_off 1500000 '' src/data@1
	[ -n "$(token_of src/data)" ]
	step '' src/data@1
	[ -z "$(token_of src/data)" ]
	same_snapshot src/data@1
}

@test "a token of another filesystem, another step or another policy is refused" {
	for name in data other; do
		zfs create src/$name
		random 4000000 src/$name/one
		zfs snapshot src/$name@1
		zfs snapshot src/$name@2
		broken_off 1500000 '' src/$name@1
	done
	token=$(token_of src/other)
	refused() {
		run -1 --separate-stderr sender Send "$1"
		[ -z "$output" ]
		stderr_has "$2"
		[ -z "$(holds_of src/data)" ] || [ "$(holds_of src/data)" = "1 $STEP_TAG" ]
	}
	refused "$(send_request '' src/data@1 "$token")" 'resume token is of filesystem src/other, not of src/data'
	token=$(token_of src/data)
	refused "$(send_request '' src/data@2 "$token")" 'resume token has toguid'
	refused "$(send_request src/data@1 src/data@2 "$token")" 'resume token'
	refused "$(send_request '' src/data@1 "${token%?}0")" 'resume token'
	refused "$(send_request '' src/data@1 '1-0-0-;reboot')" 'resume token'
	SENDER="zr-endpoint sender -E -j job -f '<'"
	refused "$(send_request '' src/data@1 "$token")" 'not encrypted'
	SENDER="zr-endpoint sender -j job -f 'src/other<'"
	refused "$(send_request '' src/data@1 "$token")" 'does not allow access'
}

# hopeless TEXT REQUEST: Send is refused, says why, and what ends that.
hopeless() {
	run -1 --separate-stderr sender Send "$2"
	[ -z "$output" ]
	stderr_has "$1"
	stderr_has 'send without the token, or on the receiver give up what it has in part ("zfs receive -A"; in an archive, remove '
}

@test "a token of destroyed snapshots, or of names used again, is refused with advice" {
	zfs create src/data
	random 4000000 src/data/one
	zfs snapshot src/data@1
	step '' src/data@1
	random 4000000 src/data/two
	zfs snapshot src/data@2
	zfs snapshot src/data@3
	broken_off 1500000 src/data@1 src/data@2
	token=$(token_of src/data)
	[ -n "$token" ]
	# As it was planned before: destroyed since.
	request=$(send_request src/data@1 src/data@2 "$token")
	zr-holds -ay release src/data > released
	zfs destroy src/data@2
	hopeless 'snapshot "src/data@2" does not exist; ' "$request"
	hopeless "(src/data@2), a snapshot that the sender no longer has; " \
	    "$(send_request src/data@1 src/data@3 "$token")"
	zfs snapshot src/data@2
	hopeless "not $(jq -r .To.Guid <<< "$request"): the name is another one's now; " "$request"
	zfs receive -A "$(at src/data)"
	[ -z "$(token_of src/data)" ]
	broken_off 1500000 src/data@1 src/data@3
	token=$(token_of src/data)
	zr-holds -ay release src/data > released
	zfs destroy src/data@1
	hopeless "a snapshot that the sender no longer has; " "$(send_request '' src/data@3 "$token")"
}

@test "a token of a filesystem that was renamed on both sides is refused with advice" {
	zfs create src/data
	random 4000000 src/data/one
	zfs snapshot src/data@1
	broken_off 1500000 '' src/data@1
	zfs rename src/data src/new
	zfs rename "$(at src/data)" "$(at src/new)"
	token=$(token_of src/new)
	[ -n "$token" ]
	hopeless 'is of filesystem src/data, not of src/new: what was interrupted before a rename cannot be resumed; ' \
	    "$(send_request '' src/new@1 "$token")"
	step '' src/new@1
	same_snapshot src/new@1
}

@test "a token from before a change between raw and plain is refused with advice" {
	random 32 key
	zfs create -o encryption=on -o keyformat=raw -o "keylocation=file://$PWD/key" src/secret
	random 4000000 src/secret/one
	zfs snapshot src/secret@1
	broken_off 1500000 '' src/secret@1
	token=$(token_of src/secret)
	[ -n "$token" ]
	SENDER="$SENDER -E"
	hopeless "is not raw, but the sender's policy now is to send only raw ones; " \
	    "$(send_request '' src/secret@1 "$token")"
	zfs receive -A "$(at src/secret)"
	sed -i 's/ sender -j/ sender -E -j/' cut-sender
	broken_off 1500000 '' src/secret@1
	token=$(token_of src/secret)
	[ -n "$token" ]
	SENDER=${SENDER% -E}
	hopeless "is of a raw stream, but the sender's policy now is that filesystem src/secret may not be sent raw; " \
	    "$(send_request '' src/secret@1 "$token")"
	step '' src/secret@1
	same_snapshot src/secret@1
}
