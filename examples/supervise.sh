#!/bin/sh
# A supervisor of a few lines, where there is none: start the server again
# when it has failed, not more often than once a second, until SIGTERM.  Who
# faces the network is zr, not root.
set -u
child=''
# The second signal is for control connections, which else stay; a transfer still
# finishes.
stop() {
	trap '' TERM INT
	if [ -n "$child" ] && kill -TERM "$child" 2>/dev/null; then
		sleep 1
		kill -TERM "$child" 2>/dev/null
	fi
	wait
	exit 0
}
trap stop TERM INT
while :; do
	zr-listen -u "${ZR_USER:-zr}" "${ZR_ADDRESS:-tcp::8888}" zr-server &
	child=$!
	wait "$child"
	echo "supervise: zr-listen ended with status $?" >&2
	sleep 1
done
