/*
 * The gRPC messages in the streams of a control connection, for zr-dump.
 */
#include <stdlib.h>

#include "dump/dump.h"

#define CALLS_OPEN_MAX	4096	/* with half a message */

static const struct method *
method_of(const struct dump *dump, uint32_t stream)
{
	const struct dump_connection *connection = dump->connection;
	const size_t index = stream / 2;

	return (index < connection->method_count ? connection->methods[index] :
	    connection->method);
}

int
dump_grpc_method(struct dump *dump, uint32_t stream, const struct method *method,
    struct error *error)
{
	struct dump_connection *connection = dump->connection;
	const struct method **grown;
	const size_t index = stream / 2;
	size_t count = connection->method_count;

	if (index >= DUMP_CALLS_MAX)
		return (0);
	if (index >= count) {
		count = index + 1 > 2 * count ? index + 1 : 2 * count;
		grown = reallocarray(connection->methods, count, sizeof(*grown));
		if (grown == NULL)
			return (error_errno(error, "calls"));
		for (size_t i = connection->method_count; i < count; i++)
			grown[i] = NULL;
		connection->methods = grown;
		connection->method_count = count;
	}
	connection->methods[index] = method;
	return (0);
}

static struct dump_call *
find_call(struct dump *dump, uint32_t stream, struct error *error)
{
	struct dump_call *call;

	for (call = dump->calls; call != NULL; call = call->next)
		if (call->stream == stream)
			return (call);
	if (dump->call_count == CALLS_OPEN_MAX) {
		error_set(error, EXIT_PROTOCOL, "more than %d calls with half a "
		    "message", CALLS_OPEN_MAX);
		return (NULL);
	}
	call = calloc(1, sizeof(*call));
	if (call == NULL) {
		error_errno(error, "call");
		return (NULL);
	}
	call->stream = stream;
	call->begin = dump->offset;
	call->message = GRPC_MESSAGE_EMPTY(METHOD_ANSWER_MAX);
	call->next = dump->calls;
	dump->calls = call;
	dump->call_count++;
	return (call);
}

void
dump_grpc_reset(struct dump *dump, uint32_t stream)
{
	struct dump_call **link = &dump->calls, *call;

	while (*link != NULL && (*link)->stream != stream)
		link = &(*link)->next;
	if ((call = *link) == NULL)
		return;
	*link = call->next;
	dump->call_count--;
	grpc_message_free(&call->message);
	free(call);
}

int
dump_grpc_end(const struct dump *dump, uint32_t stream, struct error *error)
{
	const struct dump_call *call = dump->calls;

	while (call != NULL && call->stream != stream)
		call = call->next;
	return (call == NULL ? 0 : error_set(error, EXIT_PROTOCOL,
	    "stream %u ends in the middle of its message", stream));
}

int
dump_grpc_data(struct dump *dump, uint32_t stream, const uint8_t *bytes,
    size_t size, struct error *error)
{
	const struct method *method = method_of(dump, stream);
	struct dump_call *call = find_call(dump, stream, error);
	int result = 0;

	if (call == NULL)
		return (-1);
	if (grpc_message_append(&call->message, bytes, size, error) != GRPC_OK) {
		error->code = EXIT_PROTOCOL;
		return (error_prefix(error, "stream %u", stream));
	}
	if (!grpc_message_complete(&call->message))
		return (0);
	dump_line(dump, call->begin, GRPC_PREFIX_SIZE + call->message.length);
	fprintf(dump->out, "message %u ", stream);
	result = dump_message(dump, method == NULL ? NULL :
	    dump->side == DUMP_CLIENT ? method->request : method->response,
	    buffer_front(&call->message.payload),
	    buffer_length(&call->message.payload), error);
	dump_grpc_reset(dump, stream);
	return (result);
}

void
dump_grpc_free(struct dump *dump)
{
	while (dump->calls != NULL)
		dump_grpc_reset(dump, dump->calls->stream);
}
