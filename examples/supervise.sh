#!/bin/sh
# A supervisor of a few lines, for hosts without one: restart the server when it has
# failed, at most once a second.  SIGTERM lets open transfers finish, SIGINT ends them.
# The server runs as zr, not as root.
set -u
child='' signal=''
stop() {
	signal=$1
	[ -z "$child" ] || kill -"$1" "$child" 2>/dev/null
}
trap 'stop TERM' TERM
trap 'stop INT' INT
while [ -z "$signal" ]; do
	zr-listen -u "${ZR_USER:-zr}" "${ZR_ADDRESS:-tcp::8888}" zr-server &
	child=$!
	[ -z "$signal" ] || stop "$signal"
	# A signal ends wait, but not yet zr-listen.
	while wait "$child"; status=$?; kill -0 "$child" 2>/dev/null; do :; done
	[ -z "$signal" ] || break
	echo "supervise: zr-listen ended with status $status" >&2
	child=''
	sleep 1
done
