#ifndef ZR_SNAP_HOOK_H
#define ZR_SNAP_HOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/*
 * Commands before and after the snapshots, as zr-snap(1) describes them, run by sh -c.
 * Their output is shown on standard error, up to SNAP_HOOK_SHOWN.  A command leads a
 * process group, which ends with it.
 *
 * A command that exceeds its time gets SIGTERM, then after SNAP_HOOK_TERM_MS SIGKILL.
 */
#define SNAP_HOOK_SHOWN		(1u << 20)	/* bytes */
#define SNAP_HOOK_TERM_MS	5000
#define SNAP_HOOK_GRACE_MS	1000	/* for the output of processes that it left behind */

struct snap_hook {
	const char *option;	/* "-b": in diagnostics */
	const char *command;
	const char *type;	/* ZREPL_HOOKTYPE */
	const char *snapshot;	/* ZR_SNAPSHOT, ZREPL_SNAPNAME */
	const char *filesystem;	/* ZREPL_FS */
	const char *locale;	/* LC_ALL; NULL: none */
	bool dry_run;		/* ZREPL_DRYRUN */
	bool lasts;		/* the first signal (below) does not end it */
	int64_t seconds;	/* that it may take; ZREPL_TIMEOUT */
	const char *input;	/* its standard input, */
	size_t input_length;	/* bytes */
};

/*
 * Run it to its end.  *ended_by is the signal that told us to end, or 0.  If one comes
 * now, it is stored there and the command told to end, unless the command lasts and
 * *ended_by was 0.  SIGPIPE must be ignored.
 *
 * 0: it ended in time, with status 0.  -1: it did not; *exit_code is its status as in
 * exit_code.h, or -1 if it could not be run.
 */
int	snap_hook_run(const struct snap_hook *hook, int *ended_by, int *exit_code,
	    struct error *error);

#endif
