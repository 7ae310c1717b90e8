#ifndef ZR_ZFS_HOLD_H
#define ZR_ZFS_HOLD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "zfs/zfs_advice.h"
#include "zfs/zfs_object.h"

/*
 * Holds: one zfs process for any number of snapshots.  zfs releases the holds that it
 * finds and complains about the rest, so that nobody needs to ask first which snapshots
 * have a tag.
 */

/* Take a hold on snapshots (NULL-terminated); they may already be held. */
int	zfs_hold(const char *tag, const char *const snapshots[],
	    struct error *error);

/*
 * Release the tag on every snapshot of the list that has it, except spare
 * (NULL-terminated names).  Runs no process if no snapshot is held at all.
 */
int	zfs_release(const char *tag, const struct zfs_list *list,
	    const char *const spare[], struct error *error);

/*
 * Advice about a snapshot that cannot be destroyed because it is busy, as one line: the
 * hold, and the command that releases it.  False if it has no hold, or that cannot be
 * determined.
 */
bool	zfs_hold_advice(char line[ZFS_ADVICE_SIZE], const char *snapshot);

#endif
