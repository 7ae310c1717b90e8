#!/bin/sh
# make demo: real zfs send streams, replicated over TCP by zr-replicate,
# there and back: planned over control connections, sent over data connections.
# Run it from the top of the source tree with the zr programs in PATH.  It
# leaves nothing behind.
set -eu

streams=$PWD/t/data/streams
dir=$(mktemp -d)
server=
trap 'stop; rm -rf "$dir"' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# SIGTERM lets open connections finish.
stop() {
	[ -z "$server" ] || { kill "$server"; wait "$server" || :; }
	server=
}

# for_each_stream FUNCTION: call it for every stream, with the stream's file, its base
# (empty for a full stream) and its snapshot.
for_each_stream() {
	"$1" "$streams/data.full.zstream" '' one
	"$1" "$streams/data.one-two.zstream" one two
	"$1" "$streams/data.two-three.zstream" two three-unchanged
	"$1" "$streams/data.three-four.zstream" three-unchanged \
	    'four with space:and.dots_-'
}

# A snapshot as a FilesystemVersion; null for none.
version() {
	awk -F '\t' -v name="a/data@$1" '$1 == name' "$streams/versions.tsv" |
	jq -cnR '[inputs | split("\t") | {Type: "Snapshot",
	    Name: (.[0] | split("@")[1]), Guid: .[1], CreateTXG: .[2],
	    Creation: (.[3] | tonumber | todate)}] | first // null'
}

# The SendReq of a step.
request() {
	jq -cn --argjson from "$(version "$1")" --argjson to "$(version "$2")" \
	    '{Filesystem: "a/data", From: $from, To: $to,
	    ReplicationConfig: {protection: {Initial: "GuaranteeResumability",
	    Incremental: "GuaranteeIncrementalReplication"}}}'
}

import() {
	zr-endpoint archive "$dir/web" Receive \
	    "$(request "$2" "$3" | jq -c 'del(.From)')" < "$1" > "$dir/answer"
	printf '  %-34s %8d bytes\n' "a/data@$3" "$(wc -c < "$1")"
}

# Everything from one endpoint to another, a line for each step.
replicate() {
	zr-replicate -jq -I all -s "$sender" -r "$receiver" > "$dir/steps"
	jq -r '"  \(.filesystem)@\(.to)" + "                                   "[(.to | length):] +
	    "\(.bytes) bytes in \(.seconds) s" +
	    if .from then ", after @\(.from)" else ", in full" end' "$dir/steps"
}

# An archive must send exactly the bytes that zfs send wrote.
compare() {
	request "$2" "$3" | zr-endpoint archive "$copy" Send |
	    { read -r _; cmp - "$1"; }
}

mkdir "$dir/web" "$dir/backup" "$dir/restored"
echo "Real zfs send streams, imported into the archive 'web':"
for_each_stream import

zr-listen -1 -i 127.0.0.1=demo tcp:127.0.0.1:0 \
    zr-handshake accept zr-mux accept \
    zr-serve -b zr-endpoint archive -C "$dir/backup" > "$dir/port" &
server=$!
until [ -s "$dir/port" ]; do
	kill -0 "$server"
	sleep 0.05
done
address=tcp:127.0.0.1:$(cat "$dir/port")
cat <<END

The archive 'backup' is served by
  zr-listen $address zr-handshake accept zr-mux accept zr-serve -b zr-endpoint archive -C backup
and reached by zr-remote, which is
  zr-connect $address zr-handshake connect zr-mux connect zrepl_control zr-rpc METHOD
to plan, and for Send and Receive
  zr-connect $address zr-handshake connect zr-mux connect zrepl_data zr-dataconn METHOD

Push, zr-replicate -I all -s 'zr-endpoint archive web' -r 'zr-remote $address':
END
sender="zr-endpoint archive '$dir/web'" receiver="zr-remote $address"
replicate
echo "Again: there is nothing to do."
replicate
[ ! -s "$dir/steps" ]

echo
echo "Pull, zr-replicate -I all -s 'zr-remote $address' -r 'zr-endpoint archive restored':"
sender="zr-remote $address" receiver="zr-endpoint archive '$dir/restored'"
replicate
echo "Again: there is nothing to do."
replicate
[ ! -s "$dir/steps" ]

echo
echo "The server's snapshots, over a control connection, zr-remote $address METHOD:"
zr-remote "$address" ListFilesystemVersions '{"Filesystem":"a/data"}' |
    jq -r '.Versions[] | "  a/data@\(.Name)  guid \(.Guid)  of \(.Creation)"'
stop

for copy in "$dir/backup/demo" "$dir/restored"; do
	for_each_stream compare
done
echo
echo "Both copies are byte for byte what zfs send wrote."
