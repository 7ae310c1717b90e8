#include <stdlib.h>
#include <string.h>

#include "base/io.h"
#include "message/pbjson.h"
#include "message/request_check.h"
#include "rpc/rpc_caller.h"

#define EXTRA_MAX 4
#define FAREWELL_MS 2000

int
rpc_caller_open(struct rpc_caller *caller, const struct chain *chain,
    size_t answer_max, int64_t timeout_ms, struct error *error)
{
	caller->timeout_ms = timeout_ms;
	if (rpc_network_open(&caller->network, chain, error) == -1)
		return (-1);
	return (rpc_client_init(&caller->client, answer_max, io_now(), error));
}

void
rpc_caller_close(struct rpc_caller *caller)
{
	rpc_client_close(&caller->client);
	rpc_network_close(&caller->network, &caller->client.connection,
	    FAREWELL_MS);
	rpc_client_free(&caller->client);
}

struct rpc_request *
rpc_caller_begin(struct rpc_caller *caller, const struct method *method,
    const char *text, size_t length, void *context, struct error *error)
{
	struct rpc_request *request = NULL;
	const int64_t now = io_now();
	void *bytes;
	size_t size;

	bytes = pbjson_to_wire(method->request, request_check, text, length,
	    &size, error);
	if (bytes == NULL) {
		error_prefix(error, "request");
		error->code = EXIT_USAGE;
		goto out;
	}
	if (size > RPC_SENT_MAX) {
		error_set(error, EXIT_USAGE, "request: %zu bytes are over the "
		    "%u that a peer accepts", size, RPC_SENT_MAX);
		goto out;
	}
	caller->client.connection.now = now;
	request = rpc_client_call(&caller->client, method, bytes, size,
	    caller->timeout_ms > 0 ? now + caller->timeout_ms : INT64_MAX,
	    context, error);
out:
	free(bytes);
	return (request);
}

int
rpc_caller_turn(struct rpc_caller *caller, struct pollfd *extra,
    size_t extra_count, struct error *error)
{
	static uint8_t bytes[64 << 10];
	struct pollfd entries[RPC_NETWORK_ENTRIES + EXTRA_MAX];
	struct rpc_connection *connection = &caller->client.connection;
	ssize_t got;

	if (rpc_client_left_alone(&caller->client))
		return (error_set(error, EXIT_PROTOCOL, "%s", caller->client.why));
	/* Write new output before we sleep. */
	if (rpc_network_write(&caller->network, connection, io_now(), error) == -1)
		return (-1);
	rpc_network_poll(&caller->network, connection, entries);
	for (size_t i = 0; i < extra_count; i++)
		entries[RPC_NETWORK_ENTRIES + i] = extra[i];
	io_poll(entries, RPC_NETWORK_ENTRIES + extra_count,
	    rpc_client_deadline(&caller->client));
	for (size_t i = 0; i < extra_count; i++)
		extra[i] = entries[RPC_NETWORK_ENTRIES + i];
	got = rpc_network_read(&caller->network, entries, bytes, sizeof(bytes), error);
	if (got == -1) {
		if (caller->client.going_away)
			error_set(error, EXIT_PROTOCOL, "%s", caller->client.why);
		return (-1);
	}
	if (got > 0 && rpc_connection_read(connection, bytes, (size_t)got,
	    io_now(), error) == -1)
		return (-1);
	if (rpc_client_tick(&caller->client, io_now(), error) == -1 ||
	    rpc_network_write(&caller->network, connection, io_now(), error) == -1)
		return (-1);
	if (connection->broken) {
		*error = connection->reason;
		return (-1);
	}
	return (0);
}

char *
rpc_caller_answer(const struct rpc_request *request, size_t *length,
    struct error *error)
{
	char *line;

	line = pbjson_from_wire(request->method->response, request_check,
	    buffer_front(&request->message.payload),
	    buffer_length(&request->message.payload), length, error);
	if (line == NULL) {
		error->code = EXIT_PROTOCOL;
		error_prefix(error, "the answer");
	}
	return (line);
}

char *
rpc_caller_unary(struct rpc_caller *caller, const struct method *method,
    const char *text, size_t length, struct error *error)
{
	struct rpc_request *request;
	char *line = NULL;

	if (rpc_caller_begin(caller, method, text, length, NULL, error) == NULL)
		return (NULL);
	while ((request = rpc_client_next(&caller->client)) == NULL)
		if (rpc_caller_turn(caller, NULL, 0, error) == -1)
			return (NULL);
	if (request->status == GRPC_OK)
		line = rpc_caller_answer(request, &length, error);
	else {
		/* Every endpoint's own error is UNKNOWN, which need not be said. */
		*error = request->error;
		if (request->status != GRPC_UNKNOWN)
			error_prefix(error, "%s",
			    grpc_status_name(request->status));
	}
	rpc_request_free(request);
	return (line);
}
