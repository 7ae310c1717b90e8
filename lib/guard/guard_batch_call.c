/*
 * The calls of a batch that are our own.
 */
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/io.h"
#include "endpoint/endpoint_child.h"
#include "guard/guard_batch.h"
#include "message/pbjson.h"

static void
forget(struct guard_batch *batch, struct guard_batch_call *call)
{
	TAILQ_REMOVE(&batch->calls, call, entries);
	batch->count--;
	batch->running -= call->started;
	if (call->started)
		call_free(&call->at);
	pbjson_free((ProtobufCMessage *)call->request);
	free((char *)(uintptr_t)call->id.text);
	free(call);
}

int
guard_batch_add(struct guard_batch *batch, const struct json_slice *id,
    DestroySnapshotsReq *request, struct error *error)
{
	struct guard_batch_call *call = calloc(1, sizeof(*call));
	char *text = malloc(id->length);

	if (call == NULL || text == NULL) {
		free(call);
		free(text);
		pbjson_free(&request->base);
		return (error_errno(error, "call"));
	}
	call->id.text = memcpy(text, id->text, id->length);
	call->id.length = id->length;
	call->request = request;
	TAILQ_INSERT_TAIL(&batch->calls, call, entries);
	batch->count++;
	return (0);
}

static void
end(struct guard_batch_call *call)
{
	call->cancelled = true;
	if (call->started)
		endpoint_end(&call->at.endpoint, io_now());
}

bool
guard_batch_cancel(struct guard_batch *batch, const struct json_slice *id)
{
	struct guard_batch_call *call;

	TAILQ_FOREACH(call, &batch->calls, entries)
		if (batch_same_id(&call->id, id) && !call->cancelled) {
			end(call);
			return (true);
		}
	return (false);
}

void
guard_batch_end(struct guard_batch *batch)
{
	struct guard_batch_call *call;

	TAILQ_FOREACH(call, &batch->calls, entries)
		end(call);
}

void
guard_batch_forget_all(struct guard_batch *batch)
{
	while (!TAILQ_EMPTY(&batch->calls))
		forget(batch, TAILQ_FIRST(&batch->calls));
}

/* What a child runs. */
struct task {
	struct guard_batch *batch;
	const struct guard_batch_call *call;
};

static int
run(const void *context)
{
	const struct task *task = context;
	struct error error;

	/* The endpoint's batch would wait for its end. */
	process_close(&task->batch->endpoint.process);
	if (guard_destroy(task->batch->guard, task->call->request, &error) == 0)
		return (EXIT_DONE);
	if (error.text[0] != '\0')
		diag_error(&error);
	return (error.code);
}

static int
start(struct guard_batch *batch, struct guard_batch_call *call,
    struct error *error)
{
	const struct task task = { batch, call };

	call->at = CALL_NONE(METHOD_UNARY);
	if (endpoint_child_start(&call->at.endpoint.process, true, run, &task,
	    error) == -1)
		return (-1);
	pbjson_free(&call->request->base);	/* the child has its own */
	call->request = NULL;
	call->started = true;
	batch->running++;
	return (0);
}

static int
answer(struct guard_batch *batch, const struct guard_batch_call *call,
    struct error *error)
{
	const char *response = NULL, *status;
	struct error what;
	size_t length = 0;

	if (call_batch_outcome(&call->at, call->cancelled, &response, &length,
	    &status, &what) == OUTCOME_ANSWERED)
		return (batch_write_response(&batch->answers, &call->id, response,
		    length, error));
	return (batch_write_error(&batch->answers, &call->id, status, &what,
	    error));
}

/* 1 if it is over and has left the list, 0 if not. */
static int
attend(struct guard_batch *batch, struct guard_batch_call *call,
    struct error *error)
{
	/* Whatever poll(2) has said: it costs little here. */
	static const struct pollfd ready[CALL_ENTRIES] = {
	    { .revents = POLLIN }, { .revents = POLLIN } };
	struct error what;
	int result = 0;

	if (!call->started && !call->cancelled) {
		if (batch->running + endpoint_left_behind() >= GUARD_BATCH_AT_ONCE)
			return (0);
		if (start(batch, call, &what) == -1)
			result = batch_write_error(&batch->answers, &call->id, NULL,
			    &what, error) == -1 ? -1 : 1;
	} else {
		if (call->started) {
			call_move(&call->at, ready, io_now());
			call_check(&call->at, io_now());
			if (!call->at.endpoint.ended)
				return (0);
		}
		result = answer(batch, call, error) == -1 ? -1 : 1;
	}
	if (result == 1)
		forget(batch, call);
	return (result);
}

int
guard_batch_attend(struct guard_batch *batch, struct error *error)
{
	struct guard_batch_call *call, *next;

	for (call = TAILQ_FIRST(&batch->calls); call != NULL; call = next) {
		next = TAILQ_NEXT(call, entries);
		if (attend(batch, call, error) == -1)
			return (-1);
	}
	return (0);
}
