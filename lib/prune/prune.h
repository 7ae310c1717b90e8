#ifndef ZR_PRUNE_H
#define ZR_PRUNE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "prune/decision.h"

/*
 * Prune an endpoint by rules (zr-prune(1)): it is listed, each filesystem is decided
 * once all its versions are known, and what goes is destroyed while the others are
 * still being listed.  All calls share one session (session.h).
 */
struct prune_options {
	struct judgement judgement;
	struct decision_style style;
	const char *endpoint;		/* command strings */
	const char *sender;		/* has the cursors; NULL: the endpoint has them */
	char *const *filesystems;	/* only these and what is below them */
	size_t filesystem_count;	/* 0: all */
	int64_t call_ms;		/* for one call */
	bool destroy;			/* or else only show */
	bool anyway;			/* whatever decision_objection() says */
};

#define PRUNE_CALLS	8		/* DestroySnapshots at once */
#define PRUNE_CALL_MAX	2500		/* snapshots in one */

/* Do it, reporting on standard output and standard error.  Returns the exit code. */
int	prune(const struct prune_options *options);

#endif
