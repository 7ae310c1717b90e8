#ifndef ZR_EXCHANGE_H
#define ZR_EXCHANGE_H

#include <stdbool.h>

#include "base/buffer.h"
#include "dataconn/compression.h"
#include "dataconn/frame.h"
#include "dataconn/stream.h"
#include "message/method.h"

/*
 * What a peer says on a data connection, after the label: one request and its response
 * (zr-protocol(7), One request).  Pure: bytes in any pieces go in, events come out, in
 * the only order that a peer of that role may cause.  The caller decides what to answer,
 * and when.
 *
 *	server reads	ReqHeader, ReqStructured, [the stream of Receive]
 *	client reads	ResHeader, ResStructured, [the stream of Send]
 *
 * Heartbeats may stand between any two frames, Shutdown ends everything.
 */
enum exchange_role {
	EXCHANGE_SERVER,
	EXCHANGE_CLIENT
};

enum exchange_event {
	EXCHANGE_MORE,		/* all bytes are consumed */
	EXCHANGE_HEARTBEAT,
	EXCHANGE_REQUEST,	/* server: path and message are complete */
	EXCHANGE_RESPONSE,	/* client: the handler's answer, in message */
	EXCHANGE_REFUSED,	/* client: the handler's error, exchange_text() */
	EXCHANGE_DATA,		/* stream bytes: data, data_length */
	EXCHANGE_STREAM_END,
	EXCHANGE_STREAM_FAILED,	/* the producer's error, exchange_text() */
	EXCHANGE_SHUTDOWN,	/* the peer is done; whatever follows is ignored */
	EXCHANGE_BROKEN		/* not the protocol: *error; nothing follows */
};

struct exchange {
	enum exchange_role role;
	enum method_kind method;	/* client: given; server: from ReqHeader */
	bool known;			/* server: the path names a method */
	bool compression;		/* exchange_allow_compression() */
	enum {
		EXCHANGE_IN_HEADER, EXCHANGE_IN_STRUCTURED, EXCHANGE_IN_STREAM,
		EXCHANGE_IN_CLOSE, EXCHANGE_IN_NOTHING
	} state;
	struct frame_reader frames;
	struct stream_reader stream;
	struct buffer header;		/* ReqHeader's or ResHeader's text */
	struct buffer message;		/* ReqStructured or ResStructured */
	const uint8_t *data;		/* EXCHANGE_DATA: in the caller's bytes */
	size_t data_length;
	bool data_compressed;		/* they are a piece of a compressed frame, */
	bool data_begins;		/* its first, */
	uint32_t inflated;		/* which inflates to this many bytes; 0: unknown */
	uint8_t prefix[COMPRESSION_PREFIX_SIZE];
	size_t prefix_length;
};

void	exchange_init(struct exchange *exchange, enum exchange_role role,
	    enum method_kind method);

/* Both sides agree to compressed frames in a ZFS stream (compression.h). */
void	exchange_allow_compression(struct exchange *exchange);

/*
 * Consume some of bytes, up to the first event; *consumed says how many.
 * Call again with the rest until it returns EXCHANGE_MORE.
 */
enum exchange_event exchange_next(struct exchange *exchange,
	    const uint8_t *bytes, size_t size, size_t *consumed,
	    struct error *error);

/*
 * The peer's end of file came: 0 if that is a clean end, otherwise -1 and *error
 * ("connection closed in the middle of ...").
 */
int	exchange_end_of_file(const struct exchange *exchange, struct error *error);

/* Has the peer said nothing but that it is alive? */
bool	exchange_is_unused(const struct exchange *exchange);

/* The handler's or producer's text, NUL-terminated UTF-8, never empty. */
const char *exchange_text(struct exchange *exchange);

/*
 * The number of bytes to the end of the current frame, with the header of the next:
 * reading just these keeps payloads in one piece.  0 if unknown.
 */
size_t	exchange_wanted(const struct exchange *exchange);

void	exchange_free(struct exchange *exchange);

/* The first line of a response header. */
#define EXCHANGE_OK		"HANDLER OK\n"
#define EXCHANGE_ERROR		"HANDLER ERROR:\n"

#endif
