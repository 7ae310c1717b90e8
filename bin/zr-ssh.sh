#!/bin/sh
# zr-ssh: an endpoint command on another host, over ssh alone.  ssh joins its
# arguments with blanks and has a shell there read them again: each word is
# quoted, so that nothing in a request is ever evaluated.
set -eu

usage='zr-ssh HOST ENDPOINT ... METHOD [REQUEST]'

case ${1-}:${2-} in
-h:* | --help:) printf 'usage: %s\nSee zr-ssh(1).\n' "$usage" || exit 111; exit 0 ;;
--version:) echo 'zr-ssh (zr) @VERSION@' || exit 111; exit 0 ;;
-*:* | *:-*) echo "usage: $usage" >&2; exit 100 ;;
esac
[ $# -ge 3 ] || { echo "usage: $usage" >&2; exit 100; }
host=$1
shift

line=
for word; do
	line="$line $(printf '%s\n' "$word" |
		sed "s/'/'\\\\''/g; 1s/^/'/; \$s/\$/'/")"
done
exec "${ZR_SSH:-ssh}" -T -- "$host" "exec$line"
