#ifndef ZR_SNAP_TAKE_H
#define ZR_SNAP_TAKE_H

#include "snap/snap_set.h"

/*
 * Take the snapshots of a set that has been named, by one zfs process for each pool,
 * which puts them into one transaction group: as "zfs snapshot -r" if nothing in the pool
 * is left out, so that no new child is missed, otherwise with a list of names.  If the
 * names do not fit on a command line, several processes take them, and standard error
 * says so; one that fails is then the last of its pool.
 *
 * Sets taken.  Calls failed for each pool that failed, and goes on with the next one,
 * unless zfs could not be run or we have been told to end.  Returns the exit code.
 *
 * If told to end, it returns even if zfs does not: a frozen application waits for us.
 */
#define SNAP_TAKE_END_MS	5000	/* to SIGKILL, then to leaving zfs alone */

int	snap_take(struct snap_set *set, void (*failed)(const struct error *error));

#endif
