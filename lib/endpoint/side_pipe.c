#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/io.h"
#include "base/program.h"
#include "endpoint/side_pipe.h"

#define SIDE_PIPES 2

/* For each pipe: the number that is kept; the variable, while it is set. */
static int numbers[SIDE_PIPES] = { -1, -1 };
static const char *variables[SIDE_PIPES];

/* The first free number in the order 8, 9, 3, 4, 5, 10 and so on. */
static int
free_number(int fd)
{
	int number = fcntl(fd, F_DUPFD_CLOEXEC, 8), low;

	if (number <= 9)
		return (number);
	low = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (low == -1 || low >= 6) {
		io_close(&low);
		return (number);
	}
	close(number);
	return (low);
}

static void
forget_pipes(void)
{
	for (int i = 0; i < SIDE_PIPES; i++) {
		numbers[i] = -1;
		variables[i] = NULL;
	}
}

int
side_pipes_reserve(struct error *error)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	program_at_exec(forget_pipes);
	for (int i = 0; i < SIDE_PIPES && null != -1; i++)
		if (numbers[i] == -1)
			numbers[i] = free_number(null);
	io_close(&null);
	if (numbers[SIDE_PIPES - 1] == -1)
		return (error_errno(error, "/dev/null"));
	return (0);
}

int
side_pipe_open(enum side_pipe which, const char *variable, struct error *error)
{
	const int their_end = which == SIDE_PIPE_READ ? 0 : 1;
	char number[16];
	int ends[2], ours;

	if (side_pipes_reserve(error) == -1)
		return (-1);
	if (pipe2(ends, O_CLOEXEC) == -1)
		return (error_errno(error, "pipe"));
	ours = ends[1 - their_end];
	snprintf(number, sizeof(number), "%d", numbers[which]);
	if (io_set_nonblocking(ours, true) == -1 ||
	    dup2(ends[their_end], numbers[which]) == -1 ||
	    setenv(variable, number, 1) == -1) {
		error_errno(error, "pipe");
		io_close(&ours);
	} else
		variables[which] = variable;
	close(ends[their_end]);
	return (ours);
}

void
side_pipes_close(void)
{
	int null = -1;

	for (int i = 0; i < SIDE_PIPES; i++) {
		if (variables[i] == NULL)
			continue;
		unsetenv(variables[i]);
		variables[i] = NULL;
		if (null == -1)
			null = open("/dev/null", O_RDWR | O_CLOEXEC);
		/* Without /dev/null, give up the number, since the pipe must close. */
		if (null == -1 || dup3(null, numbers[i], O_CLOEXEC) == -1)
			io_close(&numbers[i]);
	}
	io_close(&null);
}

void
side_pipes_release(void)
{
	for (int i = 0; i < SIDE_PIPES; i++)
		io_close(&numbers[i]);
}
