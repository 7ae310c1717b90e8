#ifndef ZR_RETENTION_CANDIDATES_H
#define ZR_RETENTION_CANDIDATES_H

#include "retention/grid.h"
#include "retention/retention.h"

/*
 * The parts of retention.h: the snapshots that a rule looks at, and the two ways to
 * judge them.
 */
struct candidate {
	struct retained *snapshot;
	bool doubtful;			/* only for the floor */
	bool in_grid;			/* if not, the bucket means nothing */
	struct grid_bucket bucket;
};

/* How the rules are judged that count. */
struct judge {
	/* Those that the rule's expression matches, in the order in which they came. */
	void (*grid)(const struct rule *rule, uint64_t bit,
	    struct candidate candidates[], size_t count, int64_t now);
	void (*last_n)(const struct rule *rule, uint64_t bit,
	    struct candidate candidates[], size_t count);
};

/*
 * Judge count candidates, which stay in their order; now is handed to the grids.
 * As retention_apply().
 */
int	candidates_judge(const struct rules *rules, const struct judge *judge,
	    const struct candidate candidates[], size_t count, int64_t now,
	    struct error *error);

/* The rule of this bit keeps it. */
void	candidate_keep(struct candidate *candidate, uint64_t bit);
void	candidate_keep_in_bucket(struct candidate *candidate, uint64_t bit);

/* An array of all the snapshots, which the caller frees; NULL with errno. */
struct candidate *candidates_new(struct retained snapshots[], size_t count);

#endif
