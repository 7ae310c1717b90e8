# Slow readers and writers lose nothing while they live.  All at once, as they
# mostly wait: 1 KiB/s for a minute, pauses of 30 s.
# Takes long
load ../lib/helper

REQUEST='{"Filesystem":"a/b","To":{"Name":"s","Guid":"1","Creation":"2024-01-02T00:00:00Z"},"ReplicationConfig":{"protection":{"Initial":1,"Incremental":2}}}'
SIZE=5000000

setup_file() {
	cd "$BATS_FILE_TMPDIR"
	head -c $SIZE /dev/urandom > stream
}

# exchange NAME METHOD WRITER READER: one transfer; the stream comes from the
# command WRITER and goes through the command READER.
exchange() {
	local name=$1 client=
	mkdir "$name"
	case $2 in
	Send)
		printf '#!/bin/bash\nread -r request\necho "{}"\n%s < %q\n' \
		    "$3" "$BATS_FILE_TMPDIR/stream" > "$name/endpoint"
		client="zr-dataconn -o answer Send '$REQUEST' | $4 > got" ;;
	Receive)
		printf '#!/bin/bash\nread -r request\n%s > got\necho "{}"\n' \
		    "$4" > "$name/endpoint"
		client="$3 < '$BATS_FILE_TMPDIR/stream' | zr-dataconn Receive '$REQUEST'" ;;
	esac
	chmod +x "$name/endpoint"
	background bash -c 'cd "$0" && exec "$1" -s server bash -o pipefail -c "$2" -- zr-dataconn serve ./endpoint' \
	    "$name" "$HELPERS/pair.py" "$client" > "$name/log" 2>&1
	names+=("$name")
}

all_whole() {
	local failed='' status
	for i in "${!names[@]}"; do
		status=0
		wait "${children[$i]}" || status=$?
		[ "$status" -eq 0 ] && [ "$(cat "${names[$i]}/server")" = 0 ] &&
		    cmp -s "${names[$i]}/got" "$BATS_FILE_TMPDIR/stream" && continue
		failed=1
		echo "${names[$i]}: exit $status; $(cat "${names[$i]}/log")"
	done
	[ -z "$failed" ]
}

@test "a stream of 1 KiB/s with pauses at any place arrives" {
	names=()
	slow=$HELPERS/slow.py
	pause=30
	minute=60
	for method in Send Receive; do
		exchange $method-writer-slow $method "$slow -r 1024 -s $minute" cat
		exchange $method-reader-slow $method cat "$slow -r 1024 -s $minute"
		for at in 0 2500000 end; do
			exchange $method-writer-at-$at $method "$slow -p $pause -a $at" cat
			exchange $method-reader-at-$at $method cat "$slow -p $pause -a $at"
		done
	done
	all_whole
}

@test "a network of 1 KiB/s is fast enough" {
	seconds=60
	head -c $((seconds * 1024)) "$BATS_FILE_TMPDIR/stream" > small
	# shellcheck disable=SC2016 # for the endpoint
	printf '#!/bin/bash\nread -r request\n[ "$1" = Receive ] && { cat > got; echo "{}"; } || { echo "{}"; cat small; }\n' > endpoint
	chmod +x endpoint
	background zr-listen -1 tcp:127.0.0.1:0 zr-dataconn serve ./endpoint > port
	eventually 20 test -s port
	for direction in c2s s2c; do
		background "$HELPERS/fault_proxy.py" -r 1024 -d $direction none "127.0.0.1:$(cat port)" > proxy.$direction
		eventually 20 test -s proxy.$direction
	done
	zr-connect "tcp:127.0.0.1:$(cat proxy.s2c)" zr-dataconn -o answer Send "$REQUEST" > sent 3>&- &
	pid=$!
	zr-connect "tcp:127.0.0.1:$(cat proxy.c2s)" zr-dataconn Receive "$REQUEST" < small
	wait $pid
	cmp sent small
	cmp got small
}
