# A real sshd on a port of its own, a process for each connection, and an ssh that finds
# it: `load ../lib/sshd`, after helper.
# shellcheck disable=SC2154 # set by bats and helper

# In setup_file: the keys.
make_ssh_keys() {
	export SSH_DIR=$BATS_FILE_TMPDIR/ssh
	mkdir -m 700 "$SSH_DIR"
	ssh-keygen -q -t ed25519 -N '' -f "$SSH_DIR/host"
	ssh-keygen -q -t ed25519 -N '' -f "$SSH_DIR/client"
	ssh-keygen -q -t ed25519 -N '' -f "$SSH_DIR/stranger"
	# Where root starts it, sshd wants this directory.
	[ "$(id -u)" -ne 0 ] || mkdir -p /run/sshd
}

# start_sshd [LINE OF sshd_config...]: on $port.  For each connection there is a line in
# the file connections, its sshd's pid.  Commands run as $login says: by default with
# this directory as the home, our PATH, and sh in place of the user's shell, whose
# start-up file bash passes over at that SHLVL.  $ZR_SSH is
# an ssh that finds this sshd, whatever the host; each one's pid is a line in the file
# clients.
start_sshd() {
	[ -e login ] || login 'exec sh -c "$SSH_ORIGINAL_COMMAND"'
	printf '%s\n' "HostKey $SSH_DIR/host" "AuthorizedKeysFile $SSH_DIR/client.pub" \
	    'StrictModes no' 'UsePAM no' 'PasswordAuthentication no' 'PidFile none' \
	    'LogLevel ERROR' 'PermitRootLogin prohibit-password' \
	    'SetEnv SHLVL=2' "ForceCommand exec sh $PWD/login" "$@" > sshd_config
	printf '#!/bin/sh\necho $$ >> %q\nexec /usr/sbin/sshd -i -e -f %q\n' \
	    "$PWD/connections" "$PWD/sshd_config" > sshd
	chmod +x sshd
	: > connections
	: > clients
	background tcpserver -1 -c 100 -RHl0 127.0.0.1 0 "$PWD/sshd" > port 2> sshd.err
	eventually 10 test -s port
	port=$(head -n 1 port)
	printf '127.0.0.1 %s\n' "$(cut -d ' ' -f 1,2 "$SSH_DIR/host.pub")" > known_hosts
	ssh_with client
	export ZR_SSH=$PWD/ssh
}

# ssh_with KEY [OPTION OF ssh...]
ssh_with() {
	cat > ssh <<-END
		#!/bin/sh
		echo \$\$ >> '$PWD/clients'
		exec /usr/bin/ssh -F none -i '$SSH_DIR/$1' -p '$port' -o HostName=127.0.0.1 \
		    -o HostKeyAlias=127.0.0.1 -o UserKnownHostsFile='$PWD/known_hosts' \
		    -o IdentitiesOnly=yes -o BatchMode=yes ${*:2} "\$@"
	END
	chmod +x ssh
}

# login COMMAND: what a connection executes in place of a login shell; the command that
# the client wants is in $SSH_ORIGINAL_COMMAND.
login() {
	printf 'cd %q\nPATH=%q HOME=%q; export PATH HOME\n%s\n' "$PWD" "$PATH" "$PWD" "$1" > login
}

# Has every ssh and sshd of this test ended?
ssh_ended() {
	local pid
	while read -r pid; do
		gone "$pid" || return 1
	done < <(cat clients connections)
}
