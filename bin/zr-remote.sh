#!/bin/sh
# zr-remote: an endpoint somewhere else; the client side's programs in a row.
set -eu

usage='zr-remote [-d DIRECTORY -n NAME] [-a CA] [-b CERTIFICATE -p KEY] [-s SERVER] [-i IDENTITY-FILE] [-o FILE] [-r RATE] [-S FILE] ADDRESS METHOD [REQUEST]'

answer='' rate='' statistics='' identity=''
directory='' name='' ca='' certificate='' key='' server=''
while getopts a:b:d:hi:n:o:p:r:s:S: option; do
	case $option in
	a) ca=$OPTARG ;;
	b) certificate=$OPTARG ;;
	d) directory=$OPTARG ;;
	h) echo "usage: $usage"; exit 0 ;;
	i) identity=$OPTARG ;;
	n) name=$OPTARG ;;
	o) answer=$OPTARG ;;
	p) key=$OPTARG ;;
	r) rate=$OPTARG ;;
	s) server=$OPTARG ;;
	S) statistics=$OPTARG ;;
	*) echo "usage: $usage" >&2; exit 100 ;;
	esac
done
shift $((OPTIND - 1))
if [ $# -lt 2 ] || [ $# -gt 3 ]; then
	echo "usage: $usage" >&2
	exit 100
fi
address=$1 method=$2
shift

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
		echo "zr-remote: $address: -b and -p go together" >&2
		exit 100 ;;
	esac
	if [ -z "${ca:-$directory}" ] || [ -z "${key:-${directory:+$name}}" ]; then
		echo "zr-remote: $address: where are the CA, our certificate and its" \
		    "key? (-d DIRECTORY -n NAME, or -a CA -b CERTIFICATE -p KEY)" >&2
		exit 100
	fi
	address=${address#tls:}
	host=${address%:*} host=${host#[} host=${host%]}
	set -- -s "${server:-$host}" "$@"
	[ -z "$key" ] || set -- -b "$certificate" -p "$key" "$@"
	[ -z "$ca" ] || set -- -a "$ca" "$@"
	[ -z "$name" ] || set -- -n "$name" "$@"
	[ -z "$directory" ] || set -- -d "$directory" "$@"
	exec zr-connect "tcp:$address" zr-tls connect "$@" ;;
ssh:?*)
	host=${address#ssh:} port=''
	case $host in
	*]) ;;
	*:*) port=${host##*:} host=${host%:*} ;;
	esac
	set -- -- "$(printf '%s' "$host" | tr -d '[]')" "$@"
	[ -z "$port" ] || set -- -p "$port" "$@"
	[ -z "$identity" ] || set -- -i "$identity" "$@"
	exec zr-ssh-connect "$@" ;;
*)
	echo "zr-remote: $address: not an address" \
	    "(tcp:HOST:PORT, tls:HOST:PORT, ssh:[USER@]HOST[:PORT]," \
	    "unix:PATH, exec:COMMAND)" >&2
	exit 100 ;;
esac
