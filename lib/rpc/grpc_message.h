#ifndef ZR_GRPC_MESSAGE_H
#define ZR_GRPC_MESSAGE_H

#include <stdbool.h>

#include "base/buffer.h"
#include "base/error.h"
#include "rpc/grpc_status.h"

/*
 * The one message of a unary call in each direction (zr-protocol(7),
 * Control connection): compressed flag (0), uint32 length, payload.  Pure: bytes in
 * any pieces.
 */
#define GRPC_PREFIX_SIZE 5

struct grpc_message {
	uint8_t prefix[GRPC_PREFIX_SIZE];
	size_t prefix_length;
	size_t length;		/* of the payload, once the prefix is complete */
	struct buffer payload;
};

/* max is the longest payload that is accepted, in bytes. */
#define GRPC_MESSAGE_EMPTY(limit) \
	((struct grpc_message){ .payload = BUFFER_EMPTY(limit) })

/*
 * More of it.  GRPC_OK, or the status that the call has to end with and its
 * text: too long, compressed, a second message, out of memory.  Memory grows
 * with what arrives, not with what the prefix promises.
 */
enum grpc_status grpc_message_append(struct grpc_message *message,
	    const uint8_t *bytes, size_t size, struct error *error);

/* Has all of it arrived? */
bool	grpc_message_complete(const struct grpc_message *message);

void	grpc_message_free(struct grpc_message *message);

/*
 * Make the message to be sent with this payload, which is copied; *message is replaced.
 * -1 if it is too long for a prefix or there is no memory.
 */
int	grpc_message_frame(struct buffer *message, const void *payload,
	    size_t length);

#endif
