# Shared by files that run zr-sync between hosts, after helper and sshd.
# shellcheck disable=SC2154 # set by helper and sshd

# hosts [KEY]: an sshd, and a ZR_SSH to which two.test is another host than all others.  The
# directories of zr-sync are in TMPDIR, which is short enough for a socket.
hosts() {
	# No start-up file of this account's shell: they can take minutes in the machine.
	start_sshd "SetEnv HOME=$PWD"
	ssh_as "${1:-client}"
	TMPDIR=$(mktemp -d /tmp/sync.XXXX)
	export TMPDIR
}

# ssh_as KEY: it may ask for a passphrase.
ssh_as() {
	ssh_with "$1"
	sed -i 's/HostName=127.0.0.1/HostName="$name"/; s/-o BatchMode=yes//
	    2i name=127.0.0.1; case "$* " in *"two.test "*) name=localhost; set -- -4 "$@" ;; esac' ssh
}

connections() {
	wc -l < connections
}

# Nothing of zr-sync is left: no directory, and no process that was told of it or waits for
# its end.
nothing_left() {
	[ -z "$(ls "$TMPDIR")" ] || return
	# grep's status would be that of the processes that have ended meanwhile.
	[ -z "$(grep -lsa "$TMPDIR/zr" /proc/[0-9]*/cmdline)" ] || return
	! ls -l /proc/[0-9]*/fd 2> /dev/null | grep -q "$TMPDIR"
}

# group COMMAND...: in the background, in a process group of its own, with the signals as
# they are at a terminal.
group() {
	background /usr/bin/python3 -c 'if True:
		import os, signal, sys
		os.setsid()
		signal.signal(signal.SIGINT, signal.SIG_DFL)
		os.execvp(sys.argv[1], sys.argv[1:])' "$@"
}
