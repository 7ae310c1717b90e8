# Shared by the bats files about zr-scrub: `load ../lib/scrub`, after archive.
# record_file SNAPSHOT [FILESYSTEM]: the file of its record.
record_file() {
	printf 'box/%s/@%016x.json' "${2-${1%@*}}" "$(version "$1" | jq -r .Guid)"
}

# stream_file SNAPSHOT [FILESYSTEM]: the file of its stream.
stream_file() {
	local record
	record=$(record_file "$@")
	echo "${record%json}zstream"
}

# eight: that many streams, 2.6 MB: of every kind, and of a client.
eight() {
	mkdir box
	keep data.full.zstream a/data@one
	keep data.one-two.zstream a/data@two
	keep data.two-three.zstream a/data@three-unchanged
	keep vol.full.zstream a/vol@v1
	keep vol.v1-v2.zstream a/vol@v2
	keep enc.full-raw.zstream a/enc@e1
	keep enc.e1-e2-raw.zstream a/enc@e2
	ZR_CLIENT_IDENTITY=web zr-endpoint archive -C box Receive "$(receive_request a/data@one)" < "$STREAMS/data.full-Lec.zstream"
}

# scrub STATUS [OPTION...]: the lines of JSON, as $output
scrub() {
	run "-$1" --separate-stderr zr-scrub -j "${@:2}" box
}

# findings: of $output, as "STATE FILESYSTEM@SNAPSHOT", joined by commas
findings() {
	jq -sr 'map(select(.state) | .state + " " + .filesystem + "@" + .snapshot) | join(",")' <<< "$output"
}

state() {
	jq -r ".$1" box/@scrub
}
