#ifndef ZR_RENAME_H
#define ZR_RENAME_H

#include "plan/plan.h"

/*
 * Renames: if a filesystem cannot be continued where it is, but another one of the
 * receiver has the sender's snapshots, it was renamed on one of the two sides.
 */
struct rename_index;

/*
 * An index of the receiver's snapshots outside the destinations of these count plans.
 * The listing must outlive it.  NULL: out of memory.
 */
struct rename_index *rename_index_new(const struct listing *receiver,
	    const struct plan *plans, size_t count);

/*
 * If the plan is a conflict or begins with a full stream, and a filesystem of the index
 * has a snapshot or bookmark of the sender's, say so in the plan's advice.
 */
void	rename_advise(const struct rename_index *index, struct plan *plan);

void	rename_index_free(struct rename_index *index);

#endif
