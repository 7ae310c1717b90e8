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
	size_t length;

	if (batch_request_parse(&first, text, size, &error) == -1)
		return;
	if (first.cancel ? batch_write_cancel(&out, &first.id, &error) == -1 :
	    batch_write_request(&out, &first.id, "Ping", first.request.text,
	    first.request.length, &error) == -1)
		abort();
	line = line_of(&out, &length);
	if (batch_request_parse(&again, line, length, &error) == -1 ||
	    !batch_same_id(&first.id, &again.id) || first.cancel != again.cancel)
		abort();
	if (!first.cancel && (strcmp(again.method, "Ping") != 0 ||
	    !batch_same_id(&first.request, &again.request)))
		abort();
	buffer_free(&out);
}

static void
answer(const char *text, size_t size)
{
	struct batch_answer first, again;
	struct buffer out = BUFFER_EMPTY(1 << 20);
	struct error error, what;
	const char *line;
	size_t length;
	int written;

	if (batch_answer_parse(&first, text, size, &error) == -1)
		return;
	if (first.id.length == 0 || (first.response.length == 0 &&
	    (first.code < 1 || first.code > 255 || first.message[0] == '\0')))
		abort();
	if (first.response.length > 0)
		written = batch_write_response(&out, &first.id,
		    first.response.text, first.response.length, &error);
	else {
		error_set(&what, (enum exit_code)first.code, "%s", first.message);
		written = batch_write_error(&out, &first.id, first.status[0] ==
		    '\0' ? NULL : first.status, &what, &error);
	}
	if (written == -1)
		abort();
	line = line_of(&out, &length);
	if (batch_answer_parse(&again, line, length, &error) == -1 ||
	    !batch_same_id(&first.id, &again.id) ||
	    !batch_same_id(&first.response, &again.response))
		abort();
	if (first.response.length == 0 && (first.code != again.code ||
	    strcmp(text_of(&what), again.message) != 0 ||
	    strcmp(first.status, again.status) != 0))
		abort();
	buffer_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* A line ends where its newline stood. */
	if (size < 1 || memchr(data + 1, '\n', size - 1) != NULL)
		return (0);
	if (data[0] & 1)
		request((const char *)data + 1, size - 1);
	else
		answer((const char *)data + 1, size - 1);
	return (0);
}
