# A peer that stands still, or whose bytes arrive as others.
# Takes long
load ../lib/helper

@test "a peer that stops at any place is noticed after 10 s" {
	sweep 2 Receive:stall:c2s Receive:stall:s2c Send:stall:c2s Send:stall:s2c \
	    Receive:freeze:c2s Receive:freeze:s2c Send:freeze:c2s Send:freeze:s2c
}

@test "any flipped bit of banner, label or frame header is noticed" {
	sweep 17 Receive:corrupt:c2s Receive:corrupt:s2c Send:corrupt:c2s Send:corrupt:s2c
}

@test "any lost or doubled byte of banner, label or frame header is noticed" {
	sweep 5 Receive:drop:c2s Receive:drop:s2c Send:drop:c2s Send:drop:s2c \
	    Receive:duplicate:c2s Receive:duplicate:s2c Send:duplicate:c2s Send:duplicate:s2c
}
