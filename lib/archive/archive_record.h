#ifndef ZR_ARCHIVE_RECORD_H
#define ZR_ARCHIVE_RECORD_H

#include "archive/archive.h"

/*
 * The record beside a stream: one JSON object, written and read here only.
 * Its format is in zr-archive(5).
 */

/* A record's text; false if this is not one.  Writes to *snapshot only. */
bool	archive_record_parse(const char *text, size_t length,
	    struct archive_snapshot *snapshot);

/* The text, of which the length is returned. */
size_t	archive_record_print(char text[ARCHIVE_RECORD_MAX],
	    const struct archive_snapshot *snapshot);

enum archive_record {
	ARCHIVE_RECORD_FOUND,
	ARCHIVE_RECORD_ABSENT,
	ARCHIVE_RECORD_DAMAGED	/* unreadable, or not the record of guid */
};

/* The record of the snapshot with this guid; -1 if we cannot tell. */
int	archive_record_read(int directory, uint64_t guid,
	    struct archive_snapshot *snapshot, struct error *error);

/*
 * Write it atomically and synced: it is there and whole, or not there.  The
 * lock is held.
 */
int	archive_record_write(int directory, const struct archive_snapshot *snapshot,
	    struct error *error);

#endif
