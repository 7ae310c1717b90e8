load ../lib/helper

# A real sshd, one process for each connection, as this user.
setup_file() {
	export SSH_DIR=$BATS_FILE_TMPDIR/ssh
	mkdir -m 700 "$SSH_DIR"
	ssh-keygen -q -t ed25519 -N '' -f "$SSH_DIR/host"
	ssh-keygen -q -t ed25519 -N '' -f "$SSH_DIR/client"
	cat > "$SSH_DIR/config" <<-EOF
	HostKey $SSH_DIR/host
	AuthorizedKeysFile $SSH_DIR/authorized_keys
	StrictModes no
	UsePAM no
	PasswordAuthentication no
	PidFile none
	PermitRootLogin forced-commands-only
	EOF
	# Where root starts it, sshd wants this directory.
	[ "$(id -u)" -ne 0 ] || mkdir -p /run/sshd
}

# sshd COMMAND: an sshd on $port that forces COMMAND on our key.
sshd() {
	printf 'restrict,command="PATH=%s; export PATH; cd %s; %s" %s\n' "$PATH" "$PWD" "$1" \
	    "$(cat "$SSH_DIR/client.pub")" > "$SSH_DIR/authorized_keys"
	: > port
	background tcpserver -1 -RHl0 127.0.0.1 0 /usr/sbin/sshd \
	    -i -e -f "$SSH_DIR/config" > port 2> sshd.err
	eventually 10 test -s port
	port=$(head -n 1 port)
}

connect() {
	zr-ssh-connect -p "$port" -i "$SSH_DIR/client" -o IdentitiesOnly=yes \
	    -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
	    -o LogLevel=ERROR "$@"
}

exchange() {
	cat > exchange.py <<-'EOF'
	import os, socket, threading
	r = socket.socket(fileno=6); w = socket.socket(fileno=7)
	def out():
	    while (piece := os.read(0, 65536)):
	        w.sendall(piece)
	    w.shutdown(socket.SHUT_WR)
	thread = threading.Thread(target=out); thread.start()
	while (piece := r.recv(65536)):
	    os.write(1, piece)
	thread.join()
	EOF
}

@test "both directions pass through a real sshd unchanged, with half-close" {
	exchange
	sshd 'zr-stdinserver web1 sh -c \"cat > got; sha256sum < got; cat got\"'
	head -c 3000000 /dev/urandom > sent
	connect 127.0.0.1 python3 exchange.py < sent > answer
	cmp <(head -n 1 answer) <(sha256sum < sent)
	cmp sent <(tail -n +2 answer)
}

@test "the client's identity is that of its key, whatever the client sends" {
	exchange
	sshd 'ZR_CLIENT_IDENTITY=forged ZR_EXTENSIONS=zr-zstd-1 zr-stdinserver web1 sh -c \"echo \$ZR_CLIENT_IDENTITY \$PROTO \$TCPREMOTEIP \$ZR_EXTENSIONS\"'
	run --separate-stderr connect "$(id -un)@127.0.0.1" python3 exchange.py < /dev/null
	[ "$output" = 'web1 TCP 127.0.0.1' ]
	ZR_EXTENSIONS=zr-zstd-1 run -0 connect "$(id -un)@127.0.0.1" sh -c 'echo "${ZR_EXTENSIONS-none}"' < /dev/null
	[ "$output" = none ]
}

@test "the greetings are those of the recording, byte for byte" {
	head -c 31 "$DATA/recordings/ssh-stdinserver/11619.c2s.bin" > begin
	head -c 31 "$DATA/recordings/ssh-stdinserver/11619.s2c.bin" > hello
	zr-stdinserver web1 echo served < begin > out
	cmp <(cat hello; echo served) out
	cat > fake-ssh <<-'EOF'
	#!/bin/sh
	printf '%s ' "$@" > arguments
	cat hello
	cat > begun
	EOF
	chmod +x fake-ssh
	ZR_SSH=./fake-ssh zr-ssh-connect -p 22 -i /dev/null u@h true
	eventually 10 cmp begin begun
	[ "$(cat arguments)" = '-T -p 22 -i /dev/null -o BatchMode=yes -- u@h ' ]
}

# fake_ssh COMMAND...: greets, hears the answer, runs that.
fake_ssh() {
	head -c 31 "$DATA/recordings/ssh-stdinserver/11619.s2c.bin" > hello
	printf '%s\n' '#!/bin/sh' 'cat hello' 'head -c 31 > /dev/null' "$*" > fake-ssh
	chmod +x fake-ssh
	export ZR_SSH=./fake-ssh
}

@test "the end of ssh's output is noticed while ssh still reads" {
	fake_ssh 'echo last; exec > /dev/null; exec cat > heard'
	run -0 timeout 20 zr-ssh-connect h sh -c 'cat <&6; echo after >&7'
	[ "$output" = last ]
	eventually 20 grep -q after heard
}

@test "the connection is on 6 and 7, as two descriptors, whatever numbers were free" {
	fake_ssh 'exec cat'
	for taken in '' 3 '3 4' '3 4 5' '3 4 5 6' '3 4 5 6 7'; do
		run -0 timeout 20 python3 -c '
import os, sys
free, *command = sys.argv[1:]
os.closerange(3, 20)
for fd in free.split():
    os.dup2(os.open("/dev/null", os.O_RDONLY), int(fd), inheritable=True)
os.execvp(command[0], command)' "$taken" zr-ssh-connect h sh -c 'echo there >&7; exec 7>&-; cat <&6'
		[ "$output" = there ]
	done
	run -0 timeout 20 zr-ssh-connect -f 9,3 h sh -c 'echo there >&3; exec 3>&-; cat <&9'
	[ "$output" = there ]
	run -100 --separate-stderr env ZR_SSH=false zr-ssh-connect -f 6,6 h true
	stderr_has '-f 6,6: this connection has a descriptor for each direction'
}

@test "if sshd refuses a key, ssh's own message is shown" {
	sshd 'zr-stdinserver web1 cat'
	: > "$SSH_DIR/authorized_keys"
	run --separate-stderr connect 127.0.0.1 true
	[ "$status" -eq 98 ]
	stderr_has 'Permission denied'
	stderr_has 'ssh ended with status 255'
}

@test "zr-step over ssh gives ssh's message as the cause, once, not the missing greeting" {
	cat > fake-ssh <<-'EOF'
	#!/bin/sh
	cat greeting
	echo 'zr@backup: Permission denied (publickey).' >&2
	exit "$(cat status)"
	EOF
	chmod +x fake-ssh
	: > greeting
	echo 255 > status
	request='{"Filesystem":"a/b","To":{"Name":"s","Guid":"1","Creation":"2024-01-02T00:00:00Z"},"ReplicationConfig":{"protection":{"Initial":1,"Incremental":2}}}'
	run -1 --separate-stderr env ZR_SSH="$PWD/fake-ssh" \
	    zr-step -s 'zr-remote ssh:zr@backup' -r true "$request"
	[ "$stderr" = 'zr-step: a/b@s: sender: zr@backup: Permission denied (publickey).
zr-step: sender: zr-ssh-connect: hint: ssh ended with status 255 and without a greeting: its message above is the cause' ]
	run -1 --separate-stderr zr-step -r true \
	    -s "zr-remote 'exec:./fake-ssh backup zr-handshake accept ...'" "$request"
	[ "$stderr" = "zr-step: a/b@s: sender: zr@backup: Permission denied (publickey).
zr-step: sender: zr-handshake: hint: the peer closed the connection without a banner, as a failed command does: its message above is the cause" ]
	# One that ends well and says nothing: that is the error.
	echo 0 > status
	run -98 --separate-stderr env ZR_SSH="$PWD/fake-ssh" zr-ssh-connect zr@backup true
	stderr_has "zr-ssh-connect: waiting for the server's greeting: connection closed"
	# A few bytes of a start-up file, less than a greeting has.
	echo hello > greeting
	run -98 --separate-stderr env ZR_SSH="$PWD/fake-ssh" zr-ssh-connect zr@backup true
	stderr_has 'something that says "hello\n" (does a shell start-up file print'
}

@test "a forced command that is not a stdinserver is an error" {
	sshd 'echo Welcome to this host, dear user of it'
	run --separate-stderr connect 127.0.0.1 true
	[ "$status" -eq 98 ]
	stderr_has 'something that says "Welcome to this host'
}

@test "a server that cannot serve reports that, and its words are shown" {
	sshd 'zr-stdinserver a/b cat'
	run --separate-stderr connect 127.0.0.1 true
	[ "$status" -eq 98 ]
	stderr_has 'the server cannot serve us (SSHCON_PROXY_ERROR)'
	stderr_has '"a/b" is not usable as an identity'
	sshd 'zr-stdinserver web1 /does/not/exist'
	run --separate-stderr connect 127.0.0.1 python3 -c \
	    'import os; os.read(6, 1)'
	stderr_has 'cannot execute /does/not/exist'
}

@test "silent servers and clients are disconnected at the time limit" {
	sshd 'exec sleep 60'
	run --separate-stderr connect -t 1 127.0.0.1 true
	[ "$status" -eq 99 ]
	mkfifo silent
	background sh -c 'exec 9> silent; exec sleep 60'
	run --separate-stderr timeout 20 zr-stdinserver -t 1 web1 cat < silent
	[ "$status" -eq 99 ]
	run --separate-stderr zr-stdinserver web1 cat <<< 'SSH-2.0-OpenSSH, and more than 31 bytes'
	[ "$status" -eq 98 ]
	stderr_has 'not SSHCON_BEGIN'
}

@test "sshd accepts the example of an authorized_keys" {
	exchange
	# The real programs' names, but short ones behind them.
	mkdir bin
	printf '#!/bin/sh\nshift; exec "$@"\n' | tee bin/zr-handshake > bin/zr-mux
	printf '#!/bin/sh\necho $ZR_CLIENT_IDENTITY "$@"\n' > bin/zr-serve
	chmod +x bin/*
	export PATH=$PWD/bin:$PATH
	sshd true
	grep -v '^#' "$TOP/examples/authorized_keys" |
		sed "s|\"exec |\"PATH=$PATH; export PATH; exec |; s|ssh-ed25519 .*|$(cat "$SSH_DIR/client.pub")|" \
		    > "$SSH_DIR/authorized_keys"
	run --separate-stderr connect 127.0.0.1 python3 exchange.py < /dev/null
	[ "$output" = 'web1 -b zr-guard -d guard -K /etc/zr/keep zr-endpoint receiver -j sink -e inherit tank/backup' ]
}

@test "zr-remote ssh sends a stream through the whole chain" {
	cat > endpoint <<-'EOF'
	#!/bin/sh
	read -r request
	echo '{"ExpectedSize":"5000000"}'
	cat stream
	EOF
	chmod +x endpoint
	head -c 5000000 /dev/urandom > stream
	sshd 'zr-stdinserver web1 zr-handshake accept zr-mux accept zr-serve ./endpoint'
	cat > ssh <<-'EOF'
	#!/bin/sh
	exec ssh -o IdentitiesOnly=yes -o StrictHostKeyChecking=no \
	    -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR "$@"
	EOF
	chmod +x ssh
	export ZR_SSH=$PWD/ssh
	zr-remote -i "$SSH_DIR/client" -o answer "ssh:$(id -un)@127.0.0.1:$port" Send \
	    '{"Filesystem":"a/b","To":{"Name":"s","Guid":"1","Creation":"2024-01-02T00:00:00Z"},"ReplicationConfig":{"protection":{"Initial":1,"Incremental":2}}}' |
		cmp - stream
	grep -q 5000000 answer
}

@test "usage errors are refused" {
	run -100 zr-ssh-connect host
	run -100 zr-stdinserver web1
	run -100 zr-stdinserver -t 0 web1 cat
	run -100 --separate-stderr zr-stdinserver web1 -t 5 cat < /dev/null
	stderr_has '-t stands where a program is expected'
	run -100 --separate-stderr env ZR_SSH=false zr-ssh-connect host -t 5 true
	stderr_has '-t stands where a program is expected'
	run -100 --separate-stderr env ZR_SSH=false zr-ssh-connect -- -oProxyCommand=x true
	stderr_has '-oProxyCommand=x stands where a host is expected'
	for port in 0 65536 4294967318 ssh ''; do
		run -100 --separate-stderr env ZR_SSH=false zr-ssh-connect -p "$port" host true
		stderr_has '-p wants a port, 1 to 65535'
	done
}
