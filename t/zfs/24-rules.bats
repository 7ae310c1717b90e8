# What zr-protocol(7) says of the sender and the receiver, where no other file
# here shows it.
load zfs_helper

setup() {
	enter_directory || return
	count_zfs
	two_pools
	zfs create src/data
	zfs snapshot src/data@1
	random 300000 src/data/file
	zfs snapshot src/data@2
	zfs snapshot src/data@3
}

# guarantees INITIAL INCREMENTAL: a request, with these in the place of its own.
guarantees() {
	jq -c --arg a "$1" --arg b "$2" '.ReplicationConfig.protection = {Initial: $a, Incremental: $b}'
}

@test "sender: versions are ordered by creation, a bookmark before its snapshot" {
	zfs snapshot src/data@0
	zfs bookmark src/data@2 src/data#z
	zfs bookmark src/data@1 src/data#y
	zfs destroy src/data@1
	sender ListFilesystemVersions '{"Filesystem":"src/data"}' |
	    jq -c '.Versions[] | .Type //= "Snapshot"' | jq -cS . > told
	for name in '#y' '#z' @2 @3 @0; do
		version "src/data$name" | jq -cS .
	done | diff - told
}

@test "sender: the list of filesystems has no resume tokens" {
	zfs send src/data@2 | head -c 200000 > part
	run -1 zfs recv -s src/half < part
	SENDER="zr-endpoint sender -f 'src<'"
	[ "$(property receive_resume_token src/half)" != - ]
	sender ListFilesystems '{}' | jq -e '.Filesystems |
	    map(.Path) == ["src", "src/data", "src/half"] and all(has("ResumeToken") | not)'
}

@test "sender: the answer has zfs's estimate, and whether a token was used" {
	size_of() {
		zfs send -nvP "$@" | awk '$1 == "size" { print $2 }'
	}
	dry() {
		sender SendDry "$(send_request "$@")"
	}
	[ "$(dry '' src/data@2)" = "{\"ExpectedSize\":\"$(size_of src/data@2)\"}" ]
	[ "$(dry src/data@1 src/data@2)" = "{\"ExpectedSize\":\"$(size_of -i src/data@1 src/data@2)\"}" ]
	zfs bookmark src/data@1 src/data#1
	[ "$(dry 'src/data#1' src/data@2)" = '{}' ]
	token=$("$HELPERS/forge_token.py" src/data@2 "$(guid_of src/data@2)" "$(guid_of src/data@1)")
	dry src/data@1 src/data@2 "$token" | jq -e '.UsedResumeToken == true'
	# It costs nothing: no hold, no bookmark.
	[ "$(holds_of src/data)$(bookmarks_of src/data)" = "1 $(guid_of src/data@1)" ]
}

@test "sender: zfs send gets the flags, or a token alone" {
	SENDER="$SENDER -b -c -e -L -p -w"
	counted sender Send "$(send_request src/data@1 src/data@2)" > stream
	grep -qx 'send -w -b -c -e -L -p -i src/data@1 src/data@2' ran
	token=$("$HELPERS/forge_token.py" src/data@2 "$(guid_of src/data@2)" "$(guid_of src/data@1)")
	counted sender Send "$(send_request src/data@1 src/data@2 "$token")" > stream || true
	grep -qx "send -t $token" ran
	head -n 1 stream | jq -e '.UsedResumeToken == true'
}

@test "sender: a bookmark that is From is left alone, stale ones are destroyed" {
	GUARANTEE=GuaranteeIncrementalReplication
	zfs bookmark src/data@1 "src/data#$(tentative src/data@1)"
	zfs bookmark src/data@2 "src/data#$(tentative src/data@2)"
	sender Send "$(send_request "src/data#$(tentative src/data@1)" src/data@3)" > stream
	[ "$(bookmarks_of src/data | cut -d ' ' -f 1 | xargs)" = "$(tentative src/data@1) $(tentative src/data@3)" ]
	# With holds, too.
	GUARANTEE=GuaranteeResumability
	sender Send "$(send_request "src/data#$(tentative src/data@1)" src/data@3)" > stream
	[ "$(holds_of src/data)" = "3 $STEP_TAG" ]
	[ "$(bookmarks_of src/data | cut -d ' ' -f 1 | xargs)" = "$(tentative src/data@1) $(tentative src/data@3)" ]
	zfs bookmark src/data@1 "src/data#$(cursor src/data@1)"
	sender Send "$(send_request "src/data#$(tentative src/data@1)" src/data@3)" > stream
	[ "$(bookmarks_of src/data | cut -d ' ' -f 1 | sort | xargs)" = "$(tentative src/data@1) $(cursor src/data@1)" ]
}

@test "sender: From decides which guarantee applies" {
	sender Send "$(send_request '' src/data@1 | guarantees GuaranteeNothing GuaranteeResumability)" > stream
	[ "$(holds_of src/data)$(bookmarks_of src/data)" = '' ]
	sender Send "$(send_request src/data@1 src/data@2 | guarantees GuaranteeNothing GuaranteeResumability)" > stream
	[ "$(holds_of src/data | xargs)" = "1 $STEP_TAG 2 $STEP_TAG" ]
}

@test "sender: SendCompleted can be repeated, and never removes a newer cursor" {
	completed() {
		sender SendCompleted "{\"OriginalReq\":$(send_request "$@")}"
	}
	for _ in 1 2; do
		[ "$(completed src/data@1 src/data@2)" = '{}' ]
		[ "$(bookmarks_of src/data)" = "$(cursor src/data@2) $(guid_of src/data@2)" ]
	done
	completed src/data@2 src/data@3
	for GUARANTEE in GuaranteeNothing GuaranteeIncrementalReplication; do
		completed src/data@1 src/data@2
		[[ "$(bookmarks_of src/data)" == *"$(cursor src/data@3) $(guid_of src/data@3)" ]]
	done
	GUARANTEE=GuaranteeNothing
	completed src/data@2 src/data@3
	[ -z "$(bookmarks_of src/data)" ]
	request=$(send_request src/data@1 src/data@2)
	zfs destroy src/data@1
	run -1 --separate-stderr sender SendCompleted "{\"OriginalReq\":$request}"
	stderr_has 'snapshot "src/data@1" does not exist'
}

@test "invalid guarantees, and versions that cannot be sent or received, are refused" {
	for pair in 'GuaranteeInvalid GuaranteeNothing' 'GuaranteeNothing GuaranteeInvalid'; do
		for method in Send SendDry; do
			run -1 --separate-stderr sender $method "$(send_request '' src/data@1 | guarantees $pair)"
			stderr_has 'invalid guarantee'
		done
		run -1 --separate-stderr sender SendCompleted \
		    "$(send_request '' src/data@1 | guarantees $pair | jq -c '{OriginalReq: .}')"
		stderr_has 'invalid guarantee'
		run -1 --separate-stderr receiver Receive "$(receive_request src/data@1 src/data | guarantees $pair)" < /dev/null
		stderr_has 'invalid guarantee'
	done
	run -100 --separate-stderr sender Send "$(send_request '' src/data@1 | jq -c 'del(.ReplicationConfig)')"
	stderr_has 'ReplicationConfig'
	zfs bookmark src/data@1 src/data#1
	run -1 --separate-stderr sender Send "$(send_request '' 'src/data#1' '' src/data)"
	stderr_has 'To is not a snapshot'
	run -1 --separate-stderr receiver Receive "$(receive_request 'src/data#1' src/data)" < /dev/null
	stderr_has 'To is not a snapshot'
	[ "$(zfs list -Ho name -r dst)" = dst ]
}

@test "methods of the other role are refused" {
	run -1 --separate-stderr sender Receive "$(receive_request src/data@1 src/data)" < /dev/null
	stderr_has 'sender does not implement Receive()'
	run -1 --separate-stderr receiver Send "$(send_request '' src/data@1)"
	stderr_has 'receiver does not implement Send()'
	run -1 --separate-stderr receiver SendDry "$(send_request '' src/data@1)"
	stderr_has 'receiver does not implement SendDry()'
	run -1 --separate-stderr receiver ReplicationCursor '{"Filesystem":"src/data"}'
	stderr_has 'ReplicationCursor not implemented for Receiver'
	[ "$(receiver SendCompleted "{\"OriginalReq\":$(send_request '' src/data@1)}")" = '{}' ]
	for role in sender receiver; do
		[ "$($role Ping '{"Message":"there?"}')" = '{"Echo":"there?"}' ]
		run -100 $role Nonsense '{}'
	done
}

@test "receiver: a placeholder has its own property, in the new form or the old" {
	zfs create -p dst/client/src/old/below
	zfs create dst/client/src/new
	zfs create dst/client/src/wrong
	path=dst/client/src/old
	zfs set "zrepl:placeholder=$(printf %s "$path" | openssl dgst -sha512-256 -r | cut -d ' ' -f 1)" $path
	zfs set zrepl:placeholder=on dst/client/src/new
	zfs set "zrepl:placeholder=$(printf %s "$path" | openssl dgst -sha512-256 -r | cut -d ' ' -f 1)" dst/client/src/wrong
	receiver ListFilesystems '{}' | jq -e '[.Filesystems[] | select(.IsPlaceholder) | .Path] == ["src/new", "src/old"]'
	# Bookmarks, too, and volumes.
	zfs create -s -V 8M dst/client/src/vol
	zfs snapshot dst/client/src/vol@1
	zfs bookmark dst/client/src/vol@1 dst/client/src/vol#1
	receiver ListFilesystems '{}' | jq -e '.Filesystems | map(.Path) | contains(["src/vol"])'
	receiver ListFilesystemVersions '{"Filesystem":"src/vol"}' |
	    jq -e '.Versions | map(.Type // "Snapshot") == ["Bookmark", "Snapshot"]'
}

@test "receiver: without -e the client's own root is made, and nothing below it" {
	RECEIVER='zr-endpoint receiver -j job -c client dst'
	zfs send src/data@1 | receiver Receive "$(receive_request src/data@1 data)"
	[ "$(zfs get -Ho value,source zrepl:placeholder dst/client)" = "on	local" ]
	[ "$(guid_of dst/client/data@1)" = "$(guid_of src/data@1)" ]
}

@test "receiver: the existing filesystem, even a placeholder, decides about the guarantee" {
	received() {
		zfs send ${1:+-i "src/data@$1"} "src/data@$2" |
		    receiver Receive "$(receive_request "src/data@$2" "$3" | guarantees GuaranteeNothing GuaranteeResumability)"
	}
	received '' 1 new
	[ -z "$(holds_of dst/client/new)" ]
	received 1 2 new
	[ "$(holds_of dst/client/new)" = "2 $RECEIVED_TAG" ]
	zfs create -o mountpoint=none -o zrepl:placeholder=on dst/client/place
	received '' 1 place
	[ "$(holds_of dst/client/place)" = "1 $RECEIVED_TAG" ]
	# Of this job only the new one is held, whatever another holds.
	zfs hold zrepl_last_received_J_other dst/client/new@1
	received 2 3 new
	[ "$(holds_of dst/client/new | xargs)" = "1 zrepl_last_received_J_other 3 $RECEIVED_TAG" ]
	zfs release zrepl_last_received_J_other dst/client/new@1
}

@test "receiver: the error on a pool without resumable receives names -S" {
	make_pool old -d
	RECEIVER='zr-endpoint receiver -n -j job -e inherit old'
	run -1 --separate-stderr step '' src/data@2
	stderr_has 'pool must be upgraded to receive this stream'
	stderr_has 'zr-endpoint receiver -S'
	RECEIVER='zr-endpoint receiver -S -n -j job -e inherit old'
	step '' src/data@2
	[ "$(guid_of old/src/data@2)" = "$(guid_of src/data@2)" ]
}
