# A connection that is cut, at every byte: never half a stream, never a hang,
# never a process left, one line that says why.
load ../lib/helper

@test "fault_proxy.py causes the faults of its arguments, and prints its usage" {
	proxy=$HELPERS/fault_proxy.py
	"$proxy" --help | grep -q 'fault_proxy.py \[options\] KIND ADDRESS'
	run "$proxy" explode 127.0.0.1:1
	[ "$status" -eq 1 ]
	[[ "$output" == *"-h helps"* ]]
	background zr-listen -1 tcp:127.0.0.1:0 cat > port
	eventually 20 test -s port
	through() {
		rm -f proxy
		background "$proxy" "${@:2}" "127.0.0.1:$(cat port)" > proxy
		eventually 60 test -s proxy
		# Where it is reset, socat may have had to write still.
		got=$(printf 0123456789 | socat -t 20 - "TCP:127.0.0.1:$(cat proxy)" || true)
		[ "$got" = "$1" ] || { echo "${*:2}: $got"; false; }
	}
	through 0123456789 none
	through 0123556789 -a 4 -x 1 corrupt
	through 01236789 -a 4 -n 2 drop
	through 012345456789 -a 4 -n 2 -d s2c duplicate
	through 0123 -a 4 half
	through 0123 -a 4 -d s2c cut
	through '' -a 0 reset
	SECONDS=0
	through 0123456789 -a 4 -s 2 delay
	[ "$SECONDS" -ge 1 ]
	through 0123456789 -r 10 none
}

@test "Send and Receive survive a cut at every byte of either direction" {
	sweep 1 Receive:cut:c2s Receive:cut:s2c Send:cut:c2s Send:cut:s2c
}
