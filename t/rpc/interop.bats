# zr-rpc and another gRPC, grpcio's: every method, errors, limits, deadlines and
# calls that are given up, in both roles.
load ../lib/helper

@test "grpcio can call our server" {
	timeout "$PATIENCE" /usr/bin/python3 "$HELPERS/rpc_interop.py" client
}

@test "our client can call a server of grpcio" {
	timeout "$PATIENCE" /usr/bin/python3 "$HELPERS/rpc_interop.py" server
}
