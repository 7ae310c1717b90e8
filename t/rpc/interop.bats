# zr-rpc and another gRPC, grpcio's: every method, errors, limits, deadlines and
# calls that are given up, in both roles.
load ../lib/helper

@test "grpcio calls us" {
	timeout "$PATIENCE" /usr/bin/python3 "$HELPERS/rpc_interop.py" client
}

@test "we call grpcio" {
	timeout "$PATIENCE" /usr/bin/python3 "$HELPERS/rpc_interop.py" server
}
