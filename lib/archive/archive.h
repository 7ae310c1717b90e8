#ifndef ZR_ARCHIVE_H
#define ZR_ARCHIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "base/error.h"
#include "streamsum/stream_digest.h"

/*
 * A directory that keeps zfs send streams: zr-archive(5) describes its format.  Each
 * filesystem is a directory below that of its parent.  Each snapshot is two files in
 * it: the stream as it was received, and a record that describes it.  A snapshot
 * exists, complete, as soon as its record does.  A stream file without a record is a
 * leftover, which archive_clean() removes.  A stream that is still arriving, or was
 * broken off, is a part (archive_part.h).
 *
 * Below the root only the owner has access: files 0600, directories 0700.
 */
#define ARCHIVE_STREAM_SUFFIX	".zstream"
#define ARCHIVE_RECORD_SUFFIX	".json"
#define ARCHIVE_RECORDING	"@record"	/* a record being written */
#define ARCHIVE_RECEIVING	"@receiving."	/* a part */
#define ARCHIVE_LOCK		"@lock"
#define ARCHIVE_FILE_MAX	40	/* bytes of a file's name */
#define ARCHIVE_RECORD_MAX	4096	/* bytes */

/* A record: zr-archive(5) describes each field. */
struct archive_snapshot {
	char name[256];
	uint64_t guid;
	uint64_t from_guid;	/* 0: a full stream */
	uint64_t createtxg;	/* the sender's; in a list: see archive_list.h */
	uint64_t arrival;	/* 0: of a record without it, older than all others */
	int64_t creation;	/* seconds since the epoch, up to RFC3339_LAST */
	uint64_t size;		/* bytes of the stream */
	bool has_digest;	/* only a full stream can; old records have none */
	enum stream_digest_kind digest_kind;
	uint8_t digest[STREAM_DIGEST_SIZE];
	int64_t damaged;	/* when zr-scrub found it so, as creation; 0: it did not */
	struct timespec changed;	/* st_ctim of the record that was read */
};

/* A snapshot's file name: "@" guid suffix. */
void	archive_file_name(char name[ARCHIVE_FILE_MAX], uint64_t guid,
	    const char *suffix);

/*
 * Take the exclusive right to change a filesystem's directory.  Returns a descriptor to
 * close; -1 with errno: ENOENT if the directory is gone, EWOULDBLOCK if another process
 * has the lock and wait is false, EINTR if a caught signal (signals.h, not SIGUSR1)
 * ended the wait.
 */
int	archive_lock(int directory, bool wait);

/*
 * Remove the leftovers of dead writers: streams without a record, and parts but for one
 * that can be resumed (archive_part_settle()).  The caller holds archive_lock().  *empty
 * tells whether there is no record.
 */
int	archive_clean(int directory, bool *empty, struct error *error);

/*
 * Make a stream that has been written to `temporary` and synced a snapshot of this
 * archive.  It replaces a damaged one with this guid.  The caller holds archive_lock().
 */
int	archive_commit(int directory, const char *temporary,
	    const struct archive_snapshot *snapshot, struct error *error);

/*
 * Removal takes three steps, so that many snapshots cost one sync: remove
 * their records, increments before their bases; sync the directory; remove
 * their streams.  After the first step the snapshot is gone.  The caller holds
 * archive_lock().
 */
int	archive_remove_record(int directory, uint64_t guid, struct error *error);
int	archive_sync(int directory, struct error *error);
void	archive_remove_stream(int directory, uint64_t guid);

struct archive_filesystem {
	const char *name;
	int directory;
	bool empty;		/* it has no snapshot of its own */
	bool leftovers;		/* archive_clean() has found something: perhaps a part */
};

/*
 * Call visit for each filesystem below root, parents first, in order of name; it returns
 * -1 if out of memory. only, if not NULL: visit just this filesystem and those above it.
 */
int	archive_walk(int root, const char *only, int (*visit)(void *context,
	    const struct archive_filesystem *filesystem), void *context,
	    struct error *error);

#endif
