#ifndef ZR_PROGRESS_H
#define ZR_PROGRESS_H

#include <stdint.h>

#include "base/error.h"
#include "base/lines.h"

/*
 * Reporting the progress of a stream (zr-endpoint-interface(7)): a line {"bytes":N} about
 * once a second on the descriptor that $ZR_PROGRESS names, and one on standard error
 * after SIGUSR1.  A line that the descriptor does not take at once is left out, so that a
 * slow reader does not delay the stream.
 */
#define PROGRESS_MS 1000

struct progress {
	int fd;			/* -1: nobody asked */
	int64_t next;		/* ms */
	int64_t started;
};

/*
 * Read $ZR_PROGRESS and unset it; catch SIGUSR1.  A value that is no open
 * descriptor is an error.
 */
int	progress_open(struct progress *progress, int64_t now, struct error *error);

/* Call at progress_deadline() or more often; cheap. */
void	progress_tick(struct progress *progress, uint64_t bytes, int64_t now);
int64_t	progress_deadline(const struct progress *progress);

/* Write the line with the final count, if that is possible. */
void	progress_end(struct progress *progress, uint64_t bytes);

/* The other side: the progress that an endpoint reports.  The last line counts. */
#define PROGRESS_LINE_MAX 64u	/* bytes of a line; a longer one is invalid */

struct progress_reader {
	int fd;			/* poll it for POLLIN; -1: no more lines come */
	bool known;		/* at least one line came */
	uint64_t bytes;
	struct lines lines;
};

#define PROGRESS_READER_NONE ((struct progress_reader){ .fd = -1, \
	.lines = LINES_EMPTY(PROGRESS_LINE_MAX) })

/* Open the pipe of the ZR_PROGRESS of an endpoint that is started next (side_pipe.h). */
int	progress_offer(struct progress_reader *reader, struct error *error);

/*
 * Read once, at most a pipe's worth; does nothing if fd is -1.  A line that is too long
 * closes fd.
 */
void	progress_read(struct progress_reader *reader);
void	progress_reader_free(struct progress_reader *reader);

#endif
