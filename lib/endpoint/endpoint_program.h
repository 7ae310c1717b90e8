#ifndef ZR_ENDPOINT_PROGRAM_H
#define ZR_ENDPOINT_PROGRAM_H

#include <protobuf-c/protobuf-c.h>

#include "base/error.h"

/*
 * What a program of ours is that is an endpoint itself
 * (zr-endpoint-interface(7)): a table of methods, each of which takes a
 * request and answers with request_answer() (request.h).
 *
 * many, NULL for most, answers count requests at less cost than count calls of
 * handle; only a batch uses it.  In the order of the requests it writes either the
 * answer that handle would give, or endpoint_program_leave().  A request that it leaves,
 * or has not come to when it returns -1, is handled alone.  So every error is
 * one of handle: whatever many is in doubt about it must leave.
 */
struct endpoint_method {
	const char *name;
	int (*handle)(void *context, const ProtobufCMessage *request,
	    struct error *error);
	int (*many)(void *context, const ProtobufCMessage *const requests[],
	    size_t count, struct error *error);
};

struct endpoint_program {
	const struct endpoint_method *methods;	/* ends with a NULL name */
	void *context;			/* for them */
	/* Say on standard error what went wrong; NULL: just the text. */
	void (*explain)(void *context, const struct error *error);
};

/*
 * Run a method on the request in operand, or, where that is NULL, on the
 * first line of standard input; or "batch" (endpoint_batch.h).  Returns the exit code,
 * having said why it is not 0; EXIT_USAGE for a method that is not there.
 */
int	endpoint_program_run(const struct endpoint_program *program,
	    const char *method, const char *operand);

/* Of several requests, leave this one to be handled alone. */
int	endpoint_program_leave(struct error *error);

/* In a child of a batch, or alone: handle a request and say what went wrong. */
int	endpoint_program_handle(const struct endpoint_program *program,
	    const struct endpoint_method *method,
	    const ProtobufCMessage *request);

/* NULL if there is none of that name. */
const struct endpoint_method *endpoint_program_find(
	    const struct endpoint_program *program, const char *name);

#endif
