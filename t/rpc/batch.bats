# zr-rpc -b serve in front of an endpoint that offers batch (endpoint/batch.bats
# has our endpoints' own).
load ../lib/helper

pair() {
	timeout $PATIENCE python3 "$HELPERS/pair.py" -s served "$@"
}

# An endpoint that writes down how it is run and what it is asked.  A cursor is
# never found; for a filesystem "deaf" not even a cancel ends the search.
endpoint() {
	cat > endpoint <<-'END'
		#!/usr/bin/env python3
		import json, os, sys, time
		def note(text):
		    with open("log", "a") as f:
		        print(text, file=f)
		def say(**line):
		    print(json.dumps(line), flush=True)
		note(f"run {sys.argv[1]}")
		if sys.argv[1] != "batch":
		    if sys.argv[1] == "ReplicationCursor":
		        time.sleep(300)
		    print(json.dumps({"Echo": json.loads(sys.stdin.readline()).get("Message", "")}))
		    sys.exit()
		deaf = set()
		for line in sys.stdin:
		    line = json.loads(line)
		    note(line.get("method", "cancel"))
		    if line.get("cancel"):
		        if line["id"] not in deaf:
		            say(id=line["id"], error={"code": 1, "message": "cancelled"})
		    elif line["method"] == "Ping":
		        say(id=line["id"], response={"Echo": line["request"].get("Message", "")})
		    elif line["method"] == "ListFilesystems":
		        say(id=line["id"], error={"code": 1, "status": "PERMISSION_DENIED", "message": "not yours: é"})
		    elif line["method"] == "SendDry":
		        sys.exit("the pool is on fire")
		    elif line["request"]["Filesystem"] == "deaf":
		        deaf.add(line["id"])
	END
	chmod +x endpoint
	cat > calls.jq <<-'END'
		def call($id; $method; $request): {$id, $method, $request};
		def ping($id): call($id; "Ping"; {Message: "\($id)"});
	END
}

# connect: a batch on descriptor 9, its answers in ./out
connect() {
	mkfifo in
	pair zr-rpc "$@" batch -- zr-rpc -b serve ./endpoint < in > out 2> errors 3>&- &
	children+=($!)
	exec 9> in
}

ask() {
	jq -L . -cn "include \"calls\"; $1" >&9
}

answered() {
	jq --argjson id "$1" 'select(.id == $id)' out > answer && [ -s answer ]
}

@test "with -b one process serves a connection" {
	endpoint
	connect
	ask 'range(1000; 1100) | ping(.)'
	eventually 20 answered 1099
	[ "$(grep '^run' log)" = 'run batch' ]
	[ "$(jq -r 'select(.id == 1042).response.Echo' out)" = 1042 ]
	ask 'call(2; "ListFilesystems"; {})'
	eventually 20 answered 2
	[ "$(jq -r '.error | "\(.status): \(.message)"' answer)" = 'PERMISSION_DENIED: not yours: é' ]
	exec 9>&-
	wait "${children[0]}"
	[ "$(cat served)" = 0 ]
}

@test "without -b every call has a process of its own" {
	endpoint
	for id in 1 2 3; do
		echo "{\"id\":$id,\"method\":\"Ping\"}"
	done | pair zr-rpc batch -- zr-rpc serve ./endpoint
	[ "$(sort -u log)" = 'run Ping' ]
	[ "$(wc -l < log)" = 3 ]
}

@test "a call that its client gives up is cancelled in the batch, which goes on" {
	endpoint
	connect
	ask 'call(2; "ReplicationCursor"; {Filesystem: "a"})'
	eventually 20 grep -qx ReplicationCursor log
	ask '{id: 2, cancel: true}'
	eventually 20 answered 2
	[ "$(jq -r .error.status answer)" = CANCELLED ]
	eventually 20 grep -qx cancel log
	ask 'ping(3)'
	eventually 20 answered 3
	[ "$(grep -cx 'run batch' log)" = 1 ]
	exec 9>&-
	wait "${children[0]}"
}

@test "a batch that does not end a cancelled call is ended when it has no other call" {
	endpoint
	connect
	ask 'call(2; "ReplicationCursor"; {Filesystem: "deaf"})'
	eventually 20 grep -qx ReplicationCursor log
	ask '{id: 2, cancel: true}'
	eventually 20 grep -q 'a cancelled call does not end' errors
	ask 'ping(3)'
	eventually 20 answered 3
	[ "$(grep '^run' log)" = 'run batch'$'\n''run batch' ]
	exec 9>&-
	wait "${children[0]}"
	[ "$(cat served)" = 0 ]
}

# fails ENDPOINT: a call fails with status and text the same with -b and without
fails() {
	printf '#!/bin/sh\n%s\n' "$1" > endpoint
	chmod +x endpoint
	for option in '' -b; do
		# shellcheck disable=SC2086 # an option or none
		pair zr-rpc batch -- zr-rpc $option serve ./endpoint > out 2> errors \
		    <<< '{"id":1,"method":"Ping"}' || cat errors
		[ "$(jq -r '.error | "\(.code) \(.status): \(.message)"' out)" = "$2" ]
	done
}

@test "a failure has the same status in whatever way the endpoint is run" {
	fails 'echo "the pool is on fire" >&2; exit 1' '1 UNKNOWN: the pool is on fire'
	fails 'echo "no answer in time" >&2; exit 99' '99 DEADLINE_EXCEEDED: no answer in time'
	fails 'exit 7' '1 UNKNOWN: endpoint ended with status 7'
	fails 'kill -9 $$' '1 UNKNOWN: endpoint ended by signal 9'
	fails 'exit 0' '1 UNKNOWN: the endpoint ended without an answer'
	printf '#!/bin/sh\nexec sleep 60\n' > endpoint
	for option in '' -b; do
		# shellcheck disable=SC2086
		pair zr-rpc batch -- zr-rpc $option -T 1 serve ./endpoint > out 2> errors \
		    <<< '{"id":1,"method":"Ping"}' || cat errors
		[ "$(jq -r '.error.status' out)" = DEADLINE_EXCEEDED ]
	done
}

@test "a call has the same status alone and in a batch of zr-endpoint" {
	mkdir archive
	for option in '' -b; do
		# shellcheck disable=SC2086
		pair zr-rpc batch -- zr-rpc $option serve zr-endpoint archive archive \
		    <<< '{"id":1,"method":"ListFilesystemVersions","request":{"Filesystem":"none"}}' > "out$option" 2> errors
	done
	cat out out-b
	jq -e .error.message out
	cmp out out-b
}

@test "a batch that closes its standard output and stays is ended, and its calls fail" {
	printf '#!/bin/sh\necho "I am tired" >&2\nexec sleep 100 >&-\n' > endpoint
	chmod +x endpoint
	echo 'def ping($id): {$id, method: "Ping"};' > calls.jq
	connect
	for id in 1 2; do
		ask "ping($id)"
		eventually 40 answered "$id"
		[ "$(jq -r .error.message answer)" = 'I am tired' ]
	done
	exec 9>&-
	wait "${children[0]}"
}

@test "an endpoint without the method batch is named" {
	printf '#!/bin/sh\nread -r line\necho "{}"\n' > endpoint
	chmod +x endpoint
	pair zr-rpc batch -- zr-rpc -b serve ./endpoint > out 2> errors <<< '{"id":1,"method":"Ping"}'
	[[ $(jq -r .error.message out) == "the endpoint's batch: "* ]]
	grep -q "zr-rpc: the endpoint's batch: " errors
}

@test "the calls of a batch that ends fail with its last words; later ones are served" {
	endpoint
	connect
	ask 'call(2; "ReplicationCursor"; {Filesystem: "a"})'
	eventually 20 grep -qx ReplicationCursor log
	ask 'call(3; "SendDry"; {Filesystem: "a", To: {Name: "x", Creation: "2026-01-01T00:00:00Z"},
	    ReplicationConfig: {protection: {Initial: 1, Incremental: 1}}})'
	eventually 20 answered 3
	[ "$(jq -r '.error | "\(.status): \(.message)"' answer)" = 'UNKNOWN: the pool is on fire' ]
	eventually 20 answered 2
	ask 'ping(4)'
	eventually 20 answered 4
	jq -e '.response.Echo == "4"' answer
	exec 9>&-
	wait "${children[0]}"
}

@test "a relay keeps one connection to the next host for all calls" {
	mkdir store
	zr-listen -1 -i 127.0.0.1=demo tcp:127.0.0.1:0 zr-handshake accept \
	    zr-mux accept zr-serve zr-endpoint archive "$PWD/store" > port 3>&- &
	children+=($!)
	eventually 20 [ -s port ]
	printf '#!/bin/sh\necho "$1" >> log\nexec zr-remote tcp:127.0.0.1:%s "$@"\n' "$(cat port)" > endpoint
	chmod +x endpoint
	cat > calls.jq <<< 'def ping($id): {$id, method: "Ping", request: {Message: "\($id)"}};'
	connect
	for ((id = 0; id < 40; id++)); do
		ask "ping($id)"
		eventually 20 answered "$id"
	done
	[ "$(cat log)" = batch ]
	exec 9>&-
	wait "${children[1]}"
}
