/*
 * Feeds JSON, or a message's bytes, of the type that the first byte says,
 * through JSON -> message -> bytes -> message -> JSON: the second half must
 * give back what the first made of it.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "message/method.h"
#include "message/pbjson.h"
#include "message/request_check.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
round_trip(const ProtobufCMessageDescriptor *descriptor, ProtobufCMessage *message)
{
	struct error error;
	ProtobufCMessage *again;
	char *first, *second;
	size_t length;

	(void)request_check(message, &error);
	first = pbjson_print(message, &length, &error);
	if (first == NULL)
		__builtin_trap();
	again = pbjson_parse(descriptor, first, length, &error);
	if (again == NULL)
		__builtin_trap();
	second = pbjson_print(again, NULL, &error);
	if (second == NULL || strcmp(first, second) != 0)
		__builtin_trap();
	free(first);
	free(second);
	protobuf_c_message_free_unpacked(again, NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const ProtobufCMessageDescriptor *descriptor;
	ProtobufCMessage *message;
	struct error error;

	if (size < 1)
		return (0);
	descriptor = data[0] & 1 ? methods[(data[0] >> 1) % 9].request :
	    methods[(data[0] >> 1) % 9].response;
	message = data[0] & 128 ?
	    pbjson_unpack(descriptor, data + 1, size - 1, &error) :
	    pbjson_parse(descriptor, (const char *)data + 1, size - 1, &error);
	if (message == NULL)
		return (0);
	round_trip(descriptor, message);
	protobuf_c_message_free_unpacked(message, NULL);
	return (0);
}
