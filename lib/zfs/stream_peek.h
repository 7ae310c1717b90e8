#ifndef ZR_STREAM_PEEK_H
#define ZR_STREAM_PEEK_H

#include "endpoint/verdict.h"
#include "format/stream_head.h"

/*
 * Wait for the head of a stream, without a limit as long as the stream lasts.  0 with the
 * head known; -1 if the stream ended or is invalid, or if the verdict says that it failed
 * and no more bytes have arrived.
 *
 * As a rule nothing is consumed from fd, so that another process can read the whole
 * stream: a file is read by pread(2), a socket by MSG_PEEK, a pipe by tee(2) on Linux.
 * If that does not show enough (fd is of another kind; the head is longer than
 * STREAM_PEEK_MAX or than the pipe or socket can hold; it is incomplete after
 * STREAM_PEEK_MS of looking again), the head is read instead and *taken is set: the
 * reader of the stream must then be given head->bytes first.
 */
#define STREAM_PEEK_MAX	(1u << 20)	/* bytes: a pipe is made no larger */
#define STREAM_PEEK_MS	2000

int	stream_peek(int fd, struct stream_head *head, bool *taken,
	    struct verdict *verdict, struct error *error);

#endif
