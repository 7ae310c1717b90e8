#ifndef ZR_ARCHIVE_PLACE_H
#define ZR_ARCHIVE_PLACE_H

#include <stdbool.h>
#include <stdint.h>

#include "archive/archive_list.h"
#include "base/error.h"
#include "format/zstream.h"
#include "zrepl.pb-c.h"

/* Where the snapshot of a ReceiveReq goes, beside those that its filesystem has. */
struct archive_place {
	bool present;		/* it is there already, and sound */
	uint64_t arrival;	/* the number that it gets (archive.h) */
	bool known;
	struct archive_list list;	/* read once, if nobody else changes it */
};

/*
 * May it be added?  -1 (EXIT_FAILED): the reason.  The base of an increment counts once
 * the stream has begun.  Begin with all zero; archive_place_free() it. final: miss no
 * change since; the caller holds archive_lock().
 */
int	archive_place_check(struct archive_place *place, int directory,
	    const ReceiveReq *request, const struct zstream *stream, bool final,
	    struct error *error);
void	archive_place_free(struct archive_place *place);

/* Does the beginning of a stream agree with the request?  -1 (EXIT_FAILED): not. */
int	archive_place_check_stream(const ReceiveReq *request,
	    const struct zstream *stream, struct error *error);

#endif
