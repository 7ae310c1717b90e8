# zr-rpc serve in front of an endpoint that offers batch (51-endpoint-batch.bats
# has our endpoints' own).
load helper

pair() {
	timeout $PATIENCE python3 "$BATS_TEST_DIRNAME/pair.py" -s served "$@"
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
	pair zr-rpc "$@" batch -- zr-rpc serve ./endpoint < in > out 2> errors 3>&- &
	children+=($!)
	exec 9> in
}

ask() {
	jq -L . -cn "include \"calls\"; $1" >&9
}

answered() {
	jq --argjson id "$1" 'select(.id == $id)' out > answer && [ -s answer ]
}

# ready: the endpoint's batch has answered its first question, and serves
ready() {
	ask 'ping(1)'
	eventually 20 answered 1
	for ((id = 100; id < 300; id++)); do
		ask "ping($id)"
		eventually 20 answered "$id"
		! grep -qx "Ping" log || [ "$(grep -cx Ping log)" -lt 2 ] || return 0
	done
	return 1
}

@test "from the second call on one process serves a connection" {
	endpoint
	connect
	ready
	ask 'range(1000; 1100) | ping(.)'
	eventually 20 answered 1099
	[ "$(grep -cx 'run batch' log)" = 1 ]
	[ "$(grep -c '^run' log)" -lt 60 ]
	[ "$(jq -r 'select(.id == 1042).response.Echo' out)" = 1042 ]
	ask 'call(2; "ListFilesystems"; {})'
	eventually 20 answered 2
	[ "$(jq -r '.error | "\(.status): \(.message)"' answer)" = 'PERMISSION_DENIED: not yours: é' ]
	exec 9>&-
	wait "${children[0]}"
	[ "$(cat served)" = 0 ]
}

@test "one call alone, and every call with -e, has a process of its own" {
	endpoint
	pair zr-rpc Ping '{"Message":"x"}' -- zr-rpc serve ./endpoint
	[ "$(cat log)" = 'run Ping' ]
	rm log
	for id in 1 2 3; do
		echo "{\"id\":$id,\"method\":\"Ping\"}"
	done | pair zr-rpc batch -- zr-rpc -e serve ./endpoint
	[ "$(sort -u log)" = 'run Ping' ]
	[ "$(wc -l < log)" = 3 ]
}

@test "a call that is given up is cancelled in the batch, which goes on" {
	endpoint
	connect
	ready
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

@test "a batch that does not end a cancelled call is ended, when it has no other" {
	endpoint
	connect
	ready
	ask 'call(2; "ReplicationCursor"; {Filesystem: "deaf"})'
	eventually 20 grep -qx ReplicationCursor log
	ask '{id: 2, cancel: true}'
	eventually 20 grep -q 'a cancelled call does not end' errors
	before=$(grep -c '^run Ping' log)
	ask 'ping(3)'
	eventually 20 answered 3
	[ "$(grep -c '^run Ping' log)" = "$((before + 1))" ]
	exec 9>&-
	wait "${children[0]}"
	[ "$(cat served)" = 0 ]
}

@test "the calls of a batch that ends fail with its last words, the next are served" {
	endpoint
	connect
	ready
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
	[ "$(grep -c batch log)" = 1 ]
	[ "$(wc -l < log)" -lt 35 ]
	exec 9>&-
	wait "${children[1]}"
}
