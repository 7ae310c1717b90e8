#ifndef ZR_ZFS_VERSIONS_H
#define ZR_ZFS_VERSIONS_H

#include "base/error.h"
#include "format/fs_name.h"
#include "zfs/zfs_object.h"
#include "zrepl.pb-c.h"

/*
 * Snapshots and bookmarks in requests and answers, for the sender and the receiver.
 */

/* zfs's name for a client's; -1 if the client has no such filesystem. */
typedef int zfs_local_name(const void *context, const char *filesystem,
	    char local[FS_NAME_MAX + 1], struct error *error);

/*
 * Answer ListFilesystemVersions: one zfs process.  The same for many requests
 * (endpoint_program.h): one zfs process for all of them.
 */
int	zfs_versions_answer(const ProtobufCMessage *message,
	    zfs_local_name *local_name, const void *context, struct error *error);
int	zfs_versions_answer_many(const ProtobufCMessage *const messages[],
	    size_t count, zfs_local_name *local_name, const void *context,
	    struct error *error);

/*
 * The version of a list that a request names, by type, name and guid; NULL if it does
 * not exist or has another guid (EXIT_FAILED).
 */
const struct zfs_object *zfs_version_find(const struct zfs_list *list,
	    const char *shown, const FilesystemVersion *wanted,
	    struct error *error);

#endif
