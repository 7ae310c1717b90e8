#ifndef ZR_ZFS_OBJECT_H
#define ZR_ZFS_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"

/*
 * The properties that "zfs get" prints of filesystems, volumes, snapshots and
 * bookmarks: one process for any number of them.
 */
enum zfs_type {
	ZFS_FILESYSTEM,
	ZFS_VOLUME,
	ZFS_SNAPSHOT,
	ZFS_BOOKMARK
};

/* The fields below that are wanted; type always is. */
enum zfs_wanted {
	ZFS_WANT_IDENTITY = 1 << 0,	/* guid, createtxg, creation */
	ZFS_WANT_HOLDS = 1 << 1,
	ZFS_WANT_ENCRYPTION = 1 << 2,
	ZFS_WANT_TOKEN = 1 << 3,
	ZFS_WANT_PLACEHOLDER = 1 << 4,
	ZFS_WANT_CREATION = 1 << 5,	/* alone, without the others of IDENTITY */
	ZFS_WANT_WRITTEN = 1 << 6,
	ZFS_WANT_INCONSISTENT = 1 << 7
};

struct zfs_object {
	const char *name;		/* whole: "pool/a@b" */
	const char *version;		/* after "@" or "#"; else NULL */
	enum zfs_type type;
	uint64_t guid;
	uint64_t createtxg;
	int64_t creation;		/* seconds since the epoch */
	uint64_t holds;			/* user references */
	uint64_t written;		/* bytes since its newest snapshot */
	bool encrypted;
	bool inconsistent;		/* its first receive is not complete */
	bool placeholder;		/* zrepl:placeholder, set on itself */
	const char *resume_token;	/* "" without saved state */
};

struct zfs_list {
	struct zfs_object *objects;
	size_t count;
	struct buffer text;		/* the strings point into it */
};

/*
 * Read a list in the order in which zfs prints it.  names: NULL-terminated; NULL:
 * every filesystem and volume.  depth: "0" only the names themselves, "1" also their
 * children and versions, NULL everything below.  types: as in -t of zfs get.
 *
 * If missing_is_fine, a name that does not exist is left out; otherwise it is an error
 * in zfs's words (EXIT_FAILED).  Call zfs_list_free() also after an error.
 */
int	zfs_list_read(struct zfs_list *list, const char *const names[],
	    const char *depth, const char *types, enum zfs_wanted wanted,
	    bool missing_is_fine, struct error *error);

/*
 * Read one filesystem or volume (objects[0]) with its snapshots and bookmarks in the
 * order of their creation, a bookmark before its snapshot.  If it does not exist and
 * missing_is_fine, count is 0.
 */
int	zfs_filesystem_read(struct zfs_list *list, const char *name,
	    enum zfs_wanted wanted, bool missing_is_fine, struct error *error);

/* A part of a list: a filesystem or volume and its versions, in the same order. */
struct zfs_part {
	const struct zfs_object *objects;
	size_t count;
};

/*
 * The same for several, by one process: parts[i] is that of names[i] (NULL-terminated,
 * and one may come twice).  Its count is 0 if zfs cannot open it, for whatever reason.
 * -1 if zfs failed with words that do not name the filesystems concerned, so that nothing
 * is known of any.
 */
int	zfs_filesystems_read(struct zfs_list *list, const char *const names[],
	    enum zfs_wanted wanted, struct zfs_part parts[], struct error *error);

/* The snapshot or bookmark of that name (NULL: the oldest of them), or NULL. */
const struct zfs_object *zfs_list_find(const struct zfs_list *list,
	    enum zfs_type type, const char *version);

void	zfs_list_free(struct zfs_list *list);

#endif
