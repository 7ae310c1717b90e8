# Shared by the files of t/verify, after helper and replicate: two archives, web and backup,
# with copies of real streams, some of which were changed.
# shellcheck disable=SC2034,SC2154 # used by the files

MODEL=$HELPERS/streamsum_model.py
STREAMS=$DATA/streams

# keep ARCHIVE FILE SNAPSHOT FILESYSTEM: a stream is received there as that snapshot
keep() {
	local request
	request=$(jq -cn --argjson to "$(stream_version "$3")" --arg fs "$4" '{Filesystem: $fs, To: $to,
	    ReplicationConfig: {protection: {Initial: 1, Incremental: 1}}}')
	zr-endpoint archive "$1" Receive "$request" < "$2" > answer
}

# keep_both FILE SNAPSHOT FILESYSTEM
keep_both() {
	keep web "$@"
	keep backup "$@"
}

# verify STATUS ARGUMENT...: of the two archives
verify() {
	run "-$1" --separate-stderr timeout $PATIENCE zr-verify -s "$SENDER" -r "$RECEIVER" "${@:2}"
}

# verify_faulty STATUS ARGUMENT...: of the two behind faulty.py
verify_faulty() {
	run "-$1" --separate-stderr timeout $PATIENCE zr-verify -s "$FAULTY_SENDER" -r "$FAULTY_RECEIVER" "${@:2}"
}

# prints TEXT: a line of the output is exactly that
prints() {
	grep -qxF -- "$1" <<< "$output" || { printf 'no line: %s\n%s\n' "$1" "$output"; return 1; }
}
