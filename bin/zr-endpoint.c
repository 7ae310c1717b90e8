/*
 * zr-endpoint: the endpoint interface on a store of one kind or another.
 */
#include <stdio.h>
#include <unistd.h>

#include "archive/archive_endpoint.h"
#include "base/diag.h"
#include "receiver/receiver_endpoint.h"
#include "sender/sender_endpoint.h"

#include "core/core.h"

static const char *const stores[] = { "archive", "receiver", "sender", NULL };

int
endpoint_main(int argc, char *argv[])
{
	static int (*const run[])(int argc, char *argv[]) = { archive_endpoint,
	    receiver_endpoint, sender_endpoint };
	char usage[2048];

	snprintf(usage, sizeof(usage), "%s\n%s\n%s", archive_endpoint_usage,
	    receiver_endpoint_usage, sender_endpoint_usage);
	usage_begin("zr-endpoint", usage, argc, argv);
	/* --help and --version behind a store, too. */
	if (argc == 3)
		usage_begin("zr-endpoint", usage, argc - 1, argv + 1);
	usage_getopt(usage, argc, argv, "+h");
	return (run[usage_word(usage, argv[optind], stores)](argc - optind,
	    argv + optind));
}
