#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/io.h"
#include "base/number.h"
#include "transport/listen_socket.h"

#define FIRST_INHERITED 3	/* sd_listen_fds(3) */

static int
add(struct listen_sockets *sockets, int fd)
{
	if (io_set_nonblocking(fd, true) == -1 || io_set_cloexec(fd, true) == -1)
		return (-1);
	sockets->fds[sockets->count++] = fd;
	return (0);
}

static int
open_tcp(struct listen_sockets *sockets, const struct addrinfo *info, int backlog)
{
	const int on = 1, off = 0;
	int fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0), saved;

	if (fd == -1)
		return (-1);
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (info->ai_family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (bind(fd, info->ai_addr, info->ai_addrlen) == 0 &&
	    listen(fd, backlog) == 0 && add(sockets, fd) == 0)
		return (0);
	saved = errno;
	close(fd);
	errno = saved;
	return (-1);
}

static int
listen_tcp(struct listen_sockets *sockets, const struct address *address,
    int backlog, struct error *error)
{
	const struct addrinfo hints = { .ai_family = AF_UNSPEC,
	    .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE |
	    (address->port_number != -1 ? AI_NUMERICSERV : 0) };
	const char *host = address->host;
	struct addrinfo *found, *each;
	int problem, result = -1;

	if (*host == '\0' || strcmp(host, "*") == 0)
		host = NULL;
	problem = getaddrinfo(host, address->port, &hints, &found);
	if (problem != 0)
		return (error_set(error, EXIT_SYSTEM, "%s port %s: %s",
		    address->host, address->port, gai_strerror(problem)));
	/* Without a host: IPv6 first, which accepts IPv4 clients as well. */
	for (int want = AF_INET6; result == -1; want = AF_UNSPEC) {
		for (each = found; each != NULL && result == -1; each = each->ai_next)
			if (host != NULL || want == AF_UNSPEC ||
			    each->ai_family == want)
				result = open_tcp(sockets, each, backlog);
		if (want == AF_UNSPEC)
			break;
	}
	if (result == -1)
		error_errno(error, "cannot listen on %s port %s",
		    host != NULL ? host : "*", address->port);
	freeaddrinfo(found);
	return (result);
}

/* A socket file without a listener is a leftover. */
static int
remove_stale(const struct sockaddr_un *name, struct error *error)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat status;
	int problem = 0;

	if (fd == -1)
		return (error_errno(error, "socket"));
	if (connect(fd, (const struct sockaddr *)name, sizeof(*name)) == -1)
		problem = errno;
	close(fd);
	/* EAGAIN: its backlog is full, so there is one. */
	if (problem == 0 || problem == EAGAIN)
		return (error_set(error, EXIT_SYSTEM,
		    "%s: another program listens there", name->sun_path));
	if (problem != ECONNREFUSED || lstat(name->sun_path, &status) == -1 ||
	    !S_ISSOCK(status.st_mode))
		return (0);
	if (unlink(name->sun_path) == -1)
		return (error_errno(error, "%s", name->sun_path));
	return (0);
}

static int
listen_unix(struct listen_sockets *sockets, const struct address *address,
    int backlog, mode_t mode, struct error *error)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	struct stat status;
	mode_t mask;
	int fd, result;

	strlcpy(name.sun_path, address->path, sizeof(name.sun_path));
	if (remove_stale(&name, error) == -1)
		return (-1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return (error_errno(error, "socket"));
	mask = umask(0777 & ~mode);
	result = bind(fd, (const struct sockaddr *)&name, sizeof(name));
	umask(mask);
	if (result == -1 || listen(fd, backlog) == -1 || add(sockets, fd) == -1 ||
	    stat(name.sun_path, &status) == -1) {
		error_errno(error, "cannot listen on %s", name.sun_path);
		close(fd);
		return (-1);
	}
	strlcpy(sockets->path, name.sun_path, sizeof(sockets->path));
	sockets->device = status.st_dev;
	sockets->inode = status.st_ino;
	return (0);
}

int
listen_sockets_open(struct listen_sockets *sockets,
    const struct address *address, int backlog, mode_t mode, struct error *error)
{
	*sockets = (struct listen_sockets){ .count = 0 };
	switch (address->kind) {
	case ADDRESS_TCP:
		return (listen_tcp(sockets, address, backlog, error));
	case ADDRESS_UNIX:
		return (listen_unix(sockets, address, backlog, mode, error));
	case ADDRESS_EXEC:
		break;
	}
	return (error_set(error, EXIT_USAGE, "nobody can listen on exec:"));
}

int
listen_sockets_inherit(struct listen_sockets *sockets, struct error *error)
{
	const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
	uint64_t number, ours;
	int listening = 0;
	socklen_t size;

	*sockets = (struct listen_sockets){ .count = 0 };
	if (pid == NULL || count == NULL ||
	    !number_parse(&ours, pid, 10, 1, INT32_MAX) || (pid_t)ours != getpid())
		return (error_set(error, EXIT_USAGE, "no socket was handed to us "
		    "(LISTEN_FDS and LISTEN_PID)"));
	if (!number_parse(&number, count, 10, 1, LISTEN_SOCKETS_MAX))
		return (error_set(error, EXIT_USAGE, "LISTEN_FDS is %s: 1 to %d "
		    "sockets are expected", count, LISTEN_SOCKETS_MAX));
	for (int fd = FIRST_INHERITED; fd < FIRST_INHERITED + (int)number; fd++) {
		size = sizeof(listening);
		if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) ==
		    -1 || !listening)
			return (error_set(error, EXIT_USAGE, "descriptor %d, handed "
			    "to us, does not listen (systemd: Accept=no?)", fd));
		if (add(sockets, fd) == -1)
			return (error_errno(error, "descriptor %d", fd));
	}
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	return (0);
}

unsigned int
listen_sockets_port(const struct listen_sockets *sockets)
{
	struct sockaddr_storage storage;
	socklen_t size = sizeof(storage);

	if (getsockname(sockets->fds[0], (struct sockaddr *)&storage, &size) == -1)
		return (0);
	if (storage.ss_family == AF_INET)
		return (ntohs(((struct sockaddr_in *)&storage)->sin_port));
	if (storage.ss_family == AF_INET6)
		return (ntohs(((struct sockaddr_in6 *)&storage)->sin6_port));
	return (0);
}

void
listen_sockets_close(struct listen_sockets *sockets)
{
	struct stat status;

	for (size_t i = 0; i < sockets->count; i++)
		io_close(&sockets->fds[i]);
	sockets->count = 0;
	if (sockets->path[0] != '\0' && stat(sockets->path, &status) == 0 &&
	    status.st_dev == sockets->device && status.st_ino == sockets->inode)
		unlink(sockets->path);
	sockets->path[0] = '\0';
}
