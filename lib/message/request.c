#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/io.h"
#include "base/number.h"
#include "message/json_text.h"
#include "message/pbjson.h"
#include "message/request.h"
#include "message/request_check.h"

#define WRITE_SIZE ((size_t)64 << 10)	/* of a long answer at a time */

static char *
read_line(int fd, size_t size, enum io_line what, struct error *error)
{
	char *line = malloc(size);

	if (line == NULL) {
		error_errno(error, "request");
		return (NULL);
	}
	if (io_read_line(fd, what, line, size, IO_FOREVER, error) == -1)
		error_prefix(error, "no request as an argument or on standard input");
	else if (request_check_line(line, strlen(line), error) == -1)
		error_prefix(error, "request");
	else
		return (line);
	if (error->code != EXIT_SYSTEM)
		error->code = EXIT_USAGE;
	free(line);
	return (NULL);
}

char *
request_line(size_t size, enum io_line what, struct error *error)
{
	return (read_line(STDIN_FILENO, size, what, error));
}

int
request_descriptor(const struct method *method, struct error *error)
{
	const char *value = getenv(REQUEST_ENVIRONMENT);
	int fd;

	if (value == NULL || method->kind != METHOD_RECEIVE)
		return (STDIN_FILENO);
	fd = number_parse_fd(value, 0);
	if (fd == -1 || io_set_cloexec(fd, true) == -1)
		return (error_set(error, EXIT_USAGE, REQUEST_ENVIRONMENT
		    "=%s is not an open descriptor", value));
	unsetenv(REQUEST_ENVIRONMENT);
	return (fd);
}

ProtobufCMessage *
request_parse(const struct method *method, const char *text, size_t length,
    struct error *error)
{
	ProtobufCMessage *request = pbjson_parse(method->request, request_check,
	    text, length, error);

	if (request == NULL) {
		error_prefix(error, "request");
		error->code = EXIT_USAGE;
	}
	return (request);
}

ProtobufCMessage *
request_read(const struct method *method, const char *operand,
    struct error *error)
{
	return (request_read_from(STDIN_FILENO, method, operand, error));
}

ProtobufCMessage *
request_read_from(int fd, const struct method *method, const char *operand,
    struct error *error)
{
	ProtobufCMessage *request;
	char *line = NULL;

	if (operand == NULL)
		operand = line = read_line(fd, REQUEST_LINE_MAX,
		    method->kind == METHOD_RECEIVE && fd == STDIN_FILENO ?
		    IO_LINE_ALONE : IO_LINE_AND_REST, error);
	if (operand == NULL)
		return (NULL);
	request = request_parse(method, operand, strlen(operand), error);
	free(line);
	return (request);
}

static int
write_out(struct buffer *out, struct error *error)
{
	if (io_write_all(STDOUT_FILENO, buffer_front(out), buffer_length(out),
	    IO_FOREVER, error) == -1)
		return (error_prefix(error, "the answer"));
	buffer_consume(out, buffer_length(out));
	return (0);
}

int
request_check_line(const char *line, size_t length, struct error *error)
{
	bool quoted = false, blank = true;
	size_t depth = 0;

	for (size_t i = 0; i < length; i++) {
		blank = blank && isspace((unsigned char)line[i]);
		if (line[i] == '"')
			quoted = !quoted;
		else if (quoted)
			i += line[i] == '\\';
		else if (line[i] == '[' || line[i] == '{')
			depth++;
		else if ((line[i] == ']' || line[i] == '}') && depth > 0)
			depth--;
	}
	if (depth == 0 && !blank)
		return (0);
	return (error_set(error, EXIT_USAGE, "%s: it must be one line of JSON "
	    "(jq -c . makes it one)", blank ? "the line is blank" :
	    "it does not end on its line"));
}

int
request_answer(const ProtobufCMessage *response, struct error *error)
{
	struct buffer out = BUFFER_EMPTY(SIZE_MAX / 4);
	int result = -1;

	if (pbjson_append(&out, response, error) == 0)
		result = buffer_append(&out, "\n", 1) == 0 ?
		    write_out(&out, error) : error_errno(error, "the answer");
	buffer_free(&out);
	return (result);
}

int
request_only_snapshots(const DestroySnapshotsReq *request, struct error *error)
{
	for (size_t i = 0; i < request->n_snapshots; i++)
		if (request->snapshots[i]->type !=
		    FILESYSTEM_VERSION__VERSION_TYPE__Snapshot)
			return (error_set(error, EXIT_FAILED,
			    "version \"%s\" is not a snapshot",
			    request->snapshots[i]->name));
	return (0);
}

static int
append_destroyed(struct buffer *out, FilesystemVersion *snapshot, char *text,
    struct error *error)
{
	DestroySnapshotRes result = DESTROY_SNAPSHOT_RES__INIT;

	result.snapshot = snapshot;
	if (text != NULL)
		result.error = text;
	if (pbjson_append(out, &result.base, error) == -1)
		return (-1);
	return (buffer_length(out) < WRITE_SIZE ? 0 : write_out(out, error));
}

/* The same text as pbjson_print() makes, but never all of it at once. */
int
request_answer_destroyed(const DestroySnapshotsReq *request,
    char *const texts[], struct error *error)
{
	struct buffer out = BUFFER_EMPTY(SIZE_MAX / 4);
	int result = 0;

	if (json_text_raw(&out, request->n_snapshots > 0 ?
	    "{\"Results\":[" : "{") == -1)
		result = error_errno(error, "the answer");
	for (size_t i = 0; result == 0 && i < request->n_snapshots; i++) {
		if (i > 0 && json_text_raw(&out, ",") == -1)
			result = error_errno(error, "the answer");
		else
			result = append_destroyed(&out, request->snapshots[i],
			    texts[i], error);
	}
	if (result == 0)
		result = json_text_raw(&out, request->n_snapshots > 0 ?
		    "]}\n" : "}\n") == 0 ? write_out(&out, error) :
		    error_errno(error, "the answer");
	buffer_free(&out);
	return (result);
}
