# What an archive says of itself: the digest in its records, and zr-scrub.
load ../lib/helper
load ../lib/archive

# record_of SNAPSHOT [FILESYSTEM]: the file of its record.
record_of() {
	printf 'box/%s/@%016x.json' "${2-${1%@*}}" "$(version "$1" | jq -r .Guid)"
}

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
		[ "$(jq -r ".$kind" "$(record_of "$snapshot" "$filesystem")")" = "${sum##* }" ]
	done
	for one in 'a/data@two a/data' 'a/data@one a/lec' 'a/enc@e2 a/enc'; do
		read -r snapshot filesystem <<< "$one"
		jq -e '[has("logical", "raw")] == [false, false]' "$(record_of "$snapshot" "$filesystem")"
	done
}

@test "a record whose digest or mark is nonsense is damaged, and replaced; one without a digest is not" {
	mkdir box
	keep data.full.zstream a/data@one
	keep data.one-two.zstream a/data@two
	record=$(record_of a/data@one)
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
	jq -c ".logical = $(jq .logical sound)" "$(record_of a/data@two)" > new
	mv new "$(record_of a/data@two)"
	[ "$(names a/data)" = one ]
}

@test "a marked snapshot is not listed, not sent and no base, and is replaced when it is sent again" {
	mkdir box
	keep data.full.zstream a/data@one
	keep data.one-two.zstream a/data@two
	keep data.two-three.zstream a/data@three-unchanged
	record=$(record_of a/data@two)
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
