#ifndef ZR_PACE_H
#define ZR_PACE_H

#include <stddef.h>
#include <stdint.h>

/*
 * Does a peer take what waits for it, or only a byte now and then to keep us
 * waiting?  It has to take PACE_LEAST bytes per second, on average over
 * window_ms; the last of what waits has a window for itself.  Slower than any
 * link of today, as it has to be shared by some connections.  Pure: the clock is
 * the caller's, in milliseconds.
 */
#define PACE_LEAST	4096	/* bytes per second */

struct pace {
	int64_t window_ms;
	int64_t since;		/* the start of this window */
	uint64_t moved;		/* bytes in it */
};

/* From now on something waits, or nothing does, or a new peer is measured. */
void	pace_start(struct pace *pace, int64_t window_ms, int64_t now);

/* Some of it was taken. */
void	pace_moved(struct pace *pace, size_t bytes, int64_t now);

/* Then, if something still waits, the peer is too slow. */
int64_t	pace_deadline(const struct pace *pace);

#endif
