/*
 * Feeds what a server could say on a control connection to the client's
 * session, with three calls open: raw bytes, cut into pieces.
 */
#include "rpc/rpc_client.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
drain(struct rpc_client *client, int64_t now)
{
	size_t length;

	while (rpc_connection_output(&client->connection, &length) != NULL &&
	    length > 0)
		rpc_connection_wrote(&client->connection, length, now);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rpc_client client;
	struct rpc_request *request;
	struct error error;
	int64_t now = 0;
	size_t piece;
	int result = 0;

	if (size < 1 || rpc_client_init(&client, 1 << 16, now, &error) == -1)
		return (0);
	piece = data[0] + 1u;
	data++;
	size--;
	for (int i = 0; i < 3; i++)
		rpc_client_call(&client, &methods[0], "abc", 3,
		    i == 0 ? 2000 : INT64_MAX, NULL, &error);
	drain(&client, now);
	while (size > 0 && result == 0 && !client.connection.broken) {
		piece = piece > size ? size : piece;
		result = rpc_connection_read(&client.connection, data, piece, now,
		    &error);
		while ((request = rpc_client_next(&client)) != NULL)
			rpc_request_free(request);
		data += piece;
		size -= piece;
		now += 500;
		if (result == 0)
			result = rpc_client_tick(&client, now, &error);
		drain(&client, now);
	}
	rpc_client_free(&client);
	return (0);
}
