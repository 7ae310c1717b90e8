/*
 * The batch form of the endpoint interface, as a program of ours offers it.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"
#include "base/signals.h"
#include "endpoint/batch.h"
#include "endpoint/endpoint_batch.h"
#include "message/pbjson.h"
#include "message/request.h"
#include "message/request_check.h"

#define OUTPUT_MAX ((size_t)1 << 30)	/* an id and METHOD_ANSWER_MAX fit */
#define READS_AT_ONCE 16	/* of LINES_CHUNK bytes, then answers get a turn */

/* --- lines --- */

static void
cancel(struct batch *batch, const struct json_slice *id)
{
	struct batch_call *call;

	TAILQ_FOREACH(call, &batch->calls, entries)
		if (batch_same_id(call->id, id) && !call->cancelled) {
			call->cancelled = true;
			if (call->started)
				endpoint_end(&call->at.endpoint, io_now());
			return;
		}
}

/* Parse the call of a line; -1 and the reason if it is not valid. */
static int
read_call(const struct batch *batch, const struct batch_request *line,
    struct batch_call *call, struct error *error)
{
	const struct method *method = method_by_name(line->method);
	char names[METHOD_NAMES_SIZE];

	if (method != NULL)
		call->method = endpoint_program_find(batch->program, line->method);
	if (call->method == NULL || method->kind == METHOD_SEND ||
	    method->kind == METHOD_RECEIVE)
		error_set(error, EXIT_USAGE, "%s: not a method for a batch (%s)",
		    line->method[0] == '\0' ? "(none)" : line->method,
		    method_names(METHODS_OF_CONTROL, names));
	else if ((call->request = pbjson_parse(method->request, request_check,
	    line->request.text, line->request.length, error)) == NULL) {
		error_prefix(error, "request");
		error->code = EXIT_USAGE;
	}
	return (call->request != NULL ? 0 : -1);
}

/* Answer a call that needs no process. */
static int
answer_at_once(struct batch *batch, const struct batch_call *call, struct error *error)
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
add_call(struct batch *batch, const struct batch_request *line,
    struct error *error)
{
	struct batch_call *call = calloc(1, sizeof(*call));
	struct error what;
	int result = 0;

	if (call == NULL || (call->id = batch_keep_id(&line->id)) == NULL) {
		free(call);
		return (error_errno(error, "call"));
	}
	TAILQ_INSERT_TAIL(&batch->calls, call, entries);
	batch->count++;
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
take_line(struct batch *batch, const char *text, size_t length,
    struct error *error)
{
	struct batch_request line;
	struct error what;

	if (batch_request_parse(&line, text, length, &what) == -1)
		return (endpoint_batch_refuse(batch, &line.id, NULL, &what, error));
	if (!line.cancel)
		return (add_call(batch, &line, error));
	cancel(batch, &line.id);
	return (0);
}

/* Is there a line to be looked at, or to be read? */
static bool
wants_lines(const struct batch *batch)
{
	return (batch->signal == 0 && batch->count < ENDPOINT_BATCH_WAITING);
}

static int
take_lines(struct batch *batch, struct error *error)
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
attend(struct batch *batch, struct error *error)
{
	/* Do not look at the result of poll(2): a needless read costs little. */
	static const struct pollfd ready[CALL_ENTRIES] = {
	    { .revents = POLLIN }, { .revents = POLLIN } };
	struct batch_call *call, *next;

	if (endpoint_groups_attend(batch, error) == -1)
		return (-1);
	for (call = TAILQ_FIRST(&batch->calls); call != NULL; call = next) {
		next = TAILQ_NEXT(call, entries);
		if (call->started) {
			call_move(&call->at, ready, io_now());
			call_check(&call->at, io_now());
		}
		if (call->started ? call->at.endpoint.ended : call->cancelled) {
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
start(struct batch *batch, struct error *error)
{
	struct batch_call *call, *next;
	struct error what;

	endpoint_groups_start(batch);
	for (call = TAILQ_FIRST(&batch->calls); call != NULL; call = next) {
		next = TAILQ_NEXT(call, entries);
		if (!call->started && !call->cancelled && runs_alone(call) &&
		    endpoint_batch_has_room(batch) &&
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
take_signals(struct batch *batch)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP };
	struct batch_call *call;

	signals_take(SIGCHLD);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (signals_take(signals[i]))
			batch->signal = signals[i];
	if (batch->signal == 0)
		return;
	TAILQ_FOREACH(call, &batch->calls, entries) {
		call->cancelled = true;
		if (call->started)
			endpoint_end(&call->at.endpoint, io_now());
	}
}

/* Read all available input: calls that wait together can be answered together. */
static int
read_lines(struct batch *batch, struct error *error)
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
turn(struct batch *batch, struct error *error)
{
	struct pollfd entries[1 + CALL_ENTRIES * ENDPOINT_BATCH_AT_ONCE];
	int64_t deadline = IO_FOREVER;
	struct batch_call *call;
	size_t count = 1;

	count += endpoint_groups_poll(batch, entries + count, &deadline);
	entries[0] = (struct pollfd){ .events = POLLIN,
	    .fd = wants_lines(batch) && !batch->lines.ended ? STDIN_FILENO : -1 };
	TAILQ_FOREACH(call, &batch->calls, entries) {
		if (!call->started)
			continue;
		call_poll(&call->at, entries + count);
		count += CALL_ENTRIES;
		deadline = io_earlier(deadline, call->at.endpoint.kill_at);
	}
	io_poll(entries, count, deadline);
	take_signals(batch);
	return (entries[0].revents != 0 ? read_lines(batch, error) : 0);
}

/* Do everything that can be done now.  1: the batch is over, 0: not yet. */
static int
work(struct batch *batch, struct error *error)
{
	do
		if (take_lines(batch, error) == -1 ||
		    attend(batch, error) == -1 || start(batch, error) == -1)
			return (-1);
	while (wants_lines(batch) && lines_waiting(&batch->lines));
	return (batch->count == 0 && TAILQ_EMPTY(&batch->groups) &&
	    (batch->signal != 0 || lines_done(&batch->lines)));
}

int
endpoint_batch(const struct endpoint_program *program, struct error *error)
{
	struct batch batch = { .program = program,
	    .group_max = ENDPOINT_GROUP_MAX,
	    .lines = LINES_EMPTY(REQUEST_LINE_MAX),
	    .answers = BUFFER_EMPTY(OUTPUT_MAX) };
	int result;

	TAILQ_INIT(&batch.calls);
	TAILQ_INIT(&batch.groups);
	signals_catch(SIGCHLD);
	signals_catch(SIGTERM);
	signals_catch(SIGINT);
	signals_catch(SIGHUP);
	while ((result = work(&batch, error)) == 0)
		if (turn(&batch, error) == -1) {
			result = -1;
			break;
		}
	while (!TAILQ_EMPTY(&batch.calls))
		endpoint_batch_forget(&batch, TAILQ_FIRST(&batch.calls));
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
