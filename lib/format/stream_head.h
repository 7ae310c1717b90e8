#ifndef ZR_STREAM_HEAD_H
#define ZR_STREAM_HEAD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/error.h"
#include "format/zstream.h"

/*
 * The head of a zfs send stream: its bytes up to and including the BEGIN record
 * of its snapshot.  Nothing may be changed for a stream before its head is known.
 * Without properties the head is the stream's first 312 bytes; with properties it is
 * the wrapper's BEGIN, the packed properties, the wrapper's END and the snapshot's own
 * BEGIN.
 *
 * Pure: bytes go in, in any pieces.  They are kept, so that they can be written to
 * another process.
 */
#define STREAM_HEAD_MAX	(3 * ZSTREAM_RECORD_SIZE + ZSTREAM_BEGIN_MAX)	/* bytes */

struct stream_head {
	bool known;		/* the head is complete: stream describes it */
	struct zstream stream;
	struct buffer bytes;	/* the head so far, and nothing after it */
};

void	stream_head_init(struct stream_head *head);

/*
 * The least number of bytes that are still missing from the head; 0 once the head is
 * known.
 */
size_t	stream_head_missing(const struct stream_head *head);

/*
 * The next bytes; those after the head are ignored.  -1 (EXIT_FAILED) if they do not
 * begin a stream of one snapshot; the error for a package (zfs send -R, or -I with
 * several snapshots) names it as such.
 */
int	stream_head_feed(struct stream_head *head, const void *bytes,
	    size_t length, struct error *error);

/* The error for a stream that ended before its head was known; returns -1. */
int	stream_head_end(const struct stream_head *head, struct error *error);

/* Afterwards the head can be used again. */
void	stream_head_free(struct stream_head *head);

#endif
