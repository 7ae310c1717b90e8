#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/io.h"
#include "transport/dial.h"
#include "unit.h"

/* Every name has these two addresses, in this order. */
static struct sockaddr_in names[2];
static struct addrinfo infos[2];

int
getaddrinfo(const char *host, const char *port, const struct addrinfo *hints,
    struct addrinfo **found)
{
	(void)host;
	(void)port;
	(void)hints;
	for (int i = 0; i < 2; i++)
		infos[i] = (struct addrinfo){ .ai_family = AF_INET,
		    .ai_addr = (struct sockaddr *)&names[i],
		    .ai_addrlen = sizeof(names[i]),
		    .ai_next = i == 0 ? &infos[1] : NULL };
	*found = infos;
	return (0);
}

void
freeaddrinfo(struct addrinfo *found)
{
	(void)found;
}

static int
listen_on(struct sockaddr_in *name, in_addr_t host, in_port_t port, int backlog)
{
	socklen_t length = sizeof(*name);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	*name = (struct sockaddr_in){ .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(host), .sin_port = port };
	if (bind(fd, (struct sockaddr *)name, sizeof(*name)) == -1 ||
	    listen(fd, backlog) == -1 ||
	    getsockname(fd, (struct sockaddr *)name, &length) == -1) {
		perror("listen");
		exit(1);
	}
	return (fd);
}

/* Let its backlog be full: it answers nobody any more. */
static void
fill_backlog(const struct sockaddr_in *name)
{
	struct pollfd entry = { .events = POLLOUT };

	do {
		entry.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		if (connect(entry.fd, (const struct sockaddr *)name,
		    sizeof(*name)) == -1 && errno != EINPROGRESS)
			exit(1);
	} while (io_poll(&entry, 1, io_now() + 300) == 1);
}

int
main(void)
{
	struct address address = { .kind = ADDRESS_TCP, .host = "two",
	    .port = "1", .port_number = 1 };
	struct error error = { 0 };
	struct sockaddr_in peer = { 0 };
	socklen_t length = sizeof(peer);
	int64_t began;
	pid_t pid;
	int fd;

	listen_on(&names[0], INADDR_LOOPBACK + 1, 0, 0);
	listen_on(&names[1], INADDR_LOOPBACK, names[0].sin_port, 5);
	fill_backlog(&names[0]);

	TEST("an address that does not answer leaves the others their time") {
		fd = dial(&address, io_now() + 2000, &pid, &error);
		CHECK(fd != -1);
		CHECK(getpeername(fd, (struct sockaddr *)&peer, &length) == 0);
		CHECK(peer.sin_addr.s_addr == htonl(INADDR_LOOPBACK));
		close(fd);
	}

	TEST("none that answers: all have had their time, and are named") {
		names[1] = names[0];
		began = io_now();
		fd = dial(&address, began + 600, &pid, &error);
		CHECK(fd == -1);
		CHECK(io_now() >= began + 600);
		CHECK(error.code == EXIT_TIMEOUT);
		CHECK_TEXT(error.text, "two port 1: cannot connect: "
		    "127.0.0.2: Connection timed out, "
		    "127.0.0.2: Connection timed out");
	}

	return (unit_end());
}
