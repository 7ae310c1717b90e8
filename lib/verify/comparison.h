#ifndef ZR_COMPARISON_H
#define ZR_COMPARISON_H

#include "verify/source.h"

/*
 * One snapshot, as two endpoints have it: both send it in full, and the lines of the two
 * digests are compared as they come.  Both ascend, so that one line of each is held; the
 * faster one waits.
 */
enum { COMPARISON_SENDER, COMPARISON_RECEIVER, COMPARISON_SIDES };

struct difference {
	bool is_range;
	uint64_t number;	/* of the object, or of the range's first one */
	enum sum_pair how;
};

#define COMPARISON_NAMED 20	/* differences that are kept; the others are counted */

struct comparison {
	struct source sources[COMPARISON_SIDES];
	uint64_t guid;
	bool over;
	bool ending;
	bool compared;			/* up to the sums */
	struct stream_sum sums[COMPARISON_SIDES];
	struct difference named[COMPARISON_NAMED];
	uint64_t differences;
	uint64_t moved;			/* bytes and lines of both sides, */
	int64_t moved_at;		/* and when that became more */
	enum failure failure;		/* once over; FAILURE_NONE: compared */
	struct error error;		/* its hint is set by comparison_free() */
};

#define COMPARISON_ENTRIES (COMPARISON_SIDES * SOURCE_ENTRIES)

/* After -1 nothing has to be freed. */
int	comparison_start(struct comparison *comparison,
	    const struct source_order orders[COMPARISON_SIDES], int64_t now,
	    struct error *error);

/* The events and the deadline to wait for. */
void	comparison_poll(const struct comparison *comparison,
	    struct pollfd entries[COMPARISON_ENTRIES]);
int64_t	comparison_deadline(const struct comparison *comparison, int64_t stall_ms);

/*
 * Go on, without blocking, until it is over.  If neither side moves for stall_ms, that is
 * a failure of the transport; 0: no limit.
 */
void	comparison_handle(struct comparison *comparison,
	    const struct pollfd entries[COMPARISON_ENTRIES], int64_t stall_ms,
	    int64_t now);

/* End it with the error why.  Does nothing if it is already ending or over. */
void	comparison_end(struct comparison *comparison, enum failure failure,
	    const struct error *why, int64_t now);

/* Compared: are both the same? */
bool	comparison_same(const struct comparison *comparison);

/* Blocks until all processes have ended. */
void	comparison_free(struct comparison *comparison);

#endif
