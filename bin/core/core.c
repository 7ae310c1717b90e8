/*
 * The file whose names are the programs of a chain, and the endpoint at its end.
 */
#include <stddef.h>

#include "base/program.h"

#include "core/core.h"

static const struct program programs[] = {
	{ "zr-connect", connect_main },
	{ "zr-dataconn", dataconn_main },
	{ "zr-endpoint", endpoint_main },
	{ "zr-handshake", handshake_main },
	{ "zr-mux", mux_main },
	{ "zr-remote", remote_main },
	{ "zr-replicate", replicate_main },
	{ "zr-rpc", rpc_main },
	{ "zr-serve", serve_main },
	{ "zr-ssh-connect", ssh_connect_main },
	{ "zr-step", step_main },
	{ "zr-stdinserver", stdinserver_main },
	{ NULL, NULL }
};

int
main(int argc, char *argv[])
{
	return (program_main(programs, argc, argv));
}
