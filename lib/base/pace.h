#ifndef ZR_PACE_H
#define ZR_PACE_H

#include <stddef.h>
#include <stdint.h>

/*
 * Does a peer read the bytes that wait for it, or only one now and then to keep us
 * waiting?  It must read PACE_LEAST bytes per second, averaged over window_ms; the
 * last bytes have a window of their own.  The limit is below the speed of any of
 * today's links, since several connections may share one.  Pure: the clock is the
 * caller's, in milliseconds.
 */
#define PACE_LEAST	4096	/* bytes per second */

struct pace {
	int64_t window_ms;
	int64_t since;		/* the start of this window */
	uint64_t moved;		/* bytes read in it */
};

/* Start anew: bytes begin to wait, none wait any more, or the peer is a new one. */
void	pace_start(struct pace *pace, int64_t window_ms, int64_t now);

/* The peer has read some of the bytes. */
void	pace_moved(struct pace *pace, size_t bytes, int64_t now);

/* The time at which the peer is too slow if bytes still wait. */
int64_t	pace_deadline(const struct pace *pace);

#endif
