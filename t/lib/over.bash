# Shared by the files that run things over another transport than plain TCP:
# `load ../lib/over`, after helper.

# over_setup, in setup_file: certificates, and ssh's keys.
over_setup() {
	export OVER=$BATS_FILE_TMPDIR/over
	zr-cert ca "$OVER"
	zr-cert server "$OVER" server localhost
	zr-cert client "$OVER" web1
	ssh-keygen -q -t ed25519 -N '' -f "$OVER/host_key"
	ssh-keygen -q -t ed25519 -N '' -f "$OVER/client_key"
}

# over TRANSPORT: what transport.py connects from now on uses it.
over() {
	# There are more processes on the way than with plain TCP.
	export ZR_OVER=$1 OVER_JOBS=6 ZR_REPLAY_TOLERANCE=${ZR_REPLAY_TOLERANCE:-4}
	case $1 in
	tls) over_tls '' ;;
	kernel)
		modprobe tls
		# That machine is slow: one at a time, and of each kind only some;
		# ZR_REPLAY_ALL=1 takes all, in a quarter of an hour.
		export OVER_JOBS=1
		[ -n "${ZR_REPLAY_ALL-}" ] || export OVER_ONLY='^(d0[247]|d11|d12|c02|c10)-'
		over_tls -k ;;
	ssh)
		# To start an sshd takes its time on a busy machine.
		export OVER_JOBS=4
		ZR_OVER_CLIENT="zr-ssh-connect -t 60 -p PORT -i $OVER/client_key -o IdentitiesOnly=yes
		    -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null
		    -o LogLevel=ERROR 127.0.0.1"
		ZR_OVER_SERVER="$HELPERS/over_sshd $OVER" ;;
	esac
	export ZR_OVER_CLIENT ZR_OVER_SERVER
}

over_tls() {
	ZR_OVER_CLIENT="zr-connect tcp:127.0.0.1:PORT zr-tls $1 -d $OVER -n web1 -s localhost connect"
	ZR_OVER_SERVER="zr-tls $1 -d $OVER -n server -c web1 accept"
}

# replays SCRIPT ROLE NAME...: OVER_JOBS at the same time, for they mostly wait; to
# be followed by replayed.
replays() {
	local name
	for name in "${@:3}"; do
		[[ $name =~ ${OVER_ONLY-} ]] || continue
		# Asking again and again who runs would slow them down.
		[ "${#replays[@]}" -lt "$OVER_JOBS" ] || wait -n || true
		timeout 100 /usr/bin/python3 "$HELPERS/$1" "$2" "$name" 3>&- \
		    > "$ZR_OVER.$2.$name" 2>&1 &
		replays+=("$!:$ZR_OVER.$2.$name")
	done
}

# replayed: wait for all of them; show those that failed.
replayed() {
	local one failed=0
	for one in "${replays[@]}"; do
		wait "${one%%:*}" || { echo "${one#*:}:"; cat "${one#*:}"; failed=1; }
	done
	replays=()
	return "$failed"
}

replay_data() {
	replays replay.py server d01-ping+c01-ping.data d02-send-1MiB.data \
	    d03-send-midstream-error.data d04-receive-1MiB.data d06-send-empty-stream.data \
	    d07-send-handler-error.data d09-receive-client-source-error.data \
	    d12-receive-handler-error-before-read.data d13-send-error-at-0.data \
	    d14-send-resume-token-incremental.data d17-two-transfers-one-client.data \
	    d17-two-transfers-one-client.data2 d17-two-transfers-one-client.data3 \
	    r04-data-unknown-endpoint.data r07-data-ping-split-frames.data \
	    r10-data-client-RST-frame-mid-request.data r14-data-unknown-frame-type-2-bytes.data
	replays replay.py client d01-ping+c01-ping.data d02-send-1MiB.data \
	    d03-send-midstream-error.data d04-receive-1MiB.data d05-send-nil-stream.data \
	    d06-send-empty-stream.data d07-send-handler-error.data \
	    d09-receive-client-source-error.data d12-receive-handler-error-before-read.data \
	    d13-send-error-at-0.data d14-send-resume-token-incremental.data \
	    d17-two-transfers-one-client.data d17-two-transfers-one-client.data2 \
	    d17-two-transfers-one-client.data3 d18-nil-stream-then-client-stays-3s.data
	replayed
}

replay_control() {
	for role in server client; do
		replays rpc_replay.py $role c02-list c03-versions c05-senddry c06-cursor-guid \
		    c07-cursor-notexist c08-sendcompleted c09-destroy-one-ok-one-error \
		    c10-handler-error c11-handler-error-unicode-newline c04-versions-5000 \
		    c17-versions-100000-over-4MiB c12-all-calls-one-connection \
		    c18-client-idle-close-and-reuse d01-ping+c01-ping c14-client-timeout-cancel \
		    c15-server-SIGTERM-while-idle c16-server-SIGTERM-during-call v061-c02-list
	done
	replayed
}

replay_time() {
	[ "$ZR_OVER" = kernel ] || OVER_JOBS=9
	for role in server client; do
		replays rpc_replay.py $role c13-idle-keepalive-27s \
		    r11-control-pings-not-acked r12-control-ping-every-1s \
		    r13-control-ping-every-3s
		replays replay.py $role d10-send-heartbeats-12s-handler-delay.data \
		    d11-send-heartbeats-12s-midstream-pause.data
	done
	replays replay.py server r06-data-idle-no-heartbeats.data \
	    d16-send-handler-error-then-client-stays-15s.data
	replayed
}

# Tests that know no transport, only pair.py.
over_again() {
	bats -f 'after the whole stream|refused early|early success' "$TESTS/dataconn/dataconn.bats"
	[ -z "${OVER_ONLY-}" ] || return 0
	bats -f 'Send: the answer|endpoint.s failure|ZR_VERDICT' "$TESTS/dataconn/dataconn.bats"
	bats -f 'one line of JSON|endpoint.s error|a batch answers' "$TESTS/rpc/rpc.bats"
}
