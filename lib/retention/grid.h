#ifndef ZR_GRID_H
#define ZR_GRID_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "retention/rules.h"

/*
 * The intervals of a grid, and the buckets that they stand for: those of the first
 * interval are the youngest.  A bucket contains its young edge and not its old one.
 */
struct grid_bucket {
	uint64_t number;		/* 0: the youngest */
	uint64_t keep;			/* or RULES_KEEP_ALL */
};

/* Set the intervals of a rule (rules.h), which rules_free() frees.  -1: EXIT_USAGE. */
int	grid_parse(struct rule *rule, const char *spec, struct error *error);

/* The bucket of a snapshot of this age in seconds; false: it is older than all. */
bool	grid_find(const struct rule *rule, uint64_t age, struct grid_bucket *bucket);

/*
 * The same where the edges of buckets do not move with now, but lie at the multiples of
 * their duration since the epoch; so the interval of a snapshot changes with time, but
 * not which others share its bucket in an interval.  creation is not after now.
 */
bool	grid_find_fixed(const struct rule *rule, int64_t creation, int64_t now,
	    struct grid_bucket *bucket);

#endif
