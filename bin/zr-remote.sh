#!/bin/sh
# zr-remote: an endpoint somewhere else; the client side's programs in a row.
set -eu

usage='zr-remote [-d DIRECTORY -n NAME] [-s SERVER] [-i IDENTITY-FILE] [-o FILE] [-r RATE] [-S FILE] ADDRESS METHOD [REQUEST]'

answer='' rate='' statistics='' directory='' name='' server='' key=''
while getopts d:hi:n:o:r:s:S: option; do
	case $option in
	d) directory=$OPTARG ;;
	h) echo "usage: $usage"; exit 0 ;;
	i) key=$OPTARG ;;
	n) name=$OPTARG ;;
	o) answer=$OPTARG ;;
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
	if [ -z "$directory" ] || [ -z "$name" ]; then
		echo "zr-remote: $address: where are ca.crt, NAME.crt and" \
		    "NAME.key? (-d DIRECTORY -n NAME)" >&2
		exit 100
	fi
	address=${address#tls:}
	host=${address%:*} host=${host#[} host=${host%]}
	exec zr-connect "tcp:$address" zr-tls connect -d "$directory" \
	    -n "$name" -s "${server:-$host}" "$@" ;;
ssh:?*)
	host=${address#ssh:} port=''
	case $host in
	*]) ;;
	*:*) port=${host##*:} host=${host%:*} ;;
	esac
	set -- -- "$(printf '%s' "$host" | tr -d '[]')" "$@"
	[ -z "$port" ] || set -- -p "$port" "$@"
	[ -z "$key" ] || set -- -i "$key" "$@"
	exec zr-ssh-connect "$@" ;;
*)
	echo "zr-remote: $address: not an address" \
	    "(tcp:HOST:PORT, tls:HOST:PORT, ssh:[USER@]HOST[:PORT]," \
	    "unix:PATH, exec:COMMAND)" >&2
	exit 100 ;;
esac
