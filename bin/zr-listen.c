/*
 * zr-listen: a process for each connection.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/io.h"
#include "base/number.h"
#include "base/privileges.h"
#include "base/process.h"
#include "base/signals.h"
#include "transport/client_table.h"
#include "transport/dial.h"
#include "transport/identity.h"
#include "transport/identity_table.h"
#include "transport/listen_socket.h"
#include "transport/readiness.h"

#define EXHAUSTED_MS	1000	/* pause after running out of descriptors */
#define HANDSHAKE_FD	3	/* the new client's, for zr-mux to close */
#define CAP_MAX		100000
#define BACKLOG		511	/* unless -b says otherwise */
#define LEAST_PER_IDENTITY 4	/* unless told: a zrepl daemon needs two */
#define IDENTITIES_MAX	64	/* -i on the command line */

static const char usage[] =
    "zr-listen [-1v] [-b BACKLOG] [-C CLIENTS] [-c CLIENTS] [-H CLIENTS] "
    "[-I FILE] [-i KEY=IDENTITY] ... [-m MODE] [-n FD] [-u USER] ADDRESS "
    "PROGRAM [ARGUMENT ...]";

struct options {
	bool print_port;
	bool verbose;
	int backlog;			/* 0: not given */
	struct client_caps caps;
	const char *identities[IDENTITIES_MAX];
	size_t identity_count;
	const char *identity_file;
	mode_t mode;
	bool mode_given;
	int ready_fd;
	const char *user;
	char **program;
};

struct server {
	const struct options *options;
	struct listen_sockets sockets;
	struct identity_table *identities;	/* NULL: clients have none */
	struct client_table clients;
	int64_t paused_until;			/* out of descriptors */
	bool stopping;
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
	uint64_t mode;
	int option;

	*options = (struct options){ .backlog = 0, .ready_fd = -1, .mode = 0600,
	    .caps = { .all = 100, .new = 40 } };
	while ((option = getopt(argc, argv, "+1b:C:c:H:hI:i:m:n:u:v")) != -1)
		switch (option) {
		case '1':
			options->print_port = true;
			break;
		case 'b':
			options->backlog = (int)usage_number(option,
			    "a number", optarg, 1, 65535);
			break;
		case 'C':
			options->caps.per_address = (size_t)usage_number(option,
			    "a number", optarg, 1, CAP_MAX);
			break;
		case 'c':
			options->caps.all = (size_t)usage_number(option,
			    "a number", optarg, 1, CAP_MAX);
			break;
		case 'H':
			options->caps.new = (size_t)usage_number(option,
			    "a number", optarg, 1, CAP_MAX);
			break;
		case 'h':
			usage_help(usage);
		case 'I':
			options->identity_file = optarg;
			break;
		case 'i':
			if (options->identity_count == IDENTITIES_MAX)
				die(EXIT_USAGE, "more than %d -i: use -I FILE",
				    IDENTITIES_MAX);
			options->identities[options->identity_count++] = optarg;
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
			options->verbose = true;
			break;
		default:
			usage_die(usage);
		}
	options->caps.per_identity = options->caps.per_address != 0 ?
	    options->caps.per_address : default_per_identity(options->caps.all);
	if (argc - optind < 2)
		usage_die(usage);
	usage_operand("a program", argv[optind + 1]);
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

/* --- identities --- */

static int
read_identity_file(struct identity_table *table, const char *path,
    struct error *error)
{
	char *text = malloc(IDENTITY_FILE_MAX + 1);
	int fd = open(path, O_RDONLY | O_CLOEXEC), result = -1;
	size_t length = 0;
	ssize_t got = 1;

	if (text == NULL || fd == -1) {
		error_errno(error, "%s", path);
		goto out;
	}
	while (length <= IDENTITY_FILE_MAX && (got = io_read(fd, text + length,
	    IDENTITY_FILE_MAX + 1 - length)) > 0)
		length += (size_t)got;
	if (got == -1)
		error_errno(error, "%s", path);
	else if (length > IDENTITY_FILE_MAX)
		error_set(error, EXIT_USAGE, "%s: larger than %u bytes", path,
		    IDENTITY_FILE_MAX);
	else if ((result = identity_table_add_lines(table, text, length,
	    error)) == -1)
		error_prefix(error, "%s", path);
out:
	io_close(&fd);
	free(text);
	return (result);
}

/* The table that -i and -I ask for, in place of the one so far. */
static int
load_identities(struct server *server, struct error *error)
{
	const struct options *options = server->options;
	struct identity_table *table;

	if (options->identity_count == 0 && options->identity_file == NULL)
		return (0);
	table = identity_table_new();
	if (table == NULL)
		return (error_errno(error, "identities"));
	for (size_t i = 0; i < options->identity_count; i++)
		if (identity_table_add(table, options->identities[i], error) == -1)
			goto fail;
	if (options->identity_file != NULL && read_identity_file(table,
	    options->identity_file, error) == -1)
		goto fail;
	identity_table_free(server->identities);
	server->identities = table;
	return (0);
fail:
	identity_table_free(table);
	return (-1);
}

/* --- one client --- */

/* In the child: the connection on 0 and 1, nothing else but 2 and the pipe. */
static void
become_client(const struct server *server, int fd, int pipe_fd,
    const char *identity)
{
	struct error error;
	char text[16];

	unsetenv("ZR_CLIENT_IDENTITY");
	unsetenv("ZR_LABEL");
	if (ucspi_export(fd, &error) == -1) {
		if (errno == ENOTCONN)	/* reset since it was accepted */
			_exit(EXIT_PROTOCOL);
		diag_die(&error);
	}
	if (identity != NULL && setenv("ZR_CLIENT_IDENTITY", identity, 1) == -1)
		die_errno("setenv");
	snprintf(text, sizeof(text), "%d", HANDSHAKE_FD);
	setenv("ZR_HANDSHAKE_FD", text, 1);
	if (dup2(fd, STDIN_FILENO) == -1 || dup2(fd, STDOUT_FILENO) == -1 ||
	    dup2(pipe_fd, HANDSHAKE_FD) == -1)
		die_errno("dup2");
	io_set_cloexec(HANDSHAKE_FD, false);	/* where it was that very one */
	closefrom(HANDSHAKE_FD + 1);
	diag_refresh();
	signals_restore();
	execvp(server->options->program[0], server->options->program);
	die(errno == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_EXEC,
	    "cannot execute %s: %s", server->options->program[0], strerror(errno));
}

/* Out of descriptors, processes or memory: trying on would only burn time. */
static void
pause_accepting(struct server *server, const char *what)
{
	diag_errno("%s: accepting no client for a second", what);
	server->paused_until = io_now() + EXHAUSTED_MS;
}

static void
start_client(struct server *server, int fd, const char *address,
    const char *identity)	/* NULL: clients have none */
{
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) == -1) {
		pause_accepting(server, "pipe");
		return;
	}
	pid = fork();
	if (pid == 0)
		become_client(server, fd, ends[1], identity);
	if (pid == -1) {
		pause_accepting(server, "fork");
		io_close(&ends[0]);
		io_close(&ends[1]);
		return;
	}
	io_close(&ends[1]);
	client_table_add(&server->clients, pid, ends[0], address,
	    identity != NULL ? identity : "", io_now());
	if (server->options->verbose)
		diag("%s: process %d, identity %s, %zu connections", address,
		    (int)pid, identity != NULL ? identity : "none",
		    server->clients.count);
}

static void
say_refused(const struct server *server, const char *address,
    const char *identity)
{
	diag("%s%s%s refused: it has %zu connections (-C)", address,
	    *address != '\0' && *identity != '\0' ? " " : "", identity,
	    client_table_count(&server->clients, address, identity));
}

static void
evict(struct client *client)
{
	kill(client->pid, SIGTERM);
	client->evicted = true;
}

/*
 * A client's pipe: a program that authenticates it writes its identity, and it is
 * past its handshake once nobody holds the other end.
 */
static void
read_handshake(struct server *server, struct client *client)
{
	char identity[IDENTITY_MAX + 2];
	ssize_t got = io_read(client->handshake, identity, sizeof(identity) - 1);

	if (got <= 0) {
		io_close(&client->handshake);
		return;
	}
	identity[got] = '\0';
	identity[strcspn(identity, "\n")] = '\0';
	if (client->evicted || !identity_valid(identity) ||
	    client_table_identify(&server->clients, client, identity))
		return;
	say_refused(server, client->address, identity);
	evict(client);
}

static void
greet(struct server *server, int fd)
{
	char address[UCSPI_ADDRESS_SIZE], identity[IDENTITY_MAX + 1] = "";
	struct client *oldest;
	struct error error;

	if (ucspi_peer(fd, address, &error) == -1)
		return;		/* it has gone already */
	if (address[0] != '\0')
		dial_options(fd);
	if (server->identities != NULL && identity_table_find(server->identities,
	    address, identity, &error) == -1) {
		diag("refused: %s", error.text);
		return;
	}
	switch (client_table_judge(&server->clients, address, identity, &oldest)) {
	case CLIENT_REFUSE:
		say_refused(server, address, identity);
		return;
	case CLIENT_WAIT:
		diag("%s refused: %zu connections are served", address,
		    server->clients.count);
		return;
	case CLIENT_TAKE_EVICTING:
		diag("%s makes room: no handshake after %lld ms", oldest->address,
		    (long long)(io_now() - oldest->since));
		evict(oldest);
		break;
	case CLIENT_TAKE:
		break;
	}
	start_client(server, fd, address,
	    server->identities != NULL ? identity : NULL);
}

/* When the next client may be accepted. */
static int64_t
accepts_at(const struct server *server)
{
	const int64_t opens = client_table_opens(&server->clients);

	return (opens > server->paused_until ? opens : server->paused_until);
}

static void
accept_clients(struct server *server, int listener)
{
	int fd;

	while (io_now() >= accepts_at(server)) {
		fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd == -1 && (errno == EMFILE || errno == ENFILE ||
		    errno == ENOBUFS || errno == ENOMEM)) {
			pause_accepting(server, "accept");
			return;
		}
		if (fd == -1 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return;
		if (fd == -1 && (errno == EBADF || errno == EINVAL ||
		    errno == ENOTSOCK))
			die_errno("accept");
		if (fd == -1)
			continue;	/* that client has gone: the next */
		greet(server, fd);
		close(fd);
	}
}

static void
reap_clients(struct server *server)
{
	struct client *client;
	int status, code;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		client = client_table_find(&server->clients, pid);
		if (client == NULL)
			continue;
		code = process_exit_code(status);
		if (server->options->verbose ||
		    (process_code_signal(code) != 0 && !client->evicted))
			diag("%s: process %d ended with status %d",
			    client->address, (int)pid, code);
		io_close(&client->handshake);
		client_table_remove(&server->clients, client);
	}
}

/* --- the loop --- */

static void
take_signals(struct server *server)
{
	struct client_table *clients = &server->clients;
	struct error error;

	if (signals_take(SIGCHLD))
		reap_clients(server);
	if (signals_take(SIGHUP) && load_identities(server, &error) == -1)
		diag("the identities stay as they were: %s", error.text);
	if (!signals_take(SIGTERM))
		return;
	if (server->stopping)
		for (size_t i = 0; i < clients->size; i++)
			if (clients->clients[i].pid != 0)
				kill(clients->clients[i].pid, SIGTERM);
	server->stopping = true;
	listen_sockets_close(&server->sockets);
}

/*
 * What poll(2) is to look at besides the sockets: the pipes of the new
 * clients, whose indexes go to new.
 */
static size_t
plan_poll(const struct server *server, struct pollfd *entries, size_t *new)
{
	const struct client_table *clients = &server->clients;
	size_t count = 0;

	for (size_t i = 0; i < clients->size; i++)
		if (clients->clients[i].pid != 0 &&
		    clients->clients[i].handshake != -1) {
			new[count] = i;
			entries[count++] = (struct pollfd){ .events = POLLIN,
			    .fd = clients->clients[i].handshake };
		}
	return (count);
}

static void
serve(struct server *server)
{
	struct client_table *clients = &server->clients;
	struct listen_sockets *sockets = &server->sockets;
	struct pollfd *entries;
	size_t *new, count, listening;
	int64_t opens;

	entries = calloc(clients->size + LISTEN_SOCKETS_MAX, sizeof(*entries));
	new = calloc(clients->size, sizeof(*new));
	if (entries == NULL || new == NULL)
		die_errno("connections");
	while (!server->stopping || clients->count > 0) {
		opens = server->stopping ? IO_FOREVER : accepts_at(server);
		listening = io_now() >= opens ? sockets->count : 0;
		count = plan_poll(server, entries, new);
		for (size_t i = 0; i < listening; i++)
			entries[count + i] = (struct pollfd){
			    .events = POLLIN, .fd = sockets->fds[i] };
		io_poll(entries, count + listening,
		    listening > 0 ? IO_FOREVER : opens);
		for (size_t i = 0; i < count; i++)
			if (entries[i].revents != 0)
				read_handshake(server, &clients->clients[new[i]]);
		for (size_t i = 0; i < listening; i++)
			if (entries[count + i].revents != 0)
				accept_clients(server, sockets->fds[i]);
		take_signals(server);
	}
	free(entries);
	free(new);
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
	struct options options;
	struct server server = { .options = &options };
	struct address address;
	struct error error;
	bool inherited;

	usage_begin("zr-listen", usage, argc, argv);
	unsetenv("ZR_CLIENT_IDENTITY");
	diag_refresh();
	parse_options(&options, argc, argv);
	options.program = argv + optind + 1;
	if (load_identities(&server, &error) == -1)
		diag_die(&error);
	if (client_table_init(&server.clients, &options.caps) == -1)
		die_errno("connections");
	inherited = strcmp(argv[optind], "inherited") == 0;
	if (!inherited && address_parse(&address, argv[optind], &error) == -1)
		diag_die(&error);
	check_options(&options, inherited ? NULL : &address);
	if (inherited ? listen_sockets_inherit(&server.sockets, &error) == -1 :
	    listen_sockets_open(&server.sockets, &address, options.backlog != 0 ?
	    options.backlog : BACKLOG, options.mode, &error) == -1)
		diag_die(&error);
	if (options.user != NULL && privileges_drop(options.user, &error) == -1)
		diag_die(&error);
	raise_descriptor_limit();
	signals_catch(SIGCHLD);
	signals_catch(SIGTERM);
	signals_catch(SIGHUP);
	if (options.print_port) {
		printf("%u\n", listen_sockets_port(&server.sockets));
		if (fflush(stdout) != 0)
			die_errno("standard output");
	}
	if (readiness_tell(options.ready_fd, &error) == -1)
		diag("%s", error.text);
	serve(&server);
	client_table_free(&server.clients);
	identity_table_free(server.identities);
	return (EXIT_DONE);
}
