#ifndef ZR_DUMP_H
#define ZR_DUMP_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <nghttp2/nghttp2.h>

#include "base/buffer.h"
#include "base/error.h"
#include "dataconn/exchange.h"
#include "message/method.h"
#include "rpc/grpc_message.h"

/*
 * Decoding the recorded bytes of a connection (zr-dump(1)): one direction at a time,
 * from its first byte, in pieces of any size.  A line is printed for each item as soon
 * as it is complete:
 *
 *	DIRECTION OFFSET SIZE WHAT DETAILS
 *
 * DIRECTION is ">" for the client's bytes and "<" for the server's, OFFSET the item's
 * first byte, SIZE its length in bytes, framing included.  Messages are JSON with every
 * control character escaped, other text is vis(3)-encoded; streams are only summed up.
 */
#define DUMP_HEADERS_MAX	(256u << 10)	/* bytes of a decoded header list */
#define DUMP_FRAME_MAX		(1u << 20)	/* bytes of an HTTP/2 frame, other than DATA */
#define DUMP_CALLS_MAX		(1u << 16)	/* calls whose method is remembered */

enum dump_side {
	DUMP_CLIENT,
	DUMP_SERVER
};

/* What the two directions know about their connection. */
struct dump_connection {
	/* By side: has its banner zr-zstd-1? */
	enum { DUMP_BANNER_UNKNOWN, DUMP_BANNER_WITHOUT, DUMP_BANNER_WITH } zstd[2];
	bool compressed;		/* the client has sent a compressed frame, */
	uint64_t compressed_at;		/* the first one here */
	enum { DUMP_KIND_UNKNOWN, DUMP_CONTROL, DUMP_DATA } kind;
	const struct method *method;	/* of a data connection; NULL: unknown */
	/* Of a control connection: by the call's number, (HTTP/2 stream - 1) / 2. */
	const struct method **methods;
	size_t method_count;
};

struct dump_call {
	struct dump_call *next;
	uint32_t stream;
	uint64_t begin;			/* where its message begins */
	struct grpc_message message;
};

struct dump {
	enum dump_side side;
	struct dump_connection *connection;	/* borrowed */
	FILE *out;				/* borrowed */
	uint64_t offset;			/* of the next byte */
	enum {
		DUMP_AT_GREETING, DUMP_AT_BANNER, DUMP_AT_LABEL, DUMP_AT_GUESS,
		DUMP_AT_PREFACE, DUMP_IN_FRAMES, DUMP_IN_HTTP2, DUMP_AFTER
	} state;
	uint64_t begin;			/* of the item being read */
	struct buffer head;		/* its bytes so far */
	/* A data connection. */
	struct exchange exchange;
	uint64_t stream_bytes, stream_frames, stream_begin, stream_end;
	uint64_t stream_compressed;		/* of the frames */
	/* A control connection. */
	nghttp2_hd_inflater *inflater;
	struct buffer block;		/* headers, until END_HEADERS */
	uint32_t block_stream;		/* their HTTP/2 stream; 0: none is open */
	uint8_t block_flags;
	uint64_t block_begin;
	uint8_t frame[9];		/* header of the current frame */
	size_t frame_have;
	uint32_t frame_left;		/* of its payload */
	struct dump_call *calls;	/* those with a partial message */
	size_t call_count;
};

/* -1: out of memory. */
int	dump_init(struct dump *dump, enum dump_side side,
	    struct dump_connection *connection, FILE *out, struct error *error);

/*
 * More bytes.  -1 (EXIT_PROTOCOL) as soon as they are invalid; dump->begin is the offset
 * of the invalid item.  Do not call any more then.
 */
int	dump_feed(struct dump *dump, const uint8_t *bytes, size_t size,
	    struct error *error);

/* The bytes have ended: -1 (EXIT_PROTOCOL) if that is in the middle of an item. */
int	dump_end(struct dump *dump, struct error *error);

void	dump_free(struct dump *dump);
void	dump_connection_free(struct dump_connection *connection);

/* --- for dump_frames.c and dump_http2.c --- */

/* Print a line's beginning: "> 67 64 ".  The caller prints its end. */
void	dump_line(const struct dump *dump, uint64_t begin, uint64_t size);

/*
 * Print a message: its type and JSON, or only its length if the type is NULL; -1 if it
 * is not a valid message of that type.
 */
int	dump_message(const struct dump *dump,
	    const ProtobufCMessageDescriptor *type, const void *bytes,
	    size_t length, struct error *error);

/* Consume from bytes: up to all of them. */
int	dump_frames(struct dump *dump, const uint8_t *bytes, size_t size,
	    size_t *consumed, struct error *error);
int	dump_frames_end(struct dump *dump, struct error *error);
int	dump_http2(struct dump *dump, const uint8_t *bytes, size_t size,
	    size_t *consumed, struct error *error);
int	dump_http2_end(struct dump *dump, struct error *error);

/* What a stream calls; beyond DUMP_CALLS_MAX its messages stay bytes. */
int	dump_grpc_method(struct dump *dump, uint32_t stream,
	    const struct method *method, struct error *error);

/* Bytes of a stream's DATA; its end, which may not cut a message; its reset. */
int	dump_grpc_data(struct dump *dump, uint32_t stream, const uint8_t *bytes,
	    size_t size, struct error *error);
int	dump_grpc_end(const struct dump *dump, uint32_t stream,
	    struct error *error);
void	dump_grpc_reset(struct dump *dump, uint32_t stream);
void	dump_grpc_free(struct dump *dump);

#endif
