#ifndef ZR_RENAME_H
#define ZR_RENAME_H

#include "plan/plan.h"

/*
 * Renames: a filesystem that cannot be continued where it is, while another one of
 * the receiver has what the sender has, was renamed on one of the two sides.
 */
struct rename_index;

/*
 * Of the receiver's snapshots that belong to no plan: count plans, whose
 * destinations are taken.  The listing must outlive it.  NULL: out of memory.
 */
struct rename_index *rename_index_new(const struct listing *receiver,
	    const struct plan *plans, size_t count);

/*
 * Where the plan is a conflict or begins with a full stream, and a filesystem of the
 * index has a snapshot or bookmark of the sender's: say so, in its advice.
 */
void	rename_advise(const struct rename_index *index, struct plan *plan);

void	rename_index_free(struct rename_index *index);

#endif
