# zr-tls: what others may see of it, and who it is.
load ../lib/helper
load ../lib/tls

setup_file() {
	make_pki
}

@test "a key that others can read causes a warning" {
	cp "$PKI/web1.key" open.key
	chmod 644 open.key
	accept -- cat
	run --separate-stderr connect -b "$PKI/web1.crt" -p open.key -s localhost true
	[ "$status" -eq 0 ]
	stderr_has 'warning: key open.key is open to others (mode 0644)'
}

@test "arguments, environments, descriptors and messages contain no secret" {
	accept -L server.keys -- sh -c 'while read -r line; do echo "$line" >&2; done'
	server=$!
	background tcpclient -RHl0 127.0.0.1 "$port" zr-tls -d "$PKI" -n web1 \
	    -s localhost -L client.keys connect sh -c 'echo up >&7; echo up >&2; read -r line <&6' 2> client.err
	client=$!
	eventually 10 grep -qx up server.err
	eventually 10 grep -qx up client.err
	server=$(ps -o pid= --ppid "$server" | tr -d ' ')
	served=$(ps -o pid= --ppid "$server" | tr -d ' ')
	program=$(ps -o pid= --ppid "$client" | tr -d ' ')
	# The private keys' and the session's secrets, as text and as bytes.
	cat > secrets.py <<-'EOF'
	import base64, os, sys
	secrets = []
	for name in ("web1", "server"):
	    pem = open(os.environ["PKI"] + "/" + name + ".key").read().split("-----")[2]
	    secrets += [pem.split()[0].encode()] + [base64.b64decode(pem)[-40:]]
	for name in ("client.keys", "server.keys"):
	    for line in open(name):
	        secrets += [line.split()[2].encode(), bytes.fromhex(line.split()[2])]
	for name in sys.argv[1:]:
	    text = open(name, "rb").read()
	    assert text, name
	    for secret in secrets:
	        assert secret not in text, name
	EOF
	python3 secrets.py "/proc/$client/cmdline" "/proc/$server/cmdline" \
	    "/proc/$program/cmdline" "/proc/$program/environ" \
	    "/proc/$served/cmdline" "/proc/$served/environ" client.err server.err
	# That of what cannot be dumped is root's to read.
	[ "$(id -u)" -ne 0 ] ||
	    python3 secrets.py "/proc/$client/environ" "/proc/$server/environ"
	run -1 grep -l PRIVATE server.err client.err
	# What runs inside has no way to the files or to the network itself.
	ls -l "/proc/$program/fd" > fds
	ls -l "/proc/$served/fd" >> fds
	[ "$(grep -c socket: fds)" -ge 4 ]
	run -1 grep -e '\.key' -e keys fds
}

@test "memory is not dumpable, even without a change of user" {
	# Somebody else from the start, and by relative names: what is above may
	# be closed to them.
	as=()
	cp -r "$PKI" pki
	cp "$ZR_BUILD/bin/zr-tls" .
	if [ "$(id -u)" -eq 0 ]; then
		chmod 755 .
		chown -R nobody pki
		as=(setpriv --reuid nobody --regid "$(id -g nobody)" --clear-groups)
	fi
	user=$("${as[@]}" id -u)
	serve "${as[@]}" ./zr-tls -d pki -n server -c web1 accept \
	    sh -c 'while read -r line; do echo "$line" >&2; done'
	server=$!
	background tcpclient -RHl0 127.0.0.1 "$port" "${as[@]}" ./zr-tls -d pki \
	    -n web1 -s localhost connect sh -c 'echo up >&7; read -r line <&6'
	client=$!
	eventually 10 grep -qx up server.err
	server=$(ps -o pid= --ppid "$server" | tr -d ' ')
	for pid in "$client" "$server"; do
		[ "$(ps -o comm= -p "$pid")" = zr-tls ]
		grep -q "^Uid:	$user	$user	$user	$user" "/proc/$pid/status"
		# A process that may not be dumped belongs to root in /proc; the
		# program inside may be.
		[ "$(stat -c %u "/proc/$pid/mem")" -eq 0 ]
		program=$(ps -o pid= --ppid "$pid" | tr -d ' ')
		[ "$(stat -c %u "/proc/$program/mem")" -eq "$user" ]
	done
}

@test "with -u, zr-tls and its program become another user" {
	accept -- cat
	user=$(id -un)
	[ "$user" != root ] || user=nobody
	background tcpclient -RHl0 127.0.0.1 "$port" zr-tls -d "$PKI" -n web1 \
	    -u "$user" -s localhost connect sh -c 'id -un >&2; exec sleep 60' 2> ready
	eventually 10 grep -qx "$user" ready
	grep -q "^Uid:	$(id -u "$user")	" "/proc/$!/status"
	[ "$(stat -c %u "/proc/$!/mem")" -eq 0 ]
}

@test "keys are logged on demand only" {
	export SSLKEYLOGFILE=$PWD/never
	accept -- cat
	run -0 --separate-stderr connect -n web1 -s localhost -L keys true
	stderr_has 'anyone who can read keys can read this connection'
	grep -q CLIENT_TRAFFIC_SECRET_0 keys
	[ "$(stat -c %a keys)" = 600 ]
	run -0 connect -n web1 -s localhost true
	[ ! -e never ]
}
