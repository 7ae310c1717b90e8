# The recordings over TLS that both kernels do: nothing may be different.  Some of them,
# one at a time, as the machine is slow; with ZR_REPLAY_ALL=1 all, in a quarter of an hour.
load zfs_helper

export ZR_TEST_OVER=kernel

# replay FILE SOME: those tests of t/replay/FILE.bats that play SOME of the recordings
replay() {
	bats -f "$([ -n "${ZR_REPLAY_ALL-}" ] || echo "$2")" "$TESTS/replay/$1.bats"
}

@test "data connections are as recorded" {
	replay data 'our server answers|our client sends'
}

@test "control connections are as recorded" {
	replay control 'lists|errors'
}

@test "heartbeats and keepalive are as recorded, in the recorded time" {
	replay time heartbeats
}

@test "refusals and ends are as over TCP, early and late" {
	replay refusals 'at its end'
}
