#ifndef ZR_SNAP_RUN_H
#define ZR_SNAP_RUN_H

#include "snap/snap_set.h"

/*
 * The snapshots of a set that has been named, and the commands around them, as
 * zr-snap(1) describes them.
 */
struct snap_run {
	const char *before;	/* commands, or NULL */
	const char *after;
	bool before_decides;	/* if it fails, no snapshot is taken */
	int64_t seconds;	/* that each may take */
	const char *first;	/* the dataset for ZREPL_FS */
	const char *locale;	/* LC_ALL of the commands; NULL: none */
	bool dry_run;		/* take none, but set taken as if all had succeeded */
};

/*
 * Sets taken.  Calls failed for each failure, and goes on as far as that allows.  SIGPIPE
 * must be ignored.  Returns the exit code.
 */
int	snap_run(struct snap_set *set, const char *name, const struct snap_run *run,
	    void (*failed)(const struct error *error));

#endif
