#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "endpoint/batch.h"
#include "message/json_text.h"
#include "message/request.h"

/* --- reading --- */

static bool
is(const struct json_slice *key, const char *name)
{
	return (key->length == strlen(name) &&
	    memcmp(key->text, name, key->length) == 0);
}

/* Read the value of a key, which may occur only once in a line. */
static int
read_slice(struct json_scan *scan, const struct json_slice *key,
    struct json_slice *slice, struct error *error)
{
	if (slice->length > 0)
		return (error_set(error, EXIT_USAGE, "duplicate key \"%.*s\"",
		    (int)key->length, key->text));
	return (json_scan_skip(scan, slice, error));
}

/* A string without NUL, cut to fit; "" for any other value. */
static int
read_text(struct json_scan *scan, char *out, size_t size, struct error *error)
{
	struct json_slice string;
	char *decoded;
	size_t length;

	out[0] = '\0';
	if (json_scan_peek(scan) != '"')
		return (json_scan_skip(scan, NULL, error));
	if (json_scan_string(scan, &string, error) == -1)
		return (-1);
	decoded = malloc(string.length + 1);
	if (decoded == NULL)
		return (error_errno(error, "a line of a batch"));
	length = json_slice_decode(decoded, &string);
	/* A character that is cut in two becomes '?', as does a NUL. */
	if (length >= size)
		length = size - 1;
	utf8_sanitize(out, decoded, length);
	free(decoded);
	return (0);
}

static int
read_request_key(struct json_scan *scan, const struct json_slice *key,
    struct batch_request *request, struct error *error)
{
	if (is(key, "id"))
		return (read_slice(scan, key, &request->id, error));
	if (is(key, "request"))
		return (read_slice(scan, key, &request->request, error));
	if (is(key, "method"))
		return (read_text(scan, request->method,
		    sizeof(request->method), error));
	if (is(key, "cancel"))
		request->cancel = json_scan_peek(scan) == 't';
	return (json_scan_skip(scan, NULL, error));
}

static int
read_request(struct json_scan *scan, struct batch_request *request,
    struct error *error)
{
	struct json_slice key;
	int more;

	if (json_scan_enter(scan, '{', error) == -1)
		return (-1);
	while ((more = json_scan_key(scan, &key, error)) == 1)
		if (read_request_key(scan, &key, request, error) == -1)
			return (-1);
	if (more == -1 || json_scan_end(scan, error) == -1)
		return (-1);
	return (request->id.length > 0 ? 0 :
	    error_set(error, EXIT_USAGE, "no id"));
}

int
batch_request_parse(struct batch_request *request, const char *text,
    size_t length, struct error *error)
{
	struct json_scan scan;

	*request = (struct batch_request){ .cancel = false };
	json_scan_init(&scan, text, length);
	if (read_request(&scan, request, error) == -1) {
		/* A line that ends too early gets that error; its id stays. */
		request_check_line(text, length, error);
		return (error_prefix(error, "not a line of a batch"));
	}
	if (request->request.length == 0)
		request->request = (struct json_slice){ "{}", 2 };
	return (0);
}

const struct method *
batch_request_method(const struct batch_request *request, struct error *error)
{
	const struct method *method = method_by_name(request->method);
	char names[METHOD_NAMES_SIZE];

	if (method != NULL && (1u << method->kind & METHODS_OF_CONTROL) != 0)
		return (method);
	error_set(error, EXIT_USAGE, "%s: not a method for a batch (%s)",
	    request->method[0] == '\0' ? "(none)" : request->method,
	    method_names(METHODS_OF_CONTROL, names));
	return (NULL);
}

bool
batch_same_id(const struct json_slice *a, const struct json_slice *b)
{
	return (a->length == b->length && (a->length == 0 ||
	    memcmp(a->text, b->text, a->length) == 0));
}

struct json_slice *
batch_keep_id(const struct json_slice *id)
{
	struct json_slice *kept = malloc(sizeof(*kept) + id->length);

	if (kept != NULL)
		*kept = (struct json_slice){
		    memcpy(kept + 1, id->text, id->length), id->length };
	return (kept);
}

static int
read_error(struct json_scan *scan, struct batch_answer *answer,
    struct error *error)
{
	struct json_slice key, number;
	uint64_t code;
	int more;

	if (json_scan_enter(scan, '{', error) == -1)
		return (-1);
	while ((more = json_scan_key(scan, &key, error)) == 1) {
		if (is(&key, "code") && json_scan_peek(scan) == '0') {
			if (json_scan_number(scan, &number, error) == -1)
				return (-1);
			if (json_slice_uint64(&code, &number) && code <= 255)
				answer->code = (int)code;
		} else if ((is(&key, "status") ? read_text(scan, answer->status,
		    sizeof(answer->status), error) :
		    is(&key, "message") ? read_text(scan, answer->message,
		    sizeof(answer->message), error) :
		    json_scan_skip(scan, NULL, error)) == -1)
			return (-1);
	}
	return (more);
}

static int
read_answer(struct json_scan *scan, struct batch_answer *answer,
    struct error *error)
{
	struct json_slice key;
	bool failed = false;
	int more;

	if (json_scan_enter(scan, '{', error) == -1)
		return (-1);
	while ((more = json_scan_key(scan, &key, error)) == 1) {
		const bool said = is(&key, "error") && json_scan_peek(scan) == '{';

		failed = failed || said;
		if ((said ? read_error(scan, answer, error) :
		    is(&key, "id") ? read_slice(scan, &key, &answer->id, error) :
		    is(&key, "response") ? read_slice(scan, &key,
		    &answer->response, error) :
		    json_scan_skip(scan, NULL, error)) == -1)
			return (-1);
	}
	if (more == -1 || json_scan_end(scan, error) == -1)
		return (-1);
	if (answer->id.length == 0 || (answer->response.length > 0) == failed)
		return (error_set(error, EXIT_PROTOCOL, "a line with an id and "
		    "either a response or an error is expected"));
	return (0);
}

int
batch_answer_parse(struct batch_answer *answer, const char *text,
    size_t length, struct error *error)
{
	struct json_scan scan;

	*answer = (struct batch_answer){ .code = EXIT_FAILED };
	json_scan_init(&scan, text, length);
	if (read_answer(&scan, answer, error) == -1)
		return (-1);
	if (answer->code == EXIT_DONE)
		answer->code = EXIT_FAILED;
	if (answer->message[0] == '\0')
		strlcpy(answer->message, "the endpoint gives no reason",
		    sizeof(answer->message));
	return (0);
}

/* --- writing --- */

static int
written(int result, struct error *error)
{
	return (result == 0 ? 0 : error_errno(error, "a line of a batch"));
}

/* {"id":ID */
static int
begin(struct buffer *out, const struct json_slice *id)
{
	if (json_text_raw(out, "{\"id\":") == -1)
		return (-1);
	return (id->length == 0 ? json_text_raw(out, "null") :
	    buffer_append(out, id->text, id->length));
}

int
batch_write_request(struct buffer *out, const struct json_slice *id,
    const char *method, const char *request, size_t length,
    struct error *error)
{
	return (written(begin(out, id) == -1 ||
	    json_text_raw(out, ",\"method\":\"") == -1 ||
	    json_text_raw(out, method) == -1 ||
	    json_text_raw(out, "\",\"request\":") == -1 ||
	    buffer_append(out, request, length) == -1 ||
	    json_text_raw(out, "}\n") == -1 ? -1 : 0, error));
}

int
batch_write_cancel(struct buffer *out, const struct json_slice *id,
    struct error *error)
{
	return (written(begin(out, id) == -1 ||
	    json_text_raw(out, ",\"cancel\":true}\n") == -1 ? -1 : 0, error));
}

int
batch_begin_response(struct buffer *out, const struct json_slice *id,
    struct error *error)
{
	return (written(begin(out, id) == -1 ||
	    json_text_raw(out, ",\"response\":") == -1 ? -1 : 0, error));
}

int
batch_write_response(struct buffer *out, const struct json_slice *id,
    const char *response, size_t length, struct error *error)
{
	return (batch_begin_response(out, id, error) == -1 ? -1 :
	    written(buffer_append(out, response, length) == -1 ||
	    json_text_raw(out, BATCH_END_RESPONSE) == -1 ? -1 : 0, error));
}

int
batch_write_error(struct buffer *out, const struct json_slice *id,
    const char *status, const struct error *what, struct error *error)
{
	char text[sizeof(what->text)];

	utf8_sanitize(text, what->text, strlen(what->text));
	return (written(begin(out, id) == -1 ||
	    json_text_raw(out, ",\"error\":{\"code\":") == -1 ||
	    json_text_integer(out, what->code) == -1 ||
	    (status != NULL && (json_text_raw(out, ",\"status\":") == -1 ||
	    json_text_string(out, status, strlen(status)) == -1)) ||
	    json_text_raw(out, ",\"message\":") == -1 ||
	    json_text_string(out, text, strlen(text)) == -1 ||
	    json_text_raw(out, "}}\n") == -1 ? -1 : 0, error));
}
