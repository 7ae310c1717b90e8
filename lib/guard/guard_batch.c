#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/process.h"
#include "base/signals.h"
#include "endpoint/batch.h"
#include "guard/guard_batch.h"
#include "message/pbjson.h"
#include "message/request.h"

#define OUTPUT_MAX ((size_t)1 << 30)	/* an id and METHOD_ANSWER_MAX fit */
#define FIXED_ENTRIES 4

/* --- lines --- */

static int
refuse(struct guard_batch *batch, const struct json_slice *id,
    const struct error *what, struct error *error)
{
	return (batch_write_error(&batch->answers, id, NULL, what, error));
}

static int
add_destroy(struct guard_batch *batch, const struct batch_request *line,
    const struct method *method, struct error *error)
{
	ProtobufCMessage *request;
	struct batch_call *call;
	struct error what;

	request = request_parse(method, line->request.text, line->request.length, &what);
	if (request == NULL)
		return (refuse(batch, &line->id, &what, error));
	call = batch_calls_add(&batch->calls, &line->id, error);
	if (call == NULL)
		pbjson_free(request);
	else
		call->request = request;
	return (call == NULL ? -1 : 0);
}

static int
take_line(struct guard_batch *batch, const char *text, size_t length,
    struct error *error)
{
	const struct method *method;
	struct batch_request line;
	struct error what;

	if (batch_request_parse(&line, text, length, &what) == -1)
		return (refuse(batch, &line.id, &what, error));
	if (line.cancel)
		return (batch_calls_cancel(&batch->calls, &line.id) ? 0 :
		    batch_write_cancel(&batch->requests, &line.id, error));
	method = batch_request_method(&line, &what);
	if (method == NULL)
		return (refuse(batch, &line.id, &what, error));
	if (strcmp(method->name, "DestroySnapshots") == 0)
		return (add_destroy(batch, &line, method, error));
	return (batch_write_request(&batch->requests, &line.id, method->name,
	    line.request.text, line.request.length, error));
}

/* Not while answers, or requests, wait for a reader. */
static bool
wants_lines(const struct guard_batch *batch)
{
	return (batch->signal == 0 && batch->calls.count < GUARD_BATCH_CALLS &&
	    batch->endpoint.process.input != -1 &&
	    buffer_length(&batch->requests) < GUARD_BATCH_PAUSE &&
	    buffer_length(&batch->answers) < GUARD_BATCH_PAUSE &&
	    buffer_length(&batch->output) < GUARD_BATCH_PAUSE);
}

static int
take_lines(struct guard_batch *batch, struct error *error)
{
	const char *line;
	size_t length;

	while (wants_lines(batch) &&
	    (line = lines_next(&batch->lines, &length)) != NULL)
		if (length > 0 && take_line(batch, line, length, error) == -1)
			return (-1);
	return (0);
}

/* --- the loop --- */

static void
take_signals(struct guard_batch *batch)
{
	const int number = signals_take_end();

	signals_take(SIGCHLD);
	if (number == 0)
		return;
	batch->signal = number;
	batch_calls_cancel_all(&batch->calls);
	endpoint_end(&batch->endpoint, io_now());
}

static size_t
fill(struct guard_batch *batch, struct pollfd *entries, int64_t *deadline)
{
	const struct process *process = &batch->endpoint.process;
	/* Told to end, we only wait for the end of others. */
	const bool ending = batch->signal != 0;
	const bool writing = buffer_length(&batch->output) > 0;

	entries[0] = (struct pollfd){ .events = POLLIN,
	    .fd = wants_lines(batch) && !batch->lines.ended ? STDIN_FILENO : -1 };
	entries[1] = (struct pollfd){ .events = POLLIN,
	    .fd = writing || ending ? -1 : process->output };
	entries[2] = (struct pollfd){ .events = POLLOUT,
	    .fd = buffer_length(&batch->requests) > 0 ? process->input : -1 };
	entries[3] = (struct pollfd){ .events = POLLOUT,
	    .fd = writing && !ending ? STDOUT_FILENO : -1 };
	*deadline = batch->endpoint.kill_at;
	return (FIXED_ENTRIES + batch_calls_poll(&batch->calls,
	    entries + FIXED_ENTRIES, deadline));
}

/* Sleep once, and see what has come. */
static int
turn(struct guard_batch *batch, struct error *error)
{
	struct pollfd entries[FIXED_ENTRIES + CALL_ENTRIES * BATCH_CALLS_AT_ONCE];
	int64_t deadline;
	const size_t count = fill(batch, entries, &deadline);

	io_poll(entries, count, deadline);
	take_signals(batch);
	if (entries[0].revents != 0 && !lines_waiting(&batch->lines) &&
	    lines_read(&batch->lines, STDIN_FILENO, error) == -1)
		return (error_prefix(error, "standard input"));
	return (0);
}

/* Nothing is left to be done, or for anybody to be told. */
static bool
over(const struct guard_batch *batch)
{
	return (batch->endpoint.ended && batch->calls.count == 0 &&
	    (batch->signal != 0 || guard_batch_written(batch)));
}

/* Do what can be done now.  1: everything is, 0: not yet. */
static int
work(struct guard_batch *batch, struct error *error)
{
	do {
		if (take_lines(batch, error) == -1)
			return (-1);
		endpoint_check(&batch->endpoint, io_now());
		/* A batch that has failed is over; the calls of ours are part of it. */
		if (batch->endpoint.ended && batch->endpoint.exit_code != EXIT_DONE)
			batch_calls_cancel_all(&batch->calls);
		if (batch->endpoint.ended)
			io_close(&batch->endpoint.process.input);
		if (guard_batch_attend(batch, error) == -1 ||
		    (batch->signal == 0 && guard_batch_move(batch, error) == -1))
			return (-1);
		if (lines_done(&batch->lines) &&
		    buffer_length(&batch->requests) == 0)
			io_close(&batch->endpoint.process.input);
	} while (wants_lines(batch) && lines_waiting(&batch->lines));
	return (over(batch));
}

static int
run(struct guard_batch *batch, struct error *error)
{
	int result;

	while ((result = work(batch, error)) == 0)
		if (turn(batch, error) == -1)
			return (-1);
	if (result == -1)
		return (-1);
	if (batch->signal != 0)
		return (error_set(error, EXIT_SIGNAL + (unsigned)batch->signal,
		    "ended by signal %d", batch->signal));
	return (batch->endpoint.exit_code);
}

int
guard_batch(const struct guard *guard, struct error *error)
{
	struct guard_batch batch = { .guard = guard, .endpoint = ENDPOINT_NONE,
	    .lines = LINES_EMPTY(REQUEST_LINE_MAX),
	    .requests = BUFFER_EMPTY(OUTPUT_MAX),
	    .answers = BUFFER_EMPTY(OUTPUT_MAX),
	    .output = BUFFER_EMPTY(OUTPUT_MAX) };
	char **line = guard_command(guard, "batch", NULL, error);
	bool unblocked;
	int result;

	if (line == NULL)
		return (-1);
	TAILQ_INIT(&batch.calls.list);
	signals_catch(SIGCHLD);
	signals_catch_ends();
	result = process_start(&batch.endpoint.process, line, PROCESS_PIPE,
	    PROCESS_PIPE, PROCESS_INHERIT, false, error);
	free(line);
	if (result == -1)
		return (-1);
	unblocked = io_unblock(STDOUT_FILENO);
	result = run(&batch, error);
	while (!TAILQ_EMPTY(&batch.calls.list))
		batch_calls_forget(&batch.calls, TAILQ_FIRST(&batch.calls.list));
	endpoint_free(&batch.endpoint);
	if (unblocked)
		io_set_nonblocking(STDOUT_FILENO, false);
	lines_free(&batch.lines);
	buffer_free(&batch.requests);
	buffer_free(&batch.answers);
	buffer_free(&batch.output);
	return (result);
}
