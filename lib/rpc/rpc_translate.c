#include <stdlib.h>

#include "message/pbjson.h"
#include "message/request_check.h"
#include "rpc/rpc_translate.h"

char *
rpc_translate_request(const struct rpc_call *call, size_t *length,
    struct error *error)
{
	char *text;

	text = pbjson_from_wire(call->method->request, request_check,
	    buffer_front(&call->message.payload),
	    buffer_length(&call->message.payload), length, error);
	if (text == NULL)
		error_prefix(error, "request");
	return (text);
}

int
rpc_translate_answer(struct rpc_server *server, struct rpc_call *call,
    const char *answer, size_t length, struct error *error)
{
	size_t size;
	void *bytes = pbjson_to_wire(call->method->response, request_check,
	    answer, length, &size, error);

	if (bytes == NULL)
		return (error_prefix(error, "the endpoint's answer"));
	rpc_server_answer(server, call, bytes, size);
	free(bytes);
	return (0);
}
