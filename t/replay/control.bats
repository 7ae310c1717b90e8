# zr-rpc against the recorded control connections, in both roles; what is
# compared, and what may differ, is at the top of rpc_replay.py.  Those that
# take long are in time.bats.
# Over: tcp tls ssh
load ../lib/helper
load ../lib/replay

@test "lists, versions, estimates and cursors are as recorded" {
	as_recorded both c02-list c03-versions c05-senddry c06-cursor-guid \
	    c07-cursor-notexist c08-sendcompleted c09-destroy-one-ok-one-error
}

@test "a handler's errors are as recorded, newline and unicode included" {
	as_recorded both c10-handler-error c11-handler-error-unicode-newline
}

@test "several calls on one connection are as recorded" {
	as_recorded both d01-ping+c01-ping c12-all-calls-one-connection \
	    c18-client-idle-close-and-reuse
}

@test "5,000 versions are answered; 100,000 exceed a limit of 4 MiB" {
	as_recorded both c04-versions-5000 c17-versions-100000-over-4MiB
}

@test "a client's deadline is as recorded" {
	as_recorded both c14-client-timeout-cancel
}

@test "zrepl 0.6.1 is understood, although its :authority is invalid" {
	as_recorded both v061-c02-list
}

@test "a server stops as recorded, idle or during a call, and its client leaves" {
	as_recorded both c15-server-SIGTERM-while-idle c16-server-SIGTERM-during-call
}
