# What an archive says of itself: the digest in its records, and what zr-scrub finds.
load ../lib/helper
load ../lib/archive
load ../lib/scrub

@test "the record of a full stream has its digest, that of another has none" {
	mkdir box
	keep data.full.zstream a/data@one
	keep data.one-two.zstream a/data@two
	keep data.full-props.zstream a/data@two a/props
	keep data.full-Lec.zstream a/data@one a/lec
	keep vol.full.zstream a/vol@v1
	keep enc.full-raw.zstream a/enc@e1
	keep enc.e1-e2-raw.zstream a/enc@e2
	for one in 'data.full a/data@one a/data logical' 'data.full-props a/data@two a/props logical' \
	    'vol.full a/vol@v1 a/vol logical' 'enc.full-raw a/enc@e1 a/enc raw'; do
		read -r file snapshot filesystem kind <<< "$one"
		sum=$(zr-streamsum < "$STREAMS/$file.zstream")
		[ "$(jq -r ".$kind" "$(record_file "$snapshot" "$filesystem")")" = "${sum##* }" ]
	done
	for one in 'a/data@two a/data' 'a/data@one a/lec' 'a/enc@e2 a/enc'; do
		read -r snapshot filesystem <<< "$one"
		jq -e '[has("logical", "raw")] == [false, false]' "$(record_file "$snapshot" "$filesystem")"
	done
}

@test "a record whose digest or mark is nonsense is damaged, and replaced; one without a digest is not" {
	mkdir box
	keep data.full.zstream a/data@one
	keep data.one-two.zstream a/data@two
	record=$(record_file a/data@one)
	cp "$record" sound
	for change in '.logical |= .[1:]' '.logical |= ascii_upcase' '.logical = 1' '.logical = null' '.raw = .logical' \
	    '.damaged = "yesterday"' '.damaged = 1' '.damaged = "1969-12-31T23:59:59Z"'; do
		jq -c "$change" sound > "$record"
		run -0 --separate-stderr archive ListFilesystemVersions '{"Filesystem":"a/data"}'
		stderr_has "$(basename "$record") is damaged"
		[ "$(jq -c .Versions <<< "$output")" = null ]
		keep data.full.zstream a/data@one
		[ "$(names a/data)" = one,two ]
		[ "$(jq -c 'del(.arrival)' "$record")" = "$(jq -c 'del(.arrival)' sound)" ]
	done
	jq -c 'del(.logical)' sound > "$record"
	[ "$(names a/data)" = one,two ]
	# Of an increment nobody has written one.
	jq -c ".logical = $(jq .logical sound)" "$(record_file a/data@two)" > new
	mv new "$(record_file a/data@two)"
	[ "$(names a/data)" = one ]
}

@test "a marked snapshot is not listed, not sent and no base, and is replaced when it is sent again" {
	mkdir box
	keep data.full.zstream a/data@one
	keep data.one-two.zstream a/data@two
	keep data.two-three.zstream a/data@three-unchanged
	record=$(record_file a/data@two)
	cp "$record" sound
	jq -c '.damaged = "2026-11-30T12:00:00Z"' sound > "$record"
	run -0 --separate-stderr names a/data
	[ "$output" = one ]
	stderr_has 'zstream (snapshot two) is damaged: zr-scrub found that at 2026-11-30T12:00:00Z'
	run -1 --separate-stderr archive Send "$(send_request a/data@one a/data@two)"
	stderr_has 'zr-scrub found that at 2026-11-30T12:00:00Z'
	run -1 --separate-stderr keep data.three-four.zstream 'a/data@four with space:and.dots_-'
	stderr_has 'the base of this increment cannot be used'
	keep data.one-two.zstream a/data@two
	cmp sound "$record"
	[ "$(names a/data)" = one,two,three-unchanged ]
	# It can also be destroyed.
	jq -c '.damaged = "2026-11-30T12:00:00Z"' sound > "$record"
	[ "$(destroy two three-unchanged)" = '[["two",""],["three-unchanged",""]]' ]
}

# --- zr-scrub ---

@test "a sound archive is read from the first byte to the last, every client's streams too" {
	eight
	scrub 0
	bytes=$(find box -name '*.zstream' -exec cat {} + | wc -c)
	[ "$(jq -c '[.complete, .streams, .bytes, .damaged, .unread]' <<< "$output")" = "[true,\"8\",\"$bytes\",\"0\",\"0\"]" ]
	run -0 --separate-stderr zr-scrub box
	[[ $output == "8 streams (2.6 MiB) read, none damaged; the pass that began at "*" is complete" ]]
	run -0 zr-scrub -q box
	[ -z "$output" ]
	run -0 --separate-stderr zr-scrub -v box web
	[ "$output" = "1 stream (410 KiB) read, none damaged" ]
	stderr_has 'zr-scrub: 0 streams (0 B) read, 0 damaged; 1 stream (410 KiB) left'
	[ "$(find box -perm /077 ! -path box)" = "" ]
}

@test "each flipped bit is found in a stream of any kind, at its place, and nothing else; flipped back, the mark goes" {
	times=${ZR_TEST_FLIPS:-8}
	case $ZR_BUILD in *sanitize*) times=8 ;; esac
	eight
	for one in a/data@one a/data@two; do
		"$HELPERS/scrub_flips.py" box:a/data "$(stream_file $one)" $times
	done
	for one in a/data@three-unchanged a/vol@v2 a/enc@e1 a/enc@e2; do
		"$HELPERS/scrub_flips.py" "box:${one%@*}" "$(stream_file $one)" 8
	done
	"$HELPERS/scrub_flips.py" box "$(stream_file a/data@one web/a/data)" 8
	rm -rf box
	mkdir box
	keep data.full-props.zstream a/data@two
	"$HELPERS/scrub_flips.py" box "$(stream_file a/data@two)" 12
}

@test "a stream that was swapped for another valid one is found" {
	eight
	cp "$(stream_file a/vol@v2)" saved
	# Another snapshot's, with a size that fits the record.
	cp "$(stream_file a/data@two)" "$(stream_file a/vol@v2)"
	jq -c '.size = "296784"' "$(record_file a/vol@v2)" > new
	mv new "$(record_file a/vol@v2)"
	scrub 1
	[ "$(findings)" = 'damaged a/vol@v2' ]
	grep -qF 'it is the stream of the snapshot with guid 4896359599942996631, not 1860407267882622679' <<< "$output"
	# The same snapshot's, sent otherwise: no guid tells it, but the record's digest.
	cp "$STREAMS/data.full-Lec.zstream" "$(stream_file a/data@one)"
	jq -c '.size = "419792"' "$(record_file a/data@one)" > new
	mv new "$(record_file a/data@one)"
	scrub 1
	[ "$(findings)" = 'damaged a/data@one,damaged a/vol@v2' ]
	grep -qF 'its record has a digest, but it can have none: ' <<< "$output"
	jq -c 'del(.logical, .damaged)' "$(record_file a/data@one)" > new
	mv new "$(record_file a/data@one)"
	scrub 1
	[ "$(findings)" = 'damaged a/vol@v2' ]
	# And one whose contents differ in what the checksums of a stream cover.
	sed -i 's/"raw":"../"raw":"zz/; s/zz/00/' "$(record_file a/enc@e1)"
	cp saved "$(stream_file a/vol@v2)"
	jq -c '.size = "35888"' "$(record_file a/vol@v2)" > new
	mv new "$(record_file a/vol@v2)"
	scrub 1
	[ "$(findings)" = 'damaged a/enc@e1,well-again a/vol@v2' ]
	grep -qF 'its raw digest is not that of the record' <<< "$output"
}

@test "bytes of a damaged stream harm neither a terminal nor a line of JSON" {
	mkdir box
	keep data.full.zstream a/data@one
	python3 - "$HELPERS" "$STREAMS/data.full.zstream" > "$(stream_file a/data@one)" <<-'END'
		import sys
		sys.path.insert(0, sys.argv[1])
		from streamsum_model import records, write
		all_records = records(open(sys.argv[2], "rb").read())
		all_records[0][1][56:64] = b"@\xff\n\x1b[2\0\0"
		write(sys.stdout.buffer, all_records)
	END
	scrub 1
	[ "$(jq -r 'select(.state).text' <<< "$output")" = "$(printf 'it is the stream of a snapshot of another name, ?\n\033[2')" ]
	run -1 zr-scrub box a
	[ "${lines[0]}" = 'a/data@one: damaged: it is the stream of a snapshot of another name, \377\n\033[2' ]
}

@test "each field of a record that is not its stream's is found" {
	eight
	cp "$(record_file a/data@two)" saved
	for change in '.name = "other"' '.from_guid = "10516749118215367015"' '.from_guid = "0"' '.creation = "2026-11-22T10:43:52Z"' \
	    '.size = "296785"' '.guid = "1"'; do
		jq -c "$change" saved > "$(record_file a/data@two)"
		scrub 1
		[ "$(jq -r 'select(.state) | .state + " " + .filesystem + " " + .guid' <<< "$output")" = 'damaged a/data 4896359599942996631' ]
	done
	cp saved "$(record_file a/data@two)"
	scrub 0
}

@test "truncated and missing streams, damaged and swapped records, and increments without a base are found" {
	eight
	truncate -s -1 "$(stream_file a/data@two)"
	scrub 1
	[ "$(findings)" = 'damaged a/data@two' ]
	grep -qF '296783 bytes, not 296784' <<< "$output"
	rm "$(stream_file a/data@two)"
	: > "$(record_file a/vol@v1)"
	scrub 1
	[ "$(findings)" = 'damaged a/data@two,damaged a/vol@' ]
	grep -qF '.zstream is missing' <<< "$output"
	grep -qF '.json is not the record of a snapshot with this guid' <<< "$output"
	ln -s nowhere "$(stream_file a/data@two)"
	scrub 1
	grep -qF '.zstream cannot be opened: Too many levels of symbolic links' <<< "$output"
	rm "$(stream_file a/data@two)"
	mkfifo "$(stream_file a/data@two)"
	scrub 1
	grep -qF '.zstream is not a file' <<< "$output"
	rm "$(record_file a/data@two)" "$(record_file a/vol@v1)"
	scrub 1
	[ "$(findings)" = 'damaged a/data@three-unchanged,damaged a/vol@v2' ]
	grep -qF 'it is an increment of the snapshot with guid 4896359599942996631, which is missing' <<< "$output"
	# Nothing of that needs a mark, and nothing is removed.
	! grep -rq '"damaged"' box --include='*.json' || false
	[ -e "$(stream_file a/vol@v1)" ]
	mv "$(record_file a/enc@e1)" one
	mv "$(record_file a/enc@e2)" "$(record_file a/enc@e1)"
	mv one "$(record_file a/enc@e2)"
	scrub 1
	[ "$(jq -sc 'map(select(.filesystem == "a/enc")) | length' <<< "$output")" -eq 2 ]
}

@test "what cannot be read for another reason is no damage: exit status 111" {
	[ "$(id -u)" -ne 0 ] || drop=(setpriv --reuid=65534 --regid=65534 --clear-groups)
	eight
	chmod 000 "$(stream_file a/data@two)"
	chmod 000 box/a/enc
	[ "$(id -u)" -ne 0 ] || { chown -R 65534 box; chmod 755 "$BATS_TEST_TMPDIR" .; }
	run -111 --separate-stderr "${drop[@]}" "$ZR_BUILD/bin/zr-scrub" -j box
	[ "$(jq -r 'select(.state) | .state + " " + .filesystem' <<< "$output" | xargs)" = 'unread a/data unread a/enc' ]
	[ "$(jq -c 'select(.began) | [.complete, .streams, .damaged, .unread]' <<< "$output")" = '[true,"5","0","2"]' ]
}

bad_disk() {
	env LD_PRELOAD="$ZR_BUILD/t/odd_disk.so" ODD_DISK_BAD="$1" \
	    ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0" "${@:2}"
}

@test "a stream that the disk cannot read is damaged, from the offset on" {
	eight
	run -1 bad_disk 524288 zr-scrub -j box
	[ "$(findings)" = 'damaged a/data@one' ]
	[ "$(jq -r 'select(.state) | .from + " " + .text' <<< "$output")" = '524288 cannot be read at offset 524288: Input/output error' ]
	[ "$(names a/data 2> /dev/null)" = '' ]
	scrub 0
	[ "$(findings)" = 'well-again a/data@one' ]
}

@test "what a scrub has read is dropped from the page cache, unless it was there" {
	# On a disk: in a tmpfs nothing is dropped.
	work=$(mktemp -d -p "$ZR_BUILD")
	cd "$work"
	mkdir box
	for i in 1 2 3; do
		keep data.full.zstream a/data@one a/$i
	done
	sync -f box
	cat > cached.py <<-'END'
		import os, sys
		for path in sys.argv[1:]:
		    file = os.open(path, os.O_RDONLY)
		    os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
	END
	pages() { fincore -n -o PAGES "$(stream_file a/data@one "a/$1")" | tr -d ' '; }
	python3 cached.py box/a/*/*.zstream
	[ "$(pages 1) $(pages 2) $(pages 3)" = '0 0 0' ]
	cat "$(stream_file a/data@one a/2)" > /dev/null
	whole=$(pages 2)
	scrub 0
	found=("$(pages 1)" "$(pages 2)" "$(pages 3)")
	rm -r "$work"
	echo "pages: ${found[*]} of $whole"
	# The kernel keeps a page that it is busy with at that moment, and may need some itself.
	[ "${found[0]}" -lt $((whole / 10)) ]
	[ "${found[1]}" -gt $((whole * 9 / 10)) ]
	[ "${found[2]}" -lt $((whole / 10)) ]
}
