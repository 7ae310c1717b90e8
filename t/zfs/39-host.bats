# zr-endpoint -H on pools: the zfs of another host, reached by a real sshd.  The other
# host is this one, so that what was done there can be compared with what is done here.
load zfs_helper
load ../lib/sshd

setup_file() {
	make_ssh_keys
}

setup() {
	enter_directory || return
	two_pools
	start_sshd
	there=$(id -un)@box.test
}

# One connection for all that follows, as zr-sync opens it.
share_connection() {
	export ZR_SSH_CONTROL=/tmp/zr-$$-%C
	background "$ZR_SSH" -NM -S "$ZR_SSH_CONTROL" "$there" < /dev/null > /dev/null 2>&1
	eventually 30 "$ZR_SSH" -S "$ZR_SSH_CONTROL" -O check "$there" 2> /dev/null
}

end_connection() {
	"$ZR_SSH" -S "$ZR_SSH_CONTROL" -O exit "$there" 2> /dev/null
	unset ZR_SSH_CONTROL
	eventually 20 ssh_ended
}

# replicate JOB SENDER-OPTIONS RECEIVER-OPTIONS ROOT
replicate() {
	zr-replicate -I all -s "zr-endpoint sender $2 -j $1 -f 'src/a<'" \
	    -r "zr-endpoint receiver $3 -n -u -j $1 -e inherit $4" > steps
}

# state ROOT JOB: all that replication has made there and on the sender.
state() {
	zfs list -Hro name,type,mounted -t filesystem,volume,snapshot "$1/src" | sed "s,^$1/,,"
	zfs get -Hro name,property,value -s local,received user:x,readonly "$1/src" | sed "s,^$1/,,"
	zfs list -Hro guid -t snapshot "$1/src"
	for name in 'src/a/with blanks' src/a/vol; do
		holds_of "$1/$name"
		holds_of "$name"
		bookmarks_of "$name" | grep "_J_$2 "
	done | sed "s/_J_$2/_J/"
}

@test "push and pull by -H leave what a local run leaves, through one connection" {
	zfs create src/a
	zfs create 'src/a/with blanks'
	zfs create -V 4M -s src/a/vol
	random 300000 'src/a/with blanks/file'
	zfs snapshot 'src/a/with blanks@first one' src/a/vol@1
	random 100000 'src/a/with blanks/more'
	zfs snapshot 'src/a/with blanks@2'
	zfs create dst/here
	zfs create dst/push
	zfs create dst/pull
	value="-o 'user:x=it'\\''s \"5\" \$(touch evaluated) \\ !!' -o readonly=on"
	replicate here '' "$value" dst/here
	share_connection
	replicate push '' "$value -H $there" dst/push
	replicate pull "-H $there" "$value" dst/pull
	[ "$(wc -l < connections)" -eq 1 ]
	state dst/here here > here
	state dst/push push > push
	state dst/pull pull > pull
	diff here push
	diff here pull
	[ "$(property user:x 'dst/push/src/a/with blanks')" = 'it'\''s "5" $(touch evaluated) \ !!' ]
	[ ! -e evaluated ]
	grep -q 'src/a/with blanks@first one' push
	grep -q 'zrepl_last_received_J$' push
	grep -q 'zrepl_CURSOR_G_' push
	[ "$(fs_digest 'src/a/with blanks@2')" = "$(fs_digest 'dst/push/src/a/with blanks@2')" ]
	# A second run has nothing to do.
	replicate push '' "$value -H $there" dst/push
	[ ! -s steps ]
	end_connection
}

@test "raw encrypted filesystems go there and stay encrypted" {
	random 32 key
	zfs create -o encryption=on -o keyformat=raw -o "keylocation=file://$PWD/key" src/a
	random 300000 src/a/file
	zfs snapshot src/a@1
	random 300000 src/a/more
	zfs snapshot src/a@2
	zfs create dst/raw
	share_connection
	replicate raw -E "-H $there" dst/raw
	[ "$(snapshots_of src/a)" = "$(snapshots_of dst/raw/src/a)" ]
	[ "$(property keystatus dst/raw/src/a)" = unavailable ]
	zfs load-key -L "file://$PWD/key" dst/raw/src/a
	[ "$(fs_digest src/a@2)" = "$(fs_digest dst/raw/src/a@2)" ]
	end_connection
}

no_zfs() {
	! pgrep -x zfs > /dev/null
}

# The connections of zfs send and zfs recv are among the last three, and still open.
interrupted_step() {
	local status=0 request pid victims=()
	request=$(send_request "${@:2}")
	rm -f receiving paused
	: > connections
	: > clients
	echo $((RANDOM % 12 + 1)) > pause
	zr-step -s "$SENDER" -r "$RECEIVER" "$request" > /dev/null 2> step.err 3>&- &
	children+=($!)
	eventually 120 streaming "${children[-1]}"
	for pid in $(tail -qn 3 connections clients); do
		gone "$pid" || victims+=("$pid")
	done
	# The step may have been over before its stream came to the pause.
	if [ ${#victims[@]} -gt 0 ]; then
		kill "-$((RANDOM % 2 ? 9 : 15))" "${victims[RANDOM % ${#victims[@]}]}" || true
	fi
	rm -f pause
	wait "${children[-1]}" || status=$?
	[ $status -eq 0 ] || [ ! -e receiving ] || flowing=$((flowing + 1))
	[ $status -eq 0 ] || grep -q -e 'ssh connection to' -e 'dataset is busy' \
	    -e 'contains partially-complete state' step.err || { cat step.err; return 99; }
	eventually 60 ssh_ended || return 99
	eventually 60 no_zfs || return 99
	return $status
}

@test "a filesystem arrives although one of its two ssh connections is cut 3 times" {
	zfs create src/data
	change() {
		random 1000000 "src/data/$(($1 % 3))"
	}
	SENDER="zr-endpoint sender -H $there -j job -f 'src<'"
	RECEIVER="zr-endpoint receiver -H $there -j job -e inherit -c client dst"
	interruptions 3 src/data
	same_snapshot src/data@last
}

@test "more snapshots than a command line holds are destroyed there as they are here" {
	count=${ZR_TEST_SNAPSHOTS:-1300}
	zfs create dst/many
	seq -f 'dst/many@a snapshot with a name of some length %04g' "$count" | snapshot_all
	zfs hold mine "dst/many@a snapshot with a name of some length 0007"
	share_connection
	receiver=(zr-endpoint receiver -H "$there" -n -j job dst)
	"${receiver[@]}" ListFilesystemVersions '{"Filesystem":"many"}' |
	    jq -c '{Filesystem: "many", Snapshots: .Versions}' > request
	[ "$(jq '.Snapshots | length' request)" -eq "$count" ]
	count_zfs
	ZR_ZFS=$PWD/counted-zfs "${receiver[@]}" DestroySnapshots < request > answer 2> errors
	[ "$(grep -c '^destroy' ran)" -gt 1 ]
	[ "$(jq -r '.Results[].Error | select(. != null)' answer)" = 'dataset is busy' ]
	grep -q "hint: on $there: the hold mine keeps dst/many@a snapshot with a name of some length 0007" errors
	[ "$(zfs list -Ho name -t snapshot dst/many)" = 'dst/many@a snapshot with a name of some length 0007' ]
	[ "$(wc -l < connections)" -eq 1 ]
	end_connection
}

@test "more calls at once than sshd's MaxSessions get connections of their own" {
	zfs create src/a
	zfs snapshot src/a@1
	share_connection
	printf '#!/bin/sh\nsleep 2\nexec zfs "$@"\n' > sleepy-zfs
	chmod +x sleepy-zfs
	for i in $(seq 14); do
		ZR_ZFS=$PWD/sleepy-zfs background zr-endpoint sender -H "$there" -f '<' \
		    ListFilesystemVersions '{"Filesystem":"src/a"}' > "answer$i" 2> "errors$i"
	done
	for i in $(seq 14); do
		ended_with 0 "${children[-i]}"
		[ ! -s "errors$i" ]
		[ "$(jq '.Versions | length' "answer$i")" -eq 1 ]
	done
	[ "$(wc -l < connections)" -gt 1 ]
	[ "$(wc -l < connections)" -lt 14 ]
	end_connection
}
