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
#include "base/zstd_library.h"
#include "tls/kernel_tls.h"
#include "transport/banner.h"
#include "transport/chain.h"
#include "transport/extension.h"

#include "core/core.h"

static const char usage[] =
    "zr-handshake [-z] [-f READ,WRITE] [-t SECONDS] connect PROGRAM [ARGUMENT ...]\n"
    "zr-handshake [-Z] [-f READ,WRITE] [-t SECONDS] accept PROGRAM [ARGUMENT ...]\n"
    "zr-handshake -n [-z] [-f READ,WRITE] [-t SECONDS] connect";

#define STRANGER_MS	500
#define STRANGER_BYTES	32u
#define SILENT_MS	3000	/* how long accept waits for a client to speak first */

struct options {
	struct chain chain;
	bool connecting;
	bool dry;		/* -n */
	bool offer;		/* -z */
	bool refuse;		/* -Z */
	int seconds;
};

struct peer {
	char bytes[BANNER_MAX];
	size_t length;
	struct banner banner;	/* version 0: not understood */
};

/*
 * No banner: the connection will not be handed on, so a few more bytes may be read to
 * tell what it is.
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
 * Is a command of ours at the other end, on a socket pair (exec:, ssh) or on pipes?  It
 * shares our standard error.
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

/* The usual reason why a server closes without a banner. */
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

/* Read the peer's banner and not one byte more; *peer has the bytes even on error. */
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
diagnose(const struct peer *peer, const struct error *error)
{
	const struct banner *banner = &peer->banner;
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
 * No handshake: say why, and what the peer is.  If a command ended without a byte, the
 * cause is on standard error already.
 */
static void
fail(const struct peer *peer, const struct options *options,
    const struct error *error)
{
	const char *guess = banner_guess(peer->bytes, peer->length);
	const bool command = options->connecting && is_command(&options->chain);

	if (guess != NULL)
		die(error->code, "%s (it looks like %s)", error->text, guess);
	if (peer->length > 0 && peer->banner.version == 0)
		die(error->code, "%s; it says \"%.*s\"%s", error->text,
		    (int)(peer->length < STRANGER_BYTES ? peer->length :
		    STRANGER_BYTES), peer->bytes,
		    command ? " (does a shell start-up file print?)" : "");
	die(error->code, "%s%s", command && peer->length == 0 &&
	    error->code == EXIT_PROTOCOL ? DIAG_HINT : "", error->text);
}

/* --- the exchange --- */

/* A peer that has closed may have said why before: that is no error here. */
static int
write_banner(const struct options *options, const char *extension, int64_t deadline,
    struct error *error)
{
	char ours[BANNER_OURS_MAX];

	banner_ours(ours, extension);
	if (io_write_all(options->chain.write_fd, ours, strlen(ours), deadline,
	    error) == 0 || error->cause == ERROR_END)
		return (0);
	return (error_prefix(error, "our banner"));
}

static int
read_peer(struct peer *peer, const struct options *options, int64_t deadline,
    struct error *error)
{
	if (read_banner(peer, &options->chain, options->connecting, deadline,
	    error) == -1 ||
	    banner_parse(&peer->banner, peer->bytes, peer->length, error) == -1)
		return (-1);
	return (options->dry ? 0 : banner_check(&peer->banner, error));
}

/* Both sides agree on the extension if both banners have it. */
static int
greet_server(struct peer *peer, const struct options *options, int64_t deadline,
    const char **agreed, struct error *error)
{
	if (write_banner(options, options->offer ? EXTENSION_ZSTD : NULL, deadline,
	    error) == -1 || read_peer(peer, options, deadline, error) == -1)
		return (-1);
	if (options->offer && extension_in_banner(&peer->banner, EXTENSION_ZSTD))
		*agreed = EXTENSION_ZSTD;
	return (0);
}

/*
 * Only a client that has offered the extension sees it in our banner; all others see
 * zrepl's.  Clients write first, or at the same time; a client that waits for us gets
 * ours late.
 */
static int
greet_client(struct peer *peer, const struct options *options, int64_t deadline,
    const char **agreed, struct error *error)
{
	struct pollfd entry = { .fd = options->chain.read_fd, .events = POLLIN };
	const int64_t silent = io_earlier(deadline, io_now() + SILENT_MS);
	struct error ignored, *first = &ignored;
	int ready, result;

	do
		ready = io_poll(&entry, 1, silent);
	while (ready == 0 && io_now() < silent);
	if (ready == 0)
		return (write_banner(options, NULL, deadline, error) == -1 ? -1 :
		    read_peer(peer, options, deadline, error));
	result = read_peer(peer, options, deadline, error);
	if (result == 0) {
		first = error;
		if (!options->refuse && extension_in_banner(&peer->banner,
		    EXTENSION_ZSTD) && zstd_library(&ignored) != NULL)
			*agreed = EXTENSION_ZSTD;
	} else
		deadline = io_now();	/* it is told by our banner, if it reads */
	if (write_banner(options, *agreed, deadline, first) == -1)
		return (-1);
	return (result);
}

static void
parse_options(struct options *options, int argc, char *argv[])
{
	int option;

	*options = (struct options){ .chain = CHAIN_UNSET, .seconds = 10 };
	while ((option = usage_getopt(usage, argc, argv, "+f:hnt:Zz")) != -1)
		switch (option) {
		case 'f':
			chain_option(&options->chain, optarg);
			break;
		case 'n':
			options->dry = true;
			break;
		case 't':
			options->seconds = (int)usage_number('t', "seconds",
			    optarg, 1, 3600);
			break;
		case 'Z':
			options->refuse = true;
			break;
		case 'z':
			options->offer = true;
			break;
		}
}

int
handshake_main(int argc, char *argv[])
{
	static struct peer peer;
	const char *agreed = NULL;
	struct options options;
	struct error error;
	int64_t deadline;
	int result;

	usage_begin("zr-handshake", usage, argc, argv);
	signal(SIGPIPE, SIG_IGN);
	kernel_tls_hook();
	parse_options(&options, argc, argv);
	argc -= optind;
	argv += optind;
	options.connecting = !chain_accepts(usage, argv[0]);
	if ((options.dry || options.offer) && !options.connecting)
		die(EXIT_USAGE, "-%c is for connect", options.dry ? 'n' : 'z');
	if (options.refuse && options.connecting)
		die(EXIT_USAGE, "-Z is for accept");
	if (options.dry ? argc != 1 : argc < 2)
		usage_die(usage);
	if (!options.dry)
		usage_operand("a program", argv[1]);
	chain_default(&options.chain,
	    options.connecting ? CHAIN_CLIENT : CHAIN_SERVER);
	if (chain_check(&options.chain, &error) == -1 ||
	    (options.offer && zstd_library(&error) == NULL))
		diag_die(&error);

	peer.length = 0;
	peer.banner = (struct banner){ .version = 0 };
	deadline = io_now() + options.seconds * 1000;
	result = options.connecting ?
	    greet_server(&peer, &options, deadline, &agreed, &error) :
	    greet_client(&peer, &options, deadline, &agreed, &error);
	if (options.dry)
		return (diagnose(&peer, result == 0 ? NULL : &error));
	if (result == -1)
		fail(&peer, &options, &error);
	if (extension_export(agreed) == -1)
		die_errno("environment");
	chain_exec(&options.chain, argv + 1);
}
