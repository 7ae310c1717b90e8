# Keepalive of zr-rpc, as recorded and in the recorded time; the same without
# waiting is in unit/rpc_session.c.
load helper
load replay

@test "PINGs of an idle connection, of a client that answers none or sends too many" {
	replay server r11-control-pings-not-acked
	replay server r12-control-ping-every-1s
	replay server r13-control-ping-every-3s
	both c13-idle-keepalive-27s
}
