# The recordings over TLS that both kernels do: nothing may be different.
load zfs_helper
load ../lib/over

setup_file() {
	over_setup
	over kernel
}

@test "data connections are as recorded" {
	replay_data
}

@test "control connections are as recorded" {
	replay_control
}

@test "heartbeats and keepalive are as recorded, in the recorded time" {
	replay_time
}

@test "refusals and ends, early and late, are as over TCP" {
	over_again
}
