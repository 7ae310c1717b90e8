/*
 * The calls of a batch that are our own.
 */
#include "base/diag.h"
#include "endpoint/batch.h"
#include "guard/guard_batch.h"

/* What a child runs. */
struct task {
	struct guard_batch *batch;
	const struct batch_call *call;
};

static int
run(const void *context)
{
	const struct task *task = context;
	struct error error;

	/* The endpoint's batch would wait for its end. */
	process_close(&task->batch->endpoint.process);
	if (guard_destroy(task->batch->guard,
	    (const DestroySnapshotsReq *)task->call->request, &error) == 0)
		return (EXIT_DONE);
	if (error.text[0] != '\0')
		diag_error(&error);
	return (error.code);
}

static int
answer(struct guard_batch *batch, const struct batch_call *call,
    struct error *error)
{
	const char *response = NULL, *status;
	struct error what;
	size_t length = 0;

	if (call_batch_outcome(&call->at, call->cancelled, &response, &length,
	    &status, &what) == OUTCOME_ANSWERED)
		return (batch_write_response(&batch->answers, call->id, response,
		    length, error));
	return (batch_write_error(&batch->answers, call->id, status, &what,
	    error));
}

/* 1 if it is over, 0 if not. */
static int
attend(struct guard_batch *batch, struct batch_call *call, struct error *error)
{
	const struct task task = { batch, call };
	struct error what;

	if (batch_call_over(call))
		return (answer(batch, call, error) == -1 ? -1 : 1);
	if (call->started || !batch_calls_have_room(&batch->calls) ||
	    batch_calls_start(&batch->calls, call, run, &task, &what) == 0)
		return (0);
	return (batch_write_error(&batch->answers, call->id, NULL, &what, error) == -1 ?
	    -1 : 1);
}

int
guard_batch_attend(struct guard_batch *batch, struct error *error)
{
	struct batch_call *call, *next;
	int result;

	for (call = TAILQ_FIRST(&batch->calls.list); call != NULL; call = next) {
		next = TAILQ_NEXT(call, entries);
		result = attend(batch, call, error);
		if (result == -1)
			return (-1);
		if (result == 1)
			batch_calls_forget(&batch->calls, call);
	}
	return (0);
}
