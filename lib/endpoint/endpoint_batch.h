#ifndef ZR_ENDPOINT_BATCH_H
#define ZR_ENDPOINT_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/lines.h"
#include "endpoint/batch_calls.h"
#include "endpoint/endpoint_program.h"

/*
 * The batch form (zr-endpoint-interface(7)) of a program of ours: requests from standard
 * input, answers to standard output, until end of file and the last answer.  Each call
 * runs in a child process of its own (endpoint_child.h), so that one can be cancelled or
 * fail alone, unless its method does nothing but answer (at_once in endpoint_program.h).
 *
 * Calls of a method that can answer many requests at once (endpoint_program.h) share a
 * child, a group, if they wait at the same time.  While a group runs, new calls wait for
 * its end, unless they are enough for a full group or it takes long.  Calls that a group
 * leaves unanswered run alone, as if there were no groups.  A group that is slow, but
 * answers, does not make the next ones smaller: they would be slower.
 */
#define ENDPOINT_BATCH_WAITING	1024	/* lines read ahead */
#define ENDPOINT_GROUP_MAX	200	/* calls */
#define ENDPOINT_GROUP_LONG_MS	10000	/* then the next one does not wait for it */
#define ENDPOINT_GROUP_GIVE_UP_MS 30000	/* without an answer: then its calls run alone, */
					/* and later groups have half its size */
#define ENDPOINT_GROUP_PAUSE_MS	5	/* after a group, for the next calls to arrive */

int	endpoint_batch(const struct endpoint_program *program,
	    struct error *error);

/* --- what its files share --- */

/* Calls that one child answers. */
struct batch_group {
	TAILQ_ENTRY(batch_group) entries;
	struct endpoint endpoint;
	struct lines lines;		/* from the child: an answer, or empty */
	struct batch_call *calls[ENDPOINT_GROUP_MAX];	/* NULL: taken out */
	size_t count, answered, left;	/* left: calls that are not NULL */
	int64_t give_up_at;
	bool over;			/* its child was told to end */
};

TAILQ_HEAD(batch_groups, batch_group);

struct endpoint_batch {
	const struct endpoint_program *program;
	struct batch_calls calls;
	struct batch_groups groups;
	size_t group_max;		/* calls in a group from now on */
	const void *latest;		/* group, or its only call; NULL: it ended */
	int64_t gather_until;		/* only full groups are started before this */
	struct lines lines;		/* read, not parsed yet */
	struct buffer answers;		/* to be written */
	int signal;			/* the signal that told us to end; 0: none */
};

/* Start a child for a call. */
int	endpoint_batch_start(struct endpoint_batch *batch, struct batch_call *call,
	    struct error *error);

/* Take a call out of its group and off the list, as batch_calls_forget() does. */
void	endpoint_batch_forget(struct endpoint_batch *batch, struct batch_call *call);

/* Answer a call that has ended, or was cancelled before it was started. */
int	endpoint_batch_answer(struct endpoint_batch *batch, struct batch_call *call,
	    struct error *error);
int	endpoint_batch_respond(struct endpoint_batch *batch, const struct json_slice *id,
	    const char *response, size_t length, struct error *error);
int	endpoint_batch_refuse(struct endpoint_batch *batch, const struct json_slice *id,
	    const char *status, const struct error *what, struct error *error);

/* --- groups --- */

/* Put calls that wait together into groups, and start those. */
void	endpoint_groups_start(struct endpoint_batch *batch);

/* Pass on what groups have answered; a group that is over leaves the list. */
int	endpoint_groups_attend(struct endpoint_batch *batch, struct error *error);

/* Fill in entries, one for each group; make *deadline earlier if necessary. */
size_t	endpoint_groups_poll(const struct endpoint_batch *batch, struct pollfd *entries,
	    int64_t *deadline);

/* Take a call out of its group, which ends once it has none. */
void	endpoint_group_drop(struct batch_call *call);

/* If this is the latest group, it is over: the next one can begin at this time. */
void	endpoint_groups_resume(struct endpoint_batch *batch, const void *ended, int64_t at);

/* End the children, blocking. */
void	endpoint_groups_free(struct endpoint_batch *batch);

#endif
