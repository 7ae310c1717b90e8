#!/bin/sh
# A supervisor of a few lines, where there is none: start the server again
# when it has failed, not more often than once a second, until SIGTERM.  Who
# faces the network is zr, not root.
set -u
child=''
trap 'trap "" TERM; [ -z "$child" ] || kill -TERM "$child"; wait; exit 0' TERM INT
while :; do
	zr-listen -u "${ZR_USER:-zr}" "${ZR_ADDRESS:-tcp::8888}" zr-server &
	child=$!
	wait "$child"
	echo "supervise: zr-listen ended with status $?" >&2
	sleep 1
done
