#ifndef ZR_STREAM_HEAD_H
#define ZR_STREAM_HEAD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/error.h"
#include "format/zstream.h"

/*
 * The head of a zfs send stream: its bytes up to and including the BEGIN record
 * of the snapshot in it.  Nothing may be touched for a stream before its head
 * is known.  Without properties the head is the stream's first 312 bytes; with
 * properties it is the wrapper's BEGIN, the packed properties, the wrapper's END
 * and the snapshot's own BEGIN.
 *
 * Pure: bytes go in, in any pieces; they are kept, so that they can be written
 * again to somebody else.
 */
#define STREAM_HEAD_MAX	(3 * ZSTREAM_RECORD_SIZE + ZSTREAM_BEGIN_MAX)	/* bytes */

struct stream_head {
	bool known;		/* the head is whole: stream says what comes */
	struct zstream stream;
	struct buffer bytes;	/* the head so far, and nothing behind it */
};

void	stream_head_init(struct stream_head *head);

/*
 * How many bytes are missing at least before more can be said; 0 once the head
 * is known.
 */
size_t	stream_head_missing(const struct stream_head *head);

/*
 * The next bytes; those behind the head are passed over.  -1 (EXIT_FAILED) where
 * they do not begin a stream of one snapshot: a package (zfs send -R, or -I with
 * several snapshots) is named as that.
 */
int	stream_head_feed(struct stream_head *head, const void *bytes,
	    size_t length, struct error *error);

/* The stream has ended before its head was known: say where; returns -1. */
int	stream_head_end(const struct stream_head *head, struct error *error);

/* The head can then be used again. */
void	stream_head_free(struct stream_head *head);

#endif
