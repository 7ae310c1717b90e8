# zr-rpc against the recorded control connections, in both roles.
load helper

replay() {
	timeout 60 /usr/bin/python3 "$BATS_TEST_DIRNAME/rpc_replay.py" "$@"
}

both() {
	local name
	for name; do
		replay server "$name"
		replay client "$name"
	done
}

@test "lists, versions, estimates and cursors are as recorded" {
	both c02-list c03-versions c05-senddry c06-cursor-guid \
	    c07-cursor-notexist c08-sendcompleted c09-destroy-one-ok-one-error
}

@test "a handler's errors are as recorded, newline and unicode included" {
	both c10-handler-error c11-handler-error-unicode-newline
}

@test "several calls on one connection are as recorded" {
	both c12-all-calls-one-connection c13-idle-keepalive-27s \
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
