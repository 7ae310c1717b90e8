#ifndef ZR_RETENTION_H
#define ZR_RETENTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "retention/rules.h"

/*
 * Which snapshots of one filesystem rules keep.  Pure: no clock, no I/O.  A snapshot
 * that no rule keeps may be destroyed; without any rule all are kept.
 */
struct retained {
	const char *name;		/* after the @; borrowed */
	uint64_t createtxg;
	int64_t creation;		/* seconds since the epoch */
	bool replicated;		/* for not_replicated: retention_mark_replicated() */

	uint64_t by;			/* set: a bit for each rule that keeps it; 0: it goes */
	uint64_t bucket;		/* set: of the first grid in by, 0 the youngest */
};

#define RETAINED_WITHOUT_RULES UINT64_MAX	/* by, if there is no rule */

/*
 * Mark as replicated all snapshots up to the one that the sender's cursor names, that
 * one itself only where a rule says drop_cursor.  guids: that of each snapshot.  Without
 * a cursor (has_cursor false), or if its snapshot is not there, none is replicated.
 */
void	retention_mark_replicated(struct retained snapshots[], const uint64_t guids[],
	    size_t count, bool has_cursor, uint64_t cursor_guid,
	    const struct rules *rules);

/*
 * zrepl's rules, its ties included: a grid counts from the youngest snapshot that its
 * expression matches, and of those in a bucket the oldest stay.  The snapshots are in
 * any order and stay in it.
 *
 * -1: an expression took too long for a name (EXIT_FAILED), or out of memory
 * (EXIT_SYSTEM).  Then nothing of by may be used.
 */
int	retention_apply(const struct rules *rules, struct retained snapshots[],
	    size_t count, struct error *error);

/*
 * The same rules as a floor (zr-guard(1)) for snapshots whose names and dates a client
 * chooses: no snapshot that arrives later makes a grid, regex or not_regex keep less of
 * those that are there.  now (seconds since the epoch) is our own clock, and createtxg
 * is the order of arrival; those of the same createtxg arrived in the order of their
 * creation, and then of their names.
 *
 *	A snapshot is doubtful if it is dated after now, or after one that arrived
 *	later.  It may be kept like any other, but takes no place of another.
 *	The intervals of a grid count from now; the edges of buckets are fixed, at the
 *	multiples of their duration since the epoch.  (If they moved with now, a client
 *	that waits could destroy everything: each snapshot while the edge of its bucket
 *	lets it share that with an older one, the youngest first.)
 *	A snapshot is kept if fewer than K that are not doubtful arrived before it in
 *	its bucket.  One dated after now is in the youngest bucket; one that is older
 *	than the last interval is not kept.
 *	last_n keeps a snapshot if fewer than N that are not doubtful arrived after it.
 *	So N snapshots that arrive with dates in order do push out those before.
 *
 * Rules must not have not_replicated.
 */
int	retention_apply_floor(const struct rules *rules, struct retained snapshots[],
	    size_t count, int64_t now, struct error *error);

#endif
