# What an archive does when something in it is damaged, or others could read it.
load ../lib/helper
load ../lib/archive

file() {
	printf 'box/a/data/@%016x.%s' "$(version "a/data@$1" | jq -r .Guid)" "$2"
}

four() {
	mkdir box
	keep data.full.zstream a/data@one
	keep data.one-two.zstream a/data@two
	keep data.two-three.zstream a/data@three-unchanged
	keep data.three-four.zstream 'a/data@four with space:and.dots_-'
}

@test "only the owner can read stored files, whatever the umask" {
	for mask in 000 022 777; do
		rm -rf box
		mkdir -m 755 box
		(umask $mask; ZR_CLIENT_IDENTITY=web zr-endpoint archive -C box Receive "$(receive_request a/data@one)" < "$STREAMS/data.full.zstream")
		[ "$(find box/web | wc -l)" -eq 6 ]
		[ -z "$(find box/web -perm /077)" ]
		ZR_CLIENT_IDENTITY=web zr-endpoint archive -C box Send "$(send_request '' a/data@one)" | tail -n +2 | cmp - "$STREAMS/data.full.zstream"
	done
}

@test "directories that others can enter are closed to them, and the log says so" {
	four
	for method in 'ListFilesystems {}' 'ListFilesystemVersions {"Filesystem":"a/data"}'; do
		chmod 755 box box/a box/a/data
		run --separate-stderr archive $method
		[ "$status" -eq 0 ]
		stderr_has 'log: a: mode 755 is now 700'
		[ "$(stat -c %a box box/a box/a/data | xargs)" = "755 700 700" ]
	done
	run --separate-stderr archive ListFilesystems '{}'
	[ -z "$stderr" ]
}

@test "with a damaged record the others are listed, except increments that build on it" {
	for damage in ': >' 'echo "{}" >' 'cp box/a/data/@189b5711514940fa.json' 'head -c 40 box/a/data/@189b5711514940fa.json >'; do
		rm -rf box
		four
		eval "$damage $(file two json)"
		run --separate-stderr archive ListFilesystemVersions '{"Filesystem":"a/data"}'
		[ "$status" -eq 0 ]
		[ "$(jq -r '[.Versions[].Name] | join(",")' <<< "$output")" = one ]
		stderr_has "log: a/data: not listed: archive: @"
		stderr_has ".json is damaged"
		stderr_has "not listed: snapshot three-unchanged is an increment of the one with guid 4896359599942996631, which is missing or damaged"
		stderr_has "not listed: snapshot four with"
		archive ListFilesystems '{}' | jq -e '.Filesystems[1] == {Path: "a/data"}'
	done
	archive Send "$(send_request '' a/data@one)" | tail -n +2 | cmp - "$STREAMS/data.full.zstream"
	run -1 --separate-stderr archive Send "$(send_request a/data@one a/data@two)"
	stderr_has "is damaged"
	# An increment whose own stream is whole can be had by whoever knows of it.
	archive Send "$(send_request a/data@two a/data@three-unchanged)" | tail -n +2 | cmp - "$STREAMS/data.two-three.zstream"
}

@test "a damaged snapshot is not a base, and is replaced when it is sent again" {
	for damage in "echo > @.json" "truncate -s 1000 @.zstream" "rm @.zstream" "rm @.json @.zstream" "rm @.json; ln -s nowhere @.json"; do
		rm -rf box
		four
		eval "${damage//@./$(file two '')}"
		[ "$(names a/data)" = one ]
		archive Receive "$(receive_request a/data@one)" < "$STREAMS/data.full.zstream"
		run -1 --separate-stderr keep data.three-four.zstream 'a/data@four with space:and.dots_-'
		stderr_has "the base of this increment cannot be used"
		run -1 keep data.two-three.zstream a/data@three-unchanged
		[ "$(names a/data)" = one ]
		keep data.one-two.zstream a/data@two
		[ "$(names a/data)" = 'one,two,three-unchanged,four with space:and.dots_-' ]
		cmp "$(file two zstream)" "$STREAMS/data.one-two.zstream"
	done
}

@test "the next replication mends an archive with a damaged record" {
	four
	cp -r box sound
	echo > "$(file two json)"
	run -0 zr-replicate -I all -s 'zr-endpoint archive sound' -r 'zr-endpoint archive box'
	# When it first arrived, nobody knows any more.
	grep -q '"arrival":"5"' "$(file two json)"
	sed -i 's/"arrival":"5"/"arrival":"2"/' "$(file two json)"
	diff -r sound box
}

@test "snapshots that a damaged record may build on are not destroyed" {
	four
	echo > "$(file two json)"
	destroy one | grep -q 'a/data@one may be the base of a damaged snapshot'
	destroy 'four with space:and.dots_-' | grep -q 'may be the base'
	destroy two | grep -q 'is damaged'
	[ -e "$(file one json)" ]
	keep data.one-two.zstream a/data@two
	# Of one whose stream is damaged the base is known.
	: > "$(file three-unchanged zstream)"
	[ "$(destroy two)" = '[["two","a/data@two is the base of the stored increment three-unchanged, which is damaged"]]' ]
	[ "$(destroy one two three-unchanged 'four with space:and.dots_-' | grep -c '""')" -eq 1 ]
	[ -z "$(find box -name '@*.*')" ]
}

@test "a snapshot that is destroyed while it is received again is not confirmed" {
	mkdir box
	keep data.full.zstream a/data@one
	mkfifo pipe
	exec 8<> pipe
	background zr-endpoint archive box Receive "$(receive_request a/data@one)" < pipe 2> errors 8>&-
	receiver=${children[-1]}
	# More than the pipe holds: it reads, so it has looked.
	head -c 600000 "$STREAMS/data.full.zstream" >&8
	[ "$(destroy one)" = '[["one",""]]' ]
	tail -c +600001 "$STREAMS/data.full.zstream" >&8
	exec 8>&-
	status=0
	wait "$receiver" || status=$?
	[ "$status" -eq 1 ]
	grep -q 'a/data@one was there and has been destroyed while it was received: send it again' errors
	[ -z "$(ls -A box)" ]
}

@test "the archive's path is in the log, but is not told to the client" {
	: > file
	for what in 'archive /secret/place' 'archive -c web /secret/place' 'archive -c file .'; do
		rm -f log
		run -1 --separate-stderr zr-remote "exec:zr-handshake accept zr-mux accept zr-serve zr-endpoint $what 2> log" ListFilesystems '{}'
		stderr_has 'cannot be opened'
		[[ "$stderr" != */secret* ]]
		grep -Eq 'log: (/secret/place|\./file): (No such file|Not a directory)' log
	done
}

# A disk that fails: $1 of the syncs of directories or files.
sync_fails() {
	env LD_PRELOAD="$ZR_BUILD/t/odd_disk.so" ODD_DISK_LOG="$PWD/synced" ODD_DISK_FAIL="$1" \
	    ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0" "${@:2}"
}

@test "if any sync fails, that is an error and nothing is stored" {
	mkdir -p box/a
	number=0
	while :; do
		number=$((number + 1))
		run sync_fails $number zr-endpoint archive box Receive "$(receive_request a/data@one)" < "$STREAMS/data.full.zstream"
		[ "$status" -ne 0 ] || break
		[ "$status" -eq 111 ]
		[ -z "$(find box -name '@*.*')" ]
	done
	# Of box, box/a, the stream, box/a/data, the record, box/a/data.
	[ "$number" -eq 7 ]
	# Those that were there already too.
	grep -qx "$PWD/box" synced
	grep -qx "$PWD/box/a" synced
	grep -qx "$PWD/box/a/data" synced
}

@test "where a writer has died before its last sync, the next one does that before it confirms" {
	# It has made the directories.
	mkdir -p box/a/data
	run -0 sync_fails 0 zr-endpoint archive box Receive "$(receive_request a/data@one)" < "$STREAMS/data.full.zstream"
	grep -qx "$PWD/box" synced
	grep -qx "$PWD/box/a" synced
	# The record has its name.
	rm synced
	run -0 sync_fails 0 zr-endpoint archive box Receive "$(receive_request a/data@one)" < "$STREAMS/data.full.zstream"
	[ "$(cat synced)" = "$PWD/box/a/data" ]
	run -111 sync_fails 1 zr-endpoint archive box Receive "$(receive_request a/data@one)" < "$STREAMS/data.full.zstream"
	[ "$(names a/data | tr , '\n' | wc -l)" -eq 1 ]
}

@test "a destruction that may not have reached the disk is not confirmed" {
	mkdir box
	keep data.full.zstream a/data@one
	archive() { sync_fails 1 zr-endpoint archive box "$@"; }
	[ "$(destroy one)" = '[["one","archive: sync: Input/output error"]]' ]
}

# --- a directory that ignores case ---

ignoring_case() {
	env LD_PRELOAD="$ZR_BUILD/t/odd_disk.so" ODD_DISK_CASE=ignore \
	    ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0" "$@"
}

@test "a directory that ignores case does not merge filesystems" {
	mkdir box
	archive() { ignoring_case zr-endpoint archive box "$@"; }
	keep data.full.zstream a/data@one src/Data/1
	keep data.one-two.zstream a/data@two src/Data/1
	for name in src/data/1 SRC/Data/1 src/DATA; do
		run -1 --separate-stderr keep data.full.zstream a/data@one $name
		stderr_has "\"$name\" cannot be kept: the archive's directory ignores case and has another filesystem under this name"
		run -1 --separate-stderr archive ListFilesystemVersions "{\"Filesystem\":\"$name\"}"
		stderr_has "dataset \"$name\" does not exist"
	done
	keep data.full.zstream a/data@one src/data2
	[ "$(cd box && find . -type d | sort | xargs)" = ". ./src ./src/Data ./src/Data/1 ./src/data2" ]
	[ "$(names src/Data/1)" = one,two ]
}

@test "a directory that ignores case does not merge clients" {
	mkdir box
	ignoring_case zr-endpoint archive -c Web box Receive "$(receive_request a/data@one)" < "$STREAMS/data.full.zstream"
	run -111 --separate-stderr ignoring_case zr-endpoint archive -c web box ListFilesystems '{}'
	stderr_has "the archive's directory ignores case and has another client under the name \"web\""
	ignoring_case zr-endpoint archive -c Web box ListFilesystems '{}' | jq -e '.Filesystems | length == 2'
}
