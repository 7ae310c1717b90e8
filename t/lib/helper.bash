# Shared by the bats files, which are in folders of t/: `load ../lib/helper`.
# shellcheck disable=SC2034,SC2154 # used by the files, set by bats
bats_require_minimum_version 1.5.0
TESTS=${BATS_TEST_DIRNAME%/*}
TOP=${TESTS%/*}
HELPERS=$TESTS/lib
export PATH="${ZR_BUILD:=$TOP/build}/bin:$PATH"
DATA=$TESTS/data

setup() {
	enter_directory
}

teardown() {
	end_children
}

enter_directory() {
	cd "$BATS_TEST_TMPDIR" || return 1
	children=()
}

# End what the test started, by pid, and nothing else.
end_children() {
	local pid
	for pid in "${children[@]}"; do
		kill "$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
}

# background COMMAND...: run it, remember its pid in $! and for teardown.
background() {
	"$@" <&0 3>&- &
	children+=($!)
}

# gone PID: it has ended, whether or not somebody has waited for it.
gone() {
	! grep -q '^State:[[:space:]]*[^ZX]' "/proc/$1/status" 2>/dev/null
}

# ended_with STATUS PID: wait for a child of this shell ("run wait" is another shell's).
ended_with() {
	local status=0
	wait "$2" || status=$?
	[ "$status" -eq "$1" ] || { echo "$2 ended with status $status"; return 1; }
}

# eventually SECONDS COMMAND...: retry until it succeeds, fail at the deadline.
eventually() {
	local deadline=$((SECONDS + $1)) nothing=$BATS_RUN_TMPDIR/nothing
	shift
	until "$@"; do
		[ "$SECONDS" -lt "$deadline" ] || return 1
		# A moment without a process: nobody writes there.
		[ -p "$nothing" ] || mkfifo "$nothing" 2> /dev/null || :
		read -r -t 0.05 <> "$nothing" || :
	done
}

# stream_version NAME: a snapshot of $DATA/streams, such as a/data@one, as a
# FilesystemVersion; null if there is none of that name.
stream_version() {
	awk -F '\t' -v name="$1" '$1 == name' "$DATA/streams/versions.tsv" |
	jq -cnR '[inputs | split("\t") | {Type: "Snapshot", Name: (.[0] | split("@")[1]),
	    Guid: .[1], CreateTXG: .[2], Creation: (.[3] | tonumber | todate)}] | first // null'
}

# The line of stderr that matters: fail unless $stderr (run --separate-stderr)
# holds this text.
stderr_has() {
	[[ "$stderr" == *"$1"* ]] || { printf 'stderr: %s\n' "$stderr"; return 1; }
}

# In seconds: what an exchange may take at most, and, where sanitizers make
# everything slow, what a replay takes for on time.
PATIENCE=120
case $ZR_BUILD in
*sanitize*) PATIENCE=300; export ZR_REPLAY_TOLERANCE=15 ;;
esac

# Most a resident may hold, in KiB: sanitizers need memory of their own.
memory_limit() {
	case $ZR_BUILD in
	*sanitize*) echo 1000000 ;;
	*) echo 4096 ;;
	esac
}

# sweep EVERY PLAN...: fault_sweep.py with every EVERYth fault.  Sanitizers
# make each exchange ten times as long: a sample there.  ZR_FAULT_EVERY=1
# takes all.
sweep() {
	local every=${ZR_FAULT_EVERY:-$1}
	case $ZR_BUILD in
	*sanitize*) every=$((every * 23)) ;;
	esac
	run "$HELPERS/fault_sweep.py" -e "$every" "${@:2}"
	echo "$output"
	[ "$status" -eq 0 ]
}
