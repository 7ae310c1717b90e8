#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "io.h"
#include "pbjson.h"
#include "rpc_caller.h"

/* Answers that wait for their reader; beyond it no new calls are begun. */
#define OUTPUT_PAUSE	(1u << 20)
#define OUTPUT_MAX	((size_t)8 << 30)
#define INPUT_CHUNK	(64u << 10)

struct batch {
	struct rpc_caller *caller;
	int input;			/* -1: at its end */
	int output;
	struct buffer lines;		/* read, and not yet begun */
	size_t searched;		/* of them without a newline */
	struct buffer answers;		/* to be written */
	size_t failed;
};

/* {"id":..,"response":..} or {"id":..,"error":..}; takes both over. */
static int
write_answer(struct batch *batch, json_t *id, const char *key, json_t *value,
    struct error *error)
{
	json_t *line = json_object();
	char *text;
	int result = 0;

	json_object_set_new(line, "id", id != NULL ? id : json_null());
	json_object_set_new(line, key, value);
	text = json_dumps(line, JSON_COMPACT);
	json_decref(line);
	if (text == NULL || buffer_append(&batch->answers, text, strlen(text)) == -1 ||
	    buffer_append(&batch->answers, "\n", 1) == -1)
		result = error_set(error, EXIT_SYSTEM, "answer: out of memory");
	free(text);
	return (result);
}

static int
write_error(struct batch *batch, json_t *id, const char *status,
    const struct error *what, struct error *error)
{
	json_t *value = json_object();

	batch->failed++;
	json_object_set_new(value, "code", json_integer(what->code));
	if (status != NULL)
		json_object_set_new(value, "status", json_string(status));
	json_object_set_new(value, "message", json_string(what->text));
	return (write_answer(batch, id, "error", value, error));
}

static int
write_finished(struct batch *batch, struct rpc_request *request,
    struct error *error)
{
	ProtobufCMessage *message = NULL;
	json_t *id = request->context, *value = NULL;
	struct error what;
	int result;

	if (request->status != GRPC_OK) {
		result = write_error(batch, id, grpc_status_name(request->status),
		    &request->error, error);
		goto out;
	}
	message = pbjson_unpack(request->method->response,
	    buffer_front(&request->message.payload),
	    buffer_length(&request->message.payload), &what);
	if (message != NULL)
		value = pbjson_to_json(message, &what);
	result = value != NULL ?
	    write_answer(batch, id, "response", value, error) :
	    write_error(batch, id, NULL, &what, error);
	if (message != NULL)
		protobuf_c_message_free_unpacked(message, NULL);
out:
	rpc_request_free(request);
	return (result);
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

/* One line of input. */
static int
begin(struct batch *batch, const char *text, size_t length, struct error *error)
{
	const struct method *method;
	json_t *line, *id, *request;
	json_error_t where;
	struct error what;
	const char *name;
	char *body = NULL;
	int result = 0;

	line = json_loadb(text, length, JSON_REJECT_DUPLICATES, &where);
	id = json_incref(json_object_get(line, "id"));
	if (!json_is_object(line) || id == NULL) {
		error_set(&what, EXIT_USAGE, "not a line of a batch: %s",
		    line == NULL ? where.text : "no id");
		result = write_error(batch, id, NULL, &what, error);
		goto out;
	}
	if (json_is_true(json_object_get(line, "cancel"))) {
		cancel(batch, id);
		json_decref(id);
		goto out;
	}
	name = json_string_value(json_object_get(line, "method"));
	method = name != NULL ? method_by_name(name) : NULL;
	request = json_object_get(line, "request");
	body = request != NULL ? json_dumps(request, JSON_COMPACT) : strdup("{}");
	if (method == NULL || (method->kind != METHOD_UNARY &&
	    method->kind != METHOD_PING))
		error_set(&what, EXIT_USAGE, "%s: not a method of a control "
		    "connection", name != NULL ? name : "(none)");
	else if (body != NULL && rpc_caller_begin(batch->caller, method, body,
	    strlen(body), id, &what) != NULL)
		goto out;
	result = write_error(batch, id, batch->caller->client.going_away ?
	    grpc_status_name(GRPC_UNAVAILABLE) : NULL, &what, error);
out:
	free(body);
	json_decref(line);
	return (result);
}

/* Begin what may be begun of what was read. */
static int
begin_lines(struct batch *batch, struct error *error)
{
	const uint8_t *front, *newline;
	size_t length;

	while (batch->caller->client.open_count < RPC_BATCH_IN_FLIGHT &&
	    buffer_length(&batch->answers) < OUTPUT_PAUSE) {
		front = buffer_front(&batch->lines);
		length = buffer_length(&batch->lines);
		newline = length > batch->searched ? memchr(front +
		    batch->searched, '\n', length - batch->searched) : NULL;
		if (newline == NULL) {
			batch->searched = length;
			if (batch->input != -1 || length == 0)
				return (0);
			newline = front + length;	/* the last, unended */
		}
		if (newline > front && begin(batch, (const char *)front,
		    (size_t)(newline - front), error) == -1)
			return (-1);
		batch->searched = 0;
		length = (size_t)(newline - front) + 1;
		buffer_consume(&batch->lines, length > buffer_length(&batch->lines) ?
		    buffer_length(&batch->lines) : length);
	}
	return (0);
}

static int
read_input(struct batch *batch, struct error *error)
{
	static char chunk[INPUT_CHUNK];
	ssize_t got;

	got = io_read(batch->input, chunk, sizeof(chunk));
	if (got == -1 && errno == EAGAIN)
		return (0);
	if (got == -1)
		return (error_errno(error, "standard input"));
	if (got == 0) {
		batch->input = -1;
		return (0);
	}
	if (buffer_append(&batch->lines, chunk, (size_t)got) == -1)
		return (error_set(error, EXIT_USAGE, "a line of more than %u "
		    "bytes on standard input", RPC_REQUEST_LINE_MAX));
	return (0);
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

/* Is all that was read waiting for a place in flight? */
static bool
is_full(const struct batch *batch)
{
	return (buffer_length(&batch->lines) > batch->searched);
}

static int
turn(struct batch *batch, struct error *error)
{
	struct pollfd extra[2] = {
		{ .fd = is_full(batch) ? -1 : batch->input, .events = POLLIN },
		{ .fd = buffer_length(&batch->answers) > 0 ? batch->output : -1,
		    .events = POLLOUT } };
	struct rpc_request *request;

	if (rpc_caller_turn(batch->caller, extra, 2, error) == -1)
		return (-1);
	if (extra[0].revents != 0 && read_input(batch, error) == -1)
		return (-1);
	while ((request = rpc_client_next(&batch->caller->client)) != NULL)
		if (write_finished(batch, request, error) == -1)
			return (-1);
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
		request->context = NULL;
	}
}

int
rpc_batch(struct rpc_caller *caller, int input, int output, size_t *failed,
    struct error *error)
{
	struct batch batch = { .caller = caller, .input = input,
	    .output = output, .lines = BUFFER_EMPTY(RPC_REQUEST_LINE_MAX +
	    INPUT_CHUNK), .answers = BUFFER_EMPTY(OUTPUT_MAX) };
	struct error unwritten;
	bool unblocked;
	int result = 0;

	unblocked = io_unblock(output);
	while (result == 0 && (batch.input != -1 ||
	    buffer_length(&batch.lines) > 0 || caller->client.open_count > 0 ||
	    buffer_length(&batch.answers) > 0)) {
		if ((result = begin_lines(&batch, error)) == 0 &&
		    (result = write_output(&batch, error)) == 0 &&
		    (batch.input != -1 || caller->client.open_count > 0 ||
		    buffer_length(&batch.answers) > 0 ||
		    !TAILQ_EMPTY(&caller->client.finished)))
			result = turn(&batch, error);
	}
	if (result == -1)
		abandon(&batch, error);
	if (unblocked)
		io_set_nonblocking(output, false);
	io_write_all(output, buffer_front(&batch.answers),
	    buffer_length(&batch.answers), IO_FOREVER, &unwritten);
	*failed = batch.failed;
	buffer_free(&batch.lines);
	buffer_free(&batch.answers);
	return (result);
}
