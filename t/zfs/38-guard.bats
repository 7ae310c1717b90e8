# zr-guard in front of a receiver: what a hostile client leaves behind, on real ZFS.
load zfs_helper

PLAIN='zr-endpoint receiver -j job -e inherit -c client dst'
FLOOR='grid ^g 1x1h(keep=2) | 3x1d'

setup() {
	enter_directory || return
	two_pools
	zfs create src/data
	random 300000 src/data/file
	RECEIVER="zr-guard -d state -k '$FLOOR' -k 'regex ^keep' $PLAIN"
}

# sent SNAPSHOT [BASE]: made on src/data and received through the guard
sent() {
	zfs snapshot "src/data@$1"
	step "${2:+src/data@$2}" "src/data@$1"
}

# dated SNAPSHOT BASE AGE: the same, but dated AGE seconds ago, or ahead
dated() {
	local seconds=$(($(date +%s) - $3))
	zfs snapshot "src/data@$1"
	zfs send ${2:+-i "@$2"} "src/data@$1" | "$HELPERS/redate.py" "$seconds" > stream
	TZ=UTC printf -v creation '%(%FT%TZ)T' "$seconds"
	receiver Receive "$(receive_request "src/data@$1" src/data | jq -c --arg c "$creation" '.To.Creation = $c')" < stream
	[ "$(property creation "$(at "src/data@$1")")" -eq "$seconds" ]
}

there() {
	zfs list -Ho name -s createtxg -t snapshot "$(at src/data)" | sed 's/.*@//' | paste -sd ,
}

everything() {
	sh -c "$PLAIN"' "$@"' zr ListFilesystemVersions '{"Filesystem":"src/data"}' |
	    jq -c '{Filesystem: "src/data", Snapshots: [.Versions[] | '"${1-.}"']}'
}

@test "a client that asks for everything in every way loses what the floor does not keep, and no more" {
	sent keep1
	sent x1 keep1
	sent keep2 x1
	sent x2 keep2
	# By wrong guids and other names: nothing.
	before=$(there)
	receiver DestroySnapshots "$(everything '.Guid = "7"')" | jq -e '[.Results[].Error | test("has guid [0-9]+, not 7")] | length == 4 and all'
	receiver DestroySnapshots "$(everything '.Name = "x1x"')" | jq -e 'all(.Results[]; .Error | test("does not exist"))'
	run -1 receiver DestroySnapshots "$(everything '.Type = "Bookmark"')"
	run -100 receiver DestroySnapshots "$(everything '.Name = "x1%keep2"')"
	[ "$(there)" = "$before" ]
	# One by one, all at once, and in a batch.
	for name in keep1 keep2; do
		receiver DestroySnapshots "$(everything "select(.Name == \"$name\")")" |
		    jq -e '.Results[0].Error | test("is kept by the floor of retention on this receiver .rule: regex \\^keep")'
	done
	# The last one is held by the receiver, as ever.
	receiver DestroySnapshots "$(everything)" | jq -ce '[.Results[] | .Error // ""] | .[1] == "" and .[3] == "dataset is busy"'
	[ "$(there)" = keep1,keep2,x2 ]
	everything | jq -c '{id: 1, method: "DestroySnapshots", request: .}' > lines
	receiver batch < lines > answers
	receiver batch < <(sed 's/Snapshots"/\\u0053napshots"/; s/"method"/"method":"Ping","method"/' lines) >> answers
	[ "$(jq -s 'length' answers)" -eq 2 ]
	[ "$(there)" = keep1,keep2,x2 ]
	# With -q the client is content, and nothing has gone.
	RECEIVER="zr-guard -q -k 'regex ^keep' $PLAIN"
	receiver DestroySnapshots "$(everything 'select(.Name | startswith("keep"))')" | jq -e 'all(.Results[]; .Error == null)'
	[ "$(there)" = keep1,keep2,x2 ]
	[ "$(fs_digest src/data@keep2)" = "$(fs_digest "$(at src/data@keep2)")" ]
}

@test "snapshots dated ahead, or back, push nobody out" {
	# How long ago noon of yesterday was, in UTC: no day ends near it.
	noon=$(($(date +%s) % 86400 + 43200))
	dated g1 '' $((noon + 86400))
	dated g2 g1 $noon
	dated g3 g2 300
	# Hostile: years ahead, hours ahead, and back into the buckets of the others.
	dated g4 g3 -100000000
	dated g5 g4 -7200
	dated g6 g5 $((noon + 86400 + 60))
	dated g7 g6 $((noon + 100))
	dated x8 g7 400
	dated g9 x8 500
	receiver DestroySnapshots "$(everything)" > answer
	for name in g1 g2 g3; do
		[[ ,$(there), == *,$name,* ]] || { there; cat answer; false; }
	done
	# One that no rule is about has gone.
	[[ ,$(there), != *,x8,* ]]
}

@test "-a: the client can add, at the cost of one zfs more, and that is all" {
	count_zfs
	RECEIVER=$PLAIN
	sent 1
	counted sent 2 1
	plain=$processes
	RECEIVER="zr-guard -a $PLAIN"
	counted sent 3 2
	[ "$processes" -eq $((plain + 1)) ]
	receiver DestroySnapshots "$(everything)" | jq -e 'all(.Results[]; .Error | test("append only"))'
	[ "$(there)" = 1,2,3 ]
}

# cut BYTES [JQ]: a full send of src/data@1 that is cut off
cut() {
	receiver Receive "$(receive_request src/data@1 src/data | jq -c "${2-.}")" < <(zfs send src/data@1 | head -c "$1")
}

@test "a partial stream is thrown away once, and can be resumed" {
	random 8000000 src/data/more
	zfs snapshot src/data@1
	run ! cut 3000000
	first=$(token_of src/data)
	[ -n "$first" ]
	# A client that does so in a loop, as each new sending may.
	for i in 1 2 3 4; do
		run ! cut 4000000 '.ClearResumeToken = true'
	done
	[[ $output == *'a partial stream was thrown away less than an hour ago'* ]]
	token=$(token_of src/data)
	[ -n "$token" ]
	[ "$token" != "$first" ]
	run ! cut 1000000 '.ClearResumeToken = true'
	[ "$(token_of src/data)" = "$token" ]
	zr-step -s "$SENDER" -r "$RECEIVER" "$(send_request '' src/data@1 "$token")"
	same_snapshot src/data@1
}

@test "a placeholder with snapshots that the floor keeps is not replaced; others go" {
	zfs snapshot src/data@1
	zfs create -p -o mountpoint=none -o zrepl:placeholder=on dst/client/src/data/child
	zfs set zrepl:placeholder=on dst/client/src/data
	zfs snapshot dst/client/src/data@keep
	run -1 --separate-stderr step '' src/data@1
	stderr_has 'the placeholder is not replaced: "src/data@keep" is kept by the floor of retention'
	[ "$(there)" = keep ]
	zfs rename dst/client/src/data@keep old
	step '' src/data@1
	[ "$(there)" = 1 ]
	zfs list dst/client/src/data/child
}

# unharmed STREAM TO [FILESYSTEM]: whoever gets it directly refuses it, and all that
# was there still is
unharmed() {
	local before
	before=$(zfs list -Hpr -t all -o name,guid dst)
	run ! sh -c "$PLAIN"' "$@"' zr Receive "$(receive_request "$2" "${3-src/data}")" < "$1"
	[ "$(zfs list -Hpr -t all -o name,guid dst)" = "$before" ] || { echo "$output"; zfs list -r -t all dst; return 1; }
}

@test "no stream takes anything from a received filesystem, or from a placeholder's children" {
	sent 1
	sent 2 1
	sent 3 2
	sent 4 3
	zfs create src/data/child
	zfs snapshot src/data/child@1
	step '' src/data/child@1
	# A full stream of another filesystem, over what is there.
	zfs create src/evil
	zfs snapshot src/evil@evil
	zfs send src/evil@evil > full
	unharmed full src/evil@evil
	# An increment that is not based on the last one: zfs recv -F would destroy 3 and 4.
	zfs clone src/data@2 src/fork
	random 100000 src/fork/evil
	zfs snapshot src/fork@evil
	zfs send -i src/data@2 src/fork@evil > increment
	unharmed increment src/fork@evil
	# Packages: with a child less, renamed snapshots, and increments of all.
	zfs snapshot -r src/data@5
	zfs send -R src/data@5 > package
	unharmed package src/data@5
	zfs destroy -r src/data/child
	zfs snapshot src/data@6
	zfs send -R -I @4 src/data@6 > package
	unharmed package src/data@6
	# A volume over a placeholder with children, and over a filesystem.
	zfs create -V 1M src/volume
	zfs snapshot src/volume@1
	zfs send src/volume@1 > volume
	unharmed volume src/volume@1 src
	unharmed volume src/volume@1 src/data
	# A filesystem that claims to be a placeholder is none here.
	zfs set zrepl:placeholder=on src/evil
	zfs snapshot src/evil@claim
	zfs send -p src/evil@claim > claim
	sh -c "$PLAIN"' "$@"' zr Receive "$(receive_request src/evil@claim src/evil)" < claim
	zfs send src/data@6 > full
	unharmed full src/data@6 src/evil
	[ "$(there)" = 1,2,3,4 ]
}

@test "a replication through a guard over a connection takes everything, and again nothing" {
	zfs create -p src/data/a/b
	zfs snapshot -r src/data@1
	served="exec:zr-handshake accept zr-mux accept zr-serve -b $RECEIVER"
	run -0 zr-replicate -s "zr-endpoint sender -f 'src/data<' -j job" -r "zr-remote $(printf %q "$served")"
	for name in src/data src/data/a src/data/a/b; do
		same_guid $name@1
	done
	run -0 zr-remote "$served" DestroySnapshots '{"Filesystem":"src/data/a","Snapshots":['"$(version src/data/a@1)"']}'
}

@test "a raw stream over a placeholder hides no child that cannot move with the others" {
	random 32 key
	keys=(-o encryption=on -o keyformat=raw -o "keylocation=file://$PWD/key")
	zfs create "${keys[@]}" dst/enc
	PLAIN=${PLAIN/ dst/ dst/enc}
	RECEIVER="zr-guard -a $PLAIN"
	zfs create -p -o mountpoint=none dst/enc/client/src/data
	for name in dst/enc/client dst/enc/client/src dst/enc/client/src/data; do
		zfs set zrepl:placeholder=on mountpoint=none $name
	done
	# The one can move below another key, the other cannot.
	zfs create "${keys[@]}" dst/enc/client/src/data/a
	zfs create dst/enc/client/src/data/b
	zfs snapshot -r dst/enc/client/src/data/a@1
	zfs create "${keys[@]}" src/e
	zfs snapshot src/e@1
	zfs send -w src/e@1 > raw
	for try in 1 2; do
		run -1 --separate-stderr receiver Receive "$(receive_request src/e@1 src/data)" < raw
		stderr_has 'cannot take the place'
		zfs list dst/enc/client/src/data/a@1 dst/enc/client/src/data/b
	done
}

@test "a placeholder whose snapshot is held keeps its child where clients see it" {
	RECEIVER="zr-guard -d state -k 'regex never' $PLAIN"
	zfs create -p -o mountpoint=none dst/client/src/data/a
	for name in dst/client dst/client/src dst/client/src/data; do
		zfs set zrepl:placeholder=on mountpoint=none $name
	done
	zfs snapshot dst/client/src/data@old
	zfs hold mine dst/client/src/data@old
	random 32 key
	zfs create -o encryption=on -o keyformat=raw -o "keylocation=file://$PWD/key" src/e
	zfs snapshot src/e@1
	zfs send -w src/e@1 > raw
	for try in 1 2; do
		run -1 --separate-stderr receiver Receive "$(receive_request src/e@1 src/data)" < raw
		stderr_has 'cannot take the place'
		zfs list dst/client/src/data@old dst/client/src/data/a
	done
	zfs release mine dst/client/src/data@old
	run -0 --separate-stderr receiver Receive "$(receive_request src/e@1 src/data)" < raw
	zfs list dst/client/src/data@1 dst/client/src/data/a
}
