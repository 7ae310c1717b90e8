#ifndef ZR_BATCH_CALLS_H
#define ZR_BATCH_CALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

#include "base/error.h"
#include "endpoint/call.h"
#include "endpoint/endpoint_program.h"
#include "message/json_scan.h"

/*
 * The calls of a batch that run in children of ours (endpoint_child.h), each from its
 * line to its answer; endpoint_batch.h and guard_batch.h have such a list.
 */
#define BATCH_CALLS_AT_ONCE	8	/* children */

struct batch_group;

/* A call without an answer yet. */
struct batch_call {
	TAILQ_ENTRY(batch_call) entries;
	struct json_slice *id;		/* owned */
	ProtobufCMessage *request;	/* owned; NULL once its child has it */
	struct call at;			/* its own child, once started */
	bool started;
	bool cancelled;
	/* endpoint_batch.h's: */
	const struct endpoint_method *method;
	struct batch_group *group;	/* the group that has it; NULL: none */
	bool alone;			/* must not be in a group, or not again */
};

TAILQ_HEAD(batch_call_list, batch_call);

struct batch_calls {
	struct batch_call_list list;	/* the oldest first */
	size_t count;
	size_t running;			/* children, those of groups too */
};

/* Add a call with a copy of this id. */
struct batch_call *batch_calls_add(struct batch_calls *calls,
	    const struct json_slice *id, struct error *error);

/* May another child be started now? */
bool	batch_calls_have_room(const struct batch_calls *calls);

/* Start a child that exits with what run(context) returns. */
int	batch_calls_start(struct batch_calls *calls, struct batch_call *call,
	    int (*run)(const void *context), const void *context, struct error *error);

/* Fill in the entries of the children; make *deadline earlier if necessary. */
size_t	batch_calls_poll(const struct batch_calls *calls, struct pollfd *entries,
	    int64_t *deadline);

/* Read from its child.  Has it ended, or was it cancelled before it was started? */
bool	batch_call_over(struct batch_call *call);

/* True if one of them has this id. */
bool	batch_calls_cancel(struct batch_calls *calls, const struct json_slice *id);
void	batch_calls_cancel_all(struct batch_calls *calls);

/* Take a call off the list and free it, ending its child if that still runs. */
void	batch_calls_forget(struct batch_calls *calls, struct batch_call *call);

#endif
