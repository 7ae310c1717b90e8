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
#include "tls/kernel_tls.h"
#include "transport/chain.h"
#include "transport/label.h"

#include "core/core.h"

#define LABELS_MAX 32
#define TIMEOUT_MS 10000

static const char usage[] =
    "zr-mux [-f READ,WRITE] connect LABEL PROGRAM [ARGUMENT ...]\n"
    "zr-mux [-f READ,WRITE] [-l LABEL] ... accept PROGRAM [ARGUMENT ...]";

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

/* -l: one label more. */
static void
add_label(const char *labels[], size_t *count, const char *label)
{
	char bytes[LABEL_SIZE];
	struct error error;

	if (*count == LABELS_MAX)
		die(EXIT_USAGE, "more than %d labels", LABELS_MAX);
	if (label_encode(bytes, label, &error) == -1)
		diag_die(&error);
	labels[(*count)++] = label;
}

int
mux_main(int argc, char *argv[])
{
	const char *labels[LABELS_MAX] = { LABEL_CONTROL, LABEL_DATA };
	struct chain chain = CHAIN_UNSET;
	struct error error;
	size_t count = 0;
	bool accepting;
	int option;

	usage_begin("zr-mux", usage, argc, argv);
	signal(SIGPIPE, SIG_IGN);
	kernel_tls_hook();
	while ((option = usage_getopt(usage, argc, argv, "+f:hl:")) != -1)
		switch (option) {
		case 'f':
			chain_option(&chain, optarg);
			break;
		case 'l':
			add_label(labels, &count, optarg);
			break;
		}
	argc -= optind;
	argv += optind;
	accepting = chain_accepts(usage, argv[0]);
	if (!accepting && count > 0)
		die(EXIT_USAGE, "-l is for accept");
	if (argc < (accepting ? 2 : 3))
		usage_die(usage);
	if (!accepting)
		usage_operand("a label", *++argv);
	usage_operand("a program", *++argv);
	chain_default(&chain, accepting ? CHAIN_SERVER : CHAIN_CLIENT);
	if (chain_check(&chain, &error) == -1)
		diag_die(&error);
	if (accepting)
		accept_label(&chain, labels, count == 0 ? 2 : count);
	else
		connect_label(&chain, argv[-1]);
	chain_exec(&chain, argv);
}
