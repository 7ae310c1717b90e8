#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/io.h"
#include "base/signals.h"
#include "transport/chain.h"
#include "transport/client_program.h"
#include "transport/ucspi.h"

#define OUR_LINES 2	/* besides those of ucspi.h */

/* The environment of a client's program. */
struct environment {
	char **entries;			/* owned; the strings are not */
	char lines[UCSPI_LINES][UCSPI_LINE_SIZE];
	char identity[IDENTITY_MAX + 32];
	char handshake[32];
};

/* Is it a variable that the client's program does not get from us? */
static bool
is_dropped(const char *entry)
{
	static const char *const names[] = { "ZR_CLIENT_IDENTITY=", "ZR_LABEL=",
	    "ZR_EXTENSIONS=", "ZR_HANDSHAKE_FD=" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strncmp(entry, names[i], strlen(names[i])) == 0)
			return (true);
	return (ucspi_describes(entry));
}

static int
make_environment(struct environment *environment, int fd, const char *identity,
    struct error *error)
{
	size_t count = 0, used = 0;
	char **entries;
	const int lines = ucspi_lines(fd, environment->lines, error);

	if (lines == -1)
		return (-1);
	while (environ[count] != NULL)
		count++;
	entries = calloc(count + UCSPI_LINES + OUR_LINES + 1, sizeof(*entries));
	if (entries == NULL)
		return (error_errno(error, "environment"));
	for (size_t i = 0; i < count; i++)
		if (!is_dropped(environ[i]))
			entries[used++] = environ[i];
	for (int i = 0; i < lines; i++)
		entries[used++] = environment->lines[i];
	if (identity != NULL) {
		snprintf(environment->identity, sizeof(environment->identity),
		    "ZR_CLIENT_IDENTITY=%s", identity);
		entries[used++] = environment->identity;
	}
	snprintf(environment->handshake, sizeof(environment->handshake),
	    "ZR_HANDSHAKE_FD=%d", CLIENT_PROGRAM_HANDSHAKE_FD);
	entries[used] = environment->handshake;
	environment->entries = entries;
	return (0);
}

/*
 * Start it without a copy of ourselves, whose page tables would cost more than all else
 * here.  The connection is on 0 and 1; nothing else is open but 2 and the pipe.
 */
static int
spawn(pid_t *pid, char *const argv[], int fd, int pipe_fd, char *const entries[])
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	short flags = POSIX_SPAWN_SETSIGDEF;
	sigset_t defaults;
	int result;

	if (posix_spawn_file_actions_init(&actions) != 0)
		return (-1);
	if (posix_spawnattr_init(&attributes) != 0) {
		posix_spawn_file_actions_destroy(&actions);
		return (-1);
	}
	/* As signals_restore(); what is caught execve(2) resets. */
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	posix_spawnattr_setsigdefault(&attributes, &defaults);
	if (signals_open_mask() != NULL) {
		posix_spawnattr_setsigmask(&attributes, signals_open_mask());
		flags |= POSIX_SPAWN_SETSIGMASK;
	}
	posix_spawnattr_setflags(&attributes, flags);
	result = posix_spawn_file_actions_adddup2(&actions, fd, STDIN_FILENO) != 0 ||
	    posix_spawn_file_actions_adddup2(&actions, fd, STDOUT_FILENO) != 0 ||
	    posix_spawn_file_actions_adddup2(&actions, pipe_fd,
	    CLIENT_PROGRAM_HANDSHAKE_FD) != 0 ||
	    posix_spawn_file_actions_addclosefrom_np(&actions,
	    CLIENT_PROGRAM_HANDSHAKE_FD + 1) != 0 ||
	    posix_spawnp(pid, argv[0], &actions, &attributes, argv, entries) != 0 ?
	    -1 : 0;
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return (result);
}

/* The same in a child, which says why the program cannot be executed. */
static void __attribute__((noreturn))
become_client(char *const argv[], int fd, int pipe_fd, char **entries)
{
	environ = entries;
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
	struct environment environment;
	int ends[2];
	pid_t pid;

	if (make_environment(&environment, fd, identity, error) == -1)
		return (errno == ENOTCONN ? 0 : -1);
	if (pipe2(ends, O_CLOEXEC) == -1) {
		free(environment.entries);
		return (error_errno(error, "pipe"));
	}
	if (spawn(&pid, argv, fd, ends[1], environment.entries) == -1)
		pid = fork();
	if (pid == 0)
		become_client(argv, fd, ends[1], environment.entries);
	if (pid == -1) {
		error_errno(error, "fork");
		io_close(&ends[0]);
	}
	io_close(&ends[1]);
	free(environment.entries);
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
