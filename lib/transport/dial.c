#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/io.h"
#include "base/process.h"
#include "transport/dial.h"

#define FULL_BACKLOG_MS 50

void
dial_options(int fd)
{
	const int on = 1;

	/* The connection works without them, too, if less well. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
#ifdef TCP_KEEPIDLE
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &(int){ 60 }, sizeof(int));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &(int){ 10 }, sizeof(int));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &(int){ 6 }, sizeof(int));
#endif
}

/*
 * connect(2), without waiting for its end.  EAGAIN means that a unix socket's backlog is
 * full; as there is no event to wait for, try again.
 */
static int
begin_to_connect(int fd, const struct sockaddr *to, socklen_t size,
    int64_t deadline)
{
	int result;

	while ((result = connect(fd, to, size)) == -1 && errno == EAGAIN &&
	    to->sa_family == AF_UNIX) {
		if (io_now() >= deadline) {
			errno = ETIMEDOUT;
			break;
		}
		io_poll(NULL, 0, io_earlier(deadline, io_now() + FULL_BACKLOG_MS));
	}
	return (result);
}

/* One address, by the deadline; errno says why not. */
static int
connect_one(int family, const struct sockaddr *to, socklen_t size,
    int64_t deadline)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct pollfd entry = { .fd = fd, .events = POLLOUT };
	socklen_t length = sizeof(int);
	int problem = 0;

	if (fd == -1)
		return (-1);
	if (begin_to_connect(fd, to, size, deadline) == -1) {
		if (errno != EINPROGRESS && errno != EINTR)
			goto fail;
		while (entry.revents == 0) {
			if (io_now() >= deadline) {
				errno = ETIMEDOUT;
				goto fail;
			}
			io_poll(&entry, 1, deadline);
		}
		if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &problem, &length) == -1)
			goto fail;
		errno = problem;
		if (problem != 0)
			goto fail;
	}
	if (io_set_nonblocking(fd, false) == 0)
		return (fd);
fail:
	problem = errno;
	close(fd);
	errno = problem;
	return (-1);
}

static int
dial_tcp(const struct address *address, int64_t deadline, struct error *error)
{
	const struct addrinfo hints = { .ai_family = AF_UNSPEC,
	    .ai_socktype = SOCK_STREAM,
	    .ai_flags = address->port_number != -1 ? AI_NUMERICSERV : 0 };
	struct addrinfo *found, *each;
	char numeric[NI_MAXHOST];
	int fd = -1, problem, left = 0;
	int64_t now;
	size_t used;

	if (address->port_number == 0)
		return (error_set(error, EXIT_USAGE, "port 0: a port to connect to "
		    "is 1 to %d", ADDRESS_PORT_MAX));
	problem = getaddrinfo(address->host, address->port, &hints, &found);
	if (problem != 0)
		return (error_set(error, EXIT_SYSTEM, "%s port %s: %s",
		    address->host, address->port, problem == EAI_SYSTEM ?
		    strerror(errno) : gai_strerror(problem)));
	error_set(error, EXIT_SYSTEM, "%s port %s: cannot connect",
	    address->host, address->port);
	for (each = found; each != NULL; each = each->ai_next)
		left++;
	for (each = found; each != NULL; each = each->ai_next) {
		now = io_now();
		/* Do not spend all the time on an address that loses packets. */
		fd = connect_one(each->ai_family, each->ai_addr,
		    each->ai_addrlen, now + (deadline - now) / left--);
		if (fd != -1)
			break;
		if (errno == ETIMEDOUT)
			error->code = EXIT_TIMEOUT;
		problem = errno;
		if (getnameinfo(each->ai_addr, each->ai_addrlen, numeric,
		    sizeof(numeric), NULL, 0, NI_NUMERICHOST) != 0)
			strlcpy(numeric, "?", sizeof(numeric));
		used = strlen(error->text);
		snprintf(error->text + used, sizeof(error->text) - used,
		    "%s %s: %s", each == found ? ":" : ",", numeric,
		    strerror(problem));
	}
	freeaddrinfo(found);
	if (fd != -1)
		dial_options(fd);
	return (fd);
}

static int
dial_unix(const struct address *address, int64_t deadline, struct error *error)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd;

	strlcpy(to.sun_path, address->path, sizeof(to.sun_path));
	fd = connect_one(AF_UNIX, (const struct sockaddr *)&to, sizeof(to), deadline);
	if (fd == -1) {
		error_errno(error, "%s", address->path);
		if (errno == ETIMEDOUT)
			error->code = EXIT_TIMEOUT;
	}
	return (fd);
}

static int
dial_exec(const struct address *address, pid_t *pid, struct error *error)
{
	char *const line[] = { (char *)(uintptr_t)"sh", (char *)(uintptr_t)"-c",
	    (char *)(uintptr_t)address->path, NULL };
	struct process process;
	int pair[2], result;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == -1)
		return (error_errno(error, "socketpair"));
	result = process_start(&process, line, pair[1], pair[1], PROCESS_INHERIT,
	    false, error);
	io_close(&pair[1]);
	if (result == -1)
		io_close(&pair[0]);
	*pid = process.pid;
	return (pair[0]);
}

int
dial(const struct address *address, int64_t deadline, pid_t *pid,
    struct error *error)
{
	*pid = -1;
	switch (address->kind) {
	case ADDRESS_TCP:
		return (dial_tcp(address, deadline, error));
	case ADDRESS_UNIX:
		return (dial_unix(address, deadline, error));
	case ADDRESS_EXEC:
		return (dial_exec(address, pid, error));
	}
	return (error_set(error, EXIT_USAGE, "not an address"));
}
