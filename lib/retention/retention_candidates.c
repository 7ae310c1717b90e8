#include <stdlib.h>
#include <string.h>

#include "retention/retention_candidates.h"

struct candidate *
candidates_new(struct retained snapshots[], size_t count)
{
	struct candidate *candidates = calloc(count + 1, sizeof(*candidates));

	for (size_t i = 0; candidates != NULL && i < count; i++)
		candidates[i].snapshot = &snapshots[i];
	return (candidates);
}

void
candidate_keep(struct candidate *candidate, uint64_t bit)
{
	candidate->snapshot->by |= bit;
}

void
candidate_keep_in_bucket(struct candidate *candidate, uint64_t bit)
{
	struct retained *snapshot = candidate->snapshot;

	/* UINT64_MAX: no grid before has kept it. */
	if (snapshot->bucket == UINT64_MAX)
		snapshot->bucket = candidate->bucket.number;
	snapshot->by |= bit;
}

/* Copy those that the rule's expression matches, or does not: those that it is about. */
static int
choose(const struct rule *rule, const struct candidate candidates[], size_t count,
    struct candidate chosen[], size_t *chosen_count, struct error *error)
{
	const int wanted = rule->kind == RULE_NOT_REGEX ? 0 : 1;
	int matches;

	*chosen_count = 0;
	for (size_t i = 0; i < count; i++) {
		matches = rule->pattern == NULL ? 1 : pattern_matches(rule->pattern,
		    candidates[i].snapshot->name, error);
		if (matches == -1)
			return (error_prefix(error, "the rule \"%s\"", rule->text));
		if (matches == wanted)
			chosen[(*chosen_count)++] = candidates[i];
	}
	return (0);
}

static void
judge_rule(const struct rule *rule, uint64_t bit, const struct judge *judge,
    struct candidate chosen[], size_t count, int64_t now)
{
	switch (rule->kind) {
	case RULE_GRID:
		judge->grid(rule, bit, chosen, count, now);
		return;
	case RULE_LAST_N:
		judge->last_n(rule, bit, chosen, count);
		return;
	case RULE_REGEX:
	case RULE_NOT_REGEX:
		for (size_t i = 0; i < count; i++)
			candidate_keep(&chosen[i], bit);
		return;
	case RULE_NOT_REPLICATED:
		for (size_t i = 0; i < count; i++)
			if (!chosen[i].snapshot->replicated)
				candidate_keep(&chosen[i], bit);
		return;
	}
}

int
candidates_judge(const struct rules *rules, const struct judge *judge,
    const struct candidate candidates[], size_t count, int64_t now,
    struct error *error)
{
	struct candidate *chosen = calloc(count + 1, sizeof(*chosen));
	size_t chosen_count;
	int result = 0;

	if (chosen == NULL)
		return (error_errno(error, "retention"));
	for (size_t i = 0; i < count; i++) {
		candidates[i].snapshot->by =
		    rules->count == 0 ? RETAINED_WITHOUT_RULES : 0;
		candidates[i].snapshot->bucket = UINT64_MAX;
	}
	for (size_t i = 0; i < rules->count && result == 0; i++) {
		result = choose(&rules->rules[i], candidates, count, chosen,
		    &chosen_count, error);
		if (result == 0)
			judge_rule(&rules->rules[i], UINT64_C(1) << i, judge, chosen,
			    chosen_count, now);
	}
	for (size_t i = 0; i < count; i++)
		if (candidates[i].snapshot->bucket == UINT64_MAX)
			candidates[i].snapshot->bucket = 0;
	free(chosen);
	return (result);
}
