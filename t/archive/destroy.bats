# DestroySnapshots in an archive of many snapshots.
load ../lib/helper
load ../lib/archive

# chain N: N snapshots, each the base of the next.
chain() {
	rm -rf box
	/usr/bin/python3 - "$1" <<-'PY'
	import os, sys
	os.makedirs("box/a/data", 0o700)
	for i in range(1, int(sys.argv[1]) + 1):
	    with open(f"box/a/data/@{i:016x}.zstream", "w") as file:
	        file.write("x")
	    with open(f"box/a/data/@{i:016x}.json", "w") as file:
	        file.write(f'{{"name":"s{i}","guid":"{i}","from_guid":"{i - 1}","createtxg":"{i}",'
	                   f'"creation":"2024-01-01T00:00:00Z","size":"1"}}\n')
	PY
	chmod 700 box/a
}

# A call of batch, which reads many bytes at once: snapshots FIRST to LAST.
call() {
	seq "$1" "$2" | jq -cnR '{id: 1, method: "DestroySnapshots", request: {Filesystem: "a/data",
	    Snapshots: [inputs | {Name: "s\(.)", Guid: ., Creation: "2024-01-01T00:00:00Z"}]}}'
}

# cpu FILE: milliseconds that the call takes, of all its processes.
cpu() {
	/usr/bin/python3 - "$1" <<-'PY'
	import resource, subprocess, sys
	with open(sys.argv[1]) as calls, open("answers", "w") as answers:
	    subprocess.run(["zr-endpoint", "archive", "box", "batch"], stdin=calls,
	                   stdout=answers, check=True)
	usage = resource.getrusage(resource.RUSAGE_CHILDREN)
	print(int((usage.ru_utime + usage.ru_stime) * 1000))
	PY
}

@test "four times the snapshots take four times the work, even if one keeps all others" {
	chain 1000
	call 1 999 > calls
	few=$(cpu calls)
	jq -e '.response.Results | length == 999 and all(.Error | test("is the base of the stored increment"))' answers
	chain 4000
	call 1 3999 > calls
	many=$(cpu calls)
	jq -e '.response.Results | length == 3999 and all(.Error | test("is the base of the stored increment"))' answers
	echo "$few ms, $many ms"
	[ "$many" -lt $(((few + 50) * 8)) ]
}

@test "thousands of snapshots are destroyed in one call, with one sync" {
	chain 2000
	call 1 2000 > calls
	LD_PRELOAD=$ZR_BUILD/t/odd_disk.so ODD_DISK_LOG=$PWD/synced \
	    ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0" \
	    zr-endpoint archive box batch < calls > answers
	jq -e '.response.Results | length == 2000 and all(.Error == null)' answers
	[ "$(wc -l < synced)" -eq 1 ]
	[ -z "$(find box -name '@*.*')" ]
}

@test "a snapshot that is named twice, or does not exist, gets an answer each time" {
	chain 3
	archive DestroySnapshots '{"Filesystem":"a/data","Snapshots":[{"Name":"s3","Creation":"2024-01-01T00:00:00Z"},
	    {"Name":"s4","Guid":"4","Creation":"2024-01-01T00:00:00Z"},{"Name":"s3","Guid":"3","Creation":"2024-01-01T00:00:00Z"},
	    {"Name":"s1","Guid":"1","Creation":"2024-01-01T00:00:00Z"}]}' | tr -d '\n' |
	    jq -e '[.Results[] | .Error // ""] == ["", "dataset \"a/data@s4\" does not exist", "",
	        "a/data@s1 is the base of the stored increment s2"]'
}

@test "the lock is released even if the client does not read its answer" {
	chain 3000
	{
		printf '{"Filesystem":"a/data","Snapshots":'
		seq 1 2999 | jq -cnR '[inputs | {Name: "s\(.)", Guid: ., Creation: "2024-01-01T00:00:00Z"}]'
	} | tr -d '\n' > request
	echo '}' >> request
	mkfifo answer
	exec 7<> answer
	background sh -c 'exec zr-endpoint archive box DestroySnapshots < request > answer'
	writer=${children[-1]}
	# Blocked in its answer, which is more than the pipe holds.
	eventually 60 grep -q pipe_write "/proc/$writer/wchan" "/proc/$writer/stack" ||
	    eventually 60 grep -q '^State:.S' "/proc/$writer/status"
	flock -w 60 box/a/data/@lock true
	exec 7>&-
}
