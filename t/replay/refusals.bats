# Tests that know no transport, only pair.py, once more over others than plain TCP.
# Over: tls ssh
load ../lib/helper
load ../lib/replay

@test "a stream that is refused or accepted early, or fails at its end, ends as over TCP" {
	bats -f 'after the whole stream|refused early|early success' "$TESTS/dataconn/dataconn.bats"
}

@test "answers, failures and verdicts are as over TCP" {
	bats -f 'Send: the answer|endpoint.s failure|ZR_VERDICT' "$TESTS/dataconn/dataconn.bats"
	bats -f 'one line of JSON|endpoint.s error|a batch answers' "$TESTS/rpc/rpc.bats"
}
