#ifndef ZR_ARCHIVE_SCAN_H
#define ZR_ARCHIVE_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "base/error.h"

/* The names in a filesystem's directory; no file is opened. */
struct archive_scan {
	struct archive_scanned {
		uint64_t guid;
		uint64_t inode;
		struct timespec changed;	/* 0: not known */
	} *records, *streams;		/* both by guid */
	size_t record_count, stream_count;
	bool parts;
	bool recording;			/* a record is being written, or was */
};

/* archive_scan_free() it, unless it fails. */
int	archive_scan(int directory, struct archive_scan *scan, struct error *error);
void	archive_scan_free(struct archive_scan *scan);

/*
 * Read when each record was changed.  A record that replaces another can get the same
 * inode number.
 */
void	archive_scan_times(int directory, struct archive_scan *scan);

/* Have both, with times, the same records? */
bool	archive_scan_equal(const struct archive_scan *a, const struct archive_scan *b);

/*
 * The first stream without a record from *place on, which begins with 0 and is moved
 * behind it.  NULL: there is no further one.
 */
const struct archive_scanned *archive_scan_orphan(const struct archive_scan *scan,
	    size_t *place);

/* May archive_clean() find something? */
bool	archive_scan_leftovers(const struct archive_scan *scan);

#endif
