# What a hostile peer asks for and does not get, on real ZFS.
load zfs_helper

setup() {
	enter_directory || return
	two_pools
	zfs create src/data
	zfs create src/secret
	random 2000000 src/data/file
	random 2000000 src/secret/file
	zfs snapshot src/data@1
	zfs snapshot src/data@2
	zfs snapshot src/secret@1
	SENDER="zr-endpoint sender -f 'src/data<' -f '!src/data/private<' -j job"
}

# fails TEXT COMMAND...: with the text.
fails() {
	local text=$1
	shift
	run --separate-stderr "$@"
	[ "$status" -ne 0 ] || { echo "went through: $output"; return 1; }
	stderr_has "$text"
}

# refused TEXT COMMAND...: it fails with the text and changes nothing, since
# the first time that a test asks.
refused() {
	state=${state:-$(everything)}
	fails "$@"
	[ "$state" = "$(everything)" ]
}

everything() {
	zfs get -Hpr -o name,property,value \
	    guid,userrefs,zrepl:placeholder,receive_resume_token src dst
}

# with JQ-PROGRAM: the request changed by it.
with() {
	send_request src/data@1 src/data@2 | jq -c "$@"
}

forged() {
	"$HELPERS/forge_token.py" "$@"
}

@test "filesystems outside of the filter do not exist" {
	zfs create -p src/data/private/deep
	zfs create src/database
	zfs snapshot src/data/private/deep@1
	[ "$(sender ListFilesystems '{}' | jq -r '.Filesystems[].Path')" = src/data ]
	for name in src src/secret src/database src/data/private src/data/private/deep; do
		refused "does not allow access to filesystem $name" \
		    sender ListFilesystemVersions "{\"Filesystem\":\"$name\"}"
		refused "does not allow access" sender ReplicationCursor "{\"Filesystem\":\"$name\"}"
		refused "does not allow access" sender Send "$(with --arg n "$name" '.Filesystem = $n')"
		refused "does not allow access" sender SendDry "$(with --arg n "$name" '.Filesystem = $n')"
		refused "does not allow access" sender SendCompleted \
		    "$(with --arg n "$name" '.Filesystem = $n | {OriginalReq: .}')"
		refused "does not allow access" sender DestroySnapshots \
		    "{\"Filesystem\":\"$name\",\"Snapshots\":[$(version src/secret@1)]}"
	done
	refused "empty filesystem not allowed" sender ListFilesystemVersions '{}'
}

@test "names that would mean something else to zfs are refused" {
	for name in src/data/ /src/data src//data 'src/data@1' 'src/data#x' -r 'src/data -r' 'src/data/.' 'src/da%'; do
		refused '' sender ListFilesystemVersions \
		    "$(jq -cn --arg n "$name" '{Filesystem: $n}')"
		[[ "$stderr" == *'not the name of a filesystem'* || "$stderr" == *'does not allow access'* ]]
	done
	refused "" sender ListFilesystemVersions '{"Filesystem":"src/data/../secret"}'
	for name in '1,2' '1%2' '%' '' '1@2' '../1' '1#2'; do
		refused "Name is not the name" sender DestroySnapshots \
		    "$(version src/data@1 | jq -c --arg n "$name" '.Name = $n | {Filesystem: "src/data", Snapshots: [.]}')"
		refused "Name is not the name" sender Send "$(with --arg n "$name" '.To.Name = $n')"
		refused "Name is not the name" receiver Receive \
		    "$(receive_request src/data@1 src/data | jq -c --arg n "$name" '.To.Name = $n')"
	done
}

@test "forged guids are refused" {
	refused "has guid" sender Send "$(with '.To.Guid = "7"')"
	refused "has guid" sender Send "$(with '.From.Guid = "7"')"
	refused "has guid" sender SendCompleted "$(with '.To.Guid = "7" | {OriginalReq: .}')"
	refused "does not exist" sender Send "$(with '.From.Type = "Bookmark"')"
	run sender DestroySnapshots "$(version src/data@1 | jq -c '.Guid = "7" | {Filesystem: "src/data", Snapshots: [.]}')"
	[[ $output = *"has guid"* ]]
	zfs list src/data@1
	zfs send src/data@1 > stream
	refused "the stream is of the snapshot with guid" receiver Receive \
	    "$(receive_request src/data@2 src/data)" < stream
}

@test "forged resume tokens are refused" {
	one=$(guid_of src/data@1) two=$(guid_of src/data@2) secret=$(guid_of src/secret@1)
	# One that is in order, to know that it is the forgery that is refused.
	run sender SendDry "$(with --arg t "$(forged src/data@2 "$two" "$one")" '.ResumeToken = $t')"
	[ "$status" -eq 0 ] || { echo "$output"; false; }

	tried() {
		refused "$1" sender Send "$(with --arg t "$2" '.ResumeToken = $t')"
		refused "$1" sender SendDry "$(with --arg t "$2" '.ResumeToken = $t')"
	}
	tried "is of filesystem src/secret" "$(forged src/secret@1 "$secret" "$one")"
	tried "has toguid" "$(forged src/data@2 "$secret" "$one")"
	tried "has toguid" "$(forged src/data@2 "$one" "$one")"
	tried "has fromguid" "$(forged src/data@2 "$two" "$secret")"
	tried "is of a full stream" "$(forged src/data@2 "$two" -)"
	tried "saved" "$(forged src/data@2 "$two" "$one" savedok)"
	tried "resume token is" "1-"
	tried "resume token is" "1-0-0-00"
	tried "resume token is" "-t"
	tried "resume token is" "1-; reboot"
	tried "resume token is" "$(forged src/data@2 "$two" "$one" | sed 's/.$/x/')"
	tried "resume token is" "$(forged src/data@2 "$two" "$one" | sed 's/^1-[0-9a-f]*/1-1234/')"
	run sender Send "$(with --arg t "$(forged src/data@2 "$two" "$one")" 'del(.From) | .ResumeToken = $t')"
	[ "$status" -ne 0 ]
	[[ $output = *"is of an incremental stream"* ]]
}

@test "tokens that violate the encryption policy are refused" {
	random 32 key
	zfs create -o encryption=on -o keyformat=raw -o keylocation="file://$PWD/key" src/data/e
	zfs snapshot src/data/e@1
	zfs snapshot src/data/e@2
	one=$(guid_of src/data/e@1) two=$(guid_of src/data/e@2)
	encrypted_request() {
		send_request src/data/e@1 src/data/e@2 | jq -c --arg t "$(forged src/data/e@2 "$two" "$one" "$@")" '.ResumeToken = $t'
	}
	refused "may not be sent raw" sender Send "$(encrypted_request rawok)"
	SENDER="zr-endpoint sender -E -f 'src/data<' -j job"
	refused "is not raw" sender Send "$(encrypted_request)"
	refused "only encrypted ones" sender Send "$(with .)"
	SENDER="zr-endpoint sender -w -f 'src/data<' -j job"
	refused "only unencrypted ones" sender Send "$(send_request src/data/e@1 src/data/e@2)"
}

@test "a client cannot leave its root, and needs a name" {
	zfs create dst/other
	zfs create dst/other/data
	zfs snapshot dst/other/data@1
	zfs create dst/client
	zfs create dst/clients
	[ "$(receiver ListFilesystems '{}')" = '{}' ]
	for name in .. ../other ../other/data ../clients . /dst/other; do
		refused "" receiver ListFilesystemVersions "{\"Filesystem\":\"$name\"}"
		refused "" receiver Receive "$(receive_request src/data@1 "$name")" < /dev/null
		refused "" receiver DestroySnapshots \
		    "{\"Filesystem\":\"$name\",\"Snapshots\":[$(version dst/other/data@1)]}"
	done
	refused "does not exist" receiver ListFilesystemVersions '{"Filesystem":"other/data"}'
	unset ZR_CLIENT_IDENTITY
	for identity in '' . .. a/b 'a@b' 'a%' $'a\nb' "$(printf 'a%.0s' {1..256})"; do
		fails "no valid identity" zr-endpoint receiver -j job -c "$identity" dst ListFilesystems '{}'
		export ZR_CLIENT_IDENTITY=$identity
		fails "no valid identity" zr-endpoint receiver -j job dst ListFilesystems '{}'
		unset ZR_CLIENT_IDENTITY
	done
	refused "no valid identity" zr-endpoint receiver -j job dst ListFilesystems '{}'
}

@test "a client cannot use the receiver's names for arriving filesystems" {
	refused "is not the name of a filesystem" receiver Receive \
	    "$(receive_request src/data@1 src/data.zr-incoming)" < /dev/null
}

@test "invalid configurations are refused" {
	for entry in 'p/<' 'a<b' 'a<<' '' '!' 'a b/' 'p@x'; do
		refused "is no filter entry" zr-endpoint sender -f "$entry" ListFilesystems '{}'
	done
	refused "says the opposite" zr-endpoint sender -f src -f '!src' ListFilesystems '{}'
	refused "which filesystems may be sent" zr-endpoint sender ListFilesystems '{}'
	refused "cannot be a job's name" zr-endpoint sender -f '<' -j a/b ListFilesystems '{}'
	refused "which job is this" zr-endpoint sender -f '<' ReplicationCursor '{"Filesystem":"src/data"}'
	refused "not the name of a filesystem" zr-endpoint receiver -n 'dst/' ListFilesystems '{}'
	refused "root_fs does not exist" zr-endpoint receiver -n dst/none ListFilesystems '{}'
	refused "root_fs does not exist" zr-endpoint receiver -c client dst/none ListFilesystems '{}'
}

# ZFS takes any text as a user property's value, and as a hold's tag; a stream
# can bring both.
@test "values in a stream cannot pass for zfs's own words" {
	zfs create dst/other
	zfs snapshot dst/other@a
	zfs hold "$RECEIVED_TAG" dst/other@a
	forged=$(printf 'on\tlocal\ndst/other@a\ttype\tsnapshot\t-\ndst/other@a\tuserrefs\t1')
	zfs set "zrepl:placeholder=$forged" src/data
	zfs snapshot src/data@forged
	zfs hold "$(printf 't\tx\ndst/other@a\t%s' "$RECEIVED_TAG")" src/data@forged
	zfs send -Rp -h src/data@forged | zfs recv -u dst/seen
	[ "$(property zrepl:placeholder dst/seen)" = "$forged" ]	# so it could come
	receiver Receive "$(receive_request src/data@forged src/data)" \
	    < <(zfs send -p -h src/data@forged)
	[ "$(property zrepl:placeholder "$(at src/data)")" = "$forged" ]
	[ "$(holds_of "$(at src/data)")" = "forged $RECEIVED_TAG" ]
	receiver ListFilesystems '{}' |
	    jq -e 'any(.Filesystems[]; .Path == "src/data" and .IsPlaceholder != true)'
	receiver ListFilesystemVersions '{"Filesystem":"src/data"}' | jq -e '.Versions | length == 1'
	zfs snapshot src/data@later
	receiver Receive "$(receive_request src/data@later src/data)" \
	    < <(zfs send -p -i @forged src/data@later)
	[ "$(holds_of "$(at src/data)")" = "later $RECEIVED_TAG" ]
	# Nobody else's have been touched.
	[ "$(holds_of dst/other)" = "a $RECEIVED_TAG" ]
	run -0 --separate-stderr zr-holds -y release
	stderr_has "dst/other@a has fewer holds than zfs lists"
	[ "$(holds_of dst/other)" = "a $RECEIVED_TAG" ]
	sender ListFilesystems '{}' | jq -e 'any(.Filesystems[]; .Path == "src/data")'
}
