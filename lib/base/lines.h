#ifndef ZR_LINES_H
#define ZR_LINES_H

#include <stdbool.h>

#include "base/buffer.h"
#include "base/error.h"

/*
 * Lines from a descriptor that is read with others: whatever is there at a
 * time, handed on line by line.  Read only while lines_waiting() is false:
 * then at most one line and one read are held.
 */
#define LINES_CHUNK (64u << 10)

struct lines {
	struct buffer buffer;
	size_t searched;	/* of it without a newline */
	size_t taken;		/* of it given out, and to be forgotten */
	bool ended;		/* end of file was read */
};

/* max: the longest line, in bytes. */
#define LINES_EMPTY(max_length) \
	((struct lines){ .buffer = BUFFER_EMPTY((max_length) + LINES_CHUNK) })

/* Read once.  -1: an error, or a line that is too long (EXIT_USAGE). */
int	lines_read(struct lines *lines, int fd, struct error *error);

/* Is there a line to be had? */
bool	lines_waiting(struct lines *lines);

/*
 * The next line without its newline, *length bytes; the last one needs none.
 * Valid until the next call.  NULL: there is none yet, or none any more.
 */
const char *lines_next(struct lines *lines, size_t *length);

/* Is everything read and given out? */
bool	lines_done(struct lines *lines);

void	lines_free(struct lines *lines);

#endif
