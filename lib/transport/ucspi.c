#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "transport/ucspi.h"

struct end {
	char address[UCSPI_ADDRESS_SIZE];
	char port[8];
};

/* An IPv4-mapped IPv6 address becomes the IPv4 address. */
static void
unmap(struct sockaddr_storage *storage, socklen_t *size)
{
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)storage;
	struct sockaddr_in four = { .sin_family = AF_INET };

	if (storage->ss_family != AF_INET6 ||
	    !IN6_IS_ADDR_V4MAPPED(&six->sin6_addr))
		return;
	four.sin_port = six->sin6_port;
	memcpy(&four.sin_addr, &six->sin6_addr.s6_addr[12], 4);
	memcpy(storage, &four, sizeof(four));
	*size = sizeof(four);
}

/* False for a socket that has no Internet address. */
static bool
name_end(struct end *end, struct sockaddr_storage *storage, socklen_t size)
{
	end->address[0] = end->port[0] = '\0';
	unmap(storage, &size);
	return ((storage->ss_family == AF_INET || storage->ss_family == AF_INET6) &&
	    getnameinfo((const struct sockaddr *)storage, size, end->address,
	    sizeof(end->address), end->port, sizeof(end->port),
	    NI_NUMERICHOST | NI_NUMERICSERV) == 0);
}

int
ucspi_peer(int fd, char address[UCSPI_ADDRESS_SIZE], struct error *error)
{
	struct sockaddr_storage storage;
	socklen_t size = sizeof(storage);
	struct end end;

	if (getpeername(fd, (struct sockaddr *)&storage, &size) == -1)
		return (error_errno(error, "getpeername"));
	name_end(&end, &storage, size);
	memcpy(address, end.address, sizeof(end.address));
	return (0);
}

static const char *const names[] = { "PROTO", "TCPLOCALIP", "TCPLOCALPORT",
    "TCPREMOTEIP", "TCPREMOTEPORT", "TCPLOCALHOST", "TCPREMOTEHOST", "TCPREMOTEINFO" };

#define NAMES (sizeof(names) / sizeof(names[0]))

int
ucspi_lines(int fd, char lines[UCSPI_LINES][UCSPI_LINE_SIZE], struct error *error)
{
	struct sockaddr_storage storage;
	socklen_t size = sizeof(storage);
	struct end local, remote;
	const char *const values[UCSPI_LINES] = { "TCP", local.address, local.port,
	    remote.address, remote.port };

	if (getpeername(fd, (struct sockaddr *)&storage, &size) == -1)
		return (error_errno(error, "getpeername"));
	if (!name_end(&remote, &storage, size)) {
		snprintf(lines[0], UCSPI_LINE_SIZE, "PROTO=UNIX");
		return (1);
	}
	size = sizeof(storage);
	if (getsockname(fd, (struct sockaddr *)&storage, &size) == -1)
		return (error_errno(error, "getsockname"));
	name_end(&local, &storage, size);
	for (size_t i = 0; i < UCSPI_LINES; i++)
		snprintf(lines[i], UCSPI_LINE_SIZE, "%s=%s", names[i], values[i]);
	return (UCSPI_LINES);
}

bool
ucspi_describes(const char *line)
{
	size_t length;

	for (size_t i = 0; i < NAMES; i++) {
		length = strlen(names[i]);
		if (strncmp(line, names[i], length) == 0 && line[length] == '=')
			return (true);
	}
	return (false);
}

int
ucspi_export(int fd, struct error *error)
{
	char lines[UCSPI_LINES][UCSPI_LINE_SIZE], *equals;
	const int count = ucspi_lines(fd, lines, error);

	for (size_t i = 0; i < NAMES; i++)
		unsetenv(names[i]);
	if (count == -1)
		return (-1);
	for (int i = 0; i < count; i++) {
		equals = strchr(lines[i], '=');
		*equals = '\0';
		if (setenv(lines[i], equals + 1, 1) == -1)
			return (error_errno(error, "setenv"));
	}
	return (0);
}
