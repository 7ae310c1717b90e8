#include <errno.h>
#include <string.h>

#include "base/io.h"
#include "endpoint/call.h"

int
call_request(struct call *call, const char *request, size_t length,
    struct error *error)
{
	call->request = BUFFER_EMPTY(length + 1);
	if (buffer_append(&call->request, request, length) == -1 ||
	    buffer_append(&call->request, "\n", 1) == -1)
		return (error_errno(error, "request"));
	return (0);
}

int
call_start(struct call *call, char *const argv[], const char *method,
    const char *request, size_t length, struct error *error)
{
	if (call_request(call, request, length, error) == 0 &&
	    endpoint_start(&call->endpoint, argv, method, error) == 0)
		return (0);
	call_free(call);
	return (-1);
}

void
call_poll(const struct call *call, struct pollfd entries[CALL_ENTRIES])
{
	const struct process *process = &call->endpoint.process;

	entries[0] = (struct pollfd){ .fd = process->errors, .events = POLLIN };
	entries[1] = (struct pollfd){ .events = POLLIN,
	    .fd = call->line_size == 0 ? process->output : -1 };
	entries[2] = (struct pollfd){ .events = POLLOUT,
	    .fd = buffer_length(&call->request) > 0 ? process->input : -1 };
}

int64_t
call_deadline(const struct call *call)
{
	return (io_earlier(call->endpoint.kill_at, call->endpoint.held_until));
}

/* Does the answer end in these bytes, the latest?  Only if a stream follows it (Send). */
static bool
take(struct call *call, const char *bytes, size_t length)
{
	const char *newline = call->kind == METHOD_SEND ?
	    memchr(bytes, '\n', length) : NULL;

	if (newline != NULL)
		call->line_size = buffer_length(&call->answer) - length +
		    (size_t)(newline - bytes) + 1;
	return (newline != NULL);
}

/*
 * If a stream follows the answer, read byte by byte: the bytes after the newline belong
 * to the next reader of the pipe.
 */
static void
read_answer(struct call *call, int64_t now)
{
	struct process *process = &call->endpoint.process;
	static char bytes[64 << 10];
	ssize_t got;

	while ((got = io_read(process->output, bytes,
	    call->kind == METHOD_SEND ? 1 : sizeof(bytes))) > 0) {
		if (buffer_append(&call->answer, bytes, (size_t)got) == -1) {
			call->too_long = true;
			buffer_free(&call->answer);
			endpoint_end(&call->endpoint, now);
			break;
		}
		if (take(call, bytes, (size_t)got))
			return;
	}
	if (got != -1 || errno != EAGAIN)
		io_close(&process->output);
}

static void
write_request(struct call *call)
{
	struct process *process = &call->endpoint.process;
	ssize_t put;

	put = io_write(process->input, buffer_front(&call->request),
	    buffer_length(&call->request));
	if (put == -1 && errno == EAGAIN)
		return;
	if (put == -1) {	/* it may answer without reading */
		put = (ssize_t)buffer_length(&call->request);
		call->unread = true;
	}
	buffer_consume(&call->request, (size_t)put);
	if (buffer_length(&call->request) == 0 && call->kind != METHOD_RECEIVE)
		io_close(&process->input);
}

void
call_move(struct call *call, const struct pollfd entries[CALL_ENTRIES],
    int64_t now)
{
	if (entries[0].revents != 0)
		endpoint_read_errors(&call->endpoint);
	if (entries[1].revents != 0 && call->endpoint.process.output != -1)
		read_answer(call, now);
	if (entries[2].revents != 0 && call->endpoint.process.input != -1)
		write_request(call);
}

void
call_check(struct call *call, int64_t now)
{
	/* First see whether it has ended, then read what is left: no byte is lost. */
	endpoint_check(&call->endpoint, now);
	if (call->endpoint.ended) {
		endpoint_read_errors(&call->endpoint);
		if (call->line_size == 0 && call->endpoint.process.output != -1)
			read_answer(call, now);
	}
	endpoint_check_held(&call->endpoint, now);
}

const char *
call_line(const struct call *call, size_t *length)
{
	if (call->line_size == 0)
		return (NULL);
	*length = call->line_size - 1;
	return ((const char *)buffer_front(&call->answer));
}

enum outcome
call_outcome(const struct call *call, const char **line, size_t *length,
    struct error *error)
{
	const struct outcome_facts facts = {
		.exit_code = call->endpoint.exit_code,
		.text = endpoint_text(&call->endpoint),
		.answer = (const char *)buffer_front(&call->answer),
		.length = buffer_length(&call->answer),
		.answer_max = buffer_max(&call->answer),
		.too_long = call->too_long
	};
	enum outcome outcome;

	if (call->line_size > 0 && facts.exit_code == EXIT_DONE)
		return (OUTCOME_ANSWERED);
	outcome = outcome_of(&facts, error);
	if (outcome == OUTCOME_ANSWERED) {
		*line = facts.answer;
		*length = facts.length - 1;
	}
	return (outcome);
}

enum outcome
call_batch_outcome(const struct call *call, bool cancelled, const char **line,
    size_t *length, const char **status, struct error *error)
{
	enum outcome outcome = OUTCOME_FAILED;

	endpoint_log(&call->endpoint);
	if (cancelled)
		error_set(error, EXIT_FAILED, "cancelled");
	else
		outcome = call_outcome(call, line, length, error);
	*status = outcome == OUTCOME_TIMED_OUT || outcome == OUTCOME_TOO_LONG ?
	    outcome_status(outcome) : NULL;
	return (outcome);
}

void
call_free(struct call *call)
{
	endpoint_free(&call->endpoint);
	buffer_free(&call->request);
	buffer_free(&call->answer);
}
