# zr-guard behind a listener: what a client over the network gets, and what it does not.
load ../lib/helper
load ../lib/archive
load ../lib/guard

RULES='grid ^(one|d) 1x1h(keep=all) | 3x1d | 400000x1d'

# serve OPTION...: in the background, to $address; the options are those of zr-serve
serve() {
	background zr-listen -1 -i 127.0.0.1=web tcp:127.0.0.1:0 zr-handshake accept zr-mux accept \
	    zr-serve "$@" zr-guard -d state -k "$RULES" ./endpoint > port
	eventually 20 test -s port
	address=tcp:127.0.0.1:$(cat port)
}

# destroyed GONE KEPT: so many of all, asked for through $address
destroyed() {
	run -0 --separate-stderr zr-remote "$address" DestroySnapshots "$(all)"
	[ "$(answers <<< "$output" | grep -c '=$')" -eq "$1" ]
	[ "$(answers <<< "$output" | grep -c 'is kept by the floor of retention on this receiver (rule: grid')" -eq "$2" ]
}

@test "with and without -b: calls, destroys and batches of a client" {
	stand_in
	for option in '' -b; do
		rm -rf box port
		daily 6
		for i in 1 2; do put "x$i" 60 $((6 + i)); done
		serve $option
		destroyed 2 6
		[ "$(left)" = d6,d5,d4,d3,d2,d1 ]
		all | jq -c '{id: 1, method: "DestroySnapshots", request: .}, {id: 2, method: "Ping", request: {Message: "x"}}' > lines
		run -0 --separate-stderr zr-remote "$address" batch < lines
		[ "$(jq -c 'select(.id == 2).response' <<< "$output")" = '{"Echo":"x"}' ]
		[ "$(jq -c 'select(.id == 1).response' <<< "$output" | answers | grep -c 'is kept by the floor')" -eq 6 ]
		[ "$(left)" = d6,d5,d4,d3,d2,d1 ]
		run -1 --separate-stderr zr-remote "$address" DestroySnapshots '{"Filesystem":"none"}'
		stderr_has 'dataset "none" does not exist'
		kill "${children[-1]}"
	done
}

@test "over a unix socket, with many clients that ask at once" {
	daily 12
	stand_in
	background zr-listen unix:socket zr-handshake accept zr-mux accept \
	    zr-serve -b zr-guard -k 'grid . 3x1d' ./endpoint
	eventually 20 test -S socket
	all > request
	for i in 1 2 3 4 5 6; do
		zr-remote unix:socket DestroySnapshots < request > out.$i &
		pids[i]=$!
	done
	for i in 1 2 3 4 5 6; do wait "${pids[i]}"; done
	[ "$(left)" = d3,d2,d1 ]
}

@test "zr-replicate and zr-step push through it, and a second run does nothing" {
	mkdir box sound
	stand_in
	for step in data.full.zstream:one data.one-two.zstream:two data.two-three.zstream:three-unchanged; do
		zr-endpoint archive sound Receive "$(receive_request a/data@${step#*:})" < "$STREAMS/${step%:*}"
	done
	serve -b
	zr-step -s 'zr-endpoint archive sound' -r "zr-remote $address" "$(send_request '' a/data@one)"
	run -0 --separate-stderr zr-replicate -I all -s 'zr-endpoint archive sound' -r "zr-remote $address"
	diff -r sound box
	: > calls
	run -0 --separate-stderr zr-replicate -I all -s 'zr-endpoint archive sound' -r "zr-remote $address"
	run -1 grep -q Receive calls
	# Streams that were really received: the first is kept, the others are its increments.
	run -0 --separate-stderr zr-remote "$address" DestroySnapshots "$(archive ListFilesystemVersions '{"Filesystem":"a/data"}' | jq -c '{Filesystem: "a/data", Snapshots: .Versions}')"
	[ "$(names a/data)" = one ]
}

@test "what a client backdates or dates ahead through Receive pushes nobody out" {
	mkdir box
	now=$(date +%s)
	# The one real full stream, under another date, in a filesystem
	# of its own: what counts is that the record has the stream's date, and our number.
	for age in -100000000 0 86400 200000; do
		creation=$(date -u -d "@$((now - age))" +%FT%TZ)
		"$HELPERS/redate.py" $((now - age)) < "$STREAMS/data.full.zstream" > stream
		guard -k "$RULES" Receive "$(receive_request a/data@one "f$age" | jq -c --arg c "$creation" '.To.Creation = $c')" < stream
		grep -q "\"creation\":\"$creation\",.*\"arrival\":\"1\"" "box/f$age/"*.json
	done
}

@test "a client that goes away in a destroy ends it" {
	daily 6
	stand_in
	method ListFilesystemVersions <<< 'echo $$ > pid; exec sleep 1000'
	for option in '' -b; do
		rm -f pid port
		serve $option
		zr-remote "$address" DestroySnapshots '{"Filesystem":"a"}' > out 2>&1 &
		client=$!
		eventually 20 test -s pid
		kill "$client"
		eventually 20 gone "$(cat pid)"
		kill "${children[-1]}"
	done
	[ "$(left)" = d6,d5,d4,d3,d2,d1 ]
}
