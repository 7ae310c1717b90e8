#ifndef ZR_STREAM_H
#define ZR_STREAM_H

#include "base/buffer.h"
#include "base/error.h"
#include "dataconn/frame.h"

/*
 * Streams and messages, the layer above frames (zr-protocol(7), Frames of a data
 * connection): any number of frames of one type, then End; or, where the producer failed,
 * error trailers and then End.  Pure.
 *
 * Frames of one byte are never written (frame_length.h).  A message over its limit,
 * which would hang a zrepl process, is refused.
 */

/* Longest messages, in bytes. */
#define STREAM_HEADER_MAX	(32u << 10)	/* ReqHeader, ResHeader */
#define STREAM_REQUEST_MAX	(4u << 20)	/* ReqStructured */
#define STREAM_RESPONSE_MAX	(8u << 20)	/* ResStructured */
#define STREAM_ERROR_MAX	STREAM_HEADER_MAX	/* text of error trailers */

/* One frame, whose payload is as long as frame_length() says. */
int	stream_append_frame(struct buffer *out, enum frame_type type,
	    const void *payload, size_t length, struct error *error);

/* A whole message of one type, End included, appended to out. */
int	stream_append_message(struct buffer *out, enum frame_type type,
	    const void *bytes, size_t length, struct error *error);

/*
 * The producer's failure, End included.  text is cut to STREAM_ERROR_MAX and
 * is never sent empty.
 */
int	stream_append_error(struct buffer *out, const char *text,
	    struct error *error);

/* A frame without payload: End, Heartbeat, Shutdown. */
int	stream_append_empty(struct buffer *out, enum frame_type type,
	    struct error *error);

/*
 * Reading: one stream of a given type, fed by a frame_reader's items
 * (heartbeats and shutdowns left out).
 */
struct stream_reader {
	enum frame_type type;
	bool compressed;	/* FRAME_ZFS_STREAM_ZSTD may stand in it */
	bool failed;		/* an error trailer was seen */
	struct buffer error;	/* its text so far */
	enum frame_type frame;	/* what the current payload belongs to */
};

enum stream_event {
	STREAM_MORE,
	STREAM_DATA,		/* the item's payload is stream data */
	STREAM_END,
	STREAM_FAILED,		/* ended by its producer's error: stream_reader_error() */
	STREAM_BROKEN		/* protocol error, *error says which */
};

void	stream_reader_init(struct stream_reader *stream, enum frame_type type);
enum stream_event stream_reader_item(struct stream_reader *stream,
	    const struct frame_header *header, const struct frame_item *item,
	    struct error *error);

/* The text: valid UTF-8, never empty, valid until the next call on stream. */
const char *stream_reader_error(struct stream_reader *stream);
void	stream_reader_free(struct stream_reader *stream);

#endif
