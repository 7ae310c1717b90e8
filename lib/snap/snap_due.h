#ifndef ZR_SNAP_DUE_H
#define ZR_SNAP_DUE_H

#include "snap/snap_set.h"

/*
 * Is it time for the next snapshots?  It is when the oldest of the datasets' newest
 * snapshots is interval seconds old.  A dataset without a snapshot counts only if no
 * dataset has one: then it is time.  One whose newest snapshot is dated after now does
 * not count; SNAP_ALL_LATER if this leaves none that counts.  Those that are left out do
 * not count either.  Times are in seconds since the epoch.  Pure.
 */
enum snap_due {
	SNAP_DUE,
	SNAP_NOT_DUE,
	SNAP_ALL_LATER
};

enum snap_due snap_due(const struct snap_set *set, int64_t interval, int64_t now);

#endif
