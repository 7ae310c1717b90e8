#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/diag.h"
#include "base/io.h"
#include "endpoint/batch.h"
#include "message/pbjson.h"
#include "message/request_check.h"
#include "step/session_state.h"

#define REQUESTS_MAX	((size_t)1 << 30)	/* bytes that wait to be written */
#define LINE_MAX_BYTES	(METHOD_ANSWER_MAX + (64u << 10))	/* an id and an answer */
#define ID_SIZE		24			/* bytes: decimal, and a NUL */
#define QUOTE_MAX	32			/* bytes of a bad line, in an error */
#define FINISH_MS	5000	/* a batch without input gets this long to end */

static void
write_id(char text[ID_SIZE], struct json_slice *id, uint64_t number)
{
	id->length = (size_t)snprintf(text, ID_SIZE, "%" PRIu64, number);
	id->text = text;
}

static struct session_call *
find(struct session *session, const struct json_slice *id)
{
	struct session_call *call;
	uint64_t number;

	if (!json_slice_uint64(&number, id))
		return (NULL);
	TAILQ_FOREACH(call, &session->open, entries)
		if (call->id == number)
			return (call->sent ? call : NULL);
	return (NULL);
}

/* A cancelled call is answered as well; no other answer without a call is allowed. */
static int
take_unasked(struct session *session, const struct batch_answer *answer,
    struct error *error)
{
	if (session->cancelled > 0) {
		session->cancelled--;
		return (0);
	}
	error_set(error, EXIT_PROTOCOL, "its batch answers a question that was "
	    "not asked");
	if (answer->response.length == 0)
		snprintf(error->text + strlen(error->text),
		    sizeof(error->text) - strlen(error->text), ": %s",
		    answer->message);
	return (-1);
}

/*
 * The advice at the end of a message, on lines of its own as on standard error, where the
 * endpoint may have printed it already.
 */
static void
split_hint(struct session *session, struct error *why)
{
	const char *said = session->batch.call.endpoint.text;
	const size_t length = session->batch.call.endpoint.text_length;
	char *newline, *hint;

	while ((newline = strrchr(why->text, '\n')) != NULL &&
	    (hint = strstr(newline, ": " DIAG_HINT)) != NULL) {
		hint += strlen(": " DIAG_HINT);
		strlcpy(why->hint, hint, sizeof(why->hint));
		if (memmem(said, length, hint, strlen(hint)) != NULL)
			why->hint[0] = '\0';
		*newline = '\0';
	}
}

/* -1: the line was malformed, or answers no call. */
static int
take_answer(struct session *session, const char *line, size_t length,
    struct error *error)
{
	struct session_call *call;
	struct batch_answer answer;
	struct error why;

	if (length == 0 || *line != '{')
		return (error_set(error, EXIT_PROTOCOL, "an answer of its batch is "
		    "not JSON, but begins with \"%.*s\" (does a shell start-up file "
		    "print?)", (int)(length < QUOTE_MAX ? length : QUOTE_MAX), line));
	if (batch_answer_parse(&answer, line, length, error) == -1) {
		error->code = EXIT_PROTOCOL;
		return (error_prefix(error, "an answer of its batch"));
	}
	call = find(session, &answer.id);
	if (call == NULL)
		return (take_unasked(session, &answer, error));
	session->answered = true;
	if (answer.response.length == 0) {
		error_set(&why, (enum exit_code)answer.code, "%s", answer.message);
		split_hint(session, &why);
		session_fail(session, call, answer.status, &why);
		return (0);
	}
	call->reply.answer = pbjson_parse(call->reply.method->response,
	    request_check, answer.response.text, answer.response.length, &why);
	if (call->reply.answer != NULL) {
		session_finish(session, call);
		return (0);
	}
	error_prefix(&why, "the answer");
	session_refuse(session, call, &why);
	return (0);
}

static void
read_answers(struct session *session, int64_t now)
{
	struct endpoint *endpoint = &session->batch.call.endpoint;
	int *output = &endpoint->process.output;
	const char *line;
	size_t length;

	if (*output == -1)
		return;
	if (lines_read(&session->answers, *output, &session->broken) == -1) {
		error_prefix(&session->broken, "its batch");
		session->broken.code = EXIT_PROTOCOL;
		goto end;
	}
	/* Read its standard error first: it was written before the answer. */
	endpoint_read_errors(endpoint);
	while ((line = lines_next(&session->answers, &length)) != NULL) {
		session->lines_read++;
		if (take_answer(session, line, length, &session->broken) == -1)
			goto end;
	}
	if (!session->answers.ended)
		return;
	/* Its exit status, which is the reason, may come a little later. */
	io_close(output);
	io_close(&endpoint->process.input);
	session->end_at = now + ENDPOINT_TERM_MS;
	return;
end:
	io_close(output);
	endpoint_end(endpoint, now);
}

static void
write_requests(struct session *session)
{
	int *input = &session->batch.call.endpoint.process.input;
	ssize_t put;

	put = io_write(*input, buffer_front(&session->requests),
	    buffer_length(&session->requests));
	if (put >= 0)
		buffer_consume(&session->requests, (size_t)put);
	else if (errno != EAGAIN)
		io_close(input);	/* it is ending; its exit status is the reason */
}

/* After a batch has ended: fail its calls; or all calls, if it violated the interface. */
static void
fail_calls(struct session *session, bool all, const struct error *why)
{
	struct session_call *call, *next;

	for (call = TAILQ_FIRST(&session->open); call != NULL; call = next) {
		next = TAILQ_NEXT(call, entries);
		if (call->sent || all)
			session_fail(session, call, NULL, why);
	}
}

/* The batch gives no more answers: do not wait for it, nor write to it. */
static void
on_batch_ended(struct session *session)
{
	const int code = session->batch.call.endpoint.exit_code;
	const bool broken = session->broken.code != EXIT_DONE;
	struct session_call *call;
	struct error why = session->broken;

	session->has_batch = false;
	lines_free(&session->answers);
	buffer_free(&session->requests);
	if (!broken && code == EXIT_DONE)
		error_set(&why, EXIT_PROTOCOL, "its batch ended without an answer");
	if (broken || code == EXIT_DONE || TAILQ_EMPTY(&session->open))
		session_drop(&session->batch);
	else
		session_take_reason(&session->batch, &why);
	if (!broken && code == EXIT_USAGE && !session->answered) {
		session->alone = true;
		TAILQ_FOREACH(call, &session->open, entries)
			call->sent = false;
	} else
		fail_calls(session, broken, &why);
}

static int
start_batch(struct session *session, struct error *error)
{
	session->batch = COMMAND_NONE(session->role);
	session->answers = LINES_EMPTY(LINE_MAX_BYTES);
	session->requests = BUFFER_EMPTY(REQUESTS_MAX);
	session->broken.code = EXIT_DONE;
	session->cancelled = 0;
	session->end_at = INT64_MAX;
	if (command_start_batch(&session->batch, session->string, error) == -1)
		return (-1);
	session->has_batch = true;
	if (session->hushed)
		session_batch_hush(session);
	return (0);
}

void
session_batch_hush(struct session *session)
{
	struct endpoint *endpoint = &session->batch.call.endpoint;

	if (endpoint->show != NULL)
		endpoint_show_held(endpoint);
	endpoint->show = NULL;
}

bool
session_batch_takes(const struct session *session)
{
	const struct process *process = &session->batch.call.endpoint.process;

	return (!session->has_batch ||
	    (process->input != -1 && process->output != -1));
}

static void
send_call(struct session *session, struct session_call *call)
{
	const size_t before = buffer_length(&session->requests);
	char text[ID_SIZE];
	struct json_slice id;
	struct error error;

	write_id(text, &id, call->id);
	call->sent = true;
	call->lines_before = session->lines_read;
	if (batch_write_request(&session->requests, &id, call->reply.method->name,
	    call->request, call->length, &error) == 0)
		return;
	buffer_truncate(&session->requests, before);
	session_fail(session, call, NULL, &error);
}

/* Give the batch the calls that it has not got yet. */
void
session_batch_send(struct session *session)
{
	struct session_call *call, *next;
	struct error error;

	if (!session_batch_takes(session))
		return;
	for (call = TAILQ_FIRST(&session->open); call != NULL; call = next) {
		next = TAILQ_NEXT(call, entries);
		if (call->sent)
			continue;
		if (!session->has_batch && start_batch(session, &error) == -1) {
			fail_calls(session, true, &error);
			return;
		}
		send_call(session, call);
	}
}

void
session_batch_handle(struct session *session,
    const struct pollfd entries[CALL_ENTRIES], int64_t now)
{
	struct endpoint *endpoint = &session->batch.call.endpoint;

	if (entries[0].revents != 0)
		endpoint_read_errors(endpoint);
	if (entries[1].revents != 0)
		read_answers(session, now);
	if (entries[2].revents != 0 && endpoint->process.input != -1)
		write_requests(session);
	/* First see whether it has ended, then read what is left: no byte is lost. */
	if (now >= session->end_at && !endpoint->ending) {
		error_set(&session->broken, EXIT_PROTOCOL,
		    "its batch has closed its output, and goes on");
		endpoint_end(endpoint, now);
	}
	endpoint_check(endpoint, now);
	if (endpoint->ended) {
		endpoint_read_errors(endpoint);
		while (io_ready(endpoint->process.output, POLLIN) != 0)
			read_answers(session, now);
		on_batch_ended(session);
	} else
		endpoint_check_held(endpoint, now);
}

/* A batch that has given no answer since it got the call is taken to be dead. */
void
session_batch_cancel(struct session *session, const struct session_call *call,
    int64_t now)
{
	const size_t before = buffer_length(&session->requests);
	struct json_slice id;
	struct error error;
	char text[ID_SIZE];

	if (!session->has_batch || !call->sent)
		return;
	write_id(text, &id, call->id);
	if (batch_write_cancel(&session->requests, &id, &error) == -1)
		buffer_truncate(&session->requests, before);
	session->cancelled++;
	if (call->lines_before != session->lines_read ||
	    session->broken.code != EXIT_DONE)
		return;
	error_set(&session->broken, EXIT_TIMEOUT, "its batch does not answer");
	endpoint_end(&session->batch.call.endpoint, now);
}

void
session_batch_poll(const struct session *session,
    struct pollfd entries[CALL_ENTRIES])
{
	const struct process *process = &session->batch.call.endpoint.process;

	entries[0] = (struct pollfd){ .fd = process->errors, .events = POLLIN };
	entries[1] = (struct pollfd){ .fd = process->output, .events = POLLIN };
	entries[2] = (struct pollfd){ .events = POLLOUT,
	    .fd = buffer_length(&session->requests) > 0 ? process->input : -1 };
}

int64_t
session_batch_deadline(const struct session *session)
{
	const struct endpoint *endpoint = &session->batch.call.endpoint;

	return (io_earlier(call_deadline(&session->batch.call),
	    endpoint->ending ? IO_FOREVER : session->end_at));
}

static void
await_end(struct session *session)
{
	struct endpoint *endpoint = &session->batch.call.endpoint;
	const int64_t limit = io_now() + FINISH_MS;
	struct pollfd entries[CALL_ENTRIES];

	io_close(&endpoint->process.input);
	while (session->has_batch && io_now() < limit) {
		session_batch_poll(session, entries);
		io_poll(entries, CALL_ENTRIES, io_earlier(limit,
		    session_batch_deadline(session)));
		session_batch_handle(session, entries, io_now());
	}
}

void
session_batch_free(struct session *session)
{
	/* A batch that is busy may not notice the end of its input. */
	if (session->has_batch && TAILQ_EMPTY(&session->open) &&
	    session->cancelled == 0)
		await_end(session);
	if (session->has_batch)
		session_drop(&session->batch);
	lines_free(&session->answers);
	buffer_free(&session->requests);
}
