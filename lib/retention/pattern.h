#ifndef ZR_PATTERN_H
#define ZR_PATTERN_H

#include <stdbool.h>

#include "base/error.h"

/*
 * Regular expressions for the names of snapshots: PCRE2, unanchored, with a limit
 * on the work for one name, so that no expression can hang us.
 */
struct pattern;

/* NULL (EXIT_USAGE): text is not an expression; the error says where. */
struct pattern *pattern_compile(const char *text, struct error *error);

/* 1 if it matches, 0 if not; -1 (EXIT_FAILED): the limit was reached. */
int	pattern_matches(const struct pattern *pattern, const char *name,
	    struct error *error);

void	pattern_free(struct pattern *pattern);

#endif
