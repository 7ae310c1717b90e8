# Keepalive of zr-rpc, as recorded and in the recorded time; the same without
# waiting is in unit/rpc_session.c.
load ../lib/helper
load ../lib/replay

@test "PINGs of an idle connection, of a client that answers none or sends too many" {
	both c13-idle-keepalive-27s r11-control-pings-not-acked \
	    r12-control-ping-every-1s r13-control-ping-every-3s
}
