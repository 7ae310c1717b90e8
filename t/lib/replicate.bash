# Shared by the files of t/replicate, after helper: archives that are made of real
# streams, and endpoints that fail on demand (faulty.py).
# shellcheck disable=SC2034 # used by the files

SENDER='zr-endpoint archive web'
RECEIVER='zr-endpoint archive backup'
FAULTY_SENDER="$HELPERS/faulty.py sending $SENDER"
FAULTY_RECEIVER="$HELPERS/faulty.py receiving $RECEIVER"

# What an archive stores is for its owner alone.
umask 077

# The snapshots of a filesystem, by their guids: one, two, three-unchanged, four...
GUIDS=(189b5711514940fa 43f35d1d372d1297 521f0cb0b1f4cef9 cb3b9d068b5917bb)
SIZES=(1188000 296784 624 244720)

version() {
	stream_version "a/data@$1"
}

# receive_request SNAPSHOT FILESYSTEM
receive_request() {
	jq -cn --argjson to "$(version "$1")" --arg fs "$2" '{Filesystem: $fs, To: $to,
	    ReplicationConfig: {protection: {Initial: 1, Incremental: 1}}}'
}

# Two archives, and for each endpoint a directory of faults and calls (faulty.py).
setup() {
	enter_directory || return
	mkdir web backup sending receiving
}

setup_file() {
	local base=$BATS_FILE_TMPDIR/base
	mkdir "$base"
	while read -r file name; do
		zr-endpoint archive "$base" Receive "$(receive_request "$name" fs)" \
		    < "$DATA/streams/$file.zstream" > "$BATS_FILE_TMPDIR/answer"
	done <<-'END'
		data.full one
		data.one-two two
		data.two-three three-unchanged
		data.three-four four with space:and.dots_-
	END
}

# lay ARCHIVE FILESYSTEM FIRST LAST...: it has these of the four snapshots
lay() {
	local archive=$1 i
	shift
	while [ $# -gt 0 ]; do
		mkdir -p "$archive/$1"
		for ((i = $2; i <= $3; i++)); do
			cp "$BATS_FILE_TMPDIR/base/fs/@${GUIDS[i - 1]}".* "$archive/$1"
		done
		shift 3
	done
}

# record DIRECTORY NAME GUID CREATETXG CREATION: a snapshot of somebody else's
record() {
	mkdir -p "$1"
	printf '{"name":"%s","guid":"%s","from_guid":"0","createtxg":"%s","creation":"%s","size":"9"}\n' \
	    "${@:2}" > "$1/@$(printf %016x "$3").json"
	echo a stream > "$1/@$(printf %016x "$3").zstream"
}

# replicate STATUS ARGUMENT...
replicate() {
	run "-$1" --separate-stderr timeout $PATIENCE zr-replicate -I all "${@:2}"
}

# The same streams in both, and nothing else but locks and what is called empty.
same() {
	diff -r -x @lock -x empty "$1" "$2"
}

state_of() {
	find "$@" ! -name @lock -printf '%p %s %T@ %i\n' | sort
	find "$@" -type f -exec cksum {} + | sort
}

# fault sending|receiving TIMES METHOD FILESYSTEM ACTION...: see faulty.py; later has
# the same arguments
fault() {
	faults=$((${faults-0} + 1))
	jq -cn --argjson times "$2" '[$ARGS.positional[0, 1], $times] + $ARGS.positional[2:]' \
	    --args "${@:3}" > "$1/$(printf %04d "$faults").${kind-fault}"
}

later() {
	kind=later fault "$@"
}

# calls sending|receiving METHOD [FILESYSTEM]: how many there were
calls() {
	grep -c "^$2 ${3-.*}\$" "$1/calls" 2>/dev/null || :
}

# events JQ-FILTER: of the file "events"
events() {
	jq -r "$1" events
}

# faulty STATUS ARGUMENT...: a run of both, with events
faulty() {
	replicate "$1" -e events "${@:2}" -s "$FAULTY_SENDER" -r "$FAULTY_RECEIVER"
}

retries() {
	events 'select(.event == "retry").class' | paste -sd ,
}
