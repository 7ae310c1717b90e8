#ifndef ZR_DATACONN_OUT_H
#define ZR_DATACONN_OUT_H

#include <stdbool.h>

#include "base/buffer.h"
#include "base/pace.h"
#include "dataconn/frame_length.h"
#include "dataconn/stream.h"

/*
 * The outgoing half of a data connection, for dataconn_private.h alone: messages
 * and control frames, which wait in a queue, and one stream, read from a
 * descriptor and cut into frames.  The connection asks dataconn_out_flushed() what
 * to wait for, calls dataconn_out_write() or dataconn_out_read() when that is
 * ready, and keeps the clock, the rate and the bytes.
 *
 * The stream goes through one reused buffer, with one read and one write for
 * each frame.  A frame is written before the queue, and nothing is read from the
 * source while anything waits.
 */
#define DATACONN_MESSAGE_MS	60000	/* pace.h's window for a waiting message */

enum dataconn_source_state {
	DATACONN_SOURCE_NONE,		/* no stream yet */
	DATACONN_SOURCE_OPEN,
	DATACONN_SOURCE_ENDED,		/* which is still to be told */
	DATACONN_SOURCE_DONE
};

struct dataconn_out {
	int fd;				/* the network; not owned */
	bool failed;			/* nothing more can be written to it */
	struct buffer queue;
	size_t message_left;		/* what of the queue is a message, and */
	struct pace message;		/* how the peer takes that */

	enum dataconn_source_state source;
	int source_fd;			/* not owned; valid while open */
	int source_errno;		/* of its end; 0: end of file */
	uint8_t *chunk;			/* a stream frame: header, payload */
	size_t chunk_start, chunk_end;	/* what of it is still to be written */
	uint8_t kept[FRAME_LENGTH_KEPT_MAX];	/* the stream's last bytes so far, not sent */
	size_t kept_length;
	uint64_t frames;		/* of the stream, queued so far */
};

void	dataconn_out_init(struct dataconn_out *out, int fd);

/* Queue a header and, unless message is NULL, a message; or, failing, neither. */
int	dataconn_out_message(struct dataconn_out *out, enum frame_type header_type,
	    const char *header, enum frame_type type, const void *message,
	    size_t length, struct error *error);

/* Begin the stream, and end it: dataconn_source(), dataconn_source_finish(). */
int	dataconn_out_begin(struct dataconn_out *out, int fd, struct error *error);
int	dataconn_out_finish(struct dataconn_out *out, const char *failure,
	    struct error *error);

/*
 * Read at most max bytes (not 0) of the source and make a frame of them; only
 * when the source is open and everything is flushed.  Returns how many came: 0
 * where there was nothing, and at its end.
 */
size_t	dataconn_out_read(struct dataconn_out *out, size_t max);

/* Tell the source's end: 1, or for a failure -1 and *error, once; else 0. */
int	dataconn_out_ended(struct dataconn_out *out, struct error *error);

/* Read no more of the source, nor tell its end. */
void	dataconn_out_drop(struct dataconn_out *out);

/* True if nothing waits that can still be written. */
bool	dataconn_out_flushed(const struct dataconn_out *out);

/*
 * Hand to the kernel what it takes now; never blocks.  True if it took some.
 * A failure is in *error unless that has one already (code is not EXIT_DONE).
 */
bool	dataconn_out_write(struct dataconn_out *out, int64_t now,
	    struct error *error);

/* The peer is too slow if part of a message waits then; INT64_MAX: none waits. */
int64_t	dataconn_out_deadline(const struct dataconn_out *out);

void	dataconn_out_free(struct dataconn_out *out);

#endif
