#ifndef ZR_ENDPOINT_BATCH_H
#define ZR_ENDPOINT_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/lines.h"
#include "endpoint/call.h"
#include "endpoint/endpoint_program.h"
#include "message/json_scan.h"

/*
 * The batch form (zr-endpoint-interface(7)) of a program of ours: requests from standard
 * input, answers to standard output, until the end of the one and the last of the other.
 * Each call runs in a child process of its own (endpoint_child.h), so that one can be
 * cancelled or fail alone.
 */
#define ENDPOINT_BATCH_AT_ONCE	8	/* children */
#define ENDPOINT_BATCH_WAITING	1024	/* lines read ahead */

int	endpoint_batch(const struct endpoint_program *program,
	    struct error *error);

/* --- what its files share --- */

/* A call without an answer yet. */
struct batch_call {
	TAILQ_ENTRY(batch_call) entries;
	struct json_slice id;		/* its text is owned */
	const struct endpoint_method *method;
	ProtobufCMessage *request;
	struct call at;			/* the child, once started */
	bool started;
	bool cancelled;
};

TAILQ_HEAD(batch_calls, batch_call);

struct batch {
	const struct endpoint_program *program;
	struct batch_calls calls;	/* the oldest first */
	size_t count, running;
	struct lines lines;		/* read, and not yet looked at */
	struct buffer answers;		/* to be written */
	int signal;			/* that told us to end; 0: none */
};

/* May another child be started now? */
bool	endpoint_batch_has_room(const struct batch *batch);

/* Start a child for a call. */
int	endpoint_batch_start(struct batch *batch, struct batch_call *call,
	    struct error *error);

/* Take a call off the list and free it, ending its child if that still runs. */
void	endpoint_batch_forget(struct batch *batch, struct batch_call *call);

/* Answer a call that has ended, or was cancelled before it was started. */
int	endpoint_batch_answer(struct batch *batch, struct batch_call *call,
	    struct error *error);
int	endpoint_batch_respond(struct batch *batch, const struct json_slice *id,
	    const char *response, size_t length, struct error *error);
int	endpoint_batch_refuse(struct batch *batch, const struct json_slice *id,
	    const char *status, const struct error *what, struct error *error);

#endif
