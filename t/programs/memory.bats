# What messages cost: beside what a program has anyway, at most four times the
# message, as it is on the wire or as JSON, whichever is longer.  The elements
# of lists are as small as they can be, for they cost most.
load ../lib/helper

TIMES=4
case $ZR_BUILD in *sanitize*) TIMES=100 ;; esac	# they need memory of their own

setup() {
	enter_directory || return
	# An endpoint that answers with what is in ./answer.
	cat > endpoint <<-'END'
		#!/bin/sh
		sed -n 1p > request
		exec cat answer
	END
	chmod +x endpoint
	VERSION='{"Name":"a","Creation":"2024-01-02T00:00:00Z"}'
}

# list COUNT ELEMENT BEFORE BEHIND: one line of JSON
list() {
	python3 -c 'import sys
print(sys.argv[3] + ",".join([sys.argv[2]] * int(sys.argv[1])) + sys.argv[4])' "$@"
}

# costs NAME WIRE JSON: the peak of NAME, beside that of NAME with an empty
# message, is within TIMES the longer of the message's two sizes, in bytes.
costs() {
	local size=$(($2 > $3 ? $2 : $3)) cost=$((($(cat "$1") - $(cat "$1.idle")) * 1024))
	echo "$1: $cost bytes for a message of $2 bytes, JSON of $3"
	[ "$cost" -le $((TIMES * size)) ]
}

size() {
	stat -c %s "$1"
}

peak() {
	"$ZR_BUILD/t/peak" "$@"
}

# call METHOD SUFFIX: ./line is asked, ./answer answered, over a connection
call() {
	timeout $PATIENCE python3 "$HELPERS/pair.py" \
	    "$ZR_BUILD/t/peak" "client$2" zr-rpc "$1" -- \
	    "$ZR_BUILD/t/peak" "server$2" zr-rpc serve ./endpoint < line > out
}

@test "ListFilesystems of 12 MiB in empty elements, and of 60 MiB, take little memory" {
	echo '{}' > line; echo '{}' > answer
	call ListFilesystems .idle
	list 6200000 '{}' '{"Filesystems":[' ']}' > answer
	call ListFilesystems ''
	cmp out answer
	costs client 12400000 "$(size answer)"
	costs server 12400000 "$(size answer)"
	list 1240000 '{"Path":"tank/home/some/body/with/a/name"}' '{"Filesystems":[' ']}' > answer
	call ListFilesystems ''
	cmp out answer
	costs client $((39 * 1240000)) "$(size answer)"
	costs server $((39 * 1240000)) "$(size answer)"
}

@test "DestroySnapshots of 4 MiB takes little memory in zr-rpc, at both ends" {
	echo '{"id":1,"method":"Ping"}' > line; echo '{}' > answer
	call batch .idle
	echo "{\"id\":1,\"method\":\"DestroySnapshots\",\"request\":$(list 155000 "$VERSION" '{"Filesystem":"a","Snapshots":[' ']}')}" > line
	list 155000 "{\"Snapshot\":$VERSION}" '{"Results":[' ']}' > answer
	call batch ''
	sed 's/{"id":1,"response":\(.*\)}/\1/' out | cmp - answer
	# Each end has both messages, the answer is the longer one.
	costs client $((29 * 155000)) "$(size answer)"
	costs server $((29 * 155000)) "$(size answer)"
}

# A stand-in for zfs, whose filesystem has a snapshot "a"; destroying works.
zfs() {
	cat > zfs <<-'END'
		#!/bin/sh
		[ "$1" = get ] || exit 0
		for name do :; done
		printf "$name\ttype\tfilesystem\t-\n$name\tguid\t5\t-\n$name\tcreatetxg\t1\t-\n$name\tcreation\t1\t-\n"
		printf "$name@a\ttype\tsnapshot\t-\n$name@a\tguid\t6\t-\n$name@a\tcreatetxg\t2\t-\n$name@a\tcreation\t2\t-\n"
	END
	chmod +x zfs
	export ZR_ZFS=./zfs
	mkdir archive
}

# endpoint_costs ENDPOINT...: of a request of 4 MiB, alone and in a batch.
endpoint_costs() {
	local request="{\"Filesystem\":\"tank/a\",\"Snapshots\":[$VERSION]}"
	peak one.idle "$@" DestroySnapshots <<< "$request" > /dev/null || true
	peak batch.idle "$@" batch <<< "{\"id\":1,\"method\":\"DestroySnapshots\",\"request\":$request}" > out
	list 155000 "$VERSION" '{"Filesystem":"tank/a","Snapshots":[' ']}' > line
	peak one "$@" DestroySnapshots < line > out || [ ! -s out ]
	costs one "$((27 * 155000))" "$(size line)"
	list 155000 "$VERSION" \
	    '{"id":1,"method":"DestroySnapshots","request":{"Filesystem":"tank/a","Snapshots":[' ']}}' > line
	peak batch "$@" batch < line > out
	costs batch "$((27 * 155000))" "$(size line)"
}

@test "DestroySnapshots takes little memory in zr-endpoint sender" {
	zfs
	endpoint_costs zr-endpoint sender -f '<' -j job
}

@test "DestroySnapshots takes little memory in zr-endpoint receiver" {
	zfs
	endpoint_costs zr-endpoint receiver -c host -j job tank
}

@test "DestroySnapshots takes little memory in zr-endpoint archive" {
	zfs
	endpoint_costs zr-endpoint archive archive
}
