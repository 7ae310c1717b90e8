#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <sys/un.h>

#include "base/number.h"
#include "transport/address.h"

/*
 * A number in range or the name of a service: getaddrinfo(3) takes a number
 * modulo 65536, and one with a sign or a blank in front of it too.
 */
static int
parse_port(struct address *address, const char *text, struct error *error)
{
	bool service = false;
	uint64_t number;

	if (*text == '\0' || strlcpy(address->port, text,
	    sizeof(address->port)) >= sizeof(address->port))
		return (error_set(error, EXIT_USAGE, "tcp: HOST:PORT is expected, "
		    "PORT a number or a service of 1 to %zu bytes",
		    sizeof(address->port) - 1));
	for (const char *c = text; *c != '\0'; c++)
		service = service || isalpha((unsigned char)*c);
	address->port_number = -1;
	if (service && isalnum((unsigned char)*text))
		return (0);
	if (!number_parse(&number, text, 10, 0, ADDRESS_PORT_MAX))
		return (error_set(error, EXIT_USAGE, "tcp: port %s: a port is 1 to "
		    "%d, or the name of a service", text, ADDRESS_PORT_MAX));
	address->port_number = (int)number;
	return (0);
}

static int
parse_tcp(struct address *address, const char *text, struct error *error)
{
	const char *end = text, *colon;
	size_t length;

	if (*text == '[') {
		text++;
		end = strchr(text, ']');
		if (end == NULL || end[1] != ':')
			return (error_set(error, EXIT_USAGE, "tcp:%s: an IPv6 "
			    "address is written [ADDRESS]:PORT", text - 1));
		colon = end + 1;
		if (memchr(text, ':', (size_t)(end - text)) == NULL)
			return (error_set(error, EXIT_USAGE, "tcp:%s: in brackets "
			    "stands an IPv6 address", text - 1));
	} else {
		colon = end = strchr(text, ':');
		if (colon == NULL)
			return (error_set(error, EXIT_USAGE,
			    "tcp:%s: HOST:PORT is expected", text));
		if (strchr(colon + 1, ':') != NULL)
			return (error_set(error, EXIT_USAGE, "tcp:%s: an IPv6 "
			    "address goes in brackets", text));
	}
	length = (size_t)(end - text);
	if (*text == '-')
		return (error_set(error, EXIT_USAGE, "tcp:%s: a host does not "
		    "begin with \"-\"", text));
	if (length >= sizeof(address->host))
		return (error_set(error, EXIT_USAGE, "the host is too long"));
	for (size_t i = 0; i < length; i++)
		if (!isgraph((unsigned char)text[i]))
			return (error_set(error, EXIT_USAGE,
			    "tcp: a host is written without blanks"));
	memcpy(address->host, text, length);
	address->host[length] = '\0';
	return (parse_port(address, colon + 1, error));
}

int
address_parse(struct address *address, const char *text, struct error *error)
{
	const struct sockaddr_un *limit = NULL;

	memset(address, 0, sizeof(*address));
	if (strncmp(text, "tcp:", 4) == 0) {
		address->kind = ADDRESS_TCP;
		return (parse_tcp(address, text + 4, error));
	}
	if (strncmp(text, "unix:", 5) == 0) {
		address->kind = ADDRESS_UNIX;
		if (text[5] == '\0' || strlcpy(address->path, text + 5,
		    sizeof(address->path)) >= sizeof(limit->sun_path))
			return (error_set(error, EXIT_USAGE, "unix: a path of 1 "
			    "to %zu bytes is expected", sizeof(limit->sun_path) - 1));
		return (0);
	}
	if (strncmp(text, "exec:", 5) == 0) {
		address->kind = ADDRESS_EXEC;
		/* sh would take one that begins with "-" for an option. */
		if (text[5] == '\0' || text[5] == '-' || strlcpy(address->path,
		    text + 5, sizeof(address->path)) >= sizeof(address->path))
			return (error_set(error, EXIT_USAGE, "%s: a command of 1 to "
			    "%zu bytes is expected, which does not begin with \"-\"",
			    text, sizeof(address->path) - 1));
		return (0);
	}
	return (error_set(error, EXIT_USAGE, "%s: not an address "
	    "(tcp:HOST:PORT, unix:PATH, exec:COMMAND)", text));
}
