#ifndef ZR_ZFS_DESTROY_H
#define ZR_ZFS_DESTROY_H

#include "base/error.h"
#include "zrepl.pb-c.h"

/*
 * Answer DestroySnapshots, for the sender and the receiver.  shown is the client's name
 * for the filesystem, local is zfs's name.  The answer for a snapshot that does not
 * exist, or has disappeared when its turn comes, is: dataset "F@S" does not exist.  Runs
 * one zfs process to list the snapshots and one to destroy them all; more only for
 * snapshots that cannot be destroyed.
 */
int	zfs_destroy(const char *shown, const char *local,
	    const DestroySnapshotsReq *request, struct error *error);

#endif
