#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/io.h"
#include "base/lines.h"
#include "endpoint/batch.h"
#include "message/request.h"
#include "rpc/rpc_caller.h"

/*
 * Bytes of answers that wait for their reader.  Above this, further answers stay in the
 * client's session, which then lets the server send no more, and no calls are begun.
 */
#define OUTPUT_PAUSE	(1u << 20)
#define OUTPUT_MAX	((size_t)8 << 30)	/* one answer can be this much JSON */

/* Calls that are read ahead, so that a cancel behind them is seen. */
#define WAITING_MAX	1024
#define WAITING_BYTES	REQUEST_LINE_MAX

struct waiting {
	TAILQ_ENTRY(waiting) entries;
	struct batch_request line;	/* its slices point into text */
	char *text;
	size_t length;
};

TAILQ_HEAD(waiting_calls, waiting);

struct batch {
	struct rpc_caller *caller;
	int input;
	int output;
	struct lines lines;		/* read, not parsed yet */
	struct waiting_calls waiting;
	size_t waiting_count, waiting_bytes;
	struct buffer answers;		/* to be written */
};

static int
write_finished(struct batch *batch, struct rpc_request *request,
    struct error *error)
{
	struct json_slice *id = request->context;
	struct error what;
	char *text;
	size_t length;
	int result;

	if (request->status != GRPC_OK) {
		result = batch_write_error(&batch->answers, id,
		    grpc_status_name(request->status), &request->error, error);
		goto out;
	}
	text = rpc_caller_answer(request, &length, &what);
	result = text != NULL ?
	    batch_write_response(&batch->answers, id, text, length, error) :
	    batch_write_error(&batch->answers, id, NULL, &what, error);
	free(text);
out:
	free(id);
	rpc_request_free(request);
	return (result);
}

static int
write_output(struct batch *batch, struct error *error)
{
	ssize_t put;

	while (buffer_length(&batch->answers) > 0) {
		put = io_write(batch->output, buffer_front(&batch->answers),
		    buffer_length(&batch->answers));
		if (put == -1 && errno == EAGAIN)
			return (0);
		if (put == -1)
			return (error_errno(error, "standard output"));
		buffer_consume(&batch->answers, (size_t)put);
	}
	return (0);
}

/* Write the answers of finished calls, as far as their reader keeps up. */
static int
write_all_finished(struct batch *batch, struct error *error)
{
	struct rpc_client *client = &batch->caller->client;
	struct rpc_request *request;

	do {
		while (buffer_length(&batch->answers) < OUTPUT_PAUSE &&
		    (request = rpc_client_next(client)) != NULL)
			if (write_finished(batch, request, error) == -1)
				return (-1);
		if (write_output(batch, error) == -1)
			return (-1);
	} while (buffer_length(&batch->answers) < OUTPUT_PAUSE &&
	    !TAILQ_EMPTY(&client->finished));
	rpc_client_pause(client, buffer_length(&batch->answers) >= OUTPUT_PAUSE);
	return (0);
}

static void
forget(struct batch *batch, struct waiting *call)
{
	TAILQ_REMOVE(&batch->waiting, call, entries);
	batch->waiting_count--;
	batch->waiting_bytes -= call->length;
	free(call->text);
	free(call);
}

static int
cancel(struct batch *batch, const struct json_slice *id, struct error *error)
{
	struct rpc_client *client = &batch->caller->client;
	struct rpc_request *request;
	struct waiting *call;
	struct error what;
	int result;

	TAILQ_FOREACH(request, &client->open, entries)
		if (batch_same_id(request->context, id)) {
			rpc_client_cancel(client, request, GRPC_CANCELLED,
			    "cancelled");
			return (0);
		}
	TAILQ_FOREACH(call, &batch->waiting, entries)
		if (batch_same_id(&call->line.id, id)) {
			error_set(&what, EXIT_FAILED, "cancelled");
			result = batch_write_error(&batch->answers, id,
			    grpc_status_name(GRPC_CANCELLED), &what, error);
			forget(batch, call);
			return (result);
		}
	return (0);		/* answered already, or never asked */
}

/* Begin the call of a line; -1: *what is the reason. */
static int
begin_call(struct batch *batch, const struct batch_request *line,
    struct error *what)
{
	const struct method *method = method_by_name(line->method);
	char names[METHOD_NAMES_SIZE];
	struct json_slice *id;

	if (method == NULL || (method->kind != METHOD_UNARY &&
	    method->kind != METHOD_PING))
		return (error_set(what, EXIT_USAGE, "%s: not a method of a "
		    "control connection (%s)", line->method[0] != '\0' ?
		    line->method : "(none)",
		    method_names(METHODS_OF_CONTROL, names)));
	id = batch_keep_id(&line->id);
	if (id == NULL)
		return (error_errno(what, "request"));
	if (rpc_caller_begin(batch->caller, method, line->request.text,
	    line->request.length, id, what) != NULL)
		return (0);
	free(id);
	return (-1);
}

/* May one more call be begun? */
static bool
has_room(const struct batch *batch)
{
	const struct rpc_client *client = &batch->caller->client;

	return (client->open_count < RPC_BATCH_IN_FLIGHT &&
	    client->connection.message_bytes <= client->answer_max &&
	    buffer_length(&batch->answers) < OUTPUT_PAUSE);
}

static int
begin_or_answer(struct batch *batch, const struct batch_request *line,
    struct error *error)
{
	struct error what;

	if (begin_call(batch, line, &what) == 0)
		return (0);
	return (batch_write_error(&batch->answers, &line->id,
	    batch->caller->client.going_away ?
	    grpc_status_name(GRPC_UNAVAILABLE) : NULL, &what, error));
}

/* Begin waiting calls while there is room. */
static int
begin_calls(struct batch *batch, struct error *error)
{
	struct waiting *call;
	int result = 0;

	while (result == 0 && has_room(batch) &&
	    (call = TAILQ_FIRST(&batch->waiting)) != NULL) {
		result = begin_or_answer(batch, &call->line, error);
		forget(batch, call);
	}
	return (result);
}

/* Append the call of a line to the waiting ones. */
static int
wait_turn(struct batch *batch, const char *text, size_t length,
    struct error *error)
{
	struct waiting *call = calloc(1, sizeof(*call));
	char *copy = malloc(length);

	if (call == NULL || copy == NULL) {
		free(call);
		free(copy);
		return (error_errno(error, "call"));
	}
	*call = (struct waiting){ .text = memcpy(copy, text, length),
	    .length = length };
	batch_request_parse(&call->line, copy, length, error);
	TAILQ_INSERT_TAIL(&batch->waiting, call, entries);
	batch->waiting_count++;
	batch->waiting_bytes += length;
	return (0);
}

/* One line of input. */
static int
take_line(struct batch *batch, const char *text, size_t length,
    struct error *error)
{
	struct batch_request line;
	struct error what;

	if (batch_request_parse(&line, text, length, &what) == -1)
		return (batch_write_error(&batch->answers, &line.id, NULL, &what,
		    error));
	if (line.cancel)
		return (cancel(batch, &line.id, error));
	/* A line that need not wait is not copied. */
	if (!TAILQ_EMPTY(&batch->waiting) || !has_room(batch))
		return (wait_turn(batch, text, length, error));
	return (begin_or_answer(batch, &line, error));
}

/* Take the lines that were read, while there is room for them. */
static int
take_lines(struct batch *batch, struct error *error)
{
	const char *line;
	size_t length;

	while (batch->waiting_count < WAITING_MAX &&
	    batch->waiting_bytes < WAITING_BYTES &&
	    buffer_length(&batch->answers) < OUTPUT_PAUSE &&
	    (line = lines_next(&batch->lines, &length)) != NULL)
		if (length > 0 && take_line(batch, line, length, error) == -1)
			return (-1);
	return (0);
}

static bool
is_done(struct batch *batch)
{
	const struct rpc_client *client = &batch->caller->client;

	return (lines_done(&batch->lines) && TAILQ_EMPTY(&batch->waiting) &&
	    client->open_count == 0 &&
	    TAILQ_EMPTY(&client->finished) &&
	    buffer_length(&batch->answers) == 0);
}

static int
turn(struct batch *batch, struct error *error)
{
	struct pollfd extra[2] = {
		{ .fd = lines_waiting(&batch->lines) || batch->lines.ended ?
		    -1 : batch->input, .events = POLLIN },
		{ .fd = buffer_length(&batch->answers) > 0 ? batch->output : -1,
		    .events = POLLOUT } };

	if (rpc_caller_turn(batch->caller, extra, 2, error) == -1)
		return (-1);
	if (extra[0].revents != 0 &&
	    lines_read(&batch->lines, batch->input, error) == -1)
		return (error_prefix(error, "standard input"));
	return (0);
}

/* The connection is over: every call that was read ends with that. */
static void
abandon(struct batch *batch, const struct error *why)
{
	const char *status = grpc_status_name(GRPC_UNAVAILABLE);
	struct rpc_request *request;
	struct waiting *call;
	struct error unwritten;

	while ((request = rpc_client_next(&batch->caller->client)) != NULL)
		write_finished(batch, request, &unwritten);
	TAILQ_FOREACH(request, &batch->caller->client.open, entries) {
		batch_write_error(&batch->answers, request->context, status, why,
		    &unwritten);
		free(request->context);
		request->context = NULL;
	}
	while ((call = TAILQ_FIRST(&batch->waiting)) != NULL) {
		batch_write_error(&batch->answers, &call->line.id, status, why,
		    &unwritten);
		forget(batch, call);
	}
}

int
rpc_batch(struct rpc_caller *caller, int input, int output,
    struct error *error)
{
	struct batch batch = { .caller = caller, .input = input,
	    .output = output, .lines = LINES_EMPTY(REQUEST_LINE_MAX),
	    .answers = BUFFER_EMPTY(OUTPUT_MAX) };
	struct error unwritten;
	const bool unblocked = io_unblock(output);
	int result;

	TAILQ_INIT(&batch.waiting);
	do {
		if ((result = begin_calls(&batch, error)) == 0 &&
		    (result = take_lines(&batch, error)) == 0 &&
		    (result = write_all_finished(&batch, error)) == 0 &&
		    !is_done(&batch))
			result = turn(&batch, error);
	} while (result == 0 && !is_done(&batch));
	if (result == -1)
		abandon(&batch, error);
	if (unblocked)
		io_set_nonblocking(output, false);
	io_write_all(output, buffer_front(&batch.answers),
	    buffer_length(&batch.answers), IO_FOREVER, &unwritten);
	lines_free(&batch.lines);
	buffer_free(&batch.answers);
	return (result);
}
