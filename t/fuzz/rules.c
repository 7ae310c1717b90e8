/*
 * Feeds rules, one a line; each that is valid judges a few snapshots, some of which are
 * named as lines are.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "retention/retention.h"

#define SNAPSHOTS 6

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Its numbers are in their ranges. */
static void
check(const struct rule *rule)
{
	uint64_t buckets = 0;

	if (rule->text == NULL ||
	    (rule->kind == RULE_GRID) != (rule->interval_count > 0) ||
	    (rule->kind == RULE_LAST_N) != (rule->last_n > 0) ||
	    rule->interval_count > RULES_INTERVALS_MAX)
		abort();
	for (size_t i = 0; i < rule->interval_count; i++) {
		const struct rule_interval *interval = &rule->intervals[i];

		buckets += interval->repeat;
		if (interval->repeat == 0 || interval->seconds <= 0 ||
		    interval->keep == 0 || buckets > RULES_BUCKETS_MAX)
			abort();
	}
}

/* Twice the same, whatever the order in which they come. */
static void
judge(const struct rules *rules, const char *name)
{
	static const int64_t dates[SNAPSHOTS] = { INT64_MIN, -1, 0, 1, 86400, INT64_MAX };
	struct retained there[SNAPSHOTS], back[SNAPSHOTS];
	struct error error;

	for (size_t i = 0; i < SNAPSHOTS; i++) {
		there[i] = (struct retained){ .name = i % 2 == 0 ? name : "x",
		    .createtxg = 10 * i, .creation = dates[(5 * i + 1) % SNAPSHOTS] };
		back[SNAPSHOTS - 1 - i] = there[i];
	}
	for (int floor = 0; floor < 2; floor++) {
		const int first = floor ?
		    retention_apply_floor(rules, there, SNAPSHOTS, 5, &error) :
		    retention_apply(rules, there, SNAPSHOTS, &error);
		const int second = floor ?
		    retention_apply_floor(rules, back, SNAPSHOTS, 5, &error) :
		    retention_apply(rules, back, SNAPSHOTS, &error);

		if (first != second)
			abort();
		for (size_t i = 0; first == 0 && i < SNAPSHOTS; i++)
			if (there[i].by != back[SNAPSHOTS - 1 - i].by ||
			    there[i].bucket != back[SNAPSHOTS - 1 - i].bucket)
				abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rules rules = { .rules = NULL };
	const char *text = (const char *)data, *end;
	char name[32] = "";
	struct error error;
	size_t length, before;

	for (size_t at = 0; at < size; at += length + 1) {
		end = memchr(text + at, '\n', size - at);
		length = end != NULL ? (size_t)(end - text) - at : size - at;
		before = rules.count;
		if (rules_add(&rules, text + at, length, &error) == -1 ?
		    rules.count != before || error.code != EXIT_USAGE :
		    rules.count != before + 1)
			abort();
		if (rules.count > before)
			check(&rules.rules[before]);
		else
			snprintf(name, sizeof(name), "%.*s", (int)length, text + at);
	}
	judge(&rules, name);
	rules_free(&rules);
	return (0);
}
