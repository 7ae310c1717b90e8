#ifndef ZR_DIGEST_CHILD_H
#define ZR_DIGEST_CHILD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "base/process.h"
#include "streamsum/sum_line.h"

/*
 * The digest of a stream, made in a process of its own.  It writes reports to a pipe: how
 * far it has come, about once a second, and the lines of zr-streamsum -v.  It stops when
 * the pipe is full, so that its parent decides how far it gets.  It runs our own code
 * without any exec: reports are structures, which cost less than text where there are
 * millions.
 */
enum digest_word {
	DIGEST_BYTES,		/* only how far it has come */
	DIGEST_BEGUN,		/* the kind and the guid, no digest yet, as a sum */
	DIGEST_LINE,		/* a part; or the sum, the last one */
	DIGEST_REFUSED,		/* the last one: it cannot be compared */
	DIGEST_CUT		/* the same: it ended before it was complete */
};

#define DIGEST_TEXT_MAX	1024	/* bytes */

struct digest_report {
	enum digest_word word;
	uint64_t bytes;		/* of the stream so far */
	struct sum_line line;
	size_t text_length;	/* of the reason that follows; 0: none does */
};

#define DIGEST_CHUNK	((size_t)64 << 10)	/* bytes read at once */
#define DIGEST_IN_MAX \
	(DIGEST_CHUNK + sizeof(struct digest_report) + DIGEST_TEXT_MAX)

/*
 * Start a child with stream, a blocking descriptor (borrowed), as its standard input and
 * no other descriptor of ours.  child->output is our end of its pipe, non-blocking.  It
 * ignores the signals that end its parent, which ends it by SIGKILL, and ends itself if
 * its parent has gone.
 */
int	digest_child_start(struct process *child, int stream, struct error *error);

/*
 * Take the first report from what was read of the pipe, and its reason, or "".  False: it
 * is not complete.
 */
bool	digest_child_next(struct buffer *in, struct digest_report *report,
	    char text[DIGEST_TEXT_MAX + 1]);

#endif
