#include <string.h>

#include "rpc/grpc_message.h"

/* The prefix is complete: do we accept its message? */
static enum grpc_status
check_prefix(struct grpc_message *message, struct error *error)
{
	const uint8_t *prefix = message->prefix;

	if (prefix[0] > 1) {
		error_set(error, EXIT_PROTOCOL,
		    "grpc: message prefix with flag %u", prefix[0]);
		return (GRPC_INTERNAL);
	}
	if (prefix[0] == 1) {
		error_set(error, EXIT_PROTOCOL, "grpc: compressed flag set with "
		    "identity or empty encoding");
		return (GRPC_INTERNAL);
	}
	message->length = (size_t)prefix[1] << 24 | (size_t)prefix[2] << 16 |
	    (size_t)prefix[3] << 8 | prefix[4];
	if (message->length > buffer_max(&message->payload)) {
		error_set(error, EXIT_FAILED, "grpc: received message larger "
		    "than max (%zu vs. %zu)", message->length,
		    buffer_max(&message->payload));
		return (GRPC_RESOURCE_EXHAUSTED);
	}
	return (GRPC_OK);
}

enum grpc_status
grpc_message_append(struct grpc_message *message, const uint8_t *bytes,
    size_t size, struct error *error)
{
	size_t take = GRPC_PREFIX_SIZE - message->prefix_length;
	enum grpc_status status;

	if (take > 0 && size > 0) {
		if (take > size)
			take = size;
		memcpy(message->prefix + message->prefix_length, bytes, take);
		message->prefix_length += take;
		bytes += take;
		size -= take;
		if (message->prefix_length == GRPC_PREFIX_SIZE &&
		    (status = check_prefix(message, error)) != GRPC_OK)
			return (status);
	}
	if (size == 0)
		return (GRPC_OK);
	if (size > message->length - buffer_length(&message->payload)) {
		error_set(error, EXIT_PROTOCOL, "grpc: more than one message "
		    "in a unary call");
		return (GRPC_INTERNAL);
	}
	if (buffer_append(&message->payload, bytes, size) == -1) {
		error_errno(error, "message");
		return (GRPC_RESOURCE_EXHAUSTED);
	}
	return (GRPC_OK);
}

bool
grpc_message_complete(const struct grpc_message *message)
{
	return (message->prefix_length == GRPC_PREFIX_SIZE &&
	    buffer_length(&message->payload) == message->length);
}

void
grpc_message_free(struct grpc_message *message)
{
	buffer_free(&message->payload);
	message->prefix_length = message->length = 0;
}

int
grpc_message_frame(struct buffer *message, const void *payload, size_t length)
{
	const uint8_t prefix[GRPC_PREFIX_SIZE] = { 0, (uint8_t)(length >> 24),
	    (uint8_t)(length >> 16), (uint8_t)(length >> 8), (uint8_t)length };

	*message = BUFFER_EMPTY(length + GRPC_PREFIX_SIZE);
	if (length > UINT32_MAX)
		return (-1);
	if (buffer_append(message, prefix, sizeof(prefix)) == 0 &&
	    buffer_append(message, payload, length) == 0)
		return (0);
	buffer_free(message);
	return (-1);
}
