#ifndef ZR_SNAP_TAKE_H
#define ZR_SNAP_TAKE_H

#include "snap/snap_set.h"

/*
 * Take the snapshots of a set that has been named, by one zfs process for each pool,
 * which puts them into one transaction group: of a pool with nothing left out by
 * "zfs snapshot -r", so that no new child is missed, otherwise by a list of names.  If
 * those are more than a command line may hold, several processes take them, and
 * standard error says so; one that fails is then the last of its pool.
 *
 * Sets taken.  Calls failed for each pool that failed, and goes on with the next one,
 * unless zfs could not be run or we have been told to end.  Returns the exit code.
 *
 * Told to end, it comes back even if zfs does not: what has been frozen waits for us.
 */
#define SNAP_TAKE_END_MS	5000	/* to SIGKILL, then to leaving zfs alone */

int	snap_take(struct snap_set *set, void (*failed)(const struct error *error));

#endif
