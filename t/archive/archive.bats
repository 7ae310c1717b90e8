# zr-endpoint archive, fed with streams that real ZFS wrote.
load ../lib/helper
load ../lib/archive

setup_file() {
	export LC_ALL=C
}

@test "every kind of stream of one snapshot is kept and sent again byte for byte" {
	mkdir box
	while IFS=: read -r file from to; do
		run --separate-stderr keep "$file" "$to"
		[ "$status" -eq 0 ]
		[ "$output" = '{}' ]
		[ -z "$stderr" ]
		archive Send "$(send_request "$from" "$to")" > got
		jq -e --arg size "$(stat -c %s "$STREAMS/$file")" '.ExpectedSize == $size' <(head -n 1 got)
		tail -n +2 got | cmp - "$STREAMS/$file"
	done <<-'END'
		data.full.zstream::a/data@one
		data.one-two.zstream:a/data@one:a/data@two
		data.two-three.zstream:a/data@two:a/data@three-unchanged
		data.three-four.zstream:a/data@three-unchanged:a/data@four with space:and.dots_-
		enc.full-raw.zstream::a/enc@e1
		enc.e1-e2-raw.zstream:a/enc@e1:a/enc@e2
		vol.full.zstream::a/vol@v1
		vol.v1-v2.zstream:a/vol@v1:a/vol@v2
	END
	[ "$(names a/data)" = "one,two,three-unchanged,four with space:and.dots_-" ]
	keep data.full-Lec.zstream a/data@one b/compressed
	keep data.full-props.zstream a/data@two b/props
	[ -z "$(leftovers)" ]
}

@test "standard output may be a pipe that does not block" {
	mkdir box
	keep data.full.zstream a/data@one
	send_request '' a/data@one > request
	timeout $PATIENCE /usr/bin/python3 - <<-'PY'
	import os, subprocess, time
	output, theirs = os.pipe()
	os.set_blocking(theirs, False)
	send = subprocess.Popen(["zr-endpoint", "archive", "box", "Send"], stdin=open("request"), stdout=theirs)
	os.close(theirs)
	# We read once it waits for us, and not much at a time.
	while open(f"/proc/{send.pid}/stat").read().rsplit(")")[1].split()[0] == "R":
	    time.sleep(0.01)
	with open("got", "wb") as got:
	    while some := os.read(output, 5000):
	        got.write(some)
	exit(send.wait())
	PY
	tail -n +2 got | cmp - "$STREAMS/data.full.zstream"
}

@test "the stream may follow the request line on standard input" {
	mkdir box
	{ receive_request a/data@one; cat "$STREAMS/data.full.zstream"; } | archive Receive
	[ "$(names a/data)" = one ]
}

@test "listings have filesystems, placeholders and the version fields that zrepl needs" {
	mkdir box
	[ "$(archive ListFilesystems '{}')" = '{}' ]
	keep data.full.zstream a/data@one 'tank/some fs:x.y/data'
	archive ListFilesystems '{}' | jq -e '[.Filesystems[] | [.Path, .IsPlaceholder // false]] ==
	    [["tank", true], ["tank/some fs:x.y", true], ["tank/some fs:x.y/data", false]]'
	archive ListFilesystemVersions '{"Filesystem":"tank/some fs:x.y/data"}' |
	    jq -e '.Versions == [{Name: "one", Guid: "1773106610190237946", CreateTXG: "10", Creation: "2026-11-22T10:43:50Z"}]'
	[ "$(archive ListFilesystemVersions '{"Filesystem":"tank"}')" = '{}' ]
	run --separate-stderr archive ListFilesystemVersions '{"Filesystem":"nowhere"}'
	[ "$status" -eq 1 ]
	stderr_has 'dataset "nowhere" does not exist'
}

@test "SendDry is exact, and says why a step that is not stored cannot be sent" {
	mkdir box
	keep data.full.zstream a/data@one
	keep data.one-two.zstream a/data@two
	[ "$(archive SendDry "$(send_request a/data@one a/data@two)")" = '{"ExpectedSize":"296784"}' ]
	refuse() {
		run --separate-stderr archive SendDry "$1"
		[ "$status" -eq 1 ]
		[ -z "$output" ]
		stderr_has "$2"
	}
	refuse "$(send_request '' a/data@two)" "is kept as an increment of the snapshot with guid 1773106610190237946"
	refuse "$(send_request a/data@two a/data@one)" "is kept in full, not as an increment of two"
	refuse "$(send_request '' a/data@three-unchanged)" 'dataset "a/data@three-unchanged" does not exist'
	refuse "$(send_request '' a/data@one | jq -c '.To.Guid = "7"')" "has the guid 1773106610190237946, not 7"
}

@test "Send passes over a resume token: it sends the whole stream, and the answer says so" {
	mkdir box
	keep data.full.zstream a/data@one
	request=$(send_request '' a/data@one | jq -c '.ResumeToken = "1-abc"')
	[ "$(archive SendDry "$request" | jq -c '[.ExpectedSize, .UsedResumeToken]')" = '["1188000",null]' ]
	archive Send "$request" > out
	[ "$(head -n 1 out | jq -c '[.ExpectedSize, .UsedResumeToken]')" = '["1188000",null]' ]
	tail -n +2 out | cmp - "$STREAMS/data.full.zstream"
}

@test "a stream that differs from its request is not kept" {
	mkdir box
	refuse() {
		run --separate-stderr archive Receive "$1" < "$STREAMS/$2"
		[ "$status" -eq 1 ]
		[ -z "$output" ]
		stderr_has "$3"
		[ -z "$(find box -name '@*.*')" ]
	}
	refuse "$(receive_request a/data@one | jq -c '.To.Guid = "7"')" data.full.zstream "the stream is of the snapshot with guid 1773106610190237946, not 7"
	refuse "$(receive_request a/data@one | jq -c '.To.Name = "uno"')" data.full.zstream 'the stream is of the snapshot "one", not "uno"'
	refuse "$(receive_request a/data@one | jq -c '.To.Creation = "2020-01-01T00:00:00Z"')" data.full.zstream "was made at second"
	refuse "$(receive_request a/data@one)" data.full.resumed.zstream "goes on with one of which nothing is left here"
	refuse "$(receive_request a/data@rec)" all.R.zstream "not "
	refuse "$(receive_request a/data@two)" data.multi-I.zstream "it is a package of several streams"
	refuse "$(receive_request a/data@two)" data.one-two.zstream "lacks the base of this increment"
	refuse "$(receive_request a/data@one)" versions.tsv "not a stream that can be kept"
	run --separate-stderr archive Receive "$(receive_request a/data@one)" < /dev/null
	[ "$status" -eq 1 ]
	stderr_has "the stream is empty"
}

@test "a snapshot whose time does not fit into a record is refused" {
	mkdir box
	/usr/bin/python3 - "$HELPERS" > year-1.zstream <<-'PY'
	import struct, sys
	sys.path.insert(0, sys.argv[1])
	from fault_sweep import STREAM, fletcher4
	stream = bytearray(STREAM)
	stream[24:32] = struct.pack("<q", -62135596800)     # BEGIN: creation
	stream[320:352] = fletcher4(stream[:312])
	stream[592:624] = fletcher4(stream[:592])
	sys.stdout.buffer.write(stream)
	PY
	request=$(receive_request a/data@three-unchanged | jq -c '.To.Creation = "0001-01-01T00:00:00Z"')
	run -1 --separate-stderr archive Receive "$request" < year-1.zstream
	stderr_has "made in no year of 1970 to 9999"
	[ "$(names a/data)" = "" ]
}

@test "a package of several streams is refused by name" {
	mkdir box
	run --separate-stderr keep data.multi-I.zstream 'a/data@two'
	[ "$status" -eq 1 ]
	keep data.full.zstream a/data@one
	run --separate-stderr keep data.multi-I.zstream a/data@two
	[ "$status" -eq 1 ]
	stderr_has "a package of several streams"
	[ "$(names a/data)" = one ]
}

@test "receiving a snapshot again changes nothing; another one of that name is refused" {
	mkdir box
	keep data.full.zstream a/data@one
	sum=$(find box -type f -exec sha256sum {} + | sort)
	keep data.full.zstream a/data@one
	keep data.full-Lec.zstream a/data@one
	[ "$sum" = "$(find box -type f -exec sha256sum {} + | sort)" ]
	run --separate-stderr archive Receive "$(receive_request a/data@two | jq -c '.To.Name = "one"')" < "$STREAMS/data.one-two.zstream"
	[ "$status" -eq 1 ]
	stderr_has "already exists with other contents"
}

@test "invalid names, and names that leave the directory, are refused" {
	mkdir box outside
	for name in .. ../outside a/../../outside /etc '' a//b a/ 'a@b' 'a#b' 'a%b' "$(printf 'a\001b')" 'ü'; do
		run --separate-stderr archive Receive "$(receive_request a/data@one "$name")" < "$STREAMS/data.full.zstream"
		[ "$status" -ne 0 ] || { echo "accepted: $name"; false; }
	done
	ln -s ../outside box/link
	run --separate-stderr archive Receive "$(receive_request a/data@one link/x)" < "$STREAMS/data.full.zstream"
	[ "$status" -ne 0 ]
	[ -z "$(ls -A outside)" ]
}

@test "DestroySnapshots keeps the base of a stored increment unless both are destroyed" {
	mkdir box
	keep data.full.zstream a/data@one
	keep data.one-two.zstream a/data@two
	keep data.two-three.zstream a/data@three-unchanged
	[ "$(destroy one)" = '[["one","a/data@one is the base of the stored increment two"]]' ]
	[ "$(destroy one two)" = '[["one","a/data@one is the base of the stored increment two"],["two","a/data@two is the base of the stored increment three-unchanged"]]' ]
	[ "$(destroy three-unchanged)" = '[["three-unchanged",""]]' ]
	[ "$(destroy one two)" = '[["one",""],["two",""]]' ]
	[ "$(names a/data)" = "" ]
	[ "$(destroy one)" = '[["one","dataset \"a/data@one\" does not exist"]]' ]
}

@test "a bookmark fails the whole DestroySnapshots, a wrong guid only its snapshot" {
	mkdir box
	keep data.full.zstream a/data@one
	run --separate-stderr archive DestroySnapshots '{"Filesystem":"a/data","Snapshots":[{"Name":"one","Creation":"2024-01-02T00:00:00Z"},{"Type":"Bookmark","Name":"mark","Creation":"2024-01-02T00:00:00Z"}]}'
	[ "$status" -eq 1 ]
	stderr_has 'version "mark" is not a snapshot'
	archive DestroySnapshots '{"Filesystem":"a/data","Snapshots":[{"Name":"one","Guid":"5","Creation":"2024-01-02T00:00:00Z"}]}' | jq -e '.Results[0].Error | test("not 5")'
	[ "$(names a/data)" = one ]
}

@test "no snapshot is kept after a bad verdict, or if an announced verdict does not come" {
	mkdir box
	for verdict in 'echo "sender failed"' :; do
		run --separate-stderr bash -c 'ZR_VERDICT=9 zr-endpoint archive box Receive "$0" < "$1" 9< <(eval "$2")' "$(receive_request a/data@one)" "$STREAMS/data.full.zstream" "$verdict"
		[ "$status" -eq 1 ]
		[ -z "$(find box -name '@*.zstream' -o -name '@*.json')" ]
	done
	ZR_VERDICT=9 archive Receive "$(receive_request a/data@one)" < "$STREAMS/data.full.zstream" 9< <(echo 0)
	[ "$(names a/data)" = one ]
}

@test "a full disk causes one clear error and leaves nothing" {
	mkdir box
	run --separate-stderr bash -c 'ulimit -f 400; trap "" XFSZ; zr-endpoint archive box Receive "$0" < "$1"' "$(receive_request a/data@one)" "$STREAMS/data.full.zstream"
	[ "$status" -eq 111 ]
	stderr_has "cannot store the stream: write: File too large"
	[ -z "$(find box -name '@*.*')" ]
}

@test "several writers can receive into one filesystem at once" {
	mkdir box
	pids=()
	for i in 1 2 3 4 5 6; do
		keep data.full.zstream a/data@one > "answer$i" 3>&- &
		pids+=($!)
	done
	for pid in "${pids[@]}"; do wait "$pid"; done
	[ "$(cat answer?)" = "$(printf '{}\n{}\n{}\n{}\n{}\n{}')" ]
	[ "$(names a/data)" = one ]
	[ -z "$(leftovers)" ]
}

@test "-C and -c keep each client below its own identity" {
	mkdir box
	ZR_CLIENT_IDENTITY=web zr-endpoint archive -C box Receive "$(receive_request a/data@one)" < "$STREAMS/data.full.zstream"
	[ -d box/web/a/data ]
	zr-endpoint archive -c web box ListFilesystems '{}' | jq -e '.Filesystems[1].Path == "a/data"'
	ZR_CLIENT_IDENTITY=other zr-endpoint archive -C box ListFilesystems '{}' | grep -qx '{}'
	for identity in '' .. a/b '*'; do
		ZR_CLIENT_IDENTITY=$identity run --separate-stderr zr-endpoint archive -C box ListFilesystems '{}'
		[ "$status" -eq 1 ]
		stderr_has "no valid identity"
	done
	ZR_CLIENT_IDENTITY=web run -100 zr-endpoint archive -C -c other box ListFilesystems '{}'
	run --separate-stderr env -u ZR_CLIENT_IDENTITY zr-endpoint archive -C box ListFilesystems '{}'
	[ "$status" -eq 1 ]
	stderr_has "ZR_CLIENT_IDENTITY is not set"
}

@test "cursor, completion and ping are answered; unknown methods are refused" {
	mkdir box
	[ "$(archive ReplicationCursor '{"Filesystem":"a"}')" = '{"Notexist":true}' ]
	[ "$(archive SendCompleted "{\"OriginalReq\":$(send_request '' a/data@one)}")" = '{}' ]
	[ "$(archive Ping '{"Message":"hi"}')" = '{"Echo":"hi"}' ]
	for method in batch Frobnicate; do
		run --separate-stderr archive $method '{}'
		[ "$status" -eq 100 ]
		[ -z "$output" ]
	done
	run --separate-stderr zr-endpoint archive nowhere ListFilesystems '{}'
	[ "$status" -eq 111 ]
	stderr_has "log: nowhere: No such file or directory"
	stderr_has "zr-endpoint: the archive's directory cannot be opened"
	run --separate-stderr zr-endpoint cellar box Ping '{}'
	[ "$status" -eq 100 ]
	stderr_has "cellar stands where archive, receiver or sender is expected"
}

@test "memory stays small while a stream is received" {
	mkdir box
	mkfifo pipe
	exec 8<> pipe
	background zr-endpoint archive box Receive "$(receive_request a/vol@v1)" < pipe
	head -c 500000 "$STREAMS/vol.full.zstream" >&8
	eventually 10 sh -c '[ "$(stat -c %s box/a/vol/@receiving.*)" -gt 400000 ]'
	peak=$(awk '/VmHWM/ { print $2 }' "/proc/${children[0]}/status")
	echo "$peak KiB"
	# Half of it is libcrypto, for the digest.
	[ "$peak" -lt $(($(memory_limit) * 2)) ]
	exec 8>&-
}
