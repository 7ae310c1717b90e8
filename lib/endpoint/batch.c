#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "endpoint/batch.h"
#include "message/pbjson.h"
#include "message/request.h"

int
batch_request_parse(struct batch_request *request, const char *text,
    size_t length, struct error *error)
{
	struct error why;

	*request = (struct batch_request){ .line = NULL };
	if (request_check_line(text, length, &why) == 0)
		request->line = pbjson_load(text, length, &why);
	if (request->line == NULL)
		return (error_set(error, EXIT_USAGE,
		    "not a line of a batch: %s", why.text));
	request->id = json_object_get(request->line, "id");
	if (request->id == NULL)
		return (error_set(error, EXIT_USAGE,
		    "not a line of a batch: no id"));
	request->cancel = json_is_true(json_object_get(request->line, "cancel"));
	request->method = json_string_value(json_object_get(request->line, "method"));
	request->request = json_object_get(request->line, "request");
	return (0);
}

void
batch_request_free(struct batch_request *request)
{
	json_decref(request->line);
}

int
batch_answer_parse(struct batch_answer *answer, const char *text,
    size_t length, struct error *error)
{
	const json_t *what;

	*answer = (struct batch_answer){ .line = pbjson_load(text, length, error) };
	if (answer->line == NULL)
		return (-1);
	answer->id = json_object_get(answer->line, "id");
	answer->response = json_object_get(answer->line, "response");
	what = json_object_get(answer->line, "error");
	if (answer->id == NULL || (answer->response != NULL) == json_is_object(what))
		return (error_set(error, EXIT_PROTOCOL, "a line with an id and "
		    "either a response or an error is wanted"));
	answer->code = (int)json_integer_value(json_object_get(what, "code"));
	if (answer->code <= 0 || answer->code > 255)
		answer->code = EXIT_FAILED;
	answer->status = json_string_value(json_object_get(what, "status"));
	answer->message = json_string_value(json_object_get(what, "message"));
	if (answer->message == NULL || answer->message[0] == '\0')
		answer->message = "the endpoint gives no reason";
	return (0);
}

void
batch_answer_free(struct batch_answer *answer)
{
	json_decref(answer->line);
}

static int
append(struct buffer *out, const char *text, size_t length, struct error *error)
{
	return (buffer_append(out, text, length) == 0 ? 0 :
	    error_errno(error, "a line of a batch"));
}

static int
append_text(struct buffer *out, const char *text, struct error *error)
{
	return (append(out, text, strlen(text), error));
}

/* {"id":ID */
static int
begin(struct buffer *out, const json_t *id, struct error *error)
{
	char *text = id == NULL ? strdup("null") :
	    json_dumps(id, JSON_COMPACT | JSON_ENCODE_ANY);
	int result;

	if (text == NULL)
		return (error_errno(error, "a line of a batch"));
	result = append_text(out, "{\"id\":", error);
	if (result == 0)
		result = append_text(out, text, error);
	free(text);
	return (result);
}

int
batch_write_request(struct buffer *out, const json_t *id, const char *method,
    const char *request, size_t length, struct error *error)
{
	return (begin(out, id, error) == -1 ||
	    append_text(out, ",\"method\":\"", error) == -1 ||
	    append_text(out, method, error) == -1 ||
	    append_text(out, "\",\"request\":", error) == -1 ||
	    append(out, request, length, error) == -1 ||
	    append_text(out, "}\n", error) == -1 ? -1 : 0);
}

int
batch_write_cancel(struct buffer *out, const json_t *id, struct error *error)
{
	return (begin(out, id, error) == -1 ||
	    append_text(out, ",\"cancel\":true}\n", error) == -1 ? -1 : 0);
}

int
batch_write_response(struct buffer *out, const json_t *id,
    const char *response, size_t length, struct error *error)
{
	return (begin(out, id, error) == -1 ||
	    append_text(out, ",\"response\":", error) == -1 ||
	    append(out, response, length, error) == -1 ||
	    append_text(out, "}\n", error) == -1 ? -1 : 0);
}

int
batch_write_error(struct buffer *out, const json_t *id, const char *status,
    const struct error *what, struct error *error)
{
	char message[sizeof(what->text)], *text;
	json_t *value = json_object();
	int result = -1;

	/* Cut to fit, it may end inside a character. */
	utf8_sanitize(message, what->text, strlen(what->text));
	json_object_set_new(value, "code", json_integer(what->code));
	if (status != NULL)
		json_object_set_new(value, "status", json_string(status));
	json_object_set_new(value, "message", json_string(message));
	text = json_dumps(value, JSON_COMPACT);
	if (text == NULL)
		error_set(error, EXIT_SYSTEM, "a line of a batch: out of memory");
	else if (begin(out, id, error) == 0 &&
	    append_text(out, ",\"error\":", error) == 0 &&
	    append_text(out, text, error) == 0 &&
	    append_text(out, "}\n", error) == 0)
		result = 0;
	free(text);
	json_decref(value);
	return (result);
}
