# Shared by the files of t/replay, after helper: recordings are played to our programs
# over the transport $ZR_TEST_OVER.  That is tcp if nothing else is said; tls; ssh,
# through a real sshd; or kernel, TLS that both kernels do.  t/run runs a file once over
# each transport that its line "# Over:" names; kernel is for t/zfs/81-kernel-replay.bats.

# Certificates, ssh's keys, and what transport.py connects with.
setup_file() {
	export ZR_TEST_OVER=${ZR_TEST_OVER:-tcp} OVER=$BATS_FILE_TMPDIR/over REPLAY_JOBS=6
	[ "$ZR_TEST_OVER" != tcp ] || return 0
	# There are more processes on the way than with plain TCP.
	export ZR_REPLAY_TOLERANCE=${ZR_REPLAY_TOLERANCE:-4}
	zr-cert ca "$OVER"
	zr-cert server "$OVER" server localhost
	zr-cert client "$OVER" web1
	case $ZR_TEST_OVER in
	tls) over_tls '' ;;
	kernel)
		modprobe tls
		# That machine is slow: one at a time, and of each kind only some.
		export REPLAY_JOBS=1
		[ -n "${ZR_REPLAY_ALL-}" ] || export REPLAY_ONLY='^(d0[247]|d11|d12|c02|c10)-'
		over_tls -k ;;
	ssh) over_ssh ;;
	*) echo "ZR_TEST_OVER is $ZR_TEST_OVER"; return 1 ;;
	esac
	export ZR_OVER_CLIENT ZR_OVER_SERVER
}

over_tls() {
	ZR_OVER_CLIENT="zr-connect tcp:127.0.0.1:PORT zr-tls $1 -d $OVER -n web1 -s localhost connect"
	ZR_OVER_SERVER="zr-tls $1 -d $OVER -n server -c web1 accept"
}

over_ssh() {
	# To start an sshd takes its time on a busy machine.
	export REPLAY_JOBS=4
	ssh-keygen -q -t ed25519 -N '' -f "$OVER/host_key"
	ssh-keygen -q -t ed25519 -N '' -f "$OVER/client_key"
	ZR_OVER_CLIENT="zr-ssh-connect -t 60 -p PORT -i $OVER/client_key -o IdentitiesOnly=yes
	    -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null
	    -o LogLevel=ERROR 127.0.0.1"
	ZR_OVER_SERVER="$HELPERS/over_sshd $OVER"
}

# as_recorded ROLE NAME...: play these recordings to our ROLE, server or client, several
# at the same time, for they mostly wait; show what failed.  With ROLE both, to both.
# What was said of each is in ROLE.NAME.
as_recorded() {
	local role name script roles=$1 one failed=0 running=()
	[ "$1" != both ] || roles='server client'
	for role in $roles; do
		for name in "${@:2}"; do
			[[ $name =~ ${REPLAY_ONLY-} ]] || continue
			script=rpc_replay.py
			[[ $name != *.data* ]] || script=replay.py
			# Asking again and again who runs would slow them down.
			[ "${#running[@]}" -lt "$REPLAY_JOBS" ] || wait -n || true
			timeout 100 /usr/bin/python3 "$HELPERS/$script" "$role" "$name" 3>&- \
			    > "$role.$name" 2>&1 &
			running+=("$!:$role.$name")
		done
	done
	[ "${#running[@]}" -gt 0 ] || { echo "none of $* was to be played"; return 1; }
	for one in "${running[@]}"; do
		wait "${one%%:*}" || { echo "${one#*:}:"; cat "${one#*:}"; failed=1; }
	done
	return "$failed"
}
