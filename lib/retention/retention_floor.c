#include <stdlib.h>
#include <string.h>

#include "retention/retention.h"
#include "retention/retention_candidates.h"

static int
compare_arrivals(const void *left, const void *right)
{
	const struct retained *a = ((const struct candidate *)left)->snapshot;
	const struct retained *b = ((const struct candidate *)right)->snapshot;
	const int names = strcmp(a->name, b->name);

	if (a->createtxg != b->createtxg)
		return (a->createtxg < b->createtxg ? -1 : 1);
	if (a->creation != b->creation)
		return (a->creation < b->creation ? -1 : 1);
	return (names != 0 ? names : (a < b ? -1 : a > b));
}

/* In the order of arrival, from the last one. */
static void
doubt(struct candidate candidates[], size_t count, int64_t now)
{
	int64_t earliest = now;		/* of now and the dates of those that came later */

	for (size_t i = count; i-- > 0;) {
		candidates[i].doubtful = candidates[i].snapshot->creation > earliest;
		if (!candidates[i].doubtful)
			earliest = candidates[i].snapshot->creation;
	}
}

static int
compare_buckets(const void *left, const void *right)
{
	const struct candidate *a = left, *b = right;

	if (a->in_grid != b->in_grid)
		return (a->in_grid ? -1 : 1);
	if (a->in_grid && a->bucket.number != b->bucket.number)
		return (a->bucket.number < b->bucket.number ? -1 : 1);
	return (compare_arrivals(left, right));
}

static void
grid(const struct rule *rule, uint64_t bit, struct candidate candidates[],
    size_t count, int64_t now)
{
	uint64_t taken = 0;
	int64_t creation;

	for (size_t i = 0; i < count; i++) {
		creation = candidates[i].snapshot->creation;
		candidates[i].in_grid = grid_find_fixed(rule,
		    creation < now ? creation : now, now, &candidates[i].bucket);
	}
	qsort(candidates, count, sizeof(*candidates), compare_buckets);
	for (size_t i = 0; i < count && candidates[i].in_grid; i++) {
		if (i == 0 ||
		    candidates[i - 1].bucket.number != candidates[i].bucket.number)
			taken = 0;
		if (taken < candidates[i].bucket.keep)
			candidate_keep_in_bucket(&candidates[i], bit);
		if (!candidates[i].doubtful)
			taken++;
	}
}

static void
last_n(const struct rule *rule, uint64_t bit, struct candidate candidates[],
    size_t count)
{
	uint64_t after = 0;

	for (size_t i = count; i-- > 0;) {
		if (after < rule->last_n)
			candidate_keep(&candidates[i], bit);
		if (!candidates[i].doubtful)
			after++;
	}
}

int
retention_apply_floor(const struct rules *rules, struct retained snapshots[],
    size_t count, int64_t now, struct error *error)
{
	static const struct judge judge = { .grid = grid, .last_n = last_n };
	struct candidate *candidates = candidates_new(snapshots, count);
	int result;

	if (candidates == NULL)
		return (error_errno(error, "retention"));
	qsort(candidates, count, sizeof(*candidates), compare_arrivals);
	doubt(candidates, count, now);
	result = candidates_judge(rules, &judge, candidates, count, now, error);
	free(candidates);
	return (result);
}
