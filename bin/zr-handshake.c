/*
 * zr-handshake: exchange version banners, then go on with the rest of the
 * line.
 */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/io.h"
#include "base/quote.h"
#include "tls/kernel_tls.h"
#include "transport/banner.h"
#include "transport/chain.h"

#include "core/core.h"

static const char usage[] =
    "zr-handshake [-f READ,WRITE] [-t SECONDS] connect PROGRAM [ARGUMENT ...]\n"
    "zr-handshake [-f READ,WRITE] [-t SECONDS] accept PROGRAM [ARGUMENT ...]\n"
    "zr-handshake -n [-f READ,WRITE] [-t SECONDS] connect";

#define STRANGER_MS	500
#define STRANGER_BYTES	32u

struct peer {
	char bytes[BANNER_MAX];
	size_t length;
};

/*
 * No banner: nothing will be handed on any more, so that a few bytes more may
 * be read to tell what it is.
 */
static void
read_stranger(struct peer *peer, const struct chain *chain)
{
	struct pollfd entry = { .fd = chain->read_fd, .events = POLLIN };
	const int64_t deadline = io_now() + STRANGER_MS;
	ssize_t got;

	while (peer->length < STRANGER_BYTES && io_now() < deadline) {
		if (io_poll(&entry, 1, deadline) == 0)
			continue;
		got = io_read(chain->read_fd, peer->bytes + peer->length,
		    STRANGER_BYTES - peer->length);
		if (got <= 0)
			return;
		peer->length += (size_t)got;
	}
}

/*
 * Is it a command of ours that is at the other end, on a socket pair (exec:, ssh)
 * or on pipes?  Its own words come to the same standard error.
 */
static bool
is_command(const struct chain *chain)
{
	struct sockaddr_storage name = { .ss_family = AF_UNSPEC };
	socklen_t size = sizeof(name);

	if (getpeername(chain->read_fd, (struct sockaddr *)&name, &size) == -1)
		return (errno == ENOTSOCK);
	return (name.ss_family == AF_UNIX && size <= sizeof(name.ss_family));
}

/* What it usually is when a server closes without a banner. */
static const char *
silent_end(const struct chain *chain, bool connecting)
{
	if (!connecting)
		return ("");
	if (is_command(chain))
		return (", as a failed command does: its message above is the "
		    "cause");
	return (", as a server does that has no entry for our address (zr-listen "
	    "-i, -I) or wants TLS");
}

/* The peer's banner, and not one byte more; what came is in *peer even on error. */
static int
read_banner(struct peer *peer, const struct chain *chain, bool connecting,
    int64_t deadline, struct error *error)
{
	size_t missing;

	for (;;) {
		if (banner_missing(peer->bytes, peer->length, &missing, error) == -1) {
			read_stranger(peer, chain);
			return (-1);
		}
		if (missing == 0)
			return (0);
		/* The first bytes one by one: a stranger's few are seen too. */
		if (peer->length < BANNER_PREFIX_SIZE)
			missing = 1;
		if (io_read_exactly(chain->read_fd, peer->bytes + peer->length,
		    missing, deadline, error) == -1) {
			if (peer->length == 0 && error->cause == ERROR_END)
				return (error_set(error, EXIT_PROTOCOL, "the peer "
				    "closed the connection without a banner%s%s",
				    io_end_remark(chain->read_fd),
				    silent_end(chain, connecting)));
			if (peer->length == 0 && error->code == EXIT_TIMEOUT)
				return (error_set(error, EXIT_TIMEOUT,
				    "the peer sent no banner in time"));
			return (error_prefix(error, "the peer's banner"));
		}
		peer->length += missing;
	}
}

/* -n: say what is there. */
static int
diagnose(const struct peer *peer, const struct banner *banner,
    const struct error *error)
{
	const char *guess = banner_guess(peer->bytes, peer->length);
	const char *line = banner->extensions;
	size_t length;

	if (error == NULL) {
		printf("zrepl protocol version %d, %d extensions\n",
		    banner->version, banner->extension_count);
		for (int i = 0; i < banner->extension_count; i++) {
			length = strcspn(line, "\n");
			printf("extension: ");
			quote(stdout, line, length);
			putchar('\n');
			line += length + 1;
		}
	} else {
		printf("not zrepl: %s", guess != NULL ? guess : error->text);
		if (guess == NULL && peer->length > 0) {
			printf("; it says ");
			quote(stdout, peer->bytes, peer->length < STRANGER_BYTES ?
			    peer->length : STRANGER_BYTES);
		}
		putchar('\n');
	}
	if (fflush(stdout) == EOF)
		die_errno("standard output");
	if (error != NULL)
		return (error->code);
	return (banner->version == BANNER_VERSION ? EXIT_DONE : EXIT_PROTOCOL);
}

/*
 * No handshake: say why, and what is there.  Where a command ended without a word
 * to us, the cause is what it wrote to standard error.
 */
static void
fail(const struct peer *peer, const struct chain *chain, bool connecting,
    bool understood, const struct error *error)
{
	const char *guess = banner_guess(peer->bytes, peer->length);
	const bool command = connecting && is_command(chain);

	if (guess != NULL)
		die(error->code, "%s (it looks like %s)", error->text, guess);
	if (peer->length > 0 && !understood)
		die(error->code, "%s; it says \"%.*s\"%s", error->text,
		    (int)(peer->length < STRANGER_BYTES ? peer->length :
		    STRANGER_BYTES), peer->bytes,
		    command ? " (does a shell start-up file print?)" : "");
	die(error->code, "%s%s", command && peer->length == 0 &&
	    error->code == EXIT_PROTOCOL ? DIAG_HINT : "", error->text);
}

int
handshake_main(int argc, char *argv[])
{
	static struct peer peer;
	struct chain chain = CHAIN_UNSET;
	struct banner banner = { .version = 0 };
	struct error error;
	bool dry = false, connecting;
	int option, result, seconds = 10;
	int64_t deadline;

	usage_begin("zr-handshake", usage, argc, argv);
	signal(SIGPIPE, SIG_IGN);
	kernel_tls_hook();
	while ((option = getopt(argc, argv, "+f:hnt:")) != -1)
		switch (option) {
		case 'f':
			chain_option(&chain, optarg);
			break;
		case 'h':
			usage_help(usage);
		case 'n':
			dry = true;
			break;
		case 't':
			seconds = (int)usage_number('t', "seconds", optarg, 1, 3600);
			break;
		default:
			usage_die(usage);
		}
	argc -= optind;
	argv += optind;
	connecting = !chain_accepts(usage, argv[0]);
	if (dry && !connecting)
		die(EXIT_USAGE, "-n is for connect");
	if (dry ? argc != 1 : argc < 2)
		usage_die(usage);
	if (!dry)
		usage_operand("a program", argv[1]);
	chain_default(&chain, connecting ? CHAIN_CLIENT : CHAIN_SERVER);
	if (chain_check(&chain, &error) == -1)
		diag_die(&error);

	peer.length = 0;
	deadline = io_now() + seconds * 1000;
	result = io_write_all(chain.write_fd, banner_ours, strlen(banner_ours),
	    deadline, &error);
	/* One that has closed may have said why before. */
	if (result == -1 && error.cause != ERROR_END)
		error_prefix(&error, "our banner");
	else
		result = read_banner(&peer, &chain, connecting, deadline, &error);
	if (result == 0)
		result = banner_parse(&banner, peer.bytes, peer.length, &error);
	if (dry)
		return (diagnose(&peer, &banner, result == 0 ? NULL : &error));
	if (result == 0)
		result = banner_check(&banner, &error);
	if (result == -1)
		fail(&peer, &chain, connecting, banner.version != 0, &error);
	chain_exec(&chain, argv + 1);
}
