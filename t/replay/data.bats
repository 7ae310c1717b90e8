# Recorded data connections against our own client and server.
# Over: tcp tls ssh
load ../lib/helper
load ../lib/replay

# d05 and d18, a Send without any stream, cannot be said by an endpoint; of d08
# only one half is kept: d12 is the same refusal, a little earlier.
both="d01-ping+c01-ping.data d02-send-1MiB.data d03-send-midstream-error.data
	d04-receive-1MiB.data d06-send-empty-stream.data d07-send-handler-error.data
	d09-receive-client-source-error.data d12-receive-handler-error-before-read.data
	d13-send-error-at-0.data d14-send-resume-token-incremental.data
	d17-two-transfers-one-client.data d17-two-transfers-one-client.data2
	d17-two-transfers-one-client.data3"

@test "our server answers each recorded client as the recorded server did" {
	# shellcheck disable=SC2086 # a list of words
	as_recorded server $both
}

@test "our client sends the bytes of each recorded client, and understands the answer" {
	# shellcheck disable=SC2086 # a list of words
	as_recorded client $both
}

@test "a Send that is answered without a stream is an error of our client" {
	as_recorded client d05-send-nil-stream.data d18-nil-stream-then-client-stays-3s.data
}

@test "clients that violate the protocol are answered as recorded" {
	as_recorded server r04-data-unknown-endpoint.data r07-data-ping-split-frames.data \
	    r10-data-client-RST-frame-mid-request.data r14-data-unknown-frame-type-2-bytes.data
}
