#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/signals.h"
#include "guard/guard.h"
#include "message/method.h"
#include "message/pbjson.h"
#include "message/request.h"
#include "transport/chain.h"

char **
guard_command(const struct guard *guard, const char *method, const char *operand,
    struct error *error)
{
	size_t count = 0;
	char **line;

	while (guard->endpoint[count] != NULL)
		count++;
	line = calloc(count + 3, sizeof(*line));
	if (line == NULL) {
		error_errno(error, "endpoint");
		return (NULL);
	}
	memcpy(line, guard->endpoint, count * sizeof(*line));
	line[count] = (char *)(uintptr_t)method;
	line[count + 1] = (char *)(uintptr_t)operand;
	return (line);
}

/* Become the endpoint; returns only with -1. */
static int
pass_on(const struct guard *guard, const char *method, const char *operand,
    struct error *error)
{
	char **line = guard_command(guard, method, operand, error);

	if (line == NULL)
		return (-1);
	chain_exec(NULL, line);
}

static int
destroy(const struct guard *guard, const struct method *method,
    const char *operand, struct error *error)
{
	ProtobufCMessage *request = request_read(method, operand, error);
	int result;

	if (request == NULL)
		return (-1);
	result = guard_destroy(guard, (const DestroySnapshotsReq *)request, error);
	pbjson_free(request);
	return (result);
}

static int
no_such_method(const char *name, struct error *error)
{
	char names[METHOD_NAMES_SIZE];

	return (error_set(error, EXIT_USAGE, "%s: no such method (%s, batch)", name,
	    method_names(~0u, names)));
}

int
guard_run(const struct guard *guard, const char *name, const char *operand)
{
	const struct method *method = method_by_name(name);
	struct error error;
	int result;

	signal(SIGPIPE, SIG_IGN);
	if (strcmp(name, "batch") == 0 && operand == NULL)
		result = guard_batch(guard, &error);
	else if (method == NULL)
		result = no_such_method(name, &error);
	else if (strcmp(name, "DestroySnapshots") == 0)
		result = destroy(guard, method, operand, &error);
	else if (method->kind == METHOD_RECEIVE)
		result = guard_receive(guard, operand, &error);
	else
		result = pass_on(guard, name, operand, &error);
	if (result != -1)
		return (result);
	if (error.text[0] != '\0')
		diag_error(&error);
	return (error.code);
}
