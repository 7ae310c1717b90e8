#ifndef ZR_DATACONN_OUT_H
#define ZR_DATACONN_OUT_H

#include <stdbool.h>

#include "base/buffer.h"
#include "base/pace.h"
#include "dataconn/compression.h"
#include "dataconn/compression_level.h"
#include "dataconn/frame_length.h"
#include "dataconn/stream.h"

/*
 * The outgoing half of a data connection, for dataconn_private.h alone: messages and
 * control frames, which wait in a queue, and one stream, read from a descriptor and cut
 * into frames.  The connection asks dataconn_out_flushed() whether to wait for the
 * network or the source, then calls dataconn_out_write() or dataconn_out_read(), and
 * keeps the clock, the rate and the statistics.
 *
 * The stream goes through one reused buffer, and a second one if it is compressed, with
 * one read and one write for each frame.  A frame is written before the queue, and
 * nothing is read from the source while anything waits.
 */
#define DATACONN_MESSAGE_MS	60000	/* pace.h's window for a waiting message */

enum dataconn_source_state {
	DATACONN_SOURCE_NONE,		/* no stream yet */
	DATACONN_SOURCE_OPEN,
	DATACONN_SOURCE_ENDED,		/* not reported yet */
	DATACONN_SOURCE_DONE
};

struct dataconn_out {
	int fd;				/* the network; not owned */
	bool failed;			/* nothing more can be written to it */
	struct buffer queue;
	size_t message_left;		/* bytes of the queue that are a message, and */
	struct pace message;		/* how fast the peer takes them */

	enum dataconn_source_state source;
	int source_fd;			/* not owned; valid while open */
	int source_errno;		/* of its end; 0: end of file */
	uint8_t *chunk;			/* a stream frame: header, payload */
	const uint8_t *frame;		/* the part still to be written, of chunk */
	size_t frame_length;		/* or of packed */
	uint8_t kept[FRAME_LENGTH_KEPT_MAX];	/* the last bytes, not sent yet */
	size_t kept_length;
	uint64_t frames, compressed_frames;	/* of the stream, so far, */
	uint64_t wire;			/* and their bytes on the network */

	bool compresses;		/* dataconn_compress() */
	struct compressor compressor;
	struct compression_level level;
	uint8_t *packed;		/* a compressed frame */
};

void	dataconn_out_init(struct dataconn_out *out, int fd);

/* Queue a header and, unless message is NULL, a message; on failure neither. */
int	dataconn_out_message(struct dataconn_out *out, enum frame_type header_type,
	    const char *header, enum frame_type type, const void *message,
	    size_t length, struct error *error);

/* Begin the stream, and end it: dataconn_source(), dataconn_source_finish(). */
int	dataconn_out_begin(struct dataconn_out *out, int fd, struct error *error);
int	dataconn_out_finish(struct dataconn_out *out, const char *failure,
	    struct error *error);

/*
 * Read at most max bytes (not 0) of the source and make a frame of them; only when the
 * source is open and everything is flushed.  Returns their number: 0 if none were
 * available, and at the source's end.
 */
size_t	dataconn_out_read(struct dataconn_out *out, size_t max);

/* For the level of compression: we waited for the network, or the source or the rate. */
void	dataconn_out_waited(struct dataconn_out *out, bool network, int64_t us);

/* Report the source's end, once: 1, or -1 and *error if it failed; otherwise 0. */
int	dataconn_out_ended(struct dataconn_out *out, struct error *error);

/* Read no more of the source, and do not report its end. */
void	dataconn_out_drop(struct dataconn_out *out);

/* True if no bytes wait, or the network cannot be written to any more. */
bool	dataconn_out_flushed(const struct dataconn_out *out);

/*
 * Write as much as the kernel takes now; never blocks.  True if it took some.  On failure
 * *error is set, unless it was set before (code is not EXIT_DONE).
 */
bool	dataconn_out_write(struct dataconn_out *out, int64_t now,
	    struct error *error);

/*
 * The time at which the peer is too slow if part of a message still waits; INT64_MAX:
 * none waits.
 */
int64_t	dataconn_out_deadline(const struct dataconn_out *out);

void	dataconn_out_free(struct dataconn_out *out);

#endif
