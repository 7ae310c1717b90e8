# The recorded data connections, through TLS: nothing may be different.
load helper

setup_file() {
	export PATH="${ZR_BUILD:=$BATS_TEST_DIRNAME/../build}/bin:$PATH"
	export PKI=$BATS_FILE_TMPDIR/pki
	zr-cert ca "$PKI"
	zr-cert server "$PKI" server localhost
	zr-cert client "$PKI" web1
}

connect="zr-tls connect -d PKI -n web1 -s localhost"
accept="zr-tls accept -d PKI -n server -c web1"

replay() {
	local failed='' name
	case $1 in
	server) program=$accept peer="$connect -f 200,200" ;;
	client) program=$connect peer="$accept -f 200,200" ;;
	esac
	export ZR_REPLAY_PROGRAM=${program//PKI/$PKI} ZR_REPLAY_PEER=${peer//PKI/$PKI}
	for name in "${@:2}"; do
		"$BATS_TEST_DIRNAME/replay.py" "$1" "$name" || failed="$failed $name"
	done
	[ -z "$failed" ] || { echo "failed:$failed"; return 1; }
}

@test "our server answers each recorded client over TLS" {
	replay server d01-ping+c01-ping.data d02-send-1MiB.data d03-send-midstream-error.data \
	    d04-receive-1MiB.data d06-send-empty-stream.data d07-send-handler-error.data \
	    d12-receive-handler-error-before-read.data d13-send-error-at-0.data \
	    d17-two-transfers-one-client.data2 r10-data-client-RST-frame-mid-request.data
}

@test "our client says what each recorded client said over TLS" {
	replay client d01-ping+c01-ping.data d02-send-1MiB.data d03-send-midstream-error.data \
	    d04-receive-1MiB.data d06-send-empty-stream.data d07-send-handler-error.data \
	    d09-receive-client-source-error.data d12-receive-handler-error-before-read.data \
	    d14-send-resume-token-incremental.data
}

@test "12 s before the answer and 12 s in mid-stream over TLS" {
	for role in server client; do
		replay "$role" d10-send-heartbeats-12s-handler-delay.data &
		replay "$role" d11-send-heartbeats-12s-midstream-pause.data &
	done
	wait -n && wait -n && wait -n && wait -n
}
