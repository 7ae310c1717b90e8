#include <stdlib.h>

#include "message/request_check.h"
#include "rpc/rpc_translate.h"

char *
rpc_translate_request(const struct rpc_call *call, size_t *length,
    struct error *error)
{
	ProtobufCMessage *request;
	char *text = NULL;

	request = pbjson_unpack(call->method->request,
	    buffer_front(&call->message.payload),
	    buffer_length(&call->message.payload), error);
	if (request != NULL && request_check(request, error) == 0)
		text = pbjson_print(request, length, error);
	if (text == NULL)
		error_prefix(error, "request");
	if (request != NULL)
		protobuf_c_message_free_unpacked(request, NULL);
	return (text);
}

int
rpc_translate_answer(struct rpc_server *server, struct rpc_call *call,
    const json_t *answer, struct error *error)
{
	ProtobufCMessage *response;
	void *bytes = NULL;
	size_t size;
	int result = -1;

	response = pbjson_from_json(call->method->response, answer, error);
	if (response != NULL && request_check(response, error) == 0 &&
	    pbjson_pack(response, &bytes, &size, error) == 0) {
		rpc_server_answer(server, call, bytes, size);
		result = 0;
	} else
		error_prefix(error, "the endpoint's answer");
	if (response != NULL)
		protobuf_c_message_free_unpacked(response, NULL);
	free(bytes);
	return (result);
}
