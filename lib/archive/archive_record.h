#ifndef ZR_ARCHIVE_RECORD_H
#define ZR_ARCHIVE_RECORD_H

#include "archive/archive.h"

/*
 * The record beside a stream: one JSON object, written and read only here.
 * zr-archive(5) describes its format.
 */

/* Parse a record's text; false if it is invalid.  Writes only to *snapshot. */
bool	archive_record_parse(const char *text, size_t length,
	    struct archive_snapshot *snapshot);

/* Write a record's text; returns its length. */
size_t	archive_record_print(char text[ARCHIVE_RECORD_MAX],
	    const struct archive_snapshot *snapshot);

/* The digest of a stream that has been read to its end, if it is one that has one. */
void	archive_record_add_digest(struct archive_snapshot *snapshot,
	    struct stream_digest *digest);

enum archive_record {
	ARCHIVE_RECORD_FOUND,
	ARCHIVE_RECORD_ABSENT,
	ARCHIVE_RECORD_DAMAGED	/* unreadable, or not the record of guid */
};

/* Read the record of the snapshot with this guid: enum archive_record; -1 on error. */
int	archive_record_read(int directory, uint64_t guid,
	    struct archive_snapshot *snapshot, struct error *error);

/*
 * Write it atomically and synced: it exists completely or not at all.  The caller holds
 * archive_lock().
 */
int	archive_record_write(int directory, const struct archive_snapshot *snapshot,
	    struct error *error);

#endif
