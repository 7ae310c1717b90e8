#ifndef ZR_ANCHOR_H
#define ZR_ANCHOR_H

#include <stdbool.h>
#include <stdint.h>

#include "format/zstream.h"

/*
 * Where a stream that breaks off can go on: its anchor, the last OBJECT, WRITE or
 * WRITE_EMBEDDED that a valid record follows, so that its payload is known to be good.
 * The token names the anchor itself (resume_token.h), and zfs send -t sends it again.
 */
struct anchor {
	bool known;
	uint64_t offset;	/* of its record, bytes from the beginning of the stream */
	bool awaits;		/* private: there is a later one, if a record follows it */
	uint64_t next;		/* private: its offset */
};

/* Follow a stream of which no byte has been fed yet; all zero before. */
void	anchor_follow(struct anchor *anchor, struct zstream *stream);

#endif
