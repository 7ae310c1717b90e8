#ifndef ZR_PRUNE_FILTER_H
#define ZR_PRUNE_FILTER_H

#include "prune/decision.h"

/*
 * Apply rules to a listing (zr-prune(1)), printing the decisions on standard output.
 * sender: the listing that has the cursors, and limits the filesystems to those in it;
 * NULL: none.  Returns the exit code, after reporting a failure.
 */
int	prune_filter(const struct judgement *judgement, struct decision_style style,
	    const struct listing *listing, const struct listing *sender);

#endif
