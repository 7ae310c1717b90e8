#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/io.h"
#include "endpoint/batch.h"
#include "message/pbjson.h"
#include "message/request_check.h"
#include "step/session_state.h"

#define REQUESTS_MAX	((size_t)1 << 30)	/* bytes that wait to be written */
#define LINE_MAX_BYTES	(METHOD_ANSWER_MAX + (64u << 10))	/* an id and an answer */
#define ID_SIZE		24			/* bytes: decimal, and a NUL */
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

/*
 * An answer to no call is one that came too late, and passed over.  -1: that was no
 * answer.
 */
static int
take_answer(struct session *session, const char *line, size_t length,
    struct error *error)
{
	struct session_call *call;
	struct batch_answer answer;
	struct error why;

	if (batch_answer_parse(&answer, line, length, error) == -1) {
		error->code = EXIT_PROTOCOL;
		return (error_prefix(error, "an answer of its batch"));
	}
	session->answered = true;
	call = find(session, &answer.id);
	if (call == NULL)
		return (0);
	if (answer.response.length == 0) {
		error_set(&why, (enum exit_code)answer.code, "%s", answer.message);
		session_fail(session, call, answer.status, &why);
		return (0);
	}
	call->reply.answer = pbjson_parse(call->reply.method->response,
	    request_check, answer.response.text, answer.response.length, &why);
	if (call->reply.answer != NULL) {
		session_finish(session, call);
		return (0);
	}
	/* An endpoint that answers so once will do it again. */
	error_prefix(&why, "the answer to %s", call->reply.method->name);
	why.code = EXIT_FAILED;
	session_fail(session, call, NULL, &why);
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
		session->broken.code = EXIT_PROTOCOL;
		goto end;
	}
	while ((line = lines_next(&session->answers, &length)) != NULL)
		if (take_answer(session, line, length, &session->broken) == -1)
			goto end;
	if (!session->answers.ended)
		return;
end:
	io_close(output);
	endpoint_end(endpoint, now);
}

static bool
is_readable(int fd)
{
	struct pollfd entry = { .fd = fd, .events = POLLIN };

	return (fd != -1 && io_poll(&entry, 1, 0) == 1);
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
		io_close(input);	/* it is ending, and says why by that */
}

/* All that were sent to a batch that has ended, or could not be started. */
static void
fail_all(struct session *session, const struct error *why)
{
	struct session_call *call;

	while ((call = TAILQ_FIRST(&session->open)) != NULL)
		session_fail(session, call, NULL, why);
}

/* It answers nothing any more: neither do we wait for it, nor write to it. */
static void
on_batch_ended(struct session *session)
{
	const int code = session->batch.call.endpoint.exit_code;
	struct session_call *call;
	struct error why;

	session->has_batch = false;
	lines_free(&session->answers);
	buffer_free(&session->requests);
	if (TAILQ_EMPTY(&session->open) && session->broken.code == EXIT_DONE) {
		session_drop(&session->batch);
		return;
	}
	session_take_reason(&session->batch, &why);
	if (code == EXIT_USAGE && !session->answered) {
		session->alone = true;
		TAILQ_FOREACH(call, &session->open, entries)
			call->sent = false;
		return;
	}
	if (session->broken.code != EXIT_DONE)
		why = session->broken;
	else if (code == EXIT_DONE)
		error_set(&why, EXIT_PROTOCOL, "it ended without answering");
	fail_all(session, &why);
}

static int
start_batch(struct session *session, struct error *error)
{
	session->batch = COMMAND_NONE(session->role);
	session->answers = LINES_EMPTY(LINE_MAX_BYTES);
	session->requests = BUFFER_EMPTY(REQUESTS_MAX);
	session->broken.code = EXIT_DONE;
	if (command_start_batch(&session->batch, session->string, error) == -1)
		return (-1);
	session->has_batch = true;
	return (0);
}

/* Give the batch what it has not got yet. */
void
session_batch_send(struct session *session)
{
	struct session_call *call, *next;
	char text[ID_SIZE];
	struct json_slice id;
	struct error error;

	for (call = TAILQ_FIRST(&session->open); call != NULL; call = next) {
		next = TAILQ_NEXT(call, entries);
		if (call->sent)
			continue;
		if (!session->has_batch && start_batch(session, &error) == -1) {
			fail_all(session, &error);
			return;
		}
		write_id(text, &id, call->id);
		call->sent = true;
		if (batch_write_request(&session->requests, &id,
		    call->reply.method->name, call->request, call->length,
		    &error) == -1)
			session_fail(session, call, NULL, &error);
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
	/* First whether it has ended, then what it left: nothing is lost. */
	endpoint_check(endpoint, now);
	if (endpoint->ended) {
		endpoint_read_errors(endpoint);
		while (is_readable(endpoint->process.output))
			read_answers(session, now);
		on_batch_ended(session);
	} else
		endpoint_check_held(endpoint, now);
}

void
session_batch_cancel(struct session *session, const struct session_call *call)
{
	struct json_slice id;
	struct error error;
	char text[ID_SIZE];

	if (!session->has_batch || !call->sent)
		return;
	write_id(text, &id, call->id);
	batch_write_cancel(&session->requests, &id, &error);
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
		    call_deadline(&session->batch.call)));
		session_batch_handle(session, entries, io_now());
	}
}

void
session_batch_free(struct session *session)
{
	if (session->has_batch && TAILQ_EMPTY(&session->open))
		await_end(session);
	if (session->has_batch)
		session_drop(&session->batch);
	lines_free(&session->answers);
	buffer_free(&session->requests);
}
