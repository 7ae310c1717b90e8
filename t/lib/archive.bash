# Shared by the bats files about zr-endpoint archive, fed with streams that real
# ZFS wrote: `load ../lib/archive`, after helper.
# shellcheck disable=SC2034 # used by the files
STREAMS=$DATA/streams

# version NAME: a snapshot of versions.tsv as a FilesystemVersion.
version() {
	stream_version "$1"
}

CONFIG='{"protection":{"Initial":"GuaranteeNothing","Incremental":"GuaranteeNothing"}}'

# receive_request SNAPSHOT [FILESYSTEM]; send_request FROM TO [FILESYSTEM]
receive_request() {
	jq -cn --argjson to "$(version "$1")" --argjson c "$CONFIG" --arg fs "${2-${1%@*}}" \
	    '{Filesystem: $fs, To: $to, ReplicationConfig: $c}'
}

send_request() {
	jq -cn --argjson from "$([ -z "$1" ] && echo null || version "$1")" --argjson to "$(version "$2")" \
	    --argjson c "$CONFIG" --arg fs "${3-${2%@*}}" \
	    '{Filesystem: $fs, From: $from, To: $to, ReplicationConfig: $c}'
}

archive() {
	zr-endpoint archive box "$@"
}

# keep FILE SNAPSHOT [FILESYSTEM]
keep() {
	archive Receive "$(receive_request "${@:2}")" < "$STREAMS/$1"
}

names() {
	archive ListFilesystemVersions "{\"Filesystem\":\"$1\"}" | jq -r '.Versions // [] | map(.Name) | join(",")'
}

leftovers() {
	find box -name '@receiving.*' -o -name '@record'
}

# parts: the names of those in the archive that have an anchor.
parts() {
	find box -name '@receiving.*.*.*.*' -printf '%f\n'
}

# token_of FILESYSTEM: the resume token that the archive offers, or nothing
token_of() {
	archive ListFilesystems '{}' | jq -r --arg fs "$1" '.Filesystems // [] | map(select(.Path == $fs))[].ResumeToken // ""'
}

# toguid_of FILESYSTEM: the snapshot that its token is of
toguid_of() {
	token_of "$1" | zr-token | jq -r .toguid
}

# destroy SNAPSHOT...: of a/data; the answers as [NAME, ERROR]
destroy() {
	archive DestroySnapshots "$(jq -cn --argjson s "$(for s in "$@"; do version "a/data@$s"; done | jq -cs .)" '{Filesystem: "a/data", Snapshots: $s}')" |
	    jq -c '[.Results[] | [.Snapshot.Name, .Error // ""]]'
}

# record DIRECTORY NAME GUID FROM_GUID CREATETXG CREATION SIZE: a record as it
# has always been written.
record() {
	printf '{"name":"%s","guid":"%s","from_guid":"%s","createtxg":"%s","creation":"%s","size":"%s"}\n' \
	    "${@:2}" > "$1/@$(printf %016x "$3").json"
}

# paused FILE SNAPSHOT BYTES: a Receive in the background that has so many bytes
# of its stream, with its part, which has an anchor, named by $part; the rest: "cat >&8",
# exec 8>&-.
paused() {
	rm -f pipe
	mkfifo pipe
	exec 8<> pipe
	background zr-endpoint archive box Receive "$(receive_request "$2")" < pipe 8>&-
	receiver=${children[-1]}
	head -c "$3" "$STREAMS/$1" >&8
	eventually 20 sh -c "test -n \"\$(find box -name '@receiving.*.*.*.*' -size +$(($3 / 1024 - 256))k)\""
	part=$(find box -name '@receiving.*.*.*.*')
}
