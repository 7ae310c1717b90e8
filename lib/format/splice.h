#ifndef ZR_SPLICE_H
#define ZR_SPLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "format/zstream.h"

/*
 * A stream that broke off and the one that resumes it become the whole stream, byte for
 * byte as if it had never been broken (zr-archive(5), Parts).  Here is what follows the
 * anchor (anchor.h): records of the resuming stream are skipped up to the one that equals
 * the anchor, which proves that it comes from the same source; those after it are passed
 * on with the checksums that they have in the whole.
 *
 * Pure: bytes go in as they arrive, and come out by `write`, at least one call for a
 * record and one for its payload.
 *
 * A payload is written before the next record's checksum has shown that it is good.  That
 * record is written only if it is; the anchor (anchor.h) of what was written is therefore
 * always good.
 */
struct splice {
	struct zstream stream;		/* the resuming one */
	const struct zstream *part;	/* borrowed */
	const uint8_t *anchor;		/* borrowed */
	size_t anchor_length;
	int (*write)(void *context, const void *bytes, size_t length,
	    struct error *error);
	void *context;
	bool joined;			/* the anchor has come */
	bool foreign;			/* refused: it does not continue this part */
	size_t matched;			/* private: bytes of the anchor that have come */
	struct fletcher4 sum;		/* private: of the whole, so far */
};

/* Is a stream that begins with these bytes one that resumes another? */
bool	splice_is_resuming(const uint8_t record[ZSTREAM_RECORD_SIZE]);

/*
 * part has been fed exactly up to the end of the anchor, of which `anchor` is the record
 * and the payload.  It may be fed with what is written.
 */
void	splice_init(struct splice *splice, const struct zstream *part,
	    const uint8_t *anchor, size_t anchor_length,
	    int (*write)(void *context, const void *bytes, size_t length,
	    struct error *error), void *context);

/*
 * The next bytes of the resuming stream.  -1: what write has said; or (EXIT_FAILED) this
 * stream does not continue the part (`foreign`: no other attempt with it would), or is no
 * valid one.
 */
int	splice_feed(struct splice *splice, const void *bytes, size_t length,
	    struct error *error);

/* At its end: -1 (EXIT_FAILED) if it is incomplete. */
int	splice_finish(const struct splice *splice, struct error *error);

#endif
