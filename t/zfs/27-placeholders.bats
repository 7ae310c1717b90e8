# Streams that arrive where a placeholder is, on real ZFS.
load zfs_helper

setup() {
	enter_directory || return
	two_pools
	RECEIVER="zr-endpoint receiver -c client -j job -e inherit dst"
}

placeholder() {
	zfs create -p -o mountpoint=none -o zrepl:placeholder=on "$1"
	zfs set zrepl:placeholder=on mountpoint=none "$1"
}

# cut_step BYTES FROM TO: a step whose stream is cut off.
cut_step() {
	cat > cut <<-END
	#!/bin/sh
	[ "\$1" = Send ] || exec $SENDER "\$@"
	$SENDER "\$@" | head -c $1
	exit 1
	END
	chmod +x cut
	run ! zr-step -s ./cut -r "$RECEIVER" "$(send_request "$2" "$3")"
}

@test "a full stream replaces a placeholder with children, even with snapshots of its own" {
	zfs create src/data
	random 3000000 src/data/file
	zfs snapshot src/data@1
	placeholder dst/client
	placeholder dst/client/src
	placeholder dst/client/src/data
	zfs create dst/client/src/data/child
	zfs snapshot dst/client/src/data@mine
	zfs snapshot dst/client/src/data@mine2
	SENDER="$SENDER -w"
	step '' src/data@1
	same_snapshot src/data@1
	[ "$(snapshots_of dst/client/src/data | cut -d ' ' -f 1)" = 1 ]
	[ "$(zfs get -Ho value,source zrepl:placeholder dst/client/src/data)" = "off	local" ]
	zfs list dst/client/src/data/child
}

@test "a stream that was interrupted over a placeholder is resumed" {
	zfs create src/data
	random 8000000 src/data/file
	zfs snapshot src/data@1
	placeholder dst/client
	placeholder dst/client/src
	placeholder dst/client/src/data
	cut_step 4000000 '' src/data@1
	token=$(token_of src/data)
	[ -n "$token" ]
	zr-step -s "$SENDER" -r "$RECEIVER" \
	    "$(send_request '' src/data@1 | jq -c --arg t "$token" '.ResumeToken = $t')"
	same_snapshot src/data@1
}

@test "a stream that was interrupted over a placeholder can begin anew" {
	zfs create src/data
	random 8000000 src/data/file
	zfs snapshot src/data@1
	placeholder dst/client
	placeholder dst/client/src
	placeholder dst/client/src/data
	cut_step 4000000 '' src/data@1
	[ -n "$(token_of src/data)" ]
	step '' src/data@1
	same_snapshot src/data@1
}

@test "a placeholder stays one after a kill before the stream, or without saved state" {
	zfs create src/data
	random 3000000 src/data/file
	zfs snapshot src/data@1
	placeholder dst/client
	placeholder dst/client/src
	placeholder dst/client/src/data
	cat > deadly-zfs <<-'END'
	#!/bin/sh
	[ "$1" != recv ] || { kill -9 $PPID; exit 1; }
	exec zfs "$@"
	END
	chmod +x deadly-zfs
	ZR_ZFS=$PWD/deadly-zfs run ! step '' src/data@1
	[ "$(zfs get -Ho value,source zrepl:placeholder dst/client/src/data)" = "on	local" ]
	RECEIVER=${RECEIVER/receiver/receiver -S}
	cut_step 1500000 '' src/data@1
	[ -z "$(token_of src/data)" ]
	[ "$(zfs get -Ho value,source zrepl:placeholder dst/client/src/data)" = "on	local" ]
	step '' src/data@1
	same_snapshot src/data@1
}

@test "an invalid stream, or one of another snapshot, keeps a placeholder's snapshots" {
	zfs create src/data
	zfs snapshot src/data@1
	zfs snapshot src/data@2
	placeholder dst/client
	placeholder dst/client/src
	placeholder dst/client/src/data
	zfs snapshot dst/client/src/data@mine
	head -c 100000 /dev/urandom > garbage
	zfs send src/data@2 > other
	for stream in garbage other; do
		run ! receiver Receive "$(receive_request src/data@1 src/data)" < "$stream"
		run ! receiver Receive "$(receive_request src/data@1 src/data)" < <(cat "$stream")
	done
	zfs list dst/client/src/data@mine
	[ "$(zfs get -Ho value,source zrepl:placeholder dst/client/src/data)" = "on	local" ]
}

# A placeholder that has its base: what an increment needs.
placeholder_with_base() {
	zfs create src/data
	random 300000 src/data/file
	zfs snapshot src/data@1
	step '' src/data@1
	zfs set zrepl:placeholder=on dst/client/src/data
	random 200000 src/data/other
	zfs snapshot src/data@2
}

# many_properties DATASET COUNT: user properties of 8 KB each.
many_properties() {
	local i value assignments=()
	printf -v value '%08000d' 0
	for ((i = 0; i < $2; i++)); do
		assignments+=("org:property$i=$value")
	done
	zfs set "${assignments[@]}" "$1"
}

@test "an increment that pauses in its beginning keeps the base that it needs" {
	placeholder_with_base
	zfs send -i @1 src/data@2 > stream
	receiver Receive "$(receive_request src/data@2 src/data)" \
	    < <(head -c 100 stream; sleep 3; tail -c +101 stream)
	same_snapshot src/data@2
	[ "$(snapshots_of dst/client/src/data)" = "$(snapshots_of src/data)" ]
}

@test "a beginning longer than a pipe keeps the base, and arrives whole" {
	placeholder_with_base
	SENDER="zr-endpoint sender -p -f 'src<' -j job"
	# Above what a pipe holds as it is made, and above what it may hold at most.
	for count in 20 140; do
		many_properties src/data $count
		zfs snapshot "src/data@$count"
		zfs set zrepl:placeholder=on dst/client/src/data
		step "src/data@$(zfs list -Ho name -t snapshot dst/client/src/data | tail -n 1 | cut -d @ -f 2)" "src/data@$count"
		same_snapshot "src/data@$count"
		[ "$(property "org:property$((count - 1))" dst/client/src/data)" = "$(property "org:property$((count - 1))" src/data)" ]
		zfs list dst/client/src/data@1
	done
	# A full one, where there is nothing yet.
	zfs destroy -r src/data@1
	zr-endpoint receiver -c other -j job -e inherit dst \
	    Receive "$(receive_request src/data@140 src/data)" < <(zfs send -p src/data@140)
	[ "$(guid_of src/data@140)" = "$(guid_of dst/other/src/data@140)" ]
}

@test "a package is named, and keeps a placeholder's snapshots" {
	zfs create -p src/data/child
	zfs snapshot -r src/data@1
	many_properties src/data 20
	placeholder dst/client
	placeholder dst/client/src
	placeholder dst/client/src/data
	zfs snapshot dst/client/src/data@mine
	run -1 --separate-stderr receiver Receive "$(receive_request src/data@1 src/data)" < <(zfs send -R src/data@1)
	stderr_has 'the stream is a package of several streams (zfs send -R): send one snapshot at a time'
	zfs list dst/client/src/data@mine
}

@test "the hint for a receiver moved with zfs send -R repairs its placeholders" {
	zfs create -p src/a/b
	random 100000 src/a/b/file
	zfs snapshot -r src/a@1
	step '' src/a/b@1
	zfs snapshot -r dst/client@moved
	zfs create -o mountpoint=none dst/new
	zfs send -R dst/client@moved | zfs recv -u -d dst/new
	[ "$(zfs get -Ho value,source zrepl:placeholder dst/new/client/src/a)" = "on	received" ]
	RECEIVER='zr-endpoint receiver -j job -e inherit -c client dst/new'
	run -1 --separate-stderr step '' src/a@1
	[[ $stderr != *destroy* ]]
	stderr_has 'log: dst/new/client/src/a is not a placeholder: zrepl:placeholder=on was received'
	hint=$(sed -n 's/.*log: hint: "\([^"]*\)".*/\1/p' <<< "$stderr")
	[ "$hint" = 'zfs set zrepl:placeholder=on dst/new/client/src/a' ]
	$hint
	step '' src/a@1
	[ "$(guid_of dst/new/client/src/a@1)" = "$(guid_of src/a@1)" ]
	zfs list dst/new/client/src/a/b@1
	# What was replicated there goes on.
	zfs snapshot src/a/b@2
	step src/a/b@1 src/a/b@2
	# Another filesystem that is in the way is not destroyed either.
	zfs create src/c
	zfs create -p dst/new/client/src/c/kept
	zfs snapshot src/c@1
	run -1 --separate-stderr step '' src/c@1
	stderr_has 'rename dst/new/client/src/c to receive it anew'
	[[ $stderr != *destroy* ]]
}

# A raw tree: the children arrive first, below a placeholder.
raw_tree() {
	SENDER="zr-endpoint sender -E -f 'src<' -j job"
	random 32 key
	zfs create -o encryption=on -o keyformat=raw -o keylocation="file://$PWD/key" src/e
	zfs create src/e/one
	zfs create src/e/one/deep
	random 8000000 src/e/file
	random 100000 src/e/one/deep/file
	zfs snapshot -r src/e@1
	zfs snapshot -r src/e@2
	step '' src/e/one/deep@1
	step '' src/e/one@1
	placeholder dst/client/src/e/plain
	[ "$(property encryption dst/client/src/e)" = off ]
}

@test "a raw filesystem takes the place of a placeholder with children" {
	raw_tree
	step '' src/e@1
	[ "$(guid_of src/e@1)" = "$(guid_of dst/client/src/e@1)" ]
	[ "$(property encryption dst/client/src/e)" = aes-256-gcm ]
	[ "$(holds_of dst/client/src/e)" = "1 $RECEIVED_TAG" ]
	for name in src/e src/e/one src/e/one/deep; do
		step "$name@1" "$name@2"
	done
	zfs list dst/client/src/e/plain
	[ -z "$(zfs list -Ho name -r dst | grep incoming || true)" ]
	zfs load-key -L "file://$PWD/key" dst/client/src/e
	[ "$(fs_digest src/e@2)" = "$(fs_digest dst/client/src/e@2)" ]
	zfs load-key -L "file://$PWD/key" dst/client/src/e/one/deep
	[ "$(fs_digest src/e/one/deep@2)" = "$(fs_digest dst/client/src/e/one/deep@2)" ]
}

@test "a raw stream interrupted over a placeholder is resumed, or begun anew" {
	raw_tree
	cut_step 4000000 '' src/e@1
	[ -n "$(token_of src/e)" ]
	[ -z "$(receiver ListFilesystems '{}' | jq -r '.Filesystems[].Path' | grep incoming || true)" ]
	cut_step 3000000 '' src/e@1
	token=$(token_of src/e)
	[ -n "$token" ]
	zr-step -s "$SENDER" -r "$RECEIVER" \
	    "$(send_request '' src/e@1 | jq -c --arg t "$token" '.ResumeToken = $t')"
	[ "$(guid_of src/e@1)" = "$(guid_of dst/client/src/e@1)" ]
	zfs list dst/client/src/e/one/deep@1
}

@test "the next call finishes a swap with a placeholder, wherever it stopped" {
	raw_tree
	# As far as: received; a child moved; all moved; the placeholder gone.
	for moved in 0 1 2 3; do
		zfs destroy -r -f dst/client 2>/dev/null || {
			zfs list -Ho name -t snapshot -r dst/client | xargs -n 1 zfs release "$RECEIVED_TAG" 2>/dev/null || true
			zfs destroy -r -f dst/client
		}
		step '' src/e/one@1
		placeholder dst/client/src/e/plain
		zfs send -w src/e@1 | zfs recv dst/client/src/e.zr-incoming
		[ $moved -lt 1 ] || zfs rename dst/client/src/e/one dst/client/src/e.zr-incoming/one
		[ $moved -lt 2 ] || zfs rename dst/client/src/e/plain dst/client/src/e.zr-incoming/plain
		[ $moved -lt 3 ] || zfs destroy dst/client/src/e
		step '' src/e@1
		[ "$(guid_of src/e@1)" = "$(guid_of dst/client/src/e@1)" ]
		zfs list dst/client/src/e/one@1 dst/client/src/e/plain
		[ -z "$(zfs list -Ho name -r dst | grep incoming || true)" ]
	done
}

@test "a step whose answer was lost succeeds again" {
	zfs create src/data
	zfs snapshot src/data@1
	step '' src/data@1
	step '' src/data@1
	same_snapshot src/data@1
	[ "$(holds_of dst/client/src/data)" = "1 $RECEIVED_TAG" ]
}

@test "siblings without existing parents can arrive at the same time" {
	for i in 1 2 3 4; do
		zfs create -p "src/a/b/c$i"
		zfs snapshot "src/a/b/c$i@1"
	done
	for i in 1 2 3 4; do
		zr-step -s "$SENDER" -r "$RECEIVER" "$(send_request '' "src/a/b/c$i@1")" &
		pids[i]=$!
	done
	for i in 1 2 3 4; do
		wait "${pids[i]}"
	done
	for i in 1 2 3 4; do
		same_snapshot "src/a/b/c$i@1"
	done
	[ "$(zfs get -Ho value,source zrepl:placeholder dst/client/src/a/b)" = "on	local" ]
}

@test "the encryption of placeholders must be specified" {
	zfs create -p src/a/b
	zfs snapshot src/a/b@1
	RECEIVER="zr-endpoint receiver -c client -j job dst"
	run ! step '' src/a/b@1
	[[ $output = *"placeholder filesystem encryption handling is unspecified in receiver config"* ]]
	RECEIVER="zr-endpoint receiver -c client -j job -e off dst"
	step '' src/a/b@1
	[ "$(zfs get -Ho source encryption dst/client/src/a)" = local ] ||
	[ "$(property encryption dst/client/src/a)" = off ]
}

@test "-o and -x set the receiver's properties" {
	zfs create -o compression=gzip -o recordsize=64k src/data
	zfs snapshot src/data@1
	SENDER="zr-endpoint sender -p -f 'src<' -j job"
	RECEIVER="zr-endpoint receiver -c client -j job -e inherit -o compression=lz4 -x recordsize -x mountpoint dst"
	step '' src/data@1
	[ "$(property compression dst/client/src/data)" = lz4 ]
	[ "$(property recordsize dst/client/src/data)" = 131072 ]
}

# Their names, of what is there.
properties_of() {
	zfs get -Ho property all "$1" | sort
}

@test "properties that do not apply to a volume, or to a filesystem, are left out and named once" {
	zfs create src/data
	zfs create -V 8M src/volume
	zfs snapshot src/data@1
	zfs snapshot src/volume@1
	RECEIVER='zr-endpoint receiver -j job -e inherit -c client -o mountpoint=none -o canmount=off -o atime=off -x recordsize dst'
	run -0 --separate-stderr step '' src/volume@1
	[ "$stderr" = 'zr-step: receiver: zr-endpoint: log: dst/client/src/volume is a volume: left out -o mountpoint=none, -o canmount=off, -o atime=off, -x recordsize' ]
	same_snapshot src/volume@1
	run -0 --separate-stderr step '' src/data@1
	[ -z "$stderr" ]
	[ "$(zfs get -Ho value,source mountpoint dst/client/src/data)" = 'none	local' ]
	[ "$(zfs get -Ho value,source atime dst/client/src/data)" = 'off	local' ]
	# All that this version of ZFS has and can receive: it would warn of each that
	# does not apply.
	mapfile -t all < <(comm -3 <(properties_of src/data) <(properties_of src/volume) | tr -d '\t' |
	    grep -v -x -e mounted -e filesystem_count -e version -e volsize -e volblocksize \
	    -e casesensitivity -e normalization -e utf8only)
	[ ${#all[@]} -gt 20 ]
	options=()
	for name in "${all[@]}"; do
		options+=(-x "$name")
	done
	for what in data volume; do
		zfs snapshot "src/$what@2"
		run -0 --separate-stderr zr-endpoint receiver -j job -e inherit -c client "${options[@]}" dst \
		    Receive "$(receive_request "src/$what@2" "src/$what")" < <(zfs send -i @1 "src/$what@2")
		[[ $stderr != *Warning* ]]
		[ "$(wc -l <<< "$stderr")" -eq 1 ]
	done
}
