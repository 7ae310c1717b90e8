#!/bin/sh
# A supervisor of a few lines, for hosts without one: restart the server when it has
# failed, at most once a second, until SIGTERM.  The server runs as zr, not as root.
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
