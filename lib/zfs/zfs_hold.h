#ifndef ZR_ZFS_HOLD_H
#define ZR_ZFS_HOLD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "zfs/zfs_advice.h"
#include "zfs/zfs_object.h"

/*
 * Holds, one zfs process for any number of snapshots.  zfs does what it can
 * and complains of the rest, so that nobody has to ask first which snapshots
 * carry a tag.
 */

/* Take a hold on snapshots (NULL-terminated); one that is held already is fine. */
int	zfs_hold(const char *tag, const char *const snapshots[],
	    struct error *error);

/*
 * Release the tag on every snapshot of the list that carries it, except spare
 * (NULL-terminated names).  No process where no snapshot is held at all.
 */
int	zfs_release(const char *tag, const struct zfs_list *list,
	    const char *const spare[], struct error *error);

/*
 * What to do about a snapshot that cannot be destroyed because it is busy, as
 * one line: which hold, and the command that releases it.  False where nothing
 * holds it, or that cannot be told.
 */
bool	zfs_hold_advice(char line[ZFS_ADVICE_SIZE], const char *snapshot);

#endif
