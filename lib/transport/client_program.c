#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/io.h"
#include "transport/chain.h"
#include "transport/client_program.h"
#include "transport/ucspi.h"

/* In the child: the connection on 0 and 1, nothing else but 2 and the pipe. */
static void __attribute__((noreturn))
become_client(char *const argv[], int fd, int pipe_fd, const char *identity)
{
	struct error error;
	char text[16];

	unsetenv("ZR_CLIENT_IDENTITY");
	unsetenv("ZR_LABEL");
	unsetenv("ZR_EXTENSIONS");
	if (ucspi_export(fd, &error) == -1) {
		if (errno == ENOTCONN)	/* reset since it was accepted */
			_exit(EXIT_PROTOCOL);
		diag_die(&error);
	}
	if (identity != NULL && setenv("ZR_CLIENT_IDENTITY", identity, 1) == -1)
		die_errno("setenv");
	snprintf(text, sizeof(text), "%d", CLIENT_PROGRAM_HANDSHAKE_FD);
	if (setenv("ZR_HANDSHAKE_FD", text, 1) == -1)
		die_errno("setenv");
	if (dup2(fd, STDIN_FILENO) == -1 || dup2(fd, STDOUT_FILENO) == -1 ||
	    dup2(pipe_fd, CLIENT_PROGRAM_HANDSHAKE_FD) == -1)
		die_errno("dup2");
	/* In case it was that very descriptor. */
	io_set_cloexec(CLIENT_PROGRAM_HANDSHAKE_FD, false);
	closefrom(CLIENT_PROGRAM_HANDSHAKE_FD + 1);
	diag_refresh();
	chain_exec(NULL, argv);
}

pid_t
client_program_start(char *const argv[], int fd, const char *identity,
    int *handshake, struct error *error)
{
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) == -1)
		return (error_errno(error, "pipe"));
	pid = fork();
	if (pid == 0)
		become_client(argv, fd, ends[1], identity);
	if (pid == -1) {
		error_errno(error, "fork");
		io_close(&ends[0]);
	}
	io_close(&ends[1]);
	*handshake = ends[0];
	return (pid);
}

enum client_program_news
client_program_read(int handshake, char identity[IDENTITY_MAX + 1])
{
	char line[IDENTITY_MAX + 2];
	ssize_t got = io_read(handshake, line, sizeof(line) - 1);

	if (got <= 0)
		return (CLIENT_PROGRAM_GREETED);
	line[got] = '\0';
	line[strcspn(line, "\n")] = '\0';
	if (!identity_valid(line))
		return (CLIENT_PROGRAM_NOTHING);
	strlcpy(identity, line, IDENTITY_MAX + 1);
	return (CLIENT_PROGRAM_IDENTITY);
}
