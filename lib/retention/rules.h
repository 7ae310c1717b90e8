#ifndef ZR_RULES_H
#define ZR_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "retention/pattern.h"

/*
 * Rules of retention, as zr-prune(1) describes them, each of one line:
 *
 *	grid REGEX SPEC			1x1h(keep=all) | 24x1h | 14x1d
 *	last_n N [REGEX]
 *	regex REGEX
 *	not_regex REGEX
 *	not_replicated [drop_cursor]
 *
 * A REGEX has no blank; SPEC is the rest of the line.
 */
#define RULES_MAX	64		/* rules; retention.h has a bit for each */
#define RULES_LINE_MAX	4096		/* bytes */
#define RULES_INTERVALS_MAX 256		/* of a grid */
#define RULES_BUCKETS_MAX 1000000	/* of a grid */
#define RULES_NUMBER_MAX 1000000000	/* N and K */
#define RULES_KEEP_ALL	UINT64_MAX

enum rule_kind {
	RULE_GRID,
	RULE_LAST_N,
	RULE_REGEX,
	RULE_NOT_REGEX,
	RULE_NOT_REPLICATED
};

/* REPEAT x DURATION (keep=K) */
struct rule_interval {
	uint64_t repeat;
	int64_t seconds;		/* of each of its buckets */
	uint64_t keep;			/* or RULES_KEEP_ALL */
};

struct rule {
	enum rule_kind kind;
	char *text;			/* as it was written, without blanks around */
	struct pattern *pattern;	/* NULL: every name */
	uint64_t last_n;
	bool drop_cursor;
	struct rule_interval *intervals;
	size_t interval_count;
};

struct rules {
	struct rule *rules;		/* owned */
	size_t count;
};

/*
 * Add a rule, length bytes without a newline.  -1 (EXIT_USAGE): it is invalid, and
 * nothing has been added.
 */
int	rules_add(struct rules *rules, const char *line, size_t length,
	    struct error *error);

/*
 * The rules of a file, one in each line; blank lines and those that begin with # are
 * passed over.  The last line must end with a newline, too: a file that is still being
 * written, or was cut by a full disk, could keep less than it should.  -1: it cannot be
 * read, or (EXIT_USAGE) a line is invalid or it has no rule; the error has the path and
 * the line's number.
 */
int	rules_read(struct rules *rules, const char *path, struct error *error);

/*
 * A duration as a grid has it: a number, at least 1, and one of s m h d w.  Returns
 * its seconds and moves *at behind it; -1: it is none, or longer than 10000 years.
 */
int64_t	rules_duration(const char **at);

/* Is a rule of this kind among them? */
bool	rules_have(const struct rules *rules, enum rule_kind kind);

void	rules_free(struct rules *rules);

#endif
