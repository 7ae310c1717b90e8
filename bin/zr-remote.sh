#!/bin/sh
# zr-remote: an endpoint somewhere else; the client side's programs in a row.
set -eu

usage='zr-remote [-o FILE] [-r RATE] [-S FILE] ADDRESS METHOD [REQUEST]'

answer='' rate='' statistics=''
while getopts ho:r:S: option; do
	case $option in
	h) echo "usage: $usage"; exit 0 ;;
	o) answer=$OPTARG ;;
	r) rate=$OPTARG ;;
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
*)
	echo "zr-remote: $address: not an address" \
	    "(tcp:HOST:PORT, unix:PATH, exec:COMMAND)" >&2
	exit 100 ;;
esac
