#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "batch.h"
#include "io.h"
#include "lines.h"
#include "rpc_caller.h"

/*
 * Text that waits for its reader.  Beyond it answers stay with the client's
 * session, which then lets the server send no more, and no calls are begun.
 */
#define OUTPUT_PAUSE	(1u << 20)
#define OUTPUT_MAX	((size_t)8 << 30)	/* so much JSON can one answer be */

struct batch {
	struct rpc_caller *caller;
	int input;			/* -1: at its end */
	int output;
	struct lines lines;		/* read, and not yet begun */
	struct buffer answers;		/* to be written */
	size_t failed;
};

static int
write_error(struct batch *batch, const json_t *id, const char *status,
    const struct error *what, struct error *error)
{
	batch->failed++;
	return (batch_write_error(&batch->answers, id, status, what, error));
}

static int
write_finished(struct batch *batch, struct rpc_request *request,
    struct error *error)
{
	json_t *id = request->context;
	struct error what;
	char *text;
	size_t length;
	int result;

	if (request->status != GRPC_OK) {
		result = write_error(batch, id, grpc_status_name(request->status),
		    &request->error, error);
		goto out;
	}
	text = rpc_caller_answer(request, &length, &what);
	result = text != NULL ?
	    batch_write_response(&batch->answers, id, text, length, error) :
	    write_error(batch, id, NULL, &what, error);
	free(text);
out:
	json_decref(id);
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

/* What has finished, as far as its reader keeps up. */
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
cancel(struct batch *batch, const json_t *id)
{
	struct rpc_request *request;

	TAILQ_FOREACH(request, &batch->caller->client.open, entries)
		if (json_equal(request->context, id)) {
			rpc_client_cancel(&batch->caller->client, request,
			    GRPC_CANCELLED, "cancelled");
			return;
		}
}

/* Begin the call of a line; -1: *what is why not. */
static int
begin_call(struct batch *batch, const struct batch_request *line,
    struct error *what)
{
	const struct method *method = line->method != NULL ?
	    method_by_name(line->method) : NULL;
	char *body;
	int result = -1;

	if (method == NULL || (method->kind != METHOD_UNARY &&
	    method->kind != METHOD_PING))
		return (error_set(what, EXIT_USAGE, "%s: not a method of a "
		    "control connection", line->method != NULL ?
		    line->method : "(none)"));
	body = line->request != NULL ? json_dumps(line->request, JSON_COMPACT |
	    JSON_ENCODE_ANY) : strdup("{}");
	if (body == NULL)
		return (error_errno(what, "request"));
	if (rpc_caller_begin(batch->caller, method, body, strlen(body),
	    line->id, what) != NULL) {
		json_incref(line->id);
		result = 0;
	}
	free(body);
	return (result);
}

/* One line of input. */
static int
begin(struct batch *batch, const char *text, size_t length, struct error *error)
{
	struct batch_request line;
	struct error what;
	int result = 0;

	if (batch_request_parse(&line, text, length, &what) == -1)
		result = write_error(batch, line.id, NULL, &what, error);
	else if (line.cancel)
		cancel(batch, line.id);
	else if (begin_call(batch, &line, &what) == -1)
		result = write_error(batch, line.id,
		    batch->caller->client.going_away ?
		    grpc_status_name(GRPC_UNAVAILABLE) : NULL, &what, error);
	batch_request_free(&line);
	return (result);
}

/* May one more call be begun? */
static bool
has_room(const struct batch *batch)
{
	const struct rpc_client *client = &batch->caller->client;

	return (client->open_count < RPC_BATCH_IN_FLIGHT &&
	    client->answer_bytes <= client->answer_max &&
	    buffer_length(&batch->answers) < OUTPUT_PAUSE);
}

/* Begin what may be begun of what was read. */
static int
begin_lines(struct batch *batch, struct error *error)
{
	const char *line;
	size_t length;

	while (has_room(batch) &&
	    (line = lines_next(&batch->lines, &length)) != NULL)
		if (length > 0 && begin(batch, line, length, error) == -1)
			return (-1);
	return (0);
}

static bool
is_done(struct batch *batch)
{
	const struct rpc_client *client = &batch->caller->client;

	return (lines_done(&batch->lines) && client->open_count == 0 &&
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

/* The connection is over: every call that is open ends with that. */
static void
abandon(struct batch *batch, const struct error *why)
{
	struct rpc_request *request;
	struct error unwritten;

	while ((request = rpc_client_next(&batch->caller->client)) != NULL)
		write_finished(batch, request, &unwritten);
	TAILQ_FOREACH(request, &batch->caller->client.open, entries) {
		write_error(batch, request->context,
		    grpc_status_name(GRPC_UNAVAILABLE), why, &unwritten);
		json_decref(request->context);
		request->context = NULL;
	}
}

int
rpc_batch(struct rpc_caller *caller, int input, int output, size_t *failed,
    struct error *error)
{
	struct batch batch = { .caller = caller, .input = input,
	    .output = output, .lines = LINES_EMPTY(RPC_REQUEST_LINE_MAX),
	    .answers = BUFFER_EMPTY(OUTPUT_MAX) };
	struct error unwritten;
	const bool unblocked = io_unblock(output);
	int result;

	do {
		if ((result = begin_lines(&batch, error)) == 0 &&
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
	*failed = batch.failed;
	lines_free(&batch.lines);
	buffer_free(&batch.answers);
	return (result);
}
