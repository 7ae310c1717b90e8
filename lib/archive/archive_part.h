#ifndef ZR_ARCHIVE_PART_H
#define ZR_ARCHIVE_PART_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "format/resume_token.h"
#include "format/zstream.h"

/*
 * The files of streams that are still arriving, or were broken off (zr-archive(5),
 * Parts).  A part's name says what is known about it:
 *
 *	@receiving.PID.NUMBER			it cannot be resumed yet
 *	@receiving.PID.NUMBER.GUID.ANCHOR	the snapshot's guid and the offset of the
 *						anchor (anchor.h), 16 hex digits each
 *
 * NUMBER is random, so that no name is used twice.  The writer holds a lock, flock(2), on
 * its part; a part that nobody has locked is abandoned.  Making a part and opening an
 * abandoned one need archive_lock().
 */
#define ARCHIVE_PART_NAME_MAX	96
#define ARCHIVE_PART_DAYS	30	/* after which an abandoned one is removed */

struct archive_part {
	int file;		/* locked; -1: no part */
	char name[ARCHIVE_PART_NAME_MAX];
	uint64_t anchor;	/* 0: none is known */
	/* Of an abandoned one: */
	struct zstream head;	/* begun: what its BEGIN says */
	struct resume_token token;	/* asks for the rest */
	bool has_base;		/* a full stream, or its base is sound */
	bool live;		/* another process has one with an anchor */
};

/* Make one; the caller holds archive_lock(). */
int	archive_part_new(int directory, struct archive_part *part, struct error *error);

/* Its name from now on. */
int	archive_part_set_anchor(int directory, struct archive_part *part, uint64_t guid,
	    uint64_t anchor, struct error *error);

/*
 * Open the one abandoned part that can be resumed.  If no part can be, part->file is -1.
 * The others are removed: those without an anchor or a valid beginning, those older than
 * ARCHIVE_PART_DAYS, of a snapshot that is sound here, or of an increment whose base is
 * gone, and all but the newest (of the same snapshot: the one with the greatest anchor).
 * The caller holds archive_lock(), and closes the file or calls archive_part_remove().
 */
int	archive_part_settle(int directory, struct archive_part *part,
	    struct error *error);

/* Remove and close it. */
void	archive_part_remove(int directory, struct archive_part *part);

/* The same, and if it had an anchor the log says why. */
void	archive_part_discard(int directory, struct archive_part *part, const char *why);

/*
 * The resume token of the filesystem, to be free(3)d; NULL if it has no abandoned part
 * that can be resumed.  Takes archive_lock(); a directory that we cannot change has none.
 */
int	archive_part_token(int directory, char **token, struct error *error);

#endif
