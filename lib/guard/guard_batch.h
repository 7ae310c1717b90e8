#ifndef ZR_GUARD_BATCH_H
#define ZR_GUARD_BATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/lines.h"
#include "endpoint/batch_calls.h"
#include "guard/guard.h"

/*
 * The batch form in front of the endpoint's own (zr-endpoint-interface(7)).  A line that
 * we read is never passed on as it stands: the endpoint gets a line that we wrote from
 * its parts, so that it cannot read another method in it than we did.  DestroySnapshots
 * is a call of our own, in a child.
 */
#define GUARD_BATCH_CALLS	16		/* of our own, waiting ones too */
#define GUARD_BATCH_PAUSE	(64u << 10)	/* bytes not written yet: read no more */

struct guard_batch {
	const struct guard *guard;
	struct endpoint endpoint;	/* its batch */
	struct lines lines;		/* of standard input */
	struct buffer requests;		/* for the endpoint */
	struct buffer answers;		/* lines of ours */
	struct buffer output;		/* to be written */
	bool in_line;			/* output ends inside a line of the endpoint */
	struct batch_calls calls;	/* DestroySnapshots */
	int signal;			/* that told us to end; 0: none */
};

/* Start those that wait, as far as there is room; answer those that have ended. */
int	guard_batch_attend(struct guard_batch *batch, struct error *error);

/* --- guard_batch_output.c --- */

/* Move what can be moved between the endpoint, us and standard output. */
int	guard_batch_move(struct guard_batch *batch, struct error *error);

/* Is nothing left to be written? */
bool	guard_batch_written(const struct guard_batch *batch);

#endif
