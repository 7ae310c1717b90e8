#ifndef ZR_PLAN_RETENTION_H
#define ZR_PLAN_RETENTION_H

#include "plan/plan.h"

/*
 * Of the *count snapshots that are to be sent after base, leave out those that the
 * receiver's rules would destroy as soon as it had them all, beside theirs, which it
 * has; plan->skipped, which has room for them, gets those.  The last one always stays:
 * it is the base of what will come later.
 *
 * base: NULL, one of theirs, or the end of a resumed step, which will be there too.  The
 * lists are in the order of arrival.  -1: as retention_apply() (retention.h).
 */
int	plan_retention(struct plan *plan, const struct rules *rules,
	    const FilesystemVersion *const theirs[], size_t their_count,
	    const FilesystemVersion *base, const FilesystemVersion *wanted[],
	    size_t *count, struct error *error);

#endif
