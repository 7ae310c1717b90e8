#ifndef ZR_ARCHIVE_RECORD_H
#define ZR_ARCHIVE_RECORD_H

#include "archive/archive.h"

/*
 * The record beside a stream: one JSON object, written and read here only.
 * Its format is in zr-archive(5).
 */

/* 0; 1 if there is no such file; -1 and *error for one that is no record. */
int	archive_record_read(int directory, const char *file,
	    struct archive_snapshot *snapshot, struct error *error);

/* Atomically and synced: it is there and whole, or it is not there. */
int	archive_record_write(int directory, const struct archive_snapshot *snapshot,
	    struct error *error);

#endif
