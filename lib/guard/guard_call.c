/*
 * One call at the endpoint.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "base/process.h"
#include "base/signals.h"
#include "endpoint/call.h"
#include "format/fs_name.h"
#include "guard/guard.h"
#include "message/pbjson.h"
#include "message/request_check.h"

/* --- the environment of the child --- */

/* What the child is to have and we are not, or the other way round. */
struct variable {
	const char *name;
	const char *value;		/* for the child; NULL: none */
	char *ours;			/* owned; NULL: none */
};

static int
set(const char *name, const char *value)
{
	return (value == NULL ? unsetenv(name) : setenv(name, value, 1));
}

static int
exchange(struct variable *variables, size_t count, struct error *error)
{
	const char *ours;

	for (size_t i = 0; i < count; i++) {
		ours = getenv(variables[i].name);
		if ((ours != NULL && (variables[i].ours = strdup(ours)) == NULL) ||
		    set(variables[i].name, variables[i].value) == -1)
			return (error_errno(error, "environment"));
	}
	return (0);
}

static void
restore(struct variable *variables, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		set(variables[i].name, variables[i].ours);
		free(variables[i].ours);
	}
}

/* --- the child --- */

static int
start(struct call *call, const struct guard *guard, const char *method,
    const char *filesystem, struct error *error)
{
	/* The stream's descriptors are for the endpoint that gets the stream. */
	struct variable variables[] = {
		{ "ZR_VERDICT", NULL, NULL },
		{ "ZR_PROGRESS", NULL, NULL },
		{ "ZR_LIST_ORDER", filesystem == NULL ? NULL : "arrival", NULL },
		/* One that is longer does not exist, and might not fit. */
		{ "ZR_LIST_FILESYSTEM", filesystem != NULL &&
		    strlen(filesystem) <= FS_NAME_MAX ? filesystem : NULL, NULL }
	};
	const size_t count = sizeof(variables) / sizeof(variables[0]);
	char **line = guard_command(guard, method, NULL, error);
	int result = -1;

	if (line == NULL)
		return (-1);
	if (exchange(variables, count, error) == 0)
		result = process_start(&call->endpoint.process, line, PROCESS_PIPE,
		    PROCESS_PIPE, PROCESS_INHERIT, false, error);
	restore(variables, count);
	free(line);
	return (result);
}

/* Until it has ended; -1 if a signal has ended us both. */
static int
attend(struct call *call, struct error *error)
{
	struct pollfd entries[CALL_ENTRIES];
	int number, ended_by = 0;

	while (!call->endpoint.ended) {
		call_poll(call, entries);
		io_poll(entries, CALL_ENTRIES, call_deadline(call));
		signals_take(SIGCHLD);
		number = signals_take_end();
		if (number != 0) {
			ended_by = number;
			endpoint_end(&call->endpoint, io_now());
		}
		call_move(call, entries, io_now());
		call_check(call, io_now());
	}
	return (ended_by == 0 ? 0 : error_set(error, EXIT_SIGNAL +
	    (unsigned)ended_by, "ended by signal %d", ended_by));
}

static ProtobufCMessage *
answer_of(const struct call *call, const struct method *method,
    struct error *error)
{
	const int exit_code = call->endpoint.exit_code;
	ProtobufCMessage *response = NULL;
	const char *line = NULL;
	size_t length = 0;

	if (call_outcome(call, &line, &length, error) == OUTCOME_ANSWERED) {
		response = pbjson_parse(method->response, request_check, line,
		    length, error);
		if (response == NULL)
			error->code = EXIT_PROTOCOL;
	}
	if (response == NULL)
		error_prefix(error, "%s of the endpoint", method->name);
	/* It has said why. */
	if (exit_code != EXIT_DONE && process_code_signal(exit_code) == 0 &&
	    !call->too_long)
		error->text[0] = '\0';
	return (response);
}

ProtobufCMessage *
guard_call(const struct guard *guard, const char *name,
    const ProtobufCMessage *request, const char *filesystem,
    struct error *error)
{
	struct call call = CALL_NONE(METHOD_UNARY);
	ProtobufCMessage *response = NULL;
	size_t length;
	char *text;

	signals_catch(SIGCHLD);
	signals_catch_ends();
	text = pbjson_print(request, &length, error);
	if (text == NULL)
		return (NULL);
	if (call_request(&call, text, length, error) == 0 &&
	    start(&call, guard, name, filesystem, error) == 0 &&
	    attend(&call, error) == 0)
		response = answer_of(&call, method_by_name(name), error);
	free(text);
	call_free(&call);
	return (response);
}
