/*
 * Feeds what a client could say on a control connection to the server's
 * session: raw bytes behind a good preface (or, where the first byte is odd,
 * without one), cut into pieces; calls are answered at once, refused or left.
 */
#include <stdlib.h>

#include "rpc/rpc_server.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
drain(struct rpc_server *server, int64_t now)
{
	size_t length;

	while (rpc_connection_output(&server->connection, &length) != NULL &&
	    length > 0)
		rpc_connection_wrote(&server->connection, length, now);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
	struct rpc_server server;
	struct rpc_call *call;
	struct error error;
	int64_t now = 0;
	size_t piece;
	int result = 0;

	if (size < 2 || rpc_server_init(&server, now, &error) == -1)
		return (0);
	piece = data[1] + 1u;
	if ((data[0] & 1) == 0)
		rpc_connection_read(&server.connection,
		    (const uint8_t *)preface, 24, now, &error);
	data += 2;
	size -= 2;
	while (size > 0 && result == 0 && !server.connection.broken) {
		piece = piece > size ? size : piece;
		result = rpc_connection_read(&server.connection, data, piece, now,
		    &error);
		while ((call = rpc_server_next_cancelled(&server)) != NULL)
			rpc_server_forget(&server, call);
		while ((call = rpc_server_next(&server)) != NULL)
			if (call->stream_id % 3 == 0)
				rpc_server_answer(&server, call, data, piece);
			else if (call->stream_id % 5 == 0)
				rpc_server_refuse(&server, call, GRPC_UNKNOWN, "no");
		data += piece;
		size -= piece;
		now += 500;
		if (result == 0)
			result = rpc_server_tick(&server, now, &error);
		if (size == 7)
			rpc_server_stop(&server);
		drain(&server, now);
	}
	rpc_server_free(&server);
	return (0);
}
