# zr-rpc serve and clients that break HTTP/2; and an independent gRPC.
load helper

@test "floods, bombs and broken frames end the connection, in bounded memory" {
	for fault in rapid-reset settings-flood ping-flood hpack-bomb \
	    long-headers data-on-idle huge-frame; do
		run -0 --separate-stderr timeout 40 /usr/bin/python3 "$BATS_TEST_DIRNAME/rpc_faults.py" $fault
		echo "$fault: $output"
		read -r code memory <<< "$output"
		[ "$code" = 98 ]
		[[ "$ZR_BUILD" == *sanitize* || "$memory" -lt 32768 ]]
	done
}

@test "grpcio calls us, and we call grpcio" {
	timeout 50 /usr/bin/python3 "$BATS_TEST_DIRNAME/bench/rpc.py" interop
}
