#ifndef ZR_ZFS_VERSIONS_H
#define ZR_ZFS_VERSIONS_H

#include "base/error.h"
#include "zfs/zfs_object.h"
#include "zrepl.pb-c.h"

/*
 * Snapshots and bookmarks in requests and answers: what the sender and the
 * receiver have in common.  shown is a filesystem's name as the client knows
 * it, local the name that zfs knows it by.
 */

/* Answer ListFilesystemVersions: one zfs process. */
int	zfs_versions_answer(const char *local, struct error *error);

/*
 * The version of a list that a request means, by type, name and guid; NULL
 * where it is not there or has another guid (EXIT_FAILED).
 */
const struct zfs_object *zfs_version_find(const struct zfs_list *list,
	    const char *shown, const FilesystemVersion *wanted,
	    struct error *error);

/*
 * Answer DestroySnapshots.  A snapshot that does not exist, or is gone when its
 * turn comes, is answered with: dataset "F@S" does not exist.  As few zfs
 * processes as the answer allows: one to see what there is, one to destroy it
 * all; more only for snapshots that cannot be destroyed.
 */
int	zfs_versions_destroy(const char *shown, const char *local,
	    const DestroySnapshotsReq *request, struct error *error);

#endif
