#ifndef ZR_PROGRESS_H
#define ZR_PROGRESS_H

#include <stdint.h>

#include "base/error.h"

/*
 * Telling how far a stream has come (zr-endpoint-interface(7)): a line
 * {"bytes":N} about once a second on the descriptor that $ZR_PROGRESS names,
 * and one on standard error after SIGUSR1.  A line that the descriptor does not
 * take at once is left out: a reader's slowness is not the stream's.
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

/* Call about as often as progress_deadline() says; cheap. */
void	progress_tick(struct progress *progress, uint64_t bytes, int64_t now);
int64_t	progress_deadline(const struct progress *progress);

/* The last word: the line for the final count, where it can be written. */
void	progress_end(struct progress *progress, uint64_t bytes);

#endif
