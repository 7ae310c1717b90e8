#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/io.h"
#include "message/pbjson.h"
#include "message/request.h"
#include "message/request_check.h"

ProtobufCMessage *
request_read(const struct method *method, const char *operand,
    struct error *error)
{
	ProtobufCMessage *request = NULL;
	char *line = NULL;
	ssize_t length;

	if (operand == NULL) {
		line = malloc(REQUEST_LINE_MAX);
		if (line == NULL) {
			error_errno(error, "request");
			return (NULL);
		}
		length = io_read_line(STDIN_FILENO, line, REQUEST_LINE_MAX,
		    IO_FOREVER, error);
		if (length == -1) {
			if (error->text[0] == '\0')
				error_set(error, EXIT_USAGE, "end of file");
			error_prefix(error, "no request on standard input");
			if (error->code != EXIT_SYSTEM)
				error->code = EXIT_USAGE;
			goto out;
		}
		operand = line;
	}
	if (line == NULL || request_check_line(line, strlen(line), error) == 0)
		request = pbjson_parse(method->request, operand,
		    strlen(operand), error);
	if (request != NULL && request_check(request, error) == -1) {
		protobuf_c_message_free_unpacked(request, NULL);
		request = NULL;
	}
	if (request == NULL) {
		error_prefix(error, "request");
		error->code = EXIT_USAGE;
	}
out:
	free(line);
	return (request);
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
	size_t length;
	char *line = pbjson_print(response, &length, error);
	int result;

	if (line == NULL)
		return (-1);
	line[length] = '\n';
	result = io_write_all(STDOUT_FILENO, line, length + 1, IO_FOREVER, error);
	free(line);
	return (result == -1 ? error_prefix(error, "the answer") : 0);
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

int
request_answer_destroyed(const DestroySnapshotsReq *request,
    char *const texts[], struct error *error)
{
	DestroySnapshotsRes response = DESTROY_SNAPSHOTS_RES__INIT;
	DestroySnapshotRes *results, **pointers;
	int result;

	results = calloc(request->n_snapshots + 1, sizeof(*results));
	pointers = calloc(request->n_snapshots + 1, sizeof(*pointers));
	if (results == NULL || pointers == NULL) {
		free(results);
		free(pointers);
		return (error_errno(error, "results"));
	}
	for (size_t i = 0; i < request->n_snapshots; i++) {
		destroy_snapshot_res__init(&results[i]);
		results[i].snapshot = request->snapshots[i];
		if (texts[i] != NULL)
			results[i].error = texts[i];
		pointers[i] = &results[i];
	}
	response.results = pointers;
	response.n_results = request->n_snapshots;
	result = request_answer(&response.base, error);
	free(results);
	free(pointers);
	return (result);
}
