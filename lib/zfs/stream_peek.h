#ifndef ZR_STREAM_PEEK_H
#define ZR_STREAM_PEEK_H

#include "endpoint/verdict.h"
#include "format/stream_head.h"

/*
 * Wait until it is known how a stream begins, however long that takes, and as
 * long as it lives: 0 with the head known; -1 where the stream ended or is none,
 * or where the verdict says that it failed and nothing more has come.  There is no
 * third outcome: who goes on knows what comes.
 *
 * As a rule nothing is taken from fd, so that another process can read all of
 * it: of a file by pread(2), of a socket by MSG_PEEK, of a pipe by tee(2) on
 * Linux.  Where that does not show enough (fd is something else; the head is
 * longer than STREAM_PEEK_MAX or than the pipe or socket can hold; it is not
 * whole after STREAM_PEEK_MS of looking again) the head is read instead and *taken
 * is set: whoever reads the stream must be given head->bytes first.
 */
#define STREAM_PEEK_MAX	(1u << 20)	/* bytes: a pipe is made no larger */
#define STREAM_PEEK_MS	2000

int	stream_peek(int fd, struct stream_head *head, bool *taken,
	    struct verdict *verdict, struct error *error);

#endif
