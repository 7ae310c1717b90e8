#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "retention/grid.h"

/* 10000 years: the ages of all buckets together then fit into 64 bits. */
#define SECONDS_MAX	(INT64_C(10000) * 366 * 86400)

#define BLANKS		" \t"
#define DIGITS		"0123456789"

static void
skip_blanks(const char **at)
{
	*at += strspn(*at, BLANKS);
}

static bool
skip(const char **at, const char *word)
{
	const size_t length = strlen(word);

	if (strncmp(*at, word, length) != 0)
		return (false);
	*at += length;
	return (true);
}

static bool
take_number(const char **at, uint64_t *number, uint64_t most)
{
	const size_t length = strspn(*at, DIGITS);
	char digits[32];

	if (length >= sizeof(digits))
		return (false);
	memcpy(digits, *at, length);
	digits[length] = '\0';
	*at += length;
	return (number_parse(number, digits, 10, 1, most));
}

static int64_t
unit_seconds(char unit)
{
	switch (unit) {
	case 's':
		return (1);
	case 'm':
		return (60);
	case 'h':
		return (3600);
	case 'd':
		return (86400);
	case 'w':
		return (7 * 86400);
	default:
		return (0);
	}
}

int64_t
rules_duration(const char **at)
{
	uint64_t number;
	int64_t seconds;

	skip(at, "+");
	if (!take_number(at, &number, SECONDS_MAX))
		return (-1);
	skip_blanks(at);
	seconds = unit_seconds(**at);
	if (seconds == 0 || number > (uint64_t)(SECONDS_MAX / seconds))
		return (-1);
	++*at;
	return ((int64_t)number * seconds);
}

/* "(keep=K)", without which K is 1. */
static int
parse_keep(struct rule_interval *interval, const char **at, struct error *error)
{
	interval->keep = 1;
	if (!skip(at, "("))
		return (0);
	skip_blanks(at);
	if (!skip(at, "keep="))
		return (error_set(error, EXIT_USAGE,
		    "in parentheses stands keep=K, not %s", *at));
	if (skip(at, "all"))
		interval->keep = RULES_KEEP_ALL;
	else if (!take_number(at, &interval->keep, RULES_NUMBER_MAX))
		return (error_set(error, EXIT_USAGE, "keep= wants all, or a number, "
		    "1 to %d", RULES_NUMBER_MAX));
	if (!skip(at, ")"))
		return (error_set(error, EXIT_USAGE,
		    "keep=K is followed by ), not by %s", *at));
	return (0);
}

/* REPEAT x DURATION (keep=K) */
static int
parse_interval(struct rule_interval *interval, const char **at,
    struct error *error)
{
	skip_blanks(at);
	if (!take_number(at, &interval->repeat, RULES_BUCKETS_MAX))
		return (error_set(error, EXIT_USAGE, "an interval begins with the "
		    "number of its buckets, 1 to %d", RULES_BUCKETS_MAX));
	skip_blanks(at);
	if (!skip(at, "x"))
		return (error_set(error, EXIT_USAGE, "%llu is not followed by x",
		    (unsigned long long)interval->repeat));
	skip_blanks(at);
	interval->seconds = rules_duration(at);
	if (interval->seconds == -1)
		return (error_set(error, EXIT_USAGE, "%llux is not followed by a "
		    "duration: a number, at least 1 and no more than 10000 years, and "
		    "one of s m h d w", (unsigned long long)interval->repeat));
	skip_blanks(at);
	if (parse_keep(interval, at, error) == -1)
		return (-1);
	skip_blanks(at);
	if (**at != '\0' && **at != '|')
		return (error_set(error, EXIT_USAGE,
		    "an interval is followed by |, not by %s", *at));
	return (0);
}

/* Is it allowed behind those before? */
static int
check_interval(const struct rule_interval intervals[], size_t count,
    struct error *error)
{
	bool all = true;
	uint64_t buckets = 0;

	for (size_t i = 0; i <= count; i++) {
		buckets += intervals[i].repeat;
		if (i < count)
			all = all && intervals[i].keep == RULES_KEEP_ALL;
	}
	if (buckets > RULES_BUCKETS_MAX)
		return (error_set(error, EXIT_USAGE,
		    "it has more than %d buckets", RULES_BUCKETS_MAX));
	if (!all && intervals[count].seconds < intervals[count - 1].seconds)
		return (error_set(error, EXIT_USAGE, "the buckets of interval %zu are "
		    "shorter than those before, which are not all keep=all",
		    count + 1));
	return (0);
}

int
grid_parse(struct rule *rule, const char *spec, struct error *error)
{
	const char *at = spec;

	rule->intervals = calloc(RULES_INTERVALS_MAX, sizeof(*rule->intervals));
	if (rule->intervals == NULL)
		return (error_errno(error, "rules"));
	do {
		if (rule->interval_count == RULES_INTERVALS_MAX)
			return (error_set(error, EXIT_USAGE,
			    "it has more than %d intervals", RULES_INTERVALS_MAX));
		if (parse_interval(&rule->intervals[rule->interval_count], &at,
		    error) == -1 ||
		    check_interval(rule->intervals, rule->interval_count,
		    error) == -1)
			return (-1);
		rule->interval_count++;
	} while (skip(&at, "|"));
	return (0);
}

/* Moves age to what it is beyond the intervals before; NULL: it is older than all. */
static const struct rule_interval *
find_interval(const struct rule *rule, uint64_t *age)
{
	for (size_t i = 0; i < rule->interval_count; i++) {
		const struct rule_interval *interval = &rule->intervals[i];
		const uint64_t span =
		    interval->repeat * (uint64_t)interval->seconds;

		if (*age < span)
			return (interval);
		*age -= span;
	}
	return (NULL);
}

bool
grid_find(const struct rule *rule, uint64_t age, struct grid_bucket *bucket)
{
	const struct rule_interval *found = find_interval(rule, &age);

	if (found == NULL)
		return (false);
	*bucket = (struct grid_bucket){ .keep = found->keep,
	    .number = age / (uint64_t)found->seconds };
	for (size_t i = 0; &rule->intervals[i] < found; i++)
		bucket->number += rule->intervals[i].repeat;
	return (true);
}

static int64_t
divide_down(int64_t number, int64_t by)
{
	return (number / by - (number % by < 0));
}

bool
grid_find_fixed(const struct rule *rule, int64_t creation, int64_t now,
    struct grid_bucket *bucket)
{
	uint64_t within = (uint64_t)now - (uint64_t)creation;
	const struct rule_interval *found = find_interval(rule, &within);
	int64_t begin;

	if (found == NULL)
		return (false);
	/* Where the interval begins. */
	begin = (int64_t)((uint64_t)creation + within);
	*bucket = (struct grid_bucket){ .keep = found->keep,
	    .number = (uint64_t)(divide_down(begin, found->seconds) -
	    divide_down(creation, found->seconds)) };
	/* One more than the repeats of each: the buckets at both ends may be cut. */
	for (size_t i = 0; &rule->intervals[i] < found; i++)
		bucket->number += rule->intervals[i].repeat + 1;
	return (true);
}
