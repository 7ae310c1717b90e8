#ifndef ZR_ARCHIVE_SCRUB_H
#define ZR_ARCHIVE_SCRUB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/rate.h"

/*
 * Reading every stream of an archive again: is each still the one that its record
 * describes?  Damage in a stream is marked in the record (archive_list.h), and the mark
 * is removed when the stream is well.  Nothing is deleted, and changes by others in the
 * meantime are not taken for damage.
 *
 * A pass goes through all filesystems, those of every client included, and may take
 * several runs: a run goes on where the last one ended (archive_scrub_state.h).
 */
enum archive_scrub_state {
	ARCHIVE_SCRUB_DAMAGED,	/* read, or looked for, and found so */
	ARCHIVE_SCRUB_KNOWN,	/* marked, and not read by this run */
	ARCHIVE_SCRUB_MENDED,	/* it was marked, and is well */
	ARCHIVE_SCRUB_UNREAD	/* neither: it could not be read now */
};

/* One for each snapshot with something to report. */
struct archive_scrub_finding {
	enum archive_scrub_state state;
	const char *filesystem;	/* below the root, a client's name included */
	const char *snapshot;	/* "": its record cannot be read */
	uint64_t guid;
	const char *text;	/* one line */
	/* Where in its stream, if that is known: between two offsets. */
	bool has_place, has_object;
	uint64_t from, to, object;
};

/* The work of a run, done and left. */
struct archive_scrub_totals {
	int64_t began;		/* the pass, in seconds since the epoch */
	bool complete;		/* the pass is */
	uint64_t streams, bytes;	/* read by this run */
	uint64_t left_streams, left_bytes;	/* not read yet by this pass */
	uint64_t damaged, unread;	/* snapshots, those found before included */
};

struct archive_scrub {
	struct rate rate;
	int64_t time_ms;	/* of the run; IO_FOREVER */
	bool anew;		/* begin a pass */
	/* Only these and those below them, all of them in this run; NULL: a pass. */
	char *const *filesystems;

	/* -1 ends the run. */
	int (*on_finding)(void *context, const struct archive_scrub_finding *finding,
	    struct error *error);
	/* Now and then; also when it begins. */
	void (*on_progress)(void *context, const struct archive_scrub_totals *totals);
	void *context;
};

/*
 * One run.  At most one at a time works on a root: another one fails (EXIT_FAILED).
 * Signals that were caught by signals_catch_ends() end it, with EXIT_SIGNAL plus the
 * number; totals is valid if it is 0.
 */
int	archive_scrub(int root, const struct archive_scrub *scrub,
	    struct archive_scrub_totals *totals, struct error *error);

#endif
