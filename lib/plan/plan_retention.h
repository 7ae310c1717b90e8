#ifndef ZR_PLAN_RETENTION_H
#define ZR_PLAN_RETENTION_H

#include "plan/plan.h"

/*
 * Of the *count snapshots to be sent after base, move to plan->skipped, which has room
 * for them, those that the receiver's rules would destroy once it had all of them beside
 * its own, theirs.  The last one always stays, as the base of later ones.
 *
 * base: NULL, one of theirs, or the end of a resumed step, which will be there too.  The
 * lists are in the order of arrival.  -1: as retention_apply() (retention.h).
 */
int	plan_retention(struct plan *plan, const struct rules *rules,
	    const FilesystemVersion *const theirs[], size_t their_count,
	    const FilesystemVersion *base, const FilesystemVersion *wanted[],
	    size_t *count, struct error *error);

#endif
