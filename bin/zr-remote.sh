#!/bin/sh
# zr-remote: an endpoint somewhere else; the client side's programs in a row.
set -eu

usage='zr-remote [-d DIRECTORY -n NAME] [-a CA] [-b CERTIFICATE -p KEY] [-s SERVER] [-i IDENTITY-FILE] [-o FILE] [-r RATE] [-S FILE] ADDRESS METHOD [REQUEST]'

die() {
	printf 'zr-remote: %s\n' "$*" >&2
	exit 100
}

help() {
	printf 'usage: %s\nSee zr-remote(1).\n' "$usage" || exit 111
	exit 0
}

case $#:${1-} in
1:--help) help ;;
1:--version) echo 'zr-remote (zr) @VERSION@' || exit 111; exit 0 ;;
esac

answer='' rate='' statistics='' identity=''
directory='' name='' ca='' certificate='' key='' server='' tls=''
while getopts a:b:d:hi:n:o:p:r:s:S: option; do
	case $option in
	a) ca=$OPTARG ;;
	b) certificate=$OPTARG ;;
	d) directory=$OPTARG ;;
	h) help ;;
	i) identity=$OPTARG ;;
	n) name=$OPTARG ;;
	o) answer=$OPTARG ;;
	p) key=$OPTARG ;;
	r) rate=$OPTARG ;;
	s) server=$OPTARG ;;
	S) statistics=$OPTARG ;;
	*) echo "usage: $usage" >&2; exit 100 ;;
	esac
	[ -n "$OPTARG" ] || die "-$option has an empty argument"
	case $option in
	[abdnps]) tls="$tls-$option " ;;
	esac
done
shift $((OPTIND - 1))
if [ $# -lt 2 ] || [ $# -gt 3 ]; then
	echo "usage: $usage" >&2
	exit 100
fi
address=$1 method=$2
shift

# An option that has no effect here is an error: what was to be encrypted must
# not go in the clear.
case $address in
tls:*) ;;
*) [ -z "$tls" ] || die "$address: ${tls}are for tls:HOST:PORT, here is no TLS" ;;
esac
case $address in
ssh:*) ;;
*) [ -z "$identity" ] || die "$address: -i is for ssh:HOST only" ;;
esac
case $method in
-*) die "$method stands where a method is expected: options come first" ;;
Send | Receive) ;;
# The rate and the statistics are left to the next stream: an endpoint command
# has its options for all methods.
*) [ -z "$answer" ] || die "-o is for Send and Receive, not $method" ;;
esac

# From the innermost program outwards.
case $method in
Send | Receive)
	[ -z "$answer" ] || set -- -o "$answer" "$@"
	[ -z "$rate" ] || set -- -r "$rate" "$@"
	[ -z "$statistics" ] || set -- -S "$statistics" "$@"
	set -- zr-mux connect zrepl_data zr-dataconn "$@" ;;
*)
	set -- zr-mux connect zrepl_control zr-rpc "$@" ;;
esac
set -- zr-handshake connect "$@"

case $address in
tcp:* | unix:* | exec:*)
	exec zr-connect "$address" "$@" ;;
tls:*:*)
	# What zr-tls would refuse too, but before anybody is connected to.
	case ${certificate:+b}${key:+p} in
	b | p)
		die "$address: -b and -p go together" ;;
	esac
	if [ -z "${ca:-$directory}" ] || [ -z "${key:-${directory:+$name}}" ]; then
		die "$address: where are the CA, our certificate and its key?" \
		    "(-d DIRECTORY -n NAME, or -a CA -b CERTIFICATE -p KEY)"
	fi
	[ -z "$name" ] || [ -z "$key" ] || die "$address: -n has no effect beside -b and -p"
	[ -z "$directory" ] || [ -z "$ca" ] || [ -z "$key" ] ||
		die "$address: -d has no effect beside -a, -b and -p"
	address=${address#tls:}
	host=${address%:*} host=${host#[} host=${host%]}
	set -- -s "${server:-$host}" connect "$@"
	[ -z "$key" ] || set -- -b "$certificate" -p "$key" "$@"
	[ -z "$ca" ] || set -- -a "$ca" "$@"
	[ -z "$name" ] || set -- -n "$name" "$@"
	[ -z "$directory" ] || set -- -d "$directory" "$@"
	exec zr-connect "tcp:$address" zr-tls "$@" ;;
ssh:?*)
	host=${address#ssh:} port=''
	case $host in
	*]) ;;
	:* | *:) die "$address: HOST and, after a colon, PORT are expected" ;;
	*:*) port=${host##*:} host=${host%:*} ;;
	esac
	case $host in
	*\[*) ;;
	*:*) die "$address: an IPv6 address goes in brackets" ;;
	esac
	set -- -- "$(printf '%s' "$host" | tr -d '[]')" "$@"
	[ -z "$port" ] || set -- -p "$port" "$@"
	[ -z "$identity" ] || set -- -i "$identity" "$@"
	exec zr-ssh-connect "$@" ;;
*)
	die "$address: not an address (tcp:HOST:PORT, tls:HOST:PORT," \
	    "ssh:[USER@]HOST[:PORT], unix:PATH, exec:COMMAND)" ;;
esac
