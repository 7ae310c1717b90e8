/*
 * The batch form of the endpoint interface, as a program of ours offers it.
 */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/signals.h"
#include "endpoint/batch.h"
#include "endpoint/endpoint_batch.h"
#include "message/request.h"

#define OUTPUT_MAX ((size_t)1 << 30)	/* an id and METHOD_ANSWER_MAX fit */
#define READS_AT_ONCE 16	/* of LINES_CHUNK bytes, then answers get a turn */

/* --- lines --- */

/* Parse the call of a line; -1 and the reason if it is not valid. */
static int
read_call(const struct endpoint_batch *batch, const struct batch_request *line,
    struct batch_call *call, struct error *error)
{
	const struct method *method = batch_request_method(line, error);

	if (method == NULL)
		return (-1);
	call->method = endpoint_program_find(batch->program, line->method);
	call->request = request_parse(method, line->request.text, line->request.length,
	    error);
	return (call->request != NULL ? 0 : -1);
}

/* Answer a call that needs no process. */
static int
answer_at_once(struct endpoint_batch *batch, const struct batch_call *call,
    struct error *error)
{
	struct buffer response = BUFFER_EMPTY(METHOD_ANSWER_MAX);
	struct error what;
	int result;

	result = call->method->at_once(batch->program->context, call->request, &response,
	    &what) == -1 ? endpoint_batch_refuse(batch, call->id, NULL, &what, error) :
	    endpoint_batch_respond(batch, call->id, (const char *)buffer_front(&response),
	    buffer_length(&response), error);
	buffer_free(&response);
	return (result);
}

static int
add_call(struct endpoint_batch *batch, const struct batch_request *line,
    struct error *error)
{
	struct batch_call *call = batch_calls_add(&batch->calls, &line->id, error);
	struct error what;
	int result = 0;

	if (call == NULL)
		return (-1);
	if (read_call(batch, line, call, &what) == -1) {
		result = endpoint_batch_refuse(batch, &line->id, NULL, &what, error);
		endpoint_batch_forget(batch, call);
	} else if (call->method->at_once != NULL) {
		result = answer_at_once(batch, call, error);
		endpoint_batch_forget(batch, call);
	}
	return (result);
}

static int
take_line(struct endpoint_batch *batch, const char *text, size_t length,
    struct error *error)
{
	struct batch_request line;
	struct error what;

	if (batch_request_parse(&line, text, length, &what) == -1)
		return (endpoint_batch_refuse(batch, &line.id, NULL, &what, error));
	if (!line.cancel)
		return (add_call(batch, &line, error));
	batch_calls_cancel(&batch->calls, &line.id);
	return (0);
}

/* Is there a line to be looked at, or to be read? */
static bool
wants_lines(const struct endpoint_batch *batch)
{
	return (batch->signal == 0 && batch->calls.count < ENDPOINT_BATCH_WAITING);
}

static int
take_lines(struct endpoint_batch *batch, struct error *error)
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

/* Read from children and answer; a call that is over leaves the list. */
static int
attend(struct endpoint_batch *batch, struct error *error)
{
	struct batch_call *call, *next;

	if (endpoint_groups_attend(batch, error) == -1)
		return (-1);
	for (call = TAILQ_FIRST(&batch->calls.list); call != NULL; call = next) {
		next = TAILQ_NEXT(call, entries);
		if (batch_call_over(call)) {
			if (endpoint_batch_answer(batch, call, error) == -1)
				return (-1);
			endpoint_batch_forget(batch, call);
		}
	}
	return (0);
}

static bool
runs_alone(const struct batch_call *call)
{
	return (call->alone || call->method->many == NULL);
}

static int
start(struct endpoint_batch *batch, struct error *error)
{
	struct batch_call *call, *next;
	struct error what;

	endpoint_groups_start(batch);
	for (call = TAILQ_FIRST(&batch->calls.list); call != NULL; call = next) {
		next = TAILQ_NEXT(call, entries);
		if (!call->started && !call->cancelled && runs_alone(call) &&
		    batch_calls_have_room(&batch->calls) &&
		    endpoint_batch_start(batch, call, &what) == -1) {
			if (endpoint_batch_refuse(batch, call->id, NULL, &what,
			    error) == -1)
				return (-1);
			endpoint_batch_forget(batch, call);
		}
	}
	return (0);
}

static void
take_signals(struct endpoint_batch *batch)
{
	const int number = signals_take_end();

	signals_take(SIGCHLD);
	if (number == 0)
		return;
	batch->signal = number;
	batch_calls_cancel_all(&batch->calls);
}

/* Read all available input: calls that wait together can be answered together. */
static int
read_lines(struct endpoint_batch *batch, struct error *error)
{
	for (int i = 0; i < READS_AT_ONCE; i++) {
		if (lines_read(&batch->lines, STDIN_FILENO, error) == -1)
			return (error_prefix(error, "standard input"));
		if (take_lines(batch, error) == -1)
			return (-1);
		if (batch->lines.ended || !wants_lines(batch) ||
		    io_ready(STDIN_FILENO, POLLIN) == 0)
			break;
	}
	return (0);
}

/* Sleep once, then read the input. */
static int
turn(struct endpoint_batch *batch, struct error *error)
{
	struct pollfd entries[1 + CALL_ENTRIES * BATCH_CALLS_AT_ONCE];
	int64_t deadline = IO_FOREVER;
	size_t count = 1;

	count += endpoint_groups_poll(batch, entries + count, &deadline);
	entries[0] = (struct pollfd){ .events = POLLIN,
	    .fd = wants_lines(batch) && !batch->lines.ended ? STDIN_FILENO : -1 };
	count += batch_calls_poll(&batch->calls, entries + count, &deadline);
	io_poll(entries, count, deadline);
	take_signals(batch);
	return (entries[0].revents != 0 ? read_lines(batch, error) : 0);
}

/* Do everything that can be done now.  1: the batch is over, 0: not yet. */
static int
work(struct endpoint_batch *batch, struct error *error)
{
	do
		if (take_lines(batch, error) == -1 ||
		    attend(batch, error) == -1 || start(batch, error) == -1)
			return (-1);
	while (wants_lines(batch) && lines_waiting(&batch->lines));
	return (batch->calls.count == 0 && TAILQ_EMPTY(&batch->groups) &&
	    (batch->signal != 0 || lines_done(&batch->lines)));
}

int
endpoint_batch(const struct endpoint_program *program, struct error *error)
{
	struct endpoint_batch batch = { .program = program,
	    .group_max = ENDPOINT_GROUP_MAX,
	    .lines = LINES_EMPTY(REQUEST_LINE_MAX),
	    .answers = BUFFER_EMPTY(OUTPUT_MAX) };
	int result;

	TAILQ_INIT(&batch.calls.list);
	TAILQ_INIT(&batch.groups);
	signals_catch(SIGCHLD);
	signals_catch_ends();
	while ((result = work(&batch, error)) == 0)
		if (turn(&batch, error) == -1) {
			result = -1;
			break;
		}
	while (!TAILQ_EMPTY(&batch.calls.list))
		endpoint_batch_forget(&batch, TAILQ_FIRST(&batch.calls.list));
	endpoint_groups_free(&batch);
	lines_free(&batch.lines);
	buffer_free(&batch.answers);
	if (result == -1)
		return (-1);
	if (batch.signal != 0)
		return (error_set(error, EXIT_SIGNAL + batch.signal,
		    "ended by signal %d (%s)", batch.signal,
		    strsignal(batch.signal)));
	return (0);
}
