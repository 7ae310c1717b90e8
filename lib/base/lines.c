#include <errno.h>
#include <string.h>

#include "base/io.h"
#include "base/lines.h"

static void
forget(struct lines *lines)
{
	buffer_consume(&lines->buffer, lines->taken);
	lines->taken = 0;
}

int
lines_read(struct lines *lines, int fd, struct error *error)
{
	static char chunk[LINES_CHUNK];
	ssize_t got;

	forget(lines);
	got = io_read(fd, chunk, sizeof(chunk));
	if (got == -1 && errno == EAGAIN)
		return (0);
	if (got == -1)
		return (error_errno(error, "read"));
	if (got == 0)
		lines->ended = true;
	else if (buffer_append(&lines->buffer, chunk, (size_t)got) == -1)
		return (error_set(error, EXIT_USAGE, "a line of more than %zu "
		    "bytes", buffer_max(&lines->buffer) - LINES_CHUNK));
	return (0);
}

/* Where the first line ends; NULL: not yet. */
static const char *
find_end(struct lines *lines)
{
	const char *front, *newline;
	size_t length;

	forget(lines);
	front = (const char *)buffer_front(&lines->buffer);
	length = buffer_length(&lines->buffer);
	newline = length > lines->searched ? memchr(front + lines->searched,
	    '\n', length - lines->searched) : NULL;
	if (newline != NULL) {
		lines->searched = (size_t)(newline - front);
		return (newline);
	}
	lines->searched = length;
	return (lines->ended && length > 0 ? front + length : NULL);
}

bool
lines_waiting(struct lines *lines)
{
	return (find_end(lines) != NULL);
}

const char *
lines_next(struct lines *lines, size_t *length)
{
	const char *end = find_end(lines), *front;

	if (end == NULL)
		return (NULL);
	front = (const char *)buffer_front(&lines->buffer);
	*length = (size_t)(end - front);
	lines->taken = *length < buffer_length(&lines->buffer) ?
	    *length + 1 : *length;
	lines->searched = 0;
	return (front);
}

bool
lines_cut(const struct lines *lines, size_t length)
{
	return (lines->taken == length);
}

bool
lines_done(struct lines *lines)
{
	return (lines->ended && !lines_waiting(lines));
}

void
lines_free(struct lines *lines)
{
	buffer_free(&lines->buffer);
}
