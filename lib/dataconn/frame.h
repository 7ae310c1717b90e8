#ifndef ZR_FRAME_H
#define ZR_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The frames of a data connection (zr-protocol(7), Frames of a data
 * connection): an 8-byte header, type and payload length in network order,
 * then the payload.  Pure: bytes in, items out.
 */
#define FRAME_HEADER_SIZE	8
#define FRAME_PAYLOAD_MAX	(512u << 10)	/* longest we write */

enum frame_type {
	FRAME_REQ_HEADER = 1,
	FRAME_REQ_STRUCTURED = 2,
	FRAME_RES_HEADER = 3,
	FRAME_RES_STRUCTURED = 4,
	FRAME_ZFS_STREAM = 5,
	FRAME_ZFS_STREAM_ZSTD = 0x00007a73,	/* only where both sides agree to it */
	FRAME_STREAM_ERROR = 0x00010000,	/* "StreamErrTrailer" */
	FRAME_END = 0x00020000,
	FRAME_HEARTBEAT = 0x01000000,
	FRAME_SHUTDOWN = 0x10000000		/* "RST" */
};

struct frame_header {
	uint32_t type;		/* enum frame_type, or anything else a peer sent */
	uint32_t length;	/* bytes of payload */
};

void	frame_encode(uint8_t out[FRAME_HEADER_SIZE], uint32_t type, uint32_t length);
void	frame_decode(struct frame_header *header, const uint8_t in[FRAME_HEADER_SIZE]);

/* A number in network order, as in a header. */
uint32_t frame_number(const uint8_t in[4]);
void	frame_put_number(uint8_t out[4], uint32_t number);

/* The name in the protocol's table; NULL for an unknown type. */
const char *frame_type_name(uint32_t type);

/*
 * Cuts a byte stream, which may arrive in any pieces, into frames.  Start
 * with all zero.
 */
struct frame_reader {
	uint8_t header[FRAME_HEADER_SIZE];
	size_t have;			/* bytes of header so far */
	struct frame_header current;
	uint32_t left;			/* payload bytes still to come */
};

enum frame_item_kind {
	FRAME_ITEM_NONE,	/* everything was consumed, more is needed */
	FRAME_ITEM_HEADER,	/* a frame begins; reader->current is its header */
	FRAME_ITEM_PAYLOAD	/* the next piece of its payload, never empty */
};

struct frame_item {
	enum frame_item_kind kind;
	const uint8_t *payload;	/* points into the caller's bytes */
	size_t length;
};

/* Consume from bytes up to and including one item; returns how many. */
size_t	frame_reader_next(struct frame_reader *reader, const uint8_t *bytes,
	    size_t size, struct frame_item *item);

/* True between two frames: an end of file here cuts nothing off. */
bool	frame_reader_at_boundary(const struct frame_reader *reader);

#endif
