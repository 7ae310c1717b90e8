#include <stdlib.h>
#include <string.h>

#include "retention/retention.h"
#include "retention/retention_candidates.h"

void
retention_mark_replicated(struct retained snapshots[], const uint64_t guids[],
    size_t count, bool has_cursor, uint64_t cursor_guid,
    const struct rules *rules)
{
	bool drop_cursor = false, found = false;
	uint64_t cursor_txg = 0;

	for (size_t i = 0; i < rules->count; i++)
		drop_cursor = drop_cursor || rules->rules[i].drop_cursor;
	for (size_t i = 0; i < count && has_cursor; i++)
		if (guids[i] == cursor_guid &&
		    (!found || snapshots[i].createtxg < cursor_txg)) {
			found = true;
			cursor_txg = snapshots[i].createtxg;
		}
	for (size_t i = 0; i < count; i++)
		snapshots[i].replicated = found &&
		    (snapshots[i].createtxg < cursor_txg ||
		    (drop_cursor && snapshots[i].createtxg == cursor_txg &&
		    guids[i] == cursor_guid));
}

static int
compare_u64(uint64_t a, uint64_t b)
{
	return (a < b ? -1 : a > b);
}

/* The youngest first; at the same second the greater name is the younger. */
static int
compare_ages_and_names(const void *left, const void *right)
{
	const struct retained *a = ((const struct candidate *)left)->snapshot;
	const struct retained *b = ((const struct candidate *)right)->snapshot;
	const int names = strcmp(b->name, a->name);

	if (a->creation != b->creation)
		return (a->creation > b->creation ? -1 : 1);
	return (names != 0 ? names : (a < b ? -1 : a > b));
}

static void
last_n(const struct rule *rule, uint64_t bit, struct candidate candidates[],
    size_t count)
{
	qsort(candidates, count, sizeof(*candidates), compare_ages_and_names);
	for (size_t i = 0; i < count && i < rule->last_n; i++)
		candidate_keep(&candidates[i], bit);
}

/* The oldest first; at the same second the greater createtxg is the older. */
static int
compare_ages_and_txgs(const void *left, const void *right)
{
	const struct retained *a = ((const struct candidate *)left)->snapshot;
	const struct retained *b = ((const struct candidate *)right)->snapshot;
	const int txgs = compare_u64(b->createtxg, a->createtxg);
	const int names = strcmp(b->name, a->name);

	if (a->creation != b->creation)
		return (a->creation < b->creation ? -1 : 1);
	if (txgs != 0)
		return (txgs);
	return (names != 0 ? names : (a < b ? -1 : a > b));
}

/* In this order those of a bucket stand together. */
static void
grid(const struct rule *rule, uint64_t bit, struct candidate candidates[],
    size_t count, int64_t now)
{
	uint64_t kept = 0, youngest;

	(void)now;
	qsort(candidates, count, sizeof(*candidates), compare_ages_and_txgs);
	for (size_t i = 0; i < count; i++) {
		youngest = (uint64_t)candidates[count - 1].snapshot->creation;
		candidates[i].in_grid = grid_find(rule, youngest -
		    (uint64_t)candidates[i].snapshot->creation,
		    &candidates[i].bucket);
		if (!candidates[i].in_grid)
			continue;
		if (i == 0 || !candidates[i - 1].in_grid ||
		    candidates[i - 1].bucket.number != candidates[i].bucket.number)
			kept = 0;
		if (kept++ < candidates[i].bucket.keep)
			candidate_keep_in_bucket(&candidates[i], bit);
	}
}

int
retention_apply(const struct rules *rules, struct retained snapshots[],
    size_t count, struct error *error)
{
	static const struct judge judge = { .grid = grid, .last_n = last_n };
	struct candidate *candidates = candidates_new(snapshots, count);
	int result;

	if (candidates == NULL)
		return (error_errno(error, "retention"));
	result = candidates_judge(rules, &judge, candidates, count, 0, error);
	free(candidates);
	return (result);
}
