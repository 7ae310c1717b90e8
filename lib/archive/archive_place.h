#ifndef ZR_ARCHIVE_PLACE_H
#define ZR_ARCHIVE_PLACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "format/zstream.h"
#include "zrepl.pb-c.h"

/* Where the snapshot of a ReceiveReq goes, beside those that its filesystem has. */
struct archive_place {
	bool present;		/* it is there already, and sound */
	uint64_t arrival;	/* the number that it gets (archive.h) */
};

/*
 * May it be added to what is there?  -1 (EXIT_FAILED): the reason.  The base of an
 * increment counts once the stream has begun.
 */
int	archive_place_check(struct archive_place *place, int directory,
	    const ReceiveReq *request, const struct zstream *stream,
	    struct error *error);

/* The own words of a stream that has begun against the request's: -1 (EXIT_FAILED). */
int	archive_place_check_stream(const ReceiveReq *request,
	    const struct zstream *stream, struct error *error);

#endif
