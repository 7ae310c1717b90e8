#ifndef ZR_ARCHIVE_INTAKE_H
#define ZR_ARCHIVE_INTAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "archive/archive_part.h"
#include "base/error.h"
#include "format/anchor.h"
#include "format/splice.h"
#include "format/zstream.h"
#include "streamsum/stream_digest.h"

/*
 * The arrived part of a stream: bytes go in as they come from the sender, are checked
 * (zstream.h) and stored in a part (archive_part.h), whose name follows the anchor.  If
 * the stream breaks off, its part stays and can be resumed.
 *
 * Must not be moved once it has been initialised.
 */
struct archive_intake {
	int directory;			/* of the filesystem, borrowed */
	struct archive_part part;	/* without a file nothing is stored */
	struct zstream stream;		/* the whole one, as far as it is stored */
	bool useless;			/* what is stored must not be resumed */
	struct anchor anchor;
	struct stream_digest *digest;	/* of it; owned */
	bool resuming;			/* what comes now is passed through this: */
	struct splice splice;
	uint8_t *joint;			/* the anchor's record and payload; owned */
};

/* Nothing is stored yet.  -1 (EXIT_SYSTEM): out of memory. */
int	archive_intake_init(struct archive_intake *intake, int directory,
	    struct error *error);

/* Store it, in a new part; the caller holds archive_lock(). */
int	archive_intake_open(struct archive_intake *intake, struct error *error);

/*
 * Go on with this part, which is owned from now on, instead.  All of it up to its anchor
 * is read and checked again, so that neither a crash nor a rotten disk can hide in it.
 * If it is damaged (EXIT_FAILED), its anchor is moved before the damage; if none is there,
 * it is useless.  look is called between the pieces: -1 ends it.
 */
int	archive_intake_resume(struct archive_intake *intake,
	    const struct archive_part *part,
	    int (*look)(void *context, struct error *error), void *context,
	    struct error *error);

/*
 * The next bytes.  -1 (EXIT_FAILED): they are refused; a wrong checksum leaves the part
 * good, anything else makes it useless.  -1 (EXIT_SYSTEM): they cannot be stored; the
 * part is useless, too, so that it does not fill a full disk.
 */
int	archive_intake_feed(struct archive_intake *intake, const void *bytes,
	    size_t length, struct error *error);

/* At the stream's end: -1 (EXIT_FAILED) if it is incomplete. */
int	archive_intake_complete(struct archive_intake *intake, struct error *error);

/* Write what is stored to the disk. */
int	archive_intake_sync(struct archive_intake *intake, struct error *error);

/*
 * Close it.  broken: the part is kept, and the log says so, unless it is useless or has
 * no anchor; otherwise it is removed, if archive_commit() has not renamed it.
 */
void	archive_intake_close(struct archive_intake *intake, bool broken);

#endif
