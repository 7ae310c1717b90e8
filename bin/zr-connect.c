/*
 * zr-connect: open a connection on descriptors 6 and 7, then go on with the
 * rest of the line.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/io.h"
#include "transport/address.h"
#include "transport/chain.h"
#include "transport/dial.h"
#include "transport/extension.h"
#include "transport/ucspi.h"

#include "core/core.h"

static const char usage[] =
    "zr-connect [-f READ,WRITE] [-t SECONDS] ADDRESS PROGRAM [ARGUMENT ...]";

int
connect_main(int argc, char *argv[])
{
	struct chain chain = CHAIN_CLIENT;
	struct address address;
	struct error error;
	int option, fd, seconds = 10;
	bool timed = false;
	pid_t pid;

	usage_begin("zr-connect", usage, argc, argv);
	while ((option = usage_getopt(usage, argc, argv, "+f:ht:")) != -1)
		switch (option) {
		case 'f':
			chain_option(&chain, optarg);
			break;
		case 't':
			timed = true;
			seconds = (int)usage_number('t', "seconds", optarg, 1, 3600);
			break;
		}
	if (argc - optind < 2)
		usage_die(usage);
	if (address_parse(&address, argv[optind], &error) == -1)
		diag_die(&error);
	if (timed && address.kind == ADDRESS_EXEC)
		die(EXIT_USAGE, "-t is for tcp: and unix:, not for exec:");
	usage_operand("a program", argv[optind + 1]);
	extension_export(NULL);		/* an inherited value */
	fd = dial(&address, io_now() + seconds * 1000, &pid, &error);
	if (fd == -1 || ucspi_export(fd, &error) == -1 ||
	    chain_adopt(&chain, (struct chain){ fd, fd }, &error) == -1)
		diag_die(&error);
	chain_exec(&chain, argv + optind + 1);
}
