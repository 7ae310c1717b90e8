#ifndef ZR_ARCHIVE_H
#define ZR_ARCHIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "zrepl.pb-c.h"

/*
 * A directory that keeps zfs send streams: zr-archive(5) has its format.
 * Each filesystem is a directory, below that of its parent; each snapshot
 * two files in it, the stream as it was received and a record of what it is.
 * A snapshot is there as soon as its record is, complete; without a record a
 * stream file is a leftover that the next writer removes.
 *
 * Nothing outside of the directory can be reached: names are checked, and
 * no symbolic link is followed.
 */
#define ARCHIVE_STREAM_SUFFIX	".zstream"
#define ARCHIVE_RECORD_SUFFIX	".json"
#define ARCHIVE_RECEIVING	"@receiving."
#define ARCHIVE_LOCK		"@lock"
#define ARCHIVE_FILE_MAX	40	/* bytes of a file's name */
#define ARCHIVE_RECORD_MAX	4096	/* bytes */

/* A record: what zr-archive(5) says of each field. */
struct archive_snapshot {
	char name[256];
	uint64_t guid;
	uint64_t from_guid;	/* 0: a full stream */
	uint64_t createtxg;
	int64_t creation;	/* seconds since the epoch */
	uint64_t size;		/* bytes of the stream */
};

struct archive_list {
	struct archive_snapshot *snapshots;	/* by createtxg, then name */
	size_t count;
};

/*
 * Open a filesystem's directory below root; creating makes what is missing.
 * -1 with EXIT_FAILED where it does not exist or the name is none.
 */
int	archive_open_filesystem(int root, const char *filesystem, bool create,
	    struct error *error);

/* Every snapshot in a filesystem's directory. */
int	archive_list(int directory, struct archive_list *list, struct error *error);
void	archive_list_free(struct archive_list *list);

/* NULL where there is none. */
const struct archive_snapshot *archive_find_guid(const struct archive_list *list,
	    uint64_t guid);
const struct archive_snapshot *archive_find_name(const struct archive_list *list,
	    const char *name);

/* The snapshot that a version names, by name and guid; errors say which is not. */
const struct archive_snapshot *archive_find_version(const struct archive_list *list,
	    const char *filesystem, const FilesystemVersion *version,
	    struct error *error);

/* A snapshot's file name: "@" guid suffix. */
void	archive_file_name(char name[ARCHIVE_FILE_MAX], uint64_t guid,
	    const char *suffix);

/*
 * Exclusive right to change a filesystem's directory; waits for it.  Returns
 * a descriptor to close.
 */
int	archive_lock(int directory, struct error *error);

/* Remove what writers that died left behind.  The lock is held. */
int	archive_clean(int directory, struct error *error);

/*
 * Make a stream that has been written to `temporary` a snapshot of this
 * archive: synced, renamed, recorded.  The lock is held.
 */
int	archive_commit(int directory, const char *temporary,
	    const struct archive_snapshot *snapshot, struct error *error);

/* Remove a snapshot, its record first.  The lock is held. */
int	archive_remove(int directory, const struct archive_snapshot *snapshot,
	    struct error *error);

/*
 * Call visit for each filesystem below root, parents first, in order of name.
 * empty: it has no snapshot of its own.
 */
int	archive_walk(int root, int (*visit)(void *context, const char *filesystem,
	    bool empty), void *context, struct error *error);

#endif
