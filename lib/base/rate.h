#ifndef ZR_RATE_H
#define ZR_RATE_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/*
 * A bandwidth limit: a bucket that fills at bytes_per_second and holds the bytes of
 * a tenth of a second, so that no burst is longer.  Pure.
 */
struct rate {
	uint64_t bytes_per_second;	/* 0: no limit */
	int64_t tokens;			/* bytes that may move now; negative: too many */
					/* have moved, which the next ones wait for */
	uint64_t remainder;		/* thousandths of a byte */
	int64_t updated;		/* ms */
};

#define RATE_UNLIMITED ((struct rate){ .bytes_per_second = 0 })

/* "500k", "20M", "1G" (powers of 1024) bytes per second; at least 1k. */
int	rate_parse(struct rate *rate, const char *text, struct error *error);

/*
 * The number of bytes that may move now; SIZE_MAX without a limit.  0 instead of a
 * small number: fewer bytes than those of a fiftieth of a second are not handed out.
 */
size_t	rate_available(struct rate *rate, int64_t now);

/* They have moved; more than were available, where inflating made them more. */
void	rate_take(struct rate *rate, size_t length);

/* The time at which to call rate_available() again after it returned 0. */
int64_t	rate_ready_at(const struct rate *rate, int64_t now);

#endif
