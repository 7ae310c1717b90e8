# Shared by the files that test zr-tls: `load ../lib/tls`, after helper.
# shellcheck disable=SC2034,SC2154 # used by the files, set by bats

# make_pki, in setup_file: certificates in $PKI.
make_pki() {
	export PKI=$BATS_FILE_TMPDIR/pki
	zr-cert ca "$PKI"
	zr-cert server "$PKI" server localhost 127.0.0.1
	zr-cert client "$PKI" web1
	zr-cert client "$PKI" stranger
}

# serve COMMAND...: a server on $port; its standard error in server.err.
serve() {
	: > port
	background tcpserver -1 -v -RHl0 127.0.0.1 0 "$@" > port 2> server.err
	eventually 10 test -s port
	port=$(head -n 1 port)
}

# accept [OPTION...] -- PROGRAM...: zr-tls accept as a server on $port.
accept() {
	local options=()
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	[[ " ${options[*]} " =~ ' -n '|' -b ' ]] || options+=(-n server)
	serve zr-tls -d "$PKI" -c web1 "${options[@]}" accept "$@"
}

# connect [-OPTION ARGUMENT] ... PROGRAM...: zr-tls connect as its client.
connect() {
	local options=()
	while [[ $1 == -* ]]; do
		options+=("$1" "$2")
		shift 2
	done
	tcpclient -RHl0 127.0.0.1 "$port" zr-tls -d "$PKI" "${options[@]}" connect "$@"
}

server_said() {
	eventually 10 grep -qF -- "$1" server.err || { cat server.err; return 1; }
}
