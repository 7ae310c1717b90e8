#ifndef ZR_GUARD_BATCH_H
#define ZR_GUARD_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

#include "base/buffer.h"
#include "base/lines.h"
#include "endpoint/batch.h"
#include "endpoint/call.h"
#include "guard/guard.h"

/*
 * The batch form in front of the endpoint's own (zr-endpoint-interface(7)).  A line that
 * we read is never passed on as it stands: the endpoint gets a line that we wrote from
 * its parts, so that it cannot read another method in it than we did.  DestroySnapshots
 * is a call of our own, in a child.
 */
#define GUARD_BATCH_AT_ONCE	8		/* children */
#define GUARD_BATCH_CALLS	16		/* of our own, waiting ones too */
#define GUARD_BATCH_PAUSE	(64u << 10)	/* bytes not written yet: read no more */

/* A DestroySnapshots without an answer yet. */
struct guard_batch_call {
	TAILQ_ENTRY(guard_batch_call) entries;
	struct json_slice id;		/* its text is owned */
	DestroySnapshotsReq *request;
	struct call at;			/* its child, once started */
	bool started;
	bool cancelled;
};

TAILQ_HEAD(guard_batch_calls, guard_batch_call);

struct guard_batch {
	const struct guard *guard;
	struct endpoint endpoint;	/* its batch */
	struct lines lines;		/* of standard input */
	struct buffer requests;		/* for the endpoint */
	struct buffer answers;		/* lines of ours */
	struct buffer output;		/* to be written */
	bool in_line;			/* output ends inside a line of the endpoint */
	struct guard_batch_calls calls;	/* the oldest first */
	size_t count, running;
	int signal;			/* that told us to end; 0: none */
};

/* --- guard_batch_call.c --- */

/* Add a call, copying the id; request is taken over in any case. */
int	guard_batch_add(struct guard_batch *batch, const struct json_slice *id,
	    DestroySnapshotsReq *request, struct error *error);

/* True if it was one of ours. */
bool	guard_batch_cancel(struct guard_batch *batch, const struct json_slice *id);

/* Start those that wait, as far as there is room; answer those that have ended. */
int	guard_batch_attend(struct guard_batch *batch, struct error *error);

/* Cancel all: nobody waits for an answer any more. */
void	guard_batch_end(struct guard_batch *batch);

/* Take all off the list, ending what still runs; blocking. */
void	guard_batch_forget_all(struct guard_batch *batch);

/* --- guard_batch_output.c --- */

/* Move what can be moved between the endpoint, us and standard output. */
int	guard_batch_move(struct guard_batch *batch, struct error *error);

/* Is nothing left to be written? */
bool	guard_batch_written(const struct guard_batch *batch);

#endif
