# Shared by the files that replay control connections: `load ../lib/replay`.

# both NAME...: in both roles, all at the same time; they mostly wait.
both() {
	local name
	for name; do
		replay server "$name"
		replay client "$name"
	done
	replayed
}

replay() {
	timeout 90 /usr/bin/python3 "$HELPERS/rpc_replay.py" "$@" 3>&- \
	    > "$1.$2" 2>&1 &
	replays+=("$!:$1.$2")
}

replayed() {
	local one failed=0
	for one in "${replays[@]}"; do
		wait "${one%%:*}" || { echo "${one#*:}:"; cat "${one#*:}"; failed=1; }
	done
	replays=()
	return "$failed"
}
