# zr-step is killed in the middle of a stream: nothing of the step goes on, and the next
# one resumes it.
load zfs_helper

setup() {
	enter_directory || return
	two_pools
	# Of every stream only a part comes, and then a little, for ten minutes.
	slow_sender "head -c 2000000; : > '$PWD/flowing'; exec '$HELPERS/slow.py' -r 4000 -s 600"
}

# orphaned FROM TO [TOKEN]: a step of which zr-step is killed while zfs recv runs.
orphaned() {
	local request
	request=$(send_request "$@")
	rm -f flowing
	background setsid zr-step -s ./slow-sender -r "${PLACE:-$RECEIVER}" "$request" \
	    2> /dev/null
	eventually 60 test -e flowing
	ps -o args= -s "${children[-1]}" | grep -q '^zfs recv'
	kill -9 "${children[-1]}"
	eventually 30 session_ended "${children[-1]}"
}

# resumed FROM TO TOKEN: the next step.
resumed() {
	[[ $3 == 1-* ]]
	run -0 --separate-stderr step "$@"
	[ "$(jq .resumed <<< "$output")" = true ]
	same_snapshot "$2"
}

@test "after a kill a full stream and an increment are given up, then resumed" {
	zfs create src/data
	random 4000000 src/data/one
	zfs snapshot src/data@1
	orphaned '' src/data@1
	resumed '' src/data@1 "$(token_of src/data)"
	random 4000000 src/data/two
	zfs snapshot src/data@2
	orphaned src/data@1 src/data@2
	resumed src/data@1 src/data@2 "$(token_of src/data)"
}

@test "after a kill a remote receiver gives up its stream, which is then resumed" {
	zfs create src/data
	random 4000000 src/data/one
	zfs snapshot src/data@1
	PLACE="zr-remote 'exec:zr-handshake accept zr-mux accept zr-serve -b $RECEIVER'"
	orphaned '' src/data@1
	resumed '' src/data@1 "$(token_of src/data)"
}
