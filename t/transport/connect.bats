# zr-connect: open a connection on 6 and 7, then the rest of the line.
load ../lib/helper

serve() {
	background zr-listen -1 "$@" > port
	eventually 20 test -s port
	PORT=$(cat port)
}

@test "tcp: the connection is on 6 and 7, the UCSPI variables name its ends" {
	serve tcp:127.0.0.1:0 cat
	run -0 zr-connect "tcp:127.0.0.1:$PORT" sh -c \
	    'echo hello >&7; read -r line <&6; echo "$line $PROTO $TCPREMOTEIP $TCPREMOTEPORT $TCPLOCALIP"'
	[ "$output" = "hello TCP 127.0.0.1 $PORT 127.0.0.1" ]
}

@test "tcp: an IPv6 address is in brackets" {
	serve 'tcp:[::1]:0' sh -c 'echo "$TCPREMOTEIP"'
	run -0 zr-connect "tcp:[::1]:$PORT" sh -c 'cat <&6'
	[ "$output" = "::1" ]
}

@test "tcp: all addresses of a name are tried" {
	serve tcp:127.0.0.1:0 echo hello
	run -0 zr-connect "tcp:localhost:$PORT" sh -c 'cat <&6'
	[ "$output" = hello ]
}

@test "unix: the address is a path" {
	background zr-listen "unix:$PWD/socket" echo hello
	eventually 20 test -S socket
	run -0 zr-connect "unix:$PWD/socket" sh -c 'cat <&6'
	[ "$output" = hello ]
}

@test "nothing is agreed yet on a new connection, whatever was inherited" {
	ZR_EXTENSIONS=zr-zstd-1 run -0 zr-connect 'exec:echo "${ZR_EXTENSIONS-none}"' \
	    sh -c 'cat <&6; echo "${ZR_EXTENSIONS-none}"'
	[ "$output" = $'none\nnone' ]
}

@test "exec: the command is on a socket pair, with half-close" {
	run -0 timeout 20 zr-connect 'exec:sort' python3 -c '
import socket
s = socket.socket(fileno=7)
s.sendall(b"b\na\n")
s.shutdown(socket.SHUT_WR)
print(s.recv(100))'
	[ "$output" = "b'a\\nb\\n'" ]
}

@test "-f chooses other descriptors" {
	run -0 zr-connect -f 8,9 'exec:echo hello' sh -c 'cat <&8'
	[ "$output" = hello ]
}

@test "if nobody listens the error names the address, with status 111" {
	serve tcp:127.0.0.1:0 true
	kill "${children[0]}"; wait "${children[0]}" || true
	run -111 --separate-stderr zr-connect "tcp:127.0.0.1:$PORT" true
	stderr_has 127.0.0.1
}

@test "a bad address is a usage error" {
	for address in tcp:host tcp:[::1:1 nonsense unix: exec: ''; do
		run -100 zr-connect "$address" true
	done
}

@test "a port beyond the range is refused, not taken modulo 65536" {
	for port in 65536 84424 4294967297 18446744073709551617 -1 +80 ' 80' 0; do
		run -100 --separate-stderr zr-connect "tcp:127.0.0.1:$port" true
		stderr_has '1 to 65535'
	done
}

@test "numbers of options and descriptors are digits within their range" {
	for number in 0 3601 4294967297 18446744073709551617 -1 +1 ' 1' 1s ''; do
		run -100 --separate-stderr zr-connect -t "$number" tcp:127.0.0.1:1 true
		stderr_has '-t wants seconds, 1 to 3600'
	done
	for pair in 8 8, 8,65536 4294967304,9 '8, 9' +8,9 8,9,10; do
		run -100 --separate-stderr zr-connect -f "$pair" exec:true true
		stderr_has '-f wants two descriptors, READ,WRITE, each 0 to 65535'
	done
}

@test "an option where an operand is expected, and one without effect, are usage errors" {
	run -100 --separate-stderr zr-connect exec:true -f 8,9 true
	stderr_has '-f stands where a program is expected'
	run -100 --separate-stderr zr-connect exec:-c true
	stderr_has 'does not begin with "-"'
	run -100 --separate-stderr zr-connect tcp:-host:1 true
	stderr_has 'a host does not begin with "-"'
	run -100 --separate-stderr zr-connect -t 5 exec:true true
	stderr_has '-t is for tcp: and unix:'
}

@test "a program that does not exist means status 127" {
	run -127 zr-connect exec:true ./missing
}
