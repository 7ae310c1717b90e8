#ifndef ZR_ENDPOINT_PROGRAM_H
#define ZR_ENDPOINT_PROGRAM_H

#include <protobuf-c/protobuf-c.h>

#include "base/buffer.h"
#include "base/error.h"

/*
 * A program of ours that is an endpoint (zr-endpoint-interface(7)): a table of methods,
 * each of which takes a request and answers with request_answer() (request.h).
 *
 * many, NULL for most, answers count requests at less cost than count calls of handle;
 * only a batch uses it.  In the order of the requests it writes either the answer that
 * handle would give, or endpoint_program_leave().  A request that it leaves, or has not
 * reached when it returns -1, is handled alone.  So every error comes from handle: many
 * must leave every request that it cannot answer for certain.
 *
 * at_once, in place of both, appends its answer, without a newline: for methods that do
 * nothing but that.  A batch needs no process for them.
 */
struct endpoint_method {
	const char *name;
	int (*handle)(void *context, const ProtobufCMessage *request,
	    struct error *error);
	int (*many)(void *context, const ProtobufCMessage *const requests[],
	    size_t count, struct error *error);
	int (*at_once)(void *context, const ProtobufCMessage *request,
	    struct buffer *answer, struct error *error);
};

struct endpoint_program {
	const struct endpoint_method *methods;	/* all of method.h, then a NULL name */
	void *context;			/* of the methods */
	/* Print an error on standard error; NULL: print just the text. */
	void (*explain)(void *context, const struct error *error);
};

/*
 * Run a method on the request in operand or, if that is NULL, on the first line of
 * standard input; or run "batch" (endpoint_batch.h).  Returns the exit code, after
 * printing the reason if it is not 0; EXIT_USAGE for an unknown method.
 */
int	endpoint_program_run(const struct endpoint_program *program,
	    const char *method, const char *operand);

/* Of several requests, leave this one to be handled alone. */
int	endpoint_program_leave(struct error *error);

/* Handle a request and print its error, in a child of a batch or alone. */
int	endpoint_program_handle(const struct endpoint_program *program,
	    const struct endpoint_method *method,
	    const ProtobufCMessage *request);

/* NULL if there is no method of that name. */
const struct endpoint_method *endpoint_program_find(
	    const struct endpoint_program *program, const char *name);

#endif
