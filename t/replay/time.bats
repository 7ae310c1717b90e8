# Recorded connections that take their time, in the recorded time.  Keepalive without
# waiting is in unit/rpc_session.c and unit/liveness.c.
# Over: tcp tls ssh
# Takes long
load ../lib/helper
load ../lib/replay

@test "PINGs are as recorded: idle, without an answer, and too many" {
	REPLAY_JOBS=8
	as_recorded both c13-idle-keepalive-27s r11-control-pings-not-acked \
	    r12-control-ping-every-1s r13-control-ping-every-3s
}

@test "12 s before the answer and in mid-stream are bridged by heartbeats, as recorded" {
	as_recorded both d10-send-heartbeats-12s-handler-delay.data \
	    d11-send-heartbeats-12s-midstream-pause.data
}

@test "a client that stays after an error holds no server; a silent one gets Shutdown" {
	as_recorded server d16-send-handler-error-then-client-stays-15s.data \
	    r06-data-idle-no-heartbeats.data
	grep 'exit 99' server.r06-data-idle-no-heartbeats.data
	grep 'the peer has sent nothing for 10 seconds' server.r06-data-idle-no-heartbeats.data
}
