/*
 * Feeds a line of a batch, a request where the first byte is odd and an answer
 * where it is even.  What was read is written again, and must be the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "endpoint/batch.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The line that was written, without its newline. */
static const char *
line_of(const struct buffer *out, size_t *length)
{
	const char *line = (const char *)buffer_front(out);

	*length = buffer_length(out) - 1;
	if (memchr(line, '\n', *length + 1) != line + *length)
		abort();
	return (line);
}

/* What is left of a message that had to be cut. */
static const char *
text_of(struct error *what)
{
	utf8_sanitize(what->text, what->text, strlen(what->text));
	return (what->text);
}

static void
request(const char *text, size_t size)
{
	struct batch_request first, again;
	struct buffer out = BUFFER_EMPTY(1 << 20);
	struct error error;
	const char *line;
	char *body;
	size_t length;

	if (batch_request_parse(&first, text, size, &error) == -1 ||
	    (first.method == NULL && !first.cancel)) {
		batch_request_free(&first);
		return;
	}
	body = first.request == NULL ? strdup("{}") :
	    json_dumps(first.request, JSON_COMPACT | JSON_ENCODE_ANY);
	if (first.cancel ? batch_write_cancel(&out, first.id, &error) == -1 :
	    batch_write_request(&out, first.id, "Ping", body, strlen(body),
	    &error) == -1)
		abort();
	line = line_of(&out, &length);
	if (batch_request_parse(&again, line, length, &error) == -1 ||
	    !json_equal(first.id, again.id) || first.cancel != again.cancel)
		abort();
	if (!first.cancel && (strcmp(again.method, "Ping") != 0 ||
	    (first.request != NULL && !json_equal(first.request, again.request))))
		abort();
	free(body);
	buffer_free(&out);
	batch_request_free(&first);
	batch_request_free(&again);
}

static void
answer(const char *text, size_t size)
{
	struct batch_answer first, again;
	struct buffer out = BUFFER_EMPTY(1 << 20);
	struct error error, what;
	const char *line;
	char *body = NULL;
	size_t length;
	int written;

	if (batch_answer_parse(&first, text, size, &error) == -1) {
		batch_answer_free(&first);
		return;
	}
	if (first.id == NULL || (first.response == NULL && (first.code < 1 ||
	    first.code > 255 || first.message == NULL || first.message[0] == '\0')))
		abort();
	if (first.response != NULL) {
		body = json_dumps(first.response, JSON_COMPACT | JSON_ENCODE_ANY);
		written = batch_write_response(&out, first.id, body,
		    strlen(body), &error);
	} else {
		error_set(&what, (enum exit_code)first.code, "%s", first.message);
		written = batch_write_error(&out, first.id, first.status, &what,
		    &error);
	}
	if (written == -1)
		abort();
	line = line_of(&out, &length);
	if (batch_answer_parse(&again, line, length, &error) == -1 ||
	    !json_equal(first.id, again.id) ||
	    (first.response == NULL) != (again.response == NULL))
		abort();
	if (first.response != NULL ? !json_equal(first.response, again.response) :
	    first.code != again.code || strcmp(text_of(&what), again.message) != 0 ||
	    (first.status == NULL) != (again.status == NULL) ||
	    (first.status != NULL && strcmp(first.status, again.status) != 0))
		abort();
	free(body);
	buffer_free(&out);
	batch_answer_free(&first);
	batch_answer_free(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return (0);
	if (data[0] & 1)
		request((const char *)data + 1, size - 1);
	else
		answer((const char *)data + 1, size - 1);
	return (0);
}
