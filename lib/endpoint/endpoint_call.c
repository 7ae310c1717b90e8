#include <errno.h>

#include "base/io.h"
#include "endpoint/endpoint_call.h"

int
endpoint_call_start(struct endpoint_call *call, char *const argv[],
    const char *method, const char *request, size_t length, size_t answer_max,
    struct error *error)
{
	*call = (struct endpoint_call){ .endpoint = ENDPOINT_NONE,
	    .request = BUFFER_EMPTY(length + 1),
	    .answer = BUFFER_EMPTY(answer_max) };
	if (buffer_append(&call->request, request, length) == -1 ||
	    buffer_append(&call->request, "\n", 1) == -1)
		error_errno(error, "request");
	else if (endpoint_start(&call->endpoint, argv, method, error) == 0)
		return (0);
	endpoint_call_free(call);
	return (-1);
}

void
endpoint_call_poll(const struct endpoint_call *call,
    struct pollfd entries[ENDPOINT_CALL_ENTRIES])
{
	const struct process *process = &call->endpoint.process;

	entries[0] = (struct pollfd){ .fd = process->errors, .events = POLLIN };
	entries[1] = (struct pollfd){ .fd = process->output, .events = POLLIN };
	entries[2] = (struct pollfd){ .events = POLLOUT,
	    .fd = buffer_length(&call->request) > 0 ? process->input : -1 };
}

static void
read_answer(struct endpoint_call *call, int64_t now)
{
	struct process *process = &call->endpoint.process;
	static uint8_t bytes[64 << 10];
	ssize_t got;

	while ((got = io_read(process->output, bytes, sizeof(bytes))) > 0)
		if (buffer_append(&call->answer, bytes, (size_t)got) == -1) {
			call->too_long = true;
			buffer_free(&call->answer);
			endpoint_end(&call->endpoint, now);
			break;
		}
	if (got != -1 || errno != EAGAIN)
		io_close(&process->output);
}

static void
write_request(struct endpoint_call *call)
{
	struct process *process = &call->endpoint.process;
	ssize_t put;

	put = io_write(process->input, buffer_front(&call->request),
	    buffer_length(&call->request));
	if (put == -1 && errno == EAGAIN)
		return;
	if (put == -1)		/* it may know without having read */
		put = (ssize_t)buffer_length(&call->request);
	buffer_consume(&call->request, (size_t)put);
	if (buffer_length(&call->request) == 0)
		io_close(&process->input);
}

void
endpoint_call_handle(struct endpoint_call *call,
    const struct pollfd entries[ENDPOINT_CALL_ENTRIES], int64_t now)
{
	struct endpoint *endpoint = &call->endpoint;

	if (entries[0].revents != 0)
		endpoint_read_errors(endpoint);
	if (entries[1].revents != 0)
		read_answer(call, now);
	if (entries[2].revents != 0 && endpoint->process.input != -1)
		write_request(call);
	/* First whether it has ended, then what it left: nothing is lost. */
	endpoint_check(endpoint, now);
	if (!endpoint->ended)
		return;
	endpoint_read_errors(endpoint);
	if (endpoint->process.output != -1)
		read_answer(call, now);
}

enum outcome
endpoint_call_outcome(const struct endpoint_call *call, const char **line,
    size_t *length, struct error *error)
{
	const struct outcome_facts facts = {
		.exit_code = call->endpoint.exit_code,
		.text = endpoint_text(&call->endpoint),
		.answer = (const char *)buffer_front(&call->answer),
		.length = buffer_length(&call->answer),
		.answer_max = call->answer.max,
		.too_long = call->too_long
	};
	const enum outcome outcome = outcome_of(&facts, error);

	if (outcome == OUTCOME_ANSWERED) {
		*line = facts.answer;
		*length = facts.length - 1;
	}
	return (outcome);
}

void
endpoint_call_free(struct endpoint_call *call)
{
	endpoint_free(&call->endpoint);
	buffer_free(&call->request);
	buffer_free(&call->answer);
}
