#!/bin/sh
# zr-serve: serve an endpoint on a connection, by the label that zr-mux read.
set -eu

usage='zr-serve [-b] [-r RATE] [-S FILE] [-T SECONDS] [-t SECONDS] ENDPOINT ...'

die() {
	echo "zr-serve: $*" >&2
	exit 100
}

help() {
	printf 'usage: %s\nSee zr-serve(1).\n' "$usage" || exit 111
	exit 0
}

case $#:${1-} in
1:--help) help ;;
1:--version) echo 'zr-serve (zr) @VERSION@' || exit 111; exit 0 ;;
esac

batch='' rate='' statistics='' timeout='' standstill=''
while getopts bhr:S:T:t: option; do
	case $option in
	b) batch=yes ;;
	h) help ;;
	r) rate=$OPTARG ;;
	S) statistics=$OPTARG ;;
	T) timeout=$OPTARG ;;
	t) standstill=$OPTARG ;;
	*) echo "usage: $usage" >&2; exit 100 ;;
	esac
done
shift $((OPTIND - 1))
[ $# -gt 0 ] || { echo "usage: $usage" >&2; exit 100; }
case $1 in
-*) die "$1 stands where an endpoint is expected: options come first" ;;
esac

set -- serve "$@"
[ -z "$timeout" ] || set -- -T "$timeout" "$@"

case ${ZR_LABEL-} in
zrepl_control)
	[ -z "$batch" ] || set -- -b "$@"
	exec zr-rpc "$@" ;;
zrepl_data)
	[ -z "$rate" ] || set -- -r "$rate" "$@"
	[ -z "$standstill" ] || set -- -t "$standstill" "$@"
	[ -z "$statistics" ] || set -- -S "$statistics" "$@"
	exec zr-dataconn "$@" ;;
'')	die 'ZR_LABEL is not set: zr-mux accept sets it, run this behind it' ;;
*)	die "nothing serves the label $ZR_LABEL (zrepl_control, zrepl_data)" ;;
esac
