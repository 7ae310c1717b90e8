# The same chain over connections that others make.
load ../lib/helper

CREATION=2026-11-22T10:43:50Z
REQUEST='{"Filesystem":"a/data","To":{"Name":"one","Guid":"1773106610190237946","CreateTXG":"10","Creation":"'$CREATION'"},"ReplicationConfig":{"protection":{"Initial":"GuaranteeResumability","Incremental":"GuaranteeIncrementalReplication"}}}'
SERVE='zr-handshake accept zr-mux accept zr-serve -b zr-endpoint archive backup'
STREAM=$DATA/streams/data.full.zstream

# exchange CLIENT...: receive the stream over there, then fetch it again.
# CLIENT... runs the rest of the line with the connection on 6 and 7.
exchange() {
	mkdir -p backup
	run -0 --separate-stderr "$@" zr-handshake connect zr-mux connect zrepl_data \
	    zr-dataconn Receive "$REQUEST" < "$STREAM"
	[ "$output" = '{}' ]
	"$@" zr-handshake connect zr-mux connect zrepl_data \
	    zr-dataconn -o answer Send "$REQUEST" > got
	cmp "$STREAM" got
}

first_line() {
	[ "$(wc -l < "$1")" -ge 1 ]
}

@test "a chain works with zr-listen and zr-connect over tcp" {
	background zr-listen -1 -i 127.0.0.1=web tcp:127.0.0.1:0 $SERVE > port
	eventually 10 first_line port
	exchange zr-connect "tcp:127.0.0.1:$(cat port)"
}

@test "a chain works with ucspi-tcp's tcpserver and tcpclient" {
	background tcpserver -1 -HRl0 127.0.0.1 0 $SERVE > port
	eventually 10 first_line port
	exchange tcpclient -HRl0 127.0.0.1 "$(cat port)"
}

@test "a chain works with tcpserver and zr-connect, and with zr-listen and tcpclient" {
	background tcpserver -1 -HRl0 127.0.0.1 0 $SERVE > port
	eventually 10 first_line port
	exchange zr-connect "tcp:127.0.0.1:$(cat port)"
	background zr-listen -1 -i 127.0.0.1=web tcp:127.0.0.1:0 $SERVE > port2
	eventually 10 first_line port2
	exchange tcpclient -HRl0 127.0.0.1 "$(cat port2)"
}

@test "a chain works with socat on both sides" {
	mkdir backup
	background socat UNIX-LISTEN:socket,fork "EXEC:$SERVE"
	eventually 10 test -S socket
	cat > client.sh <<-'END'
		exec zr-handshake connect zr-mux connect zrepl_data \
		    zr-dataconn -o answer "$METHOD" "$REQUEST" < "$FROM" > "$TO"
	END
	export METHOD REQUEST FROM TO
	METHOD=Receive FROM=$STREAM TO=/dev/null \
	    socat UNIX-CONNECT:socket 'EXEC:sh client.sh,fdin=6,fdout=7'
	[ "$(cat answer)" = '{}' ]
	METHOD=Send FROM=/dev/null TO=got \
	    socat UNIX-CONNECT:socket 'EXEC:sh client.sh,fdin=6,fdout=7'
	cmp "$STREAM" got
}

@test "with the connection on 0, 1 and 2, as from inetd, no diagnostic reaches it" {
	background socat UNIX-LISTEN:socket,fork "EXEC:$SERVE,stderr"
	eventually 10 test -S socket
	exchange zr-connect "unix:$PWD/socket"
	# An error is answered by the protocol, not by a line in between.
	run -1 --separate-stderr zr-connect "unix:$PWD/socket" zr-handshake connect \
	    zr-mux connect zrepl_data zr-dataconn Receive "$REQUEST" < /dev/null
	[ -z "$output" ]
}

@test "zr-listen serves a socket from systemd (LISTEN_FDS)" {
	background systemd-socket-activate -l "$PWD/socket" \
	    zr-listen -i unix=web inherited $SERVE
	eventually 10 test -S socket
	exchange zr-connect "unix:$PWD/socket"
}

@test "systemd's inetd mode runs a process for each connection" {
	background systemd-socket-activate -a --inetd -l "$PWD/socket" $SERVE
	eventually 10 test -S socket
	exchange zr-connect "unix:$PWD/socket"
}
