# A connection that is reset, or of which one direction ends, in the middle.
load ../lib/helper

@test "Send and Receive survive a reset in the middle" {
	sweep 3 Receive:reset:c2s Receive:reset:s2c Send:reset:c2s Send:reset:s2c
}

@test "Send and Receive survive the end of one direction in the middle" {
	sweep 3 Receive:half:c2s Receive:half:s2c Send:half:c2s Send:half:s2c
}
