#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/io.h"
#include "base/process.h"
#include "base/signals.h"
#include "transport/client_program.h"
#include "transport/dial.h"
#include "transport/listen_server.h"

#define EXHAUSTED_MS	1000	/* pause after running out of descriptors */

struct listen_server {
	const struct listen_service *service;
	struct identity_table *identities;	/* NULL: clients have none */
	struct client_table clients;
	int64_t paused_until;			/* out of descriptors */
	enum {
		SERVING,
		FINISHING,			/* SIGTERM */
		ENDING				/* SIGINT */
	} state;
};

struct listen_server *
listen_server_new(const struct listen_service *service, struct error *error)
{
	struct listen_server *server = calloc(1, sizeof(*server));

	if (server == NULL ||
	    client_table_init(&server->clients, &service->caps) == -1) {
		error_errno(error, "connections");
		goto fail;
	}
	server->service = service;
	if (identity_table_load(&server->identities, &service->identities,
	    error) == 0)
		return (server);
fail:
	listen_server_free(server);
	return (NULL);
}

void
listen_server_free(struct listen_server *server)
{
	if (server == NULL)
		return;
	client_table_free(&server->clients);
	identity_table_free(server->identities);
	free(server);
}

/* --- one client --- */

static void
say_refused(const struct listen_server *server, const char *address,
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

/* Out of descriptors, processes or memory: pause, as trying again at once is useless. */
static void
pause_accepting(struct listen_server *server, const char *reason)
{
	diag("%s: accepting no client for a second", reason);
	server->paused_until = io_now() + EXHAUSTED_MS;
}

static void
start_client(struct listen_server *server, int fd, const char *address,
    const char *identity)	/* NULL: clients have none */
{
	struct error error;
	int handshake;
	const pid_t pid = client_program_start(server->service->program, fd,
	    identity, &handshake, &error);

	if (pid == -1) {
		pause_accepting(server, error.text);
		return;
	}
	if (pid == 0)
		return;		/* reset since it was accepted */
	client_table_add(&server->clients, pid, handshake, address,
	    identity != NULL ? identity : "", io_now());
	if (server->service->verbose)
		diag("%s: process %d, identity %s, %zu connections", address,
		    (int)pid, identity != NULL ? identity : "none",
		    server->clients.count);
}

/* Handle a message from the client's pipe. */
static void
read_handshake(struct listen_server *server, struct client *client)
{
	char identity[IDENTITY_MAX + 1];

	switch (client_program_read(client->handshake, identity)) {
	case CLIENT_PROGRAM_GREETED:
		io_close(&client->handshake);
		break;
	case CLIENT_PROGRAM_IDENTITY:
		if (client->evicted || client_table_identify(&server->clients,
		    client, identity))
			break;
		say_refused(server, client->address, identity);
		evict(client);
		break;
	case CLIENT_PROGRAM_NOTHING:
		break;
	}
}

static void
greet(struct listen_server *server, int fd)
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
accepts_at(const struct listen_server *server)
{
	const int64_t opens = client_table_opens(&server->clients);

	return (opens > server->paused_until ? opens : server->paused_until);
}

static void
accept_clients(struct listen_server *server, int listener)
{
	struct error error;
	int fd;

	while (io_now() >= accepts_at(server)) {
		fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd == -1 && (errno == EMFILE || errno == ENFILE ||
		    errno == ENOBUFS || errno == ENOMEM)) {
			error_errno(&error, "accept");
			pause_accepting(server, error.text);
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
reap_clients(struct listen_server *server)
{
	struct client *client;
	int status, code;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		client = client_table_find(&server->clients, pid);
		if (client == NULL)
			continue;
		code = process_exit_code(status);
		if (server->service->verbose || (process_code_signal(code) != 0 &&
		    !client->evicted && server->state == SERVING))
			diag("%s: process %d ended with status %d",
			    client->address, (int)pid, code);
		io_close(&client->handshake);
		client_table_remove(&server->clients, client);
	}
}

/* --- the loop --- */

/* No more clients; send the current ones the signal that we got. */
static void
stop(struct listen_server *server, struct listen_sockets *sockets, int signal_number)
{
	const struct client_table *clients = &server->clients;

	if (signal_number == SIGINT)
		server->state = ENDING;
	else if (server->state == SERVING)
		server->state = FINISHING;
	listen_sockets_close(sockets);
	for (size_t i = 0; i < clients->size; i++)
		if (clients->clients[i].pid != 0)
			kill(clients->clients[i].pid, signal_number);
}

static void
take_signals(struct listen_server *server, struct listen_sockets *sockets)
{
	struct error error;

	if (signals_take(SIGCHLD))
		reap_clients(server);
	if (signals_take(SIGHUP) && identity_table_load(&server->identities,
	    &server->service->identities, &error) == -1)
		diag("the identities stay as they were: %s", error.text);
	if (signals_take(SIGTERM))
		stop(server, sockets, SIGTERM);
	if (signals_take(SIGINT))
		stop(server, sockets, SIGINT);
}

/*
 * The entries for poll(2) besides the sockets: the pipes of the new clients, whose
 * indexes go to new.
 */
static size_t
plan_poll(const struct listen_server *server, struct pollfd *entries, size_t *new)
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

int
listen_server_run(struct listen_server *server, struct listen_sockets *sockets)
{
	struct client_table *clients = &server->clients;
	struct pollfd *entries;
	size_t *new, count, listening;
	int64_t opens;

	entries = calloc(clients->size + LISTEN_SOCKETS_MAX, sizeof(*entries));
	new = calloc(clients->size, sizeof(*new));
	if (entries == NULL || new == NULL)
		die_errno("connections");
	while (server->state == SERVING || clients->count > 0) {
		opens = server->state == SERVING ? accepts_at(server) : IO_FOREVER;
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
		take_signals(server, sockets);
	}
	free(entries);
	free(new);
	return (server->state == ENDING ? EXIT_SIGNAL + SIGINT : EXIT_DONE);
}
