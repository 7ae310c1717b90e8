#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"

#define LOOK 4096	/* bytes */

static bool
is_pipe(int fd)
{
	struct stat status;

	return (fstat(fd, &status) == 0 && S_ISFIFO(status.st_mode));
}

/*
 * How many of the next bytes of a pipe can be read without one that follows the line:
 * tee(2) shows them, in buffer, before they are read.  One can always be read.
 */
static size_t
part_of_line(int fd, char *buffer, size_t size)
{
	size_t part = 1;
	const char *end;
	ssize_t seen;
	int copy[2];

	if (size > LOOK)
		size = LOOK;
	if (pipe2(copy, O_CLOEXEC) == -1)
		return (part);
	seen = tee(fd, copy[1], size, 0);
	if (seen > 0)
		seen = io_read(copy[0], buffer, (size_t)seen);
	if (seen > 0) {
		end = memchr(buffer, '\n', (size_t)seen);
		part = end != NULL ? (size_t)(end - buffer) + 1 : (size_t)seen;
	}
	close(copy[0]);
	close(copy[1]);
	return (part);
}

ssize_t
io_read_line(int fd, enum io_line what, char *line, size_t size,
    int64_t deadline, struct error *error)
{
	const bool shown = what == IO_LINE_ALONE && is_pipe(fd);
	size_t have = 0, length, want;
	char *end;
	ssize_t got;

	for (;;) {
		if (deadline != IO_FOREVER &&
		    io_wait(fd, POLLIN, deadline, error) == -1)
			return (-1);
		want = what == IO_LINE_AND_REST ? size - have : 1;
		if (shown)
			want = part_of_line(fd, line + have, size - have);
		got = io_read(fd, line + have, want);
		if (got == -1 && errno == EAGAIN) {
			if (io_wait(fd, POLLIN, deadline, error) == -1)
				return (-1);
			continue;
		}
		if (got == -1)
			return (error_errno(error, "read"));
		if (got == 0)
			return (error_end(error, have == 0 ? "end of file" :
			    "the line has no end"));
		end = memchr(line + have, '\n', (size_t)got);
		length = end != NULL ? (size_t)(end - line) : have + (size_t)got;
		if (memchr(line + have, '\0', length - have) != NULL)
			return (error_set(error, EXIT_PROTOCOL,
			    "the line holds a NUL byte"));
		if (end != NULL) {
			*end = '\0';
			return ((ssize_t)length);
		}
		have = length;
		if (have == size)
			return (error_set(error, EXIT_PROTOCOL,
			    "the line is longer than %zu bytes", size - 1));
	}
}
