#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/io.h"
#include "endpoint/endpoint_batch.h"
#include "endpoint/endpoint_program.h"
#include "message/pbjson.h"
#include "message/request.h"

const struct endpoint_method *
endpoint_program_find(const struct endpoint_program *program, const char *name)
{
	const struct endpoint_method *method = program->methods;

	while (method->name != NULL && strcmp(method->name, name) != 0)
		method++;
	return (method->name == NULL ? NULL : method);
}

static int
no_such_method(const struct endpoint_program *program, const char *name,
    struct error *error)
{
	char names[METHOD_NAMES_SIZE] = "";

	for (const struct endpoint_method *method = program->methods;
	    method->name != NULL; method++) {
		strlcat(names, method->name, sizeof(names));
		strlcat(names, ", ", sizeof(names));
	}
	return (error_set(error, EXIT_USAGE,
	    "%s: no such method (%sbatch)", name, names));
}

static int
explain(const struct endpoint_program *program, const struct error *error)
{
	if (program->explain != NULL)
		program->explain(program->context, error);
	else
		diag("%s", error->text);
	return (error->code);
}

/* The answer of a method that does nothing else. */
static int
answer(const struct endpoint_program *program, const struct endpoint_method *method,
    const ProtobufCMessage *request, struct error *error)
{
	struct buffer line = BUFFER_EMPTY(METHOD_ANSWER_MAX);
	int result = method->at_once(program->context, request, &line, error);

	if (result == 0)
		result = buffer_append(&line, "\n", 1) == -1 ?
		    error_errno(error, "the answer") :
		    io_write_all(STDOUT_FILENO, buffer_front(&line),
		    buffer_length(&line), IO_FOREVER, error);
	buffer_free(&line);
	return (result);
}

int
endpoint_program_handle(const struct endpoint_program *program,
    const struct endpoint_method *method, const ProtobufCMessage *request)
{
	struct error error;

	if ((method->at_once != NULL ? answer(program, method, request, &error) :
	    method->handle(program->context, request, &error)) == -1)
		return (explain(program, &error));
	return (EXIT_DONE);
}

/* An empty line, which is never an answer. */
int
endpoint_program_leave(struct error *error)
{
	return (io_write_all(STDOUT_FILENO, "\n", 1, IO_FOREVER, error));
}

int
endpoint_program_run(const struct endpoint_program *program, const char *name,
    const char *operand)
{
	const struct endpoint_method *method = endpoint_program_find(program, name);
	ProtobufCMessage *request;
	struct error error;
	int result;

	if (strcmp(name, "batch") == 0 && operand == NULL)
		return (endpoint_batch(program, &error) == 0 ? EXIT_DONE :
		    explain(program, &error));
	if (method == NULL) {
		no_such_method(program, name, &error);
		return (explain(program, &error));
	}
	request = request_read(method_by_name(name), operand, &error);
	if (request == NULL)
		return (explain(program, &error));
	result = endpoint_program_handle(program, method, request);
	pbjson_free(request);
	return (result);
}
