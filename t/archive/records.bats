# What a call at an archive reads of a filesystem that has many snapshots.
load ../lib/helper
load ../lib/archive

setup() {
	enter_directory || return
	python3 "$TESTS/lib/tiny_archive.py" box 1 10
}

# tiny NUMBER: a stream of tiny_archive.py; tiny_send, tiny_receive NUMBER: its requests
tiny() {
	python3 -c 'import sys; sys.path.insert(0, sys.argv[1]); import tiny_archive
sys.stdout.buffer.write(tiny_archive.stream(int(sys.argv[2])))' "$TESTS/lib" "$1"
}

tiny_send() {
	python3 -c 'import json, sys; sys.path.insert(0, sys.argv[1]); import tiny_archive as a
print(json.dumps({"Filesystem": "tank/0", "To": a.version(int(sys.argv[2])), "From": a.version(int(sys.argv[2]) - 1),
                  "ReplicationConfig": a.CONFIG}))' "$TESTS/lib" "$1"
}

tiny_receive() {
	tiny_send "$1" | jq -c 'del(.From)'
}

# opened COMMAND...: how often it opens a record, a stream, the directory
opened() {
	"$TESTS/lib/opened.py" box/tank/0 "$@" > opened
	for name in '@[0-9a-f]*\.json' '@[0-9a-f]*\.zstream' '\.'; do
		grep -cx "$name" opened || :
	done | xargs
}

@test "Receive reads each record once, and Send none but that of its snapshot" {
	run -0 opened zr-endpoint archive box Send "$(tiny_send 5)"
	[ "${output% *}" = '1 1' ]
	tiny 10 > stream
	run -0 opened zr-endpoint archive box Receive "$(tiny_receive 10)" < stream
	# Three looks at the names: for leftovers, before the stream, and behind it.
	[[ "$output" = '10 0 '[1-9] ]]
	[ "$(names tank/0 | tr , '\n' | wc -l)" -eq 11 ]
	[ "$(archive Send "$(tiny_send 10)" | tail -n +2 | cmp - stream)" = '' ]
}

@test "what comes or goes while a stream arrives is seen, though the records are read once" {
	local receiver
	mkfifo pipe
	# Its base is not there when it begins.
	exec 8<> pipe
	background zr-endpoint archive box Receive "$(tiny_receive 11)" < pipe 8>&-
	receiver=${children[-1]}
	eventually 10 sh -c "test -n \"\$(find box -name '@receiving.*')\""
	tiny 10 | archive Receive "$(tiny_receive 10)"
	tiny 11 >&8
	exec 8>&-
	ended_with 0 "$receiver"
	# It is destroyed between its increment's beginning and end.
	tiny 12 > stream
	exec 8<> pipe
	background zr-endpoint archive box Receive "$(tiny_receive 12)" < pipe 2> refused 8>&-
	receiver=${children[-1]}
	head -c 400 stream >&8
	eventually 10 sh -c "test -n \"\$(find box -name '@receiving.*' -size +0)\""
	run -0 archive DestroySnapshots "$(jq -c '{Filesystem, Snapshots: [.From]}' <<< "$(tiny_send 12)")"
	tail -c +401 stream >&8
	exec 8>&-
	ended_with 1 "$receiver"
	grep -q 'lacks the base of this increment' refused
	# The same name comes with another guid.
	exec 8<> pipe
	background zr-endpoint archive box Receive "$(tiny_receive 11)" < pipe 2> refused 8>&-
	receiver=${children[-1]}
	tiny 11 | head -c 400 >&8
	eventually 10 sh -c "test -n \"\$(find box -name '@receiving.*' -size +0)\""
	record box/tank/0 snapshot_11 4711 0 1 1970-01-01T00:00:11Z 5
	tiny 11 | tail -c +401 >&8
	exec 8>&-
	ended_with 1 "$receiver"
	grep -q 'already exists with other contents (guid 4711)' refused
}

@test "a record that has changed is read again, though it has the inode that it had" {
	local receiver inode
	mkfifo pipe
	exec 8<> pipe
	background zr-endpoint archive box Receive "$(tiny_receive 10)" < pipe 2> refused 8>&-
	receiver=${children[-1]}
	tiny 10 | head -c 400 >&8
	eventually 10 sh -c "test -n \"\$(find box -name '@receiving.*' -size +0)\""
	inode=$(stat -c %i box/tank/0/@00000000000003f1.json)
	record box/tank/0 snapshot_10 1009 1008 19 1970-01-01T00:00:09Z 624
	[ "$(stat -c %i box/tank/0/@00000000000003f1.json)" = "$inode" ]
	tiny 10 | tail -c +401 >&8
	exec 8>&-
	ended_with 1 "$receiver"
	grep -q 'already exists with other contents (guid 1009)' refused
}
