# zr-replicate while the network is gone: a proxy that is stopped lets nothing through,
# and connections to it are not refused but stay without an answer.
load zfs_helper

SENDER="zr-endpoint sender -j job -f 'src<'"

OUTAGE=${ZR_TEST_OUTAGE:-25}	# seconds: more than a peer's silence may last

setup() {
	enter_directory || return
	two_pools
	# Four streams of some ten seconds each.
	slow_sender "exec '$HELPERS/slow.py' -r 200000 -s 600 2> /dev/null"
	background zr-listen -1 -i 127.0.0.1=client tcp:127.0.0.1:0 zr-handshake accept \
	    zr-mux accept zr-serve -b zr-endpoint receiver -e inherit -j job dst > port
	eventually 30 test -s port
	background "$HELPERS/distance.py" -s 0 log "127.0.0.1:$(cat port)" > proxy
	eventually 30 test -s proxy
	network=${children[-1]}
	for number in 1 2 3 4; do
		zfs create src/$number
		random 2000000 src/$number/file
		zfs snapshot src/$number@1
	done
}

teardown() {
	kill -CONT "$network" 2> /dev/null || true
	for pid in "${children[@]}"; do
		kill "$pid" 2> /dev/null || true
		wait "$pid" 2> /dev/null || true
	done
	cd /
	destroy_pools "$BATS_TEST_TMPDIR"
}

# start OPTION...: a run, until all four streams have come some way.
start() {
	background zr-replicate -e events -a 5 "$@" -s ./slow-sender \
	    -r "zr-remote tcp:127.0.0.1:$(cat proxy)" 2> run.err
	run=${children[-1]}
	eventually 60 flowing
}

flowing() {
	[ "$(jq -r 'select(.event == "progress" and .bytes > 300000).filesystem' events |
	    sort -u | wc -l)" -eq 4 ]
}

@test "a network that is gone for a while: all streams are resumed" {
	# Beside them one for which nothing can be done.
	zfs create src/bad
	zfs snapshot src/bad@1
	zr-replicate -q -s "$SENDER" -r "$RECEIVER" src/bad
	zfs snapshot dst/client/src/bad@own
	zfs snapshot src/bad@2
	start
	kill -STOP "$network"
	sleep "$OUTAGE"
	kill -CONT "$network"
	ended_with 1 "$run"
	cat run.err
	jq -r 'select(.event == "retry") | "\(.class) \(.filesystem)"' events | sort | uniq -c
	[ "$(jq -r 'select(.event == "step-end" and .resumed) | .filesystem' events | sort | xargs)" = \
	    'src/1 src/2 src/3 src/4' ]
	for number in 1 2 3 4; do
		same_snapshot src/$number@1
		[ -z "$(holds_of src/$number)" ]
	done
	grep -q 'src/bad: diverged after @1' run.err
	tail -n 1 run.err | grep -q '4 replicated (4 steps, .* 1 failed'
}

@test "a network that is gone for longer than -w: the transport's status, within a minute of that" {
	start -w 15
	kill -STOP "$network"
	gone=$SECONDS
	status=0
	wait "$run" || status=$?
	cat run.err
	echo "status $status after $((SECONDS - gone)) s"
	[ "$status" -eq 99 ] || [ "$status" -eq 111 ]
	[ $((SECONDS - gone)) -ge 15 ]
	[ $((SECONDS - gone)) -le 75 ]
}
