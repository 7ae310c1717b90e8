# Whoever runs both sides of a stream is killed, or gives its verdict early, late or
# never: what the receivers make of it.
# Takes long
load ../lib/helper
load ../lib/zfs_faults

ARCHIVE='zr-endpoint archive backup'
REMOTE="zr-remote 'exec:zr-handshake accept zr-mux accept zr-serve -b zr-endpoint archive backup'"
RECEIVER='zr-endpoint receiver -c host -e inherit -j job tank/sink'
NEVER='the sender ended without a verdict on its stream'

# The stream and the request for it: of an archive, or of the stand-in for zfs.
for_archive() {
	cp "$DATA/streams/data.full.zstream" stream
	echo '{"Filesystem":"a/data","To":{"Name":"one","Guid":"1773106610190237946","CreateTXG":"10","Creation":"2026-11-22T10:43:50Z"},"ReplicationConfig":{"protection":{"Initial":"GuaranteeResumability","Incremental":"GuaranteeIncrementalReplication"}}}' > request
	rm -rf backup
	mkdir backup
}

for_zfs() {
	stream
	head -c 1200000 /dev/zero >> stream
	receive_request > request
	rm -f received signal
	does recv <<-'END'
	trap 'echo TERM > "$HOME/signal"; kill $!; exit 1' TERM
	exec 3<&0
	cat <&3 > "$HOME/received" &
	wait $!
	END
}

# What has arrived so far.
archived() {
	[ -n "$(find backup -type f -size +100k)" ]
}

received() {
	[ -n "$(find . -name received -size +100k)" ]
}

# No file but a part, which nobody is writing any more.
only_a_part() {
	[ -z "$(find backup -type f ! -name '@lock' ! -name '@receiving.*.*.*.*')" ] || return 1
	flock -n backup/a/data/@receiving.* true
}

# The processes of a session have ended.
session_ended() {
	[ -z "$(ps -o pid= -s "$1")" ]
}

# orphaned RECEIVER ARRIVED: once that is true, zr-step is killed; its stream would
# last for another minute.
orphaned() {
	local step
	cat > sender <<-END
		#!/bin/sh
		[ "\$1" = Send ] || { echo '{}'; exit 0; }
		echo '{}'
		{ head -c 400000; exec '$HELPERS/slow.py' -r 10000 -s 1000; } < stream
	END
	chmod +x sender
	background setsid zr-step -s ./sender -r "$1" "$(cat request)" 2> log
	step=${children[-1]}
	eventually 20 "$2"
	[ "$(ps -o pid= -s "$step" | wc -l)" -ge 3 ]
	kill -9 "$step"
	eventually 20 session_ended "$step"
}

@test "after zr-step is killed, an archive keeps a part, and its sender ends" {
	for_archive
	orphaned "$ARCHIVE" archived
	only_a_part
}

@test "after zr-step is killed, a remote archive keeps a part" {
	for_archive
	orphaned "$REMOTE" archived
	only_a_part
}

@test "after zr-step is killed, the zfs recv of a receiver is ended by SIGTERM" {
	for_zfs
	orphaned "$RECEIVER" received
	[ "$(cat signal)" = TERM ]
}

@test "after zr-step is killed, a zfs recv that ignores SIGTERM ends, too" {
	for_zfs
	does recv <<-'END'
	trap '' TERM
	exec cat > "$HOME/received"
	END
	orphaned "$RECEIVER" received
}

# judged STATUS RATE VERDICT: the receiver gets the stream, in the end so many bytes per
# second.
# VERDICT is a command whose output is the verdict, and that finds the file "over" once
# all of the stream has been written.
judged() {
	local status=0
	rm -f over
	{ head -c 400000 && "$HELPERS/slow.py" -r "$2" -s 1000 2> /dev/null && : > over; } < stream |
	    ZR_VERDICT=9 sh -c "exec $receiver Receive \"\$1\"" sh "$(cat request)" \
	    > answer 2> errors 9< <(eval "$3" 3>&-) || status=$?
	[ "$status" -eq "$1" ] || { echo "status $status"; cat errors; return 1; }
}

# Of a stream of more than a second: a verdict that comes before the end is kept until then.
early_and_late() {
	$prepare
	judged 1 600000 'until $arrived; do sleep 0.1; done; echo "pool suspended"'
	grep -q 'pool suspended' errors
	[ -e over ]
	[ ! -s answer ]
	judged 0 600000 'echo 0'
	[ "$(cat answer)" = '{}' ]
	$prepare
	judged 0 600000 'echo 0; sleep 1000 & echo $! > pid; wait'
	kill "$(cat pid)"
	[ "$(cat answer)" = '{}' ]
	$prepare
	judged 0 600000 'until [ -e over ]; do sleep 0.1; done; sleep 0.5; echo 0'
	[ "$(cat answer)" = '{}' ]
}

# Without a line, a stream that would take a minute is given up, also where there is
# a part of one; a stream that ends in time is not kept either.
never() {
	local verdict
	$prepare
	for verdict in : 'until $arrived; do sleep 0.1; done; printf 0' \
	    'until $arrived; do sleep 0.1; done'; do
		SECONDS=0
		judged 1 10000 "$verdict"
		[ "$SECONDS" -lt 30 ]
		[ ! -e over ]
		[ ! -s answer ]
	done
	[ "$SECONDS" -ge 1 ]
	grep -q "$NEVER" errors
	$prepare
	judged 1 4000000 'until $arrived; do sleep 0.1; done'
	grep -q "$NEVER" errors
	[ -e over ]
	[ ! -s answer ]
}

@test "an archive obeys a verdict that comes early, late or never" {
	prepare=for_archive arrived=archived receiver=$ARCHIVE
	early_and_late
	$prepare
	never
	only_a_part
}

@test "a remote archive obeys a verdict that comes early, late or never" {
	prepare=for_archive arrived=archived receiver=$REMOTE
	early_and_late
	$prepare
	never
	eventually 20 only_a_part
}

@test "a zfs recv obeys a verdict that comes early, late or never" {
	prepare=for_zfs arrived=received receiver=$RECEIVER
	early_and_late
	$prepare
	never
}

@test "a remote receiver that no longer answers does not keep the sender running" {
	for_archive
	printf '%s\n' '#!/bin/sh' 'echo $$ > pid' 'head -c 300000 > taken' 'exec sleep 1000' > mute
	chmod +x mute
	receiver="zr-remote 'exec:zr-handshake accept zr-mux accept ./mute'"
	SECONDS=0
	judged 1 10000 :
	[ "$SECONDS" -lt 30 ]
	[ ! -e over ]
	kill "$(cat pid)"
}
