#ifndef ZR_ZFS_FILESYSTEMS_H
#define ZR_ZFS_FILESYSTEMS_H

#include <stddef.h>

#include "base/error.h"
#include "zfs/zfs_object.h"

/*
 * Answer ListFilesystems with a list of filesystems and volumes.  shown returns the
 * client's name for each (it points into the object's own name), or NULL if it does
 * not exist for the client.
 */
int	zfs_filesystems_answer(const struct zfs_list *list,
	    const char *(*shown)(const void *context, const char *name),
	    const void *context, struct error *error);

#endif
