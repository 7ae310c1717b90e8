#ifndef ZR_ANCHOR_H
#define ZR_ANCHOR_H

#include <stdbool.h>
#include <stdint.h>

#include "format/resume_token.h"
#include "format/zstream.h"

/*
 * Where a stream that breaks off can go on: its anchor, the last OBJECT, WRITE or
 * WRITE_EMBEDDED that a valid record follows, so that its payload is known to be good.
 * The token names the anchor itself (resume_token.h), and zfs send -t sends it again.
 * A stream in the other byte order has no anchor: it cannot go on (splice.h).
 */
#define ANCHOR_LOOK	48	/* bytes that anchor_seems() looks at */

struct anchor {
	bool known;
	uint64_t offset;	/* of its record, bytes from the beginning of the stream */
	bool awaits;		/* private: there is a later one, if a record follows it */
	uint64_t next;		/* private: its offset */
};

/* Follow a stream of which no byte has been fed yet; all zero before. */
void	anchor_follow(struct anchor *anchor, struct zstream *stream);

/*
 * The token that asks for the rest of a stream that has begun, from the anchor with this
 * record on.  -1 (EXIT_FAILED): no stream can go on at such a record.
 */
int	anchor_token(struct resume_token *token, const struct zstream *stream,
	    const uint8_t record[ZSTREAM_RECORD_SIZE], struct error *error);

/*
 * Could a record of this snapshot that can be an anchor begin here?  For a search among
 * any bytes: a payload can look so, too.
 */
bool	anchor_seems(const uint8_t bytes[ANCHOR_LOOK], uint64_t to_guid);

#endif
