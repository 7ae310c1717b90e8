#ifndef ZR_LINES_H
#define ZR_LINES_H

#include <stdbool.h>

#include "base/buffer.h"
#include "base/error.h"

/*
 * Lines from a descriptor in a poll loop: the available bytes are read at once and
 * handed on line by line.  Read only while lines_waiting() is false: then at most
 * one line and one read are held.
 */
#define LINES_CHUNK (64u << 10)

struct lines {
	struct buffer buffer;
	size_t searched;	/* bytes of buffer known to have no newline */
	size_t taken;		/* bytes of buffer given out, to be consumed */
	bool ended;		/* end of file was read */
};

/* max: the longest line, in bytes. */
#define LINES_EMPTY(max_length) \
	((struct lines){ .buffer = BUFFER_EMPTY((max_length) + LINES_CHUNK) })

/* Read once.  -1: an error, or a line that is too long (EXIT_USAGE). */
int	lines_read(struct lines *lines, int fd, struct error *error);

/* Can lines_next() return a line now? */
bool	lines_waiting(struct lines *lines);

/*
 * The next line without its newline, *length bytes; the last line may lack one.
 * Valid until the next call.  NULL: no line yet, or none left.
 */
const char *lines_next(struct lines *lines, size_t *length);

/* Did the line that lines_next() has just returned lack its newline? */
bool	lines_cut(const struct lines *lines, size_t length);

/* Is everything read and given out? */
bool	lines_done(struct lines *lines);

void	lines_free(struct lines *lines);

#endif
