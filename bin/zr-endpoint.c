/*
 * zr-endpoint: the endpoint interface on a store of one kind or another.
 */
#include <string.h>
#include <stdio.h>
#include <unistd.h>

#include "archive/archive_endpoint.h"
#include "base/diag.h"
#include "receiver/receiver_endpoint.h"
#include "sender/sender_endpoint.h"

static const struct {
	const char *name;
	int (*run)(int argc, char *argv[]);
	const char *usage;
} stores[] = {
	{ "archive", archive_endpoint, archive_endpoint_usage },
	{ "receiver", receiver_endpoint, receiver_endpoint_usage },
	{ "sender", sender_endpoint, sender_endpoint_usage }
};

#define STORES (sizeof(stores) / sizeof(stores[0]))

static const char *
usage(void)
{
	static char text[2048];

	for (size_t i = 0; i < STORES; i++) {
		strlcat(text, i > 0 ? "\n" : "", sizeof(text));
		strlcat(text, stores[i].usage, sizeof(text));
	}
	return (text);
}

int
main(int argc, char *argv[])
{
	const char *const text = usage();
	int option;

	usage_begin("zr-endpoint", text, argc, argv);
	while ((option = getopt(argc, argv, "+h")) != -1) {
		if (option == 'h')
			usage_help(text);
		usage_die(text);
	}
	for (size_t i = 0; i < STORES && optind < argc; i++)
		if (strcmp(argv[optind], stores[i].name) == 0)
			return (stores[i].run(argc - optind, argv + optind));
	usage_die(text);
}
