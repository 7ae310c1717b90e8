/*
 * zr-listen: a process for each connection.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/number.h"
#include "base/privileges.h"
#include "base/signals.h"
#include "transport/address.h"
#include "transport/listen_server.h"
#include "transport/readiness.h"

#define CAP_MAX		100000
#define BACKLOG		511	/* unless -b says otherwise */
#define LEAST_PER_IDENTITY 4	/* unless told: a zrepl daemon needs two */
#define IDENTITIES_MAX	64	/* -i on the command line */

static const char usage[] =
    "zr-listen [-1v] [-b BACKLOG] [-C CLIENTS] [-c CLIENTS] [-H CLIENTS] "
    "[-I FILE] [-i KEY=IDENTITY] ... [-m MODE] [-n FD] [-u USER] ADDRESS "
    "PROGRAM [ARGUMENT ...]";

struct options {
	struct listen_service service;
	const char *identities[IDENTITIES_MAX];
	bool print_port;
	int backlog;			/* 0: not given */
	mode_t mode;
	bool mode_given;
	int ready_fd;
	const char *user;
};

/* Those of an identity where -C does not say: others need some, too. */
static size_t
default_per_identity(size_t all)
{
	return (all / 4 > LEAST_PER_IDENTITY ? all / 4 : LEAST_PER_IDENTITY);
}

static void
parse_options(struct options *options, int argc, char *argv[])
{
	struct listen_service *service = &options->service;
	struct identity_source *identities = &service->identities;
	uint64_t mode;
	int option;

	*options = (struct options){ .backlog = 0, .ready_fd = -1, .mode = 0600,
	    .service.caps = { .all = 100, .new = 40 } };
	identities->entries = options->identities;
	while ((option = usage_getopt(usage, argc, argv, "+1b:C:c:H:hI:i:m:n:u:v")) != -1)
		switch (option) {
		case '1':
			options->print_port = true;
			break;
		case 'b':
			options->backlog = (int)usage_number(option,
			    "a number", optarg, 1, 65535);
			break;
		case 'C':
			service->caps.per_address = (size_t)usage_number(option,
			    "a number", optarg, 1, CAP_MAX);
			break;
		case 'c':
			service->caps.all = (size_t)usage_number(option,
			    "a number", optarg, 1, CAP_MAX);
			break;
		case 'H':
			service->caps.new = (size_t)usage_number(option,
			    "a number", optarg, 1, CAP_MAX);
			break;
		case 'I':
			identities->file = optarg;
			break;
		case 'i':
			if (identities->count == IDENTITIES_MAX)
				die(EXIT_USAGE, "more than %d -i: use -I FILE",
				    IDENTITIES_MAX);
			options->identities[identities->count++] = optarg;
			break;
		case 'm':
			if (!number_parse(&mode, optarg, 8, 0, 0777))
				die(EXIT_USAGE, "-m wants an octal mode, 0 to 777, "
				    "not %s", optarg);
			options->mode = (mode_t)mode;
			options->mode_given = true;
			break;
		case 'n':
			options->ready_fd = (int)usage_number(option,
			    "a number", optarg, 3, 65535);
			/* Else it would be the first that we open. */
			if (fcntl(options->ready_fd, F_GETFD) == -1)
				die(EXIT_USAGE, "-n %d: the descriptor is not "
				    "open", options->ready_fd);
			break;
		case 'u':
			options->user = optarg;
			break;
		case 'v':
			service->verbose = true;
			break;
		}
	service->caps.per_identity = service->caps.per_address != 0 ?
	    service->caps.per_address : default_per_identity(service->caps.all);
	if (argc - optind < 2)
		usage_die(usage);
	usage_operand("a program", argv[optind + 1]);
	service->program = argv + optind + 1;
}

/* An option that has no effect on this address is an error. */
static void
check_options(const struct options *options, const struct address *address)
{
	const bool local = address != NULL && address->kind == ADDRESS_UNIX;

	if (options->mode_given && !local)
		die(EXIT_USAGE, "-m is for unix: addresses");
	if (options->print_port && local)
		die(EXIT_USAGE, "-1 is for tcp: addresses");
	if (options->backlog != 0 && address == NULL)
		die(EXIT_USAGE, "-b is for sockets of our own, not inherited ones");
}

/* As many descriptors as we may have: one or two for each client. */
static void
raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}

int
main(int argc, char *argv[])
{
	static const int caught[] = { SIGCHLD, SIGTERM, SIGINT, SIGHUP };
	struct options options;
	struct listen_server *server;
	struct listen_sockets sockets;
	struct address address;
	struct error error;
	bool inherited;
	int code;

	usage_begin("zr-listen", usage, argc, argv);
	unsetenv("ZR_CLIENT_IDENTITY");
	diag_refresh();
	parse_options(&options, argc, argv);
	server = listen_server_new(&options.service, &error);
	if (server == NULL)
		diag_die(&error);
	inherited = strcmp(argv[optind], "inherited") == 0;
	if (!inherited && address_parse(&address, argv[optind], &error) == -1)
		diag_die(&error);
	check_options(&options, inherited ? NULL : &address);
	if (inherited ? listen_sockets_inherit(&sockets, &error) == -1 :
	    listen_sockets_open(&sockets, &address, options.backlog != 0 ?
	    options.backlog : BACKLOG, options.mode, &error) == -1)
		diag_die(&error);
	if (options.user != NULL && privileges_drop(options.user, &error) == -1)
		diag_die(&error);
	raise_descriptor_limit();
	for (size_t i = 0; i < sizeof(caught) / sizeof(caught[0]); i++)
		signals_catch(caught[i]);
	if (options.print_port) {
		printf("%u\n", listen_sockets_port(&sockets));
		if (fflush(stdout) != 0)
			die_errno("standard output");
	}
	if (readiness_tell(options.ready_fd, &error) == -1)
		diag("%s", error.text);
	code = listen_server_run(server, &sockets);
	listen_server_free(server);
	return (code);
}
