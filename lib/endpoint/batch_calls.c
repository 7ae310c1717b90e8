#include <stdlib.h>

#include "base/io.h"
#include "endpoint/batch.h"
#include "endpoint/batch_calls.h"
#include "endpoint/endpoint_child.h"
#include "message/pbjson.h"

struct batch_call *
batch_calls_add(struct batch_calls *calls, const struct json_slice *id,
    struct error *error)
{
	struct batch_call *call = calloc(1, sizeof(*call));

	if (call == NULL || (call->id = batch_keep_id(id)) == NULL) {
		free(call);
		error_errno(error, "call");
		return (NULL);
	}
	TAILQ_INSERT_TAIL(&calls->list, call, entries);
	calls->count++;
	return (call);
}

bool
batch_calls_have_room(const struct batch_calls *calls)
{
	return (calls->running + endpoint_left_behind() < BATCH_CALLS_AT_ONCE);
}

int
batch_calls_start(struct batch_calls *calls, struct batch_call *call,
    int (*run)(const void *context), const void *context, struct error *error)
{
	call->at = CALL_NONE(METHOD_UNARY);
	if (endpoint_child_start(&call->at.endpoint.process, true, run, context,
	    error) == -1)
		return (-1);
	pbjson_free(call->request);		/* the child has its own */
	call->request = NULL;
	call->started = true;
	calls->running++;
	return (0);
}

size_t
batch_calls_poll(const struct batch_calls *calls, struct pollfd *entries,
    int64_t *deadline)
{
	const struct batch_call *call;
	size_t count = 0;

	TAILQ_FOREACH(call, &calls->list, entries) {
		if (!call->started)
			continue;
		call_poll(&call->at, entries + count);
		count += CALL_ENTRIES;
		*deadline = io_earlier(*deadline, call->at.endpoint.kill_at);
	}
	return (count);
}

bool
batch_call_over(struct batch_call *call)
{
	/* Do not look at the result of poll(2): a needless read costs little. */
	static const struct pollfd ready[CALL_ENTRIES] = {
	    { .revents = POLLIN }, { .revents = POLLIN } };

	if (!call->started)
		return (call->cancelled);
	call_move(&call->at, ready, io_now());
	call_check(&call->at, io_now());
	return (call->at.endpoint.ended);
}

static void
cancel(struct batch_call *call)
{
	call->cancelled = true;
	if (call->started)
		endpoint_end(&call->at.endpoint, io_now());
}

bool
batch_calls_cancel(struct batch_calls *calls, const struct json_slice *id)
{
	struct batch_call *call;

	TAILQ_FOREACH(call, &calls->list, entries)
		if (batch_same_id(call->id, id) && !call->cancelled) {
			cancel(call);
			return (true);
		}
	return (false);
}

void
batch_calls_cancel_all(struct batch_calls *calls)
{
	struct batch_call *call;

	TAILQ_FOREACH(call, &calls->list, entries)
		cancel(call);
}

void
batch_calls_forget(struct batch_calls *calls, struct batch_call *call)
{
	TAILQ_REMOVE(&calls->list, call, entries);
	calls->count--;
	calls->running -= call->started;
	if (call->started)
		call_free(&call->at);
	pbjson_free(call->request);
	free(call->id);
	free(call);
}
