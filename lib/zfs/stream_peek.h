#ifndef ZR_STREAM_PEEK_H
#define ZR_STREAM_PEEK_H

#include "zfs/zstream.h"

/*
 * Look at how a stream begins without taking anything from the descriptor,
 * so that another process can read all of it: pipes (by tee(2), on Linux),
 * sockets and files.
 */
#define STREAM_PEEK_MS 2000	/* how long to wait for the rest of a beginning */

enum stream_peek {
	STREAM_SEEN,		/* *begin tells what it is (begin->begun) */
	STREAM_UNSEEN,		/* that cannot be told without taking it, or a */
				/* signal told us to end (zfs_told_to_end()) */
	STREAM_EMPTY,		/* it has ended without a byte */
	STREAM_INVALID		/* it is no stream: *error says why */
};

/* Waits until there are bytes, or the end. */
enum stream_peek stream_peek(int fd, struct zstream *begin,
	    struct error *error);

#endif
