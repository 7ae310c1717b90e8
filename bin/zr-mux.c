/*
 * zr-mux: say, or read, what a connection is for, then go on with the rest
 * of the line.
 */
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/io.h"
#include "transport/chain.h"
#include "transport/label.h"

#define LABELS_MAX 32
#define TIMEOUT_MS 10000

static const char usage[] =
    "zr-mux [-f READ,WRITE] connect LABEL PROGRAM [ARGUMENT ...]\n"
    "zr-mux [-f READ,WRITE] accept [-l LABEL] ... PROGRAM [ARGUMENT ...]";

static void
check_chain(struct chain *chain, const char *descriptors)
{
	struct error error;

	if (descriptors != NULL)
		chain_option(chain, descriptors);
	if (chain_check(chain, &error) == -1)
		diag_die(&error);
}

static void
connect_label(const struct chain *chain, const char *label)
{
	char bytes[LABEL_SIZE];
	struct error error;

	if (label_encode(bytes, label, &error) == -1)
		diag_die(&error);
	if (io_write_all(chain->write_fd, bytes, sizeof(bytes),
	    io_now() + TIMEOUT_MS, &error) == -1) {
		error_prefix(&error, "our label");
		diag_die(&error);
	}
}

static void
accept_label(const struct chain *chain, const char *const labels[], size_t count)
{
	char bytes[LABEL_SIZE], label[LABEL_SIZE + 1];
	struct error error;

	if (io_read_exactly(chain->read_fd, bytes, sizeof(bytes),
	    io_now() + TIMEOUT_MS, &error) == -1) {
		error_prefix(&error, "the client's label");
		diag_die(&error);
	}
	if (label_decode(label, bytes, &error) == -1)
		diag_die(&error);
	for (size_t i = 0; i < count; i++)
		if (strcmp(labels[i], label) == 0) {
			if (setenv("ZR_LABEL", label, 1) == -1)
				die_errno("setenv");
			/* The client knows the protocol from here on. */
			chain_leave_handshake();
			unsetenv("ZR_HANDSHAKE_FD");
			return;
		}
	die(EXIT_PROTOCOL, "the client's label \"%s\" is not served here", label);
}

int
main(int argc, char *argv[])
{
	const char *labels[LABELS_MAX] = { LABEL_CONTROL, LABEL_DATA };
	const char *descriptors = NULL;
	char bytes[LABEL_SIZE];
	struct chain chain;
	struct error error;
	size_t count = 0;
	bool connecting;
	int option;

	usage_begin("zr-mux", usage, argc, argv);
	signal(SIGPIPE, SIG_IGN);
	while ((option = getopt(argc, argv, "+f:h")) != -1)
		switch (option) {
		case 'f':
			descriptors = optarg;
			break;
		case 'h':
			usage_help(usage);
		default:
			usage_die(usage);
		}
	argc -= optind;
	argv += optind;
	if (argc == 0)
		usage_die(usage);
	connecting = strcmp(argv[0], "connect") == 0;
	if (!connecting && strcmp(argv[0], "accept") != 0)
		usage_die(usage);
	chain = connecting ? CHAIN_CLIENT : CHAIN_SERVER;
	if (connecting) {
		if (argc < 3)
			usage_die(usage);
		usage_operand("a label", argv[1]);
		usage_operand("a program", argv[2]);
		check_chain(&chain, descriptors);
		connect_label(&chain, argv[1]);
		chain_exec(&chain, argv + 2);
	}
	optind = 1;
	while ((option = getopt(argc, argv, "+l:")) != -1) {
		if (option != 'l')
			usage_die(usage);
		if (count == LABELS_MAX)
			die(EXIT_USAGE, "more than %d labels", LABELS_MAX);
		if (label_encode(bytes, optarg, &error) == -1)
			diag_die(&error);
		labels[count++] = optarg;
	}
	if (optind >= argc)
		usage_die(usage);
	usage_operand("a program", argv[optind]);
	check_chain(&chain, descriptors);
	accept_label(&chain, labels, count == 0 ? 2 : count);
	chain_exec(&chain, argv + optind);
}
