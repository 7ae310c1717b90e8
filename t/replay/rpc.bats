# zr-rpc against the recorded control connections, in both roles; what is
# compared, and what may differ, is at the top of rpc_replay.py.  Those that
# take long are in keepalive.bats.
load ../lib/helper
load ../lib/replay

@test "lists, versions, estimates and cursors are as recorded" {
	both c02-list c03-versions c05-senddry c06-cursor-guid \
	    c07-cursor-notexist c08-sendcompleted c09-destroy-one-ok-one-error
}

@test "a handler's errors are as recorded, newline and unicode included" {
	both c10-handler-error c11-handler-error-unicode-newline
}

@test "several calls on one connection are as recorded" {
	both d01-ping+c01-ping c12-all-calls-one-connection \
	    c18-client-idle-close-and-reuse
}

@test "5,000 versions come through; 100,000 are over a limit of 4 MiB" {
	both c04-versions-5000 c17-versions-100000-over-4MiB
}

@test "a client's deadline is as recorded" {
	both c14-client-timeout-cancel
}

@test "zrepl 0.6.1 is understood, whose :authority breaks the rules" {
	both v061-c02-list
}

@test "a server stops as recorded, idle or during a call, and a client leaves it" {
	both c15-server-SIGTERM-while-idle c16-server-SIGTERM-during-call
}

@test "no recorded control connection is left out" {
	for name in "$DATA"/recordings/*.control.events.jsonl; do
		name=$(basename "$name" .control.events.jsonl)
		grep -q "[ 	]$name\b" "$TESTS"/replay/{rpc,keepalive}.bats || echo "$name"
	done > missing
	[ ! -s missing ]
}
