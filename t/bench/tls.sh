#!/bin/bash
# CPU seconds per GiB, both sides and what makes and takes the bytes together,
# and throughput, over loopback: plain TCP, zr-tls, openssl s_client piped to
# s_server, ssh.  t/bench/tls.sh [GIBIBYTES], with the zr programs in PATH.
set -eu
gib=${1:-1}
dir=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; rm -rf "$dir"' EXIT
cd "$dir"

zr-cert ca pki > /dev/null
zr-cert server pki server localhost > /dev/null
zr-cert client pki client > /dev/null
produce="dd if=/dev/zero bs=256k count=$((gib * 4096)) status=none"
consume='dd of=/dev/null bs=256k status=none'

# timed SIDE COMMAND...: its user, system and elapsed seconds go to SIDE.
timed() {
	local side=$1
	shift
	( TIMEFORMAT='%U %S %R'; { time "$@" 2>/dev/null; } 2> "$side" )
}

# The pieces, as commands that find the network on 0 and 1.
printf '#!/bin/bash\n%s\n' "$(declare -f timed)" > pieces
piece() {
	{ cat pieces; echo "timed $1 $2"; } > "$1.sh"
}

report() {
	eventually=100
	until [ -s server ] && [ -s client ] || [ $((eventually -= 1)) -lt 0 ]; do
		sleep 0.1
	done
	cat client server | awk -v what="$1" -v gib="$gib" '
	    { cpu += $1 + $2; if ($3 > elapsed) elapsed = $3 }
	    END { printf "%-28s %5.2f CPU-s/GiB %8.0f MiB/s\n", what, cpu / gib, gib * 1024 / elapsed }'
	rm -f client server
}

# measure WHAT CLIENT SERVER: over TCP, by ucspi-tcp.
measure() {
	piece client "$2"
	piece server "$3"
	: > port
	tcpserver -1 -RHl0 127.0.0.1 0 bash server.sh > port &
	server=$!
	until [ -s port ]; do sleep 0.05; done
	tcpclient -RHl0 127.0.0.1 "$(head -n 1 port)" bash -c 'exec bash client.sh <&6 >&7'
	report "$1"
	kill "$server"
	wait "$server" || true
	server=
}

measure 'plain TCP' "$produce" "$consume"
measure 'zr-tls' \
    "zr-tls connect -f 0,1 -d pki -n client -s localhost $produce" \
    "zr-tls accept -d pki -n server -c client $consume"
measure 'zr-tls, AES-256' \
    "zr-tls connect -f 0,1 -e TLS_AES_256_GCM_SHA384 -d pki -n client -s localhost $produce" \
    "zr-tls accept -d pki -n server -c client $consume"

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
# It would end with its own standard input.
mkfifo open
exec 8<> open
# It ends after one connection, and counts as the server.
timed server openssl s_server -accept "127.0.0.1:$port" -naccept 1 -quiet -Verify 2 \
    -cert pki/server.crt -key pki/server.key -CAfile pki/ca.crt > /dev/null <&8 &
until [ -n "$(ss -Hltn "sport = :$port")" ]; do sleep 0.05; done
timed client bash -c "$produce | openssl s_client -connect 127.0.0.1:$port -quiet -no_ign_eof \
    -cert pki/client.crt -key pki/client.key -CAfile pki/ca.crt"
report 'openssl s_client, s_server'

ssh-keygen -q -t ed25519 -N '' -f host
ssh-keygen -q -t ed25519 -N '' -f key
cp key.pub authorized
[ "$(id -u)" -ne 0 ] || mkdir -p /run/sshd
: > port
printf '%s\n' "HostKey $dir/host" "AuthorizedKeysFile $dir/authorized" 'StrictModes no' \
    'UsePAM no' 'PidFile none' 'PermitRootLogin prohibit-password' > config
tcpserver -1 -RHl0 127.0.0.1 0 bash -c "TIMEFORMAT='%U %S %R'; time /usr/sbin/sshd -i -f $dir/config 2>/dev/null" \
    > port 2> server &
server=$!
until [ -s port ]; do sleep 0.05; done
timed client bash -c "$produce | ssh -F none -p $(head -n 1 port) -i key -T -o BatchMode=yes \
    -c aes128-gcm@openssh.com -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
    127.0.0.1 '$consume'"
report 'ssh, aes128-gcm'
