/*
 * One call of a batch: its child and its answer.
 */
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "endpoint/batch.h"
#include "endpoint/endpoint_batch.h"

#define LONG_ANSWER (64u << 10)		/* bytes: system calls cost less than a copy */

/* --- answers --- */

static int
write_answers(struct endpoint_batch *batch, struct error *error)
{
	const size_t length = buffer_length(&batch->answers);

	if (io_write_all(STDOUT_FILENO, buffer_front(&batch->answers), length,
	    IO_FOREVER, error) == -1)
		return (-1);
	buffer_consume(&batch->answers, length);
	return (0);
}

int
endpoint_batch_refuse(struct endpoint_batch *batch, const struct json_slice *id,
    const char *status, const struct error *what, struct error *error)
{
	return (batch_write_error(&batch->answers, id, status, what, error) == -1 ?
	    -1 : write_answers(batch, error));
}

/* A long response is not copied. */
int
endpoint_batch_respond(struct endpoint_batch *batch, const struct json_slice *id,
    const char *response, size_t length, struct error *error)
{
	if (length < LONG_ANSWER)
		return (batch_write_response(&batch->answers, id, response,
		    length, error) == -1 ? -1 : write_answers(batch, error));
	if (batch_begin_response(&batch->answers, id, error) == -1 ||
	    write_answers(batch, error) == -1 ||
	    io_write_all(STDOUT_FILENO, response, length, IO_FOREVER,
	    error) == -1 || io_write_all(STDOUT_FILENO, BATCH_END_RESPONSE,
	    strlen(BATCH_END_RESPONSE), IO_FOREVER, error) == -1)
		return (-1);
	return (0);
}

int
endpoint_batch_answer(struct endpoint_batch *batch, struct batch_call *call,
    struct error *error)
{
	const char *response = NULL, *status;
	struct error what;
	size_t length = 0;

	if (call_batch_outcome(&call->at, call->cancelled, &response, &length,
	    &status, &what) == OUTCOME_ANSWERED)
		return (endpoint_batch_respond(batch, call->id, response, length,
		    error));
	return (endpoint_batch_refuse(batch, call->id, status, &what, error));
}

/* --- calls --- */

void
endpoint_batch_forget(struct endpoint_batch *batch, struct batch_call *call)
{
	endpoint_group_drop(call);
	endpoint_groups_resume(batch, call, 0);
	batch_calls_forget(&batch->calls, call);
}

/* What a child runs. */
struct task {
	const struct endpoint_program *program;
	const struct batch_call *call;
};

static int
run_call(const void *context)
{
	const struct task *task = context;

	return (endpoint_program_handle(task->program, task->call->method,
	    task->call->request));
}

int
endpoint_batch_start(struct endpoint_batch *batch, struct batch_call *call,
    struct error *error)
{
	const struct task task = { batch->program, call };

	return (batch_calls_start(&batch->calls, call, run_call, &task, error));
}
