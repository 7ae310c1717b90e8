#ifndef ZR_PRUNE_FILTER_H
#define ZR_PRUNE_FILTER_H

#include "prune/decision.h"

/*
 * What rules make of a listing (zr-prune(1)), printed on standard output.  sender: the
 * listing that has the cursors, and limits the filesystems to those in it; NULL: none.
 * Returns the exit code; what failed has been said.
 */
int	prune_filter(const struct judgement *judgement, struct decision_style style,
	    const struct listing *listing, const struct listing *sender);

#endif
