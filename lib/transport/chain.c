#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/io.h"
#include "base/number.h"
#include "base/program.h"
#include "transport/chain.h"
#include "transport/identity.h"

void
chain_option(struct chain *chain, const char *text)
{
	char copy[32], *comma;

	if (strlcpy(copy, text, sizeof(copy)) >= sizeof(copy) ||
	    (comma = strchr(copy, ',')) == NULL)
		goto bad;
	*comma = '\0';
	chain->read_fd = number_parse_fd(copy, 0);
	chain->write_fd = number_parse_fd(comma + 1, 0);
	if (chain->read_fd != -1 && chain->write_fd != -1)
		return;
bad:
	die(EXIT_USAGE, "-f wants two descriptors, READ,WRITE, each 0 to %d, "
	    "not %s", NUMBER_FD_MAX, text);
}

bool
chain_accepts(const char *usage, const char *word)
{
	static const char *const words[] = { "connect", "accept", NULL };

	return (usage_word(usage, word, words) == 1);
}

void
chain_default(struct chain *chain, struct chain role)
{
	if (chain->read_fd == -1)
		*chain = role;
}

int
chain_check(const struct chain *chain, struct error *error)
{
	const int fds[2] = { chain->read_fd, chain->write_fd };

	for (int i = 0; i < 2; i++)
		if (fcntl(fds[i], F_GETFD) == -1)
			return (error_set(error, EXIT_USAGE,
			    "descriptor %d is not open: no connection here "
			    "(zr-connect opens one)", fds[i]));
	return (0);
}

int
chain_adopt(const struct chain *chain, struct chain ours, struct error *error)
{
	/* The first dup2 must not close the descriptor that the second one moves. */
	if (ours.write_fd == chain->read_fd)
		ours.write_fd = fcntl(ours.write_fd, F_DUPFD_CLOEXEC, 0);
	if (dup2(ours.read_fd, chain->read_fd) == -1 ||
	    dup2(ours.write_fd, chain->write_fd) == -1)
		return (error_errno(error, "descriptors %d and %d",
		    chain->read_fd, chain->write_fd));
	io_set_cloexec(chain->read_fd, false);
	io_set_cloexec(chain->write_fd, false);
	return (0);
}

void
chain_exec(const struct chain *chain, char *const argv[])
{
	if (chain != NULL) {
		io_set_nonblocking(chain->read_fd, false);
		io_set_nonblocking(chain->write_fd, false);
	}
	program_exec(argv);
	die(errno == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_EXEC,
	    "cannot execute %s: %s", argv[0], strerror(errno));
}

void
chain_clean_environment(void)
{
	static const char *const names[] = { "ZR_LABEL", "ZR_EXTENSIONS",
	    "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "NOTIFY_SOCKET" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unsetenv(names[i]);
}

/* -1: zr-listen is not there. */
static int
handshake_fd(void)
{
	const char *text = getenv("ZR_HANDSHAKE_FD");
	int fd;

	if (text == NULL)
		return (-1);
	fd = number_parse_fd(text, 3);
	if (fd == -1)
		die(EXIT_USAGE, "ZR_HANDSHAKE_FD is not a descriptor, 3 to %d: %s",
		    NUMBER_FD_MAX, text);
	return (fd);
}

void
chain_leave_handshake(void)
{
	int fd = handshake_fd();

	io_close(&fd);
}

void
chain_tell_identity(const char *identity)
{
	const int fd = handshake_fd();
	char line[IDENTITY_MAX + 2];

	if (fd == -1)
		return;
	/* This is the only write, so the pipe has room.  It may have no reader. */
	snprintf(line, sizeof(line), "%s\n", identity);
	(void)!write(fd, line, strlen(line));
}
