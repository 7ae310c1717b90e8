# Data connections that take their time: heartbeats, time limits, slow readers.
load helper

@test "12 s before the answer and 12 s in mid-stream: heartbeats, as recorded" {
	for name in d10-send-heartbeats-12s-handler-delay d11-send-heartbeats-12s-midstream-pause; do
		for role in server client; do
			background "$BATS_TEST_DIRNAME/replay.py" $role $name.data
		done
	done
	for pid in "${children[@]}"; do
		wait "$pid"
	done
}

@test "a silent client is found after 10 s (exit 99) and told Shutdown" {
	# It sends nothing at all: the recorded one of r06.
	replay=$BATS_TEST_DIRNAME/replay.py
	run --separate-stderr "$replay" server r06-data-idle-no-heartbeats.data
	[ "$status" -eq 0 ]
	[[ "$output" == *"exit 99"* ]]
	stderr_has "the peer has sent nothing for 10 seconds"
}
