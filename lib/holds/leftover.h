#ifndef ZR_LEFTOVER_H
#define ZR_LEFTOVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "zfs/zfs_object.h"

/*
 * What replication, zrepl's or ours, left on pools: holds and bookmarks with
 * the names of zrepl_name.h, and which of them have no use any more.
 *
 * That is said only where the names themselves show it.  What of a step that
 * died cannot be told from what of a step that is under way is never stale.
 */
enum leftover_kind {
	LEFTOVER_STEP_HOLD,
	LEFTOVER_LAST_RECEIVED_HOLD,
	LEFTOVER_CURSOR,
	LEFTOVER_TENTATIVE_CURSOR,
	LEFTOVER_OLD_BOOKMARK,		/* of zrepl before 0.4 */
	LEFTOVER_KINDS
};

enum leftover_reason {
	LEFTOVER_IN_USE,		/* as far as can be told */
	LEFTOVER_OLDER_CURSOR,		/* the job has a newer cursor */
	LEFTOVER_WRONG_GUID,		/* its guid is not the one in its name */
	LEFTOVER_STEP_DONE,		/* the job's cursor is of its To */
	LEFTOVER_OLDER_STEP,		/* the job's later step has its own two */
	LEFTOVER_OLDER_RECEIVED,	/* the job holds a later snapshot */
	LEFTOVER_UNUSED			/* no version in use knows such a thing */
};

struct leftover {
	const char *name;		/* "pool/a@b" or "pool/a#b" */
	size_t filesystem_length;	/* of name */
	enum leftover_kind kind;
	const char *tag;		/* of a hold; else NULL */
	const char *job;		/* "" where it is not known */
	uint64_t guid;
	uint64_t createtxg;
	int64_t creation;		/* of the snapshot, seconds since the epoch */
	enum leftover_reason stale;	/* LEFTOVER_IN_USE: it is not */
	const char *newer;		/* the one that makes it so, behind "@" */
					/* or "#"; NULL where there is none */
};

struct leftover_list {
	struct leftover *items;		/* by filesystem, createtxg, name */
	size_t count, capacity;
	struct zfs_list objects;	/* what the strings point into */
	struct buffer holds;
};

/* "step-hold"; and back: LEFTOVER_KINDS where there is none of that name. */
const char *leftover_kind_name(enum leftover_kind kind);
enum leftover_kind leftover_kind_by_name(const char *name);

/* Why it is stale, in words. */
#define LEFTOVER_REASON_SIZE	512
void	leftover_reason(const struct leftover *item,
	    char text[LEFTOVER_REASON_SIZE]);

/*
 * Everything on these filesystems (checked names, NULL-terminated) and below
 * them; NULL: on all pools.  Runs zfs once, and once more for every
 * thousands of snapshots that are held.  leftover_list_free() also after an
 * error.
 */
int	leftover_read(struct leftover_list *list, const char *const filesystems[],
	    struct error *error);
void	leftover_list_free(struct leftover_list *list);

/*
 * The parts of it that run nothing.  list->objects: add its bookmarks, and tell
 * which snapshots are held, sorted by name; held has room for all of them.
 */
struct leftover_held {
	const struct zfs_object *snapshot;
	size_t lines;			/* of "zfs holds" that name it */
};
int	leftover_take_objects(struct leftover_list *list,
	    struct leftover_held held[], size_t *count, struct error *error);

/*
 * list->holds, what "zfs holds -H" printed of those: add its holds.  Where a
 * snapshot has more lines than holds, those of its filesystem are left out.
 */
int	leftover_take_holds(struct leftover_list *list,
	    struct leftover_held held[], size_t count, struct error *error);

/* Sort, and set stale and newer. */
void	leftover_judge(struct leftover *items, size_t count);

/*
 * Release or destroy those of items for which chosen is true, and call done
 * for each, with NULL or what was wrong.  One that is gone already counts as
 * done.  -1 if any failed, with the last error.
 */
int	leftover_release(const struct leftover *items, const bool *chosen,
	    size_t count, void (*done)(const struct leftover *item,
	    const struct error *failure), struct error *error);

#endif
