#ifndef ZR_ZFS_FILESYSTEMS_H
#define ZR_ZFS_FILESYSTEMS_H

#include <stddef.h>

#include "base/error.h"
#include "zfs/zfs_object.h"

/*
 * Answer ListFilesystems with a list of filesystems and volumes.  shown gives
 * the name that the client knows each by (it points into the object's own
 * name), or NULL for one that does not exist for the client.
 */
int	zfs_filesystems_answer(const struct zfs_list *list,
	    const char *(*shown)(const void *context, const char *name),
	    const void *context, struct error *error);

#endif
