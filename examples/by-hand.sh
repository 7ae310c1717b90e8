#!/bin/sh
# by-hand.sh SENDER RECEIVER [OPTION OF ZR-PLAN ...]: what zr-replicate does, by the three
# programs that it stands for, one step after the other and with nothing tried twice.
# Exits 1 if a filesystem is in conflict; the others have been replicated then.
set -eu
[ $# -ge 2 ] || { echo 'usage: by-hand.sh SENDER RECEIVER [OPTION ...]' >&2; exit 100; }
sender=$1 receiver=$2 status=0
shift 2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
zr-list -e "$sender" > "$dir/here"
zr-list -e "$receiver" > "$dir/there"
zr-plan -S "$@" "$dir/here" "$dir/there" > "$dir/steps" || status=$?
while read -r step; do
	printf '%s\n' "$step" | zr-step -s "$sender" -r "$receiver"
done < "$dir/steps"
exit "$status"
