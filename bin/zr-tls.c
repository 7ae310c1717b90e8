/*
 * zr-tls: TLS between the network and the rest of the command line.  The
 * work is in lib/tls/tls_context.c (files, settings), lib/tls/tls_verify.c (whom we
 * accept), lib/tls/tls_connection.c (the handshake) and lib/tls/tls_engine.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/io.h"
#include "tls/kernel_tls.h"
#include "base/privileges.h"
#include "base/signals.h"
#include "tls/tls_context.h"
#include "tls/tls_engine.h"
#include "transport/chain.h"

#define HANDSHAKE_SECONDS 10

static const char usage[] =
    "zr-tls -s SERVER [-k] [-d DIRECTORY -n NAME] [-a CA] [-b CERTIFICATE -p KEY] [-e CIPHERS] [-f READ,WRITE] [-g GROUPS] [-L FILE] [-m VERSION] [-t SECONDS] [-u USER] connect PROGRAM ...\n"
    "zr-tls [-c CLIENT] ... [-l FILE] [-k] [-d DIRECTORY -n NAME] [-a CA] [-b CERTIFICATE -p KEY] [-e CIPHERS] [-f READ,WRITE] [-g GROUPS] [-L FILE] [-m VERSION] [-t SECONDS] [-u USER] accept PROGRAM ...";

struct options {
	struct tls_settings tls;
	struct chain chain;
	const char *directory, *name;
	const char *user;
	int64_t timeout_ms;
	bool kernel;		/* -k */
};

/* DIRECTORY/NAME.SUFFIX, never freed. */
static const char *
in_directory(const char *directory, const char *name, const char *suffix)
{
	char *path;

	if (asprintf(&path, "%s/%s.%s", directory, name, suffix) == -1)
		die_errno("file names");
	return (path);
}

static void
complete_options(struct options *options)
{
	struct tls_settings *tls = &options->tls;

	if (tls->server && tls->server_name != NULL)
		die(EXIT_USAGE, "-s is for connect");
	if (!tls->server && tls->client_count != 0)
		die(EXIT_USAGE, "-c and -l are for accept");
	if ((tls->certificate_file == NULL) != (tls->key_file == NULL))
		die(EXIT_USAGE, "-b and -p go together");
	if (options->name != NULL && (options->directory == NULL ||
	    tls->certificate_file != NULL))
		die(EXIT_USAGE, "-n names a certificate and its key in -d "
		    "DIRECTORY, where -b and -p do not");
	if (options->directory != NULL && tls->ca_file != NULL &&
	    tls->certificate_file != NULL)
		die(EXIT_USAGE, "-d has no effect beside -a, -b and -p");
	if (options->directory != NULL) {
		if (tls->ca_file == NULL)
			tls->ca_file = in_directory(options->directory, "ca", "crt");
		if (tls->certificate_file == NULL) {
			if (options->name == NULL)
				die(EXIT_USAGE, "-d wants -n NAME, for NAME.crt "
				    "and NAME.key (or -b and -p)");
			tls->certificate_file = in_directory(options->directory,
			    options->name, "crt");
			tls->key_file = in_directory(options->directory,
			    options->name, "key");
		}
	}
	if (tls->ca_file == NULL || tls->certificate_file == NULL)
		die(EXIT_USAGE, "no CA, certificate and key: give -d and -n, or "
		    "-a, -b and -p (zr-cert makes such files)");
	if (tls->server && tls->client_count == 0)
		die(EXIT_USAGE, "nobody may connect: give -c CLIENT or -l FILE");
	if (!tls->server && tls->server_name == NULL)
		die(EXIT_USAGE, "-s SERVER is missing: the name that must be in "
		    "the server's certificate");
}

static int
parse_version(const char *text)
{
	if (strcmp(text, "1.2") == 0)
		return (TLS1_2_VERSION);
	if (strcmp(text, "1.3") == 0)
		return (TLS1_3_VERSION);
	die(EXIT_USAGE, "-m wants 1.2 or 1.3, not %s", text);
}

static void
parse_options(struct options *options, int argc, char *argv[])
{
	struct tls_settings *tls = &options->tls;
	struct error error;
	int option;

	while ((option = usage_getopt(usage, argc, argv,
	    "+a:b:c:d:e:f:g:hkl:L:m:n:p:s:t:u:")) != -1)
		switch (option) {
		case 'a':
			tls->ca_file = optarg;
			break;
		case 'b':
			tls->certificate_file = optarg;
			break;
		case 'c':
			if (tls_settings_add_client(tls, optarg, &error) == -1)
				diag_die(&error);
			break;
		case 'd':
			options->directory = optarg;
			break;
		case 'e':
			tls->ciphers = optarg;
			break;
		case 'f':
			chain_option(&options->chain, optarg);
			break;
		case 'g':
			tls->groups = optarg;
			break;
		case 'k':
			options->kernel = true;
			break;
		case 'l':
			if (tls_settings_add_clients(tls, optarg, &error) == -1)
				diag_die(&error);
			break;
		case 'L':
			tls->key_log_file = optarg;
			break;
		case 'm':
			tls->minimum_version = parse_version(optarg);
			break;
		case 'n':
			options->name = optarg;
			break;
		case 'p':
			tls->key_file = optarg;
			break;
		case 's':
			tls->server_name = optarg;
			break;
		case 't':
			options->timeout_ms = 1000 * usage_number('t', "seconds",
			    optarg, 1, 3600);
			break;
		case 'u':
			options->user = optarg;
			break;
		}
}

/* Our own, close-on-exec, non-blocking handle on the network. */
static struct chain
take_network(const struct chain *chain)
{
	struct chain network = {
		.read_fd = fcntl(chain->read_fd, F_DUPFD_CLOEXEC, 10),
		.write_fd = fcntl(chain->write_fd, F_DUPFD_CLOEXEC, 10),
	};

	if (network.read_fd == -1 || network.write_fd == -1 ||
	    io_set_nonblocking(network.read_fd, true) == -1 ||
	    io_set_nonblocking(network.write_fd, true) == -1)
		die_errno("network");
	return (network);
}

static bool
same_file(int a, int b)
{
	struct stat one, two;

	return (fstat(a, &one) == 0 && fstat(b, &two) == 0 &&
	    one.st_dev == two.st_dev && one.st_ino == two.st_ino);
}

/* Get the network ready for kernel TLS. */
static void
prepare_kernel(const struct chain *network)
{
	const char *advice = "";

	if (!same_file(network->read_fd, network->write_fd))
		errno = ENOTSOCK;
	else if (kernel_tls_prepare(network->read_fd) == 0)
		return;
	if (errno == ENOENT)
		advice = ": the kernel has no module tls, or it is not loaded "
		    "(modprobe tls)";
	else if (errno == ENOTSOCK || errno == EOPNOTSUPP || errno == ENOPROTOOPT)
		advice = ": it needs one TCP connection";
	die(EXIT_SYSTEM, "-k: no kernel TLS here: %s%s", strerror(errno), advice);
}

/*
 * Start the rest of the command line with one end of a socket pair where the
 * network was; returns the other end.
 */
static int
start_rest(struct process *child, char *argv[], const struct chain *chain,
    const struct chain *network)
{
	const bool errors_to_network = same_file(STDERR_FILENO, network->write_fd);
	struct error error;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == -1 ||
	    dup2(pair[1], chain->read_fd) == -1 ||
	    dup2(pair[1], chain->write_fd) == -1)
		die_errno("socketpair");
	/* Under inetd no plaintext may reach the network by way of 2. */
	if (process_start(child, argv, PROCESS_INHERIT, PROCESS_INHERIT,
	    errors_to_network ? pair[1] : PROCESS_INHERIT, false, &error) == -1)
		diag_die(&error);
	close(pair[1]);
	/* The child now has the place among zr-listen's new clients. */
	chain_leave_handshake();
	/* Close our copies: the connection must end when the child closes it. */
	if (chain->read_fd > STDERR_FILENO)
		close(chain->read_fd);
	if (chain->write_fd > STDERR_FILENO)
		close(chain->write_fd);
	pair[1] = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (pair[1] == -1 || dup2(pair[1], STDIN_FILENO) == -1 ||
	    dup2(pair[1], STDOUT_FILENO) == -1 ||
	    io_set_nonblocking(pair[0], true) == -1)
		die_errno("/dev/null");
	close(pair[1]);
	return (pair[0]);
}

int
main(int argc, char *argv[])
{
	static struct options options = {
		.tls = { .minimum_version = TLS1_2_VERSION },
		.chain = CHAIN_UNSET,
		.timeout_ms = HANDSHAKE_SECONDS * 1000,
	};
	static const int caught[] = { SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGUSR1 };
	struct tls_connection *connection;
	struct process child;
	struct chain network;
	struct error error;
	SSL_CTX *context;
	int local, status;

	usage_begin("zr-tls", usage, argc, argv);
	parse_options(&options, argc, argv);
	argv += optind;
	options.tls.server = chain_accepts(usage, *argv);
	chain_default(&options.chain,
	    options.tls.server ? CHAIN_SERVER : CHAIN_CLIENT);
	if (*++argv == NULL)
		usage_die(usage);
	usage_operand("a program", *argv);
	complete_options(&options);

	privileges_hide_memory();
	if (options.tls.server)
		unsetenv("ZR_CLIENT_IDENTITY");
	if (chain_check(&options.chain, &error) == -1 ||
	    (context = tls_context_new(&options.tls, &error)) == NULL ||
	    (options.user != NULL &&
	    privileges_drop(options.user, &error) == -1))
		diag_die(&error);
	privileges_hide_memory();	/* a change of user resets it */
	network = take_network(&options.chain);
	if (options.kernel)
		prepare_kernel(&network);
	signal(SIGPIPE, SIG_IGN);
	connection = tls_connection_new(context, &options.tls, &network, &error);
	if (connection == NULL || tls_handshake(connection,
	    io_now() + options.timeout_ms, &error) == -1 ||
	    tls_set_environment(connection, &error) == -1)
		diag_die(&error);
	diag_refresh();
	if (options.tls.server)
		chain_tell_identity(getenv("ZR_CLIENT_IDENTITY"));
	chain_clean_environment();
	if (options.kernel) {
		if (tls_hand_to_kernel(connection, &error) == -1)
			diag_die(&error);
		chain_exec(&options.chain, argv);
	}

	for (size_t i = 0; i < sizeof(caught) / sizeof(caught[0]); i++)
		signals_catch(caught[i]);
	local = start_rest(&child, argv, &options.chain, &network);
	status = tls_engine_run(connection, &network, local, &child);
	tls_connection_free(connection);
	SSL_CTX_free(context);
	close(local);
	close(network.read_fd);
	close(network.write_fd);
	return (status);
}
