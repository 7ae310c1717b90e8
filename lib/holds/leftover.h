#ifndef ZR_LEFTOVER_H
#define ZR_LEFTOVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/error.h"
#include "zfs/zfs_object.h"

/*
 * Leftovers of replication, by zrepl or by zr: holds and bookmarks with the names of
 * zrepl_name.h.  Stale ones are no longer of use.
 *
 * A leftover is stale only if the names themselves show it.  Leftovers of a dead step
 * that cannot be distinguished from those of a running one are never stale.
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
	LEFTOVER_IN_USE,		/* or cannot be shown to be stale */
	LEFTOVER_OLDER_CURSOR,		/* the job has a newer cursor */
	LEFTOVER_WRONG_GUID,		/* its guid is not the one in its name */
	LEFTOVER_STEP_DONE,		/* the job's cursor is of its To */
	LEFTOVER_OLDER_STEP,		/* the job's later step has two of its own */
	LEFTOVER_OLDER_RECEIVED,	/* the job holds a later snapshot */
	LEFTOVER_UNUSED			/* no version in use knows this kind */
};

struct leftover {
	const char *name;		/* "pool/a@b" or "pool/a#b" */
	size_t filesystem_length;	/* of name */
	enum leftover_kind kind;
	const char *tag;		/* of a hold; else NULL */
	const char *job;		/* "" if unknown */
	uint64_t guid;
	uint64_t createtxg;
	int64_t creation;		/* of the snapshot, seconds since the epoch */
	enum leftover_reason stale;	/* LEFTOVER_IN_USE: not stale */
	const char *newer;		/* the newer one that makes it stale, after */
					/* "@" or "#"; or NULL */
};

struct leftover_list {
	struct leftover *items;		/* by filesystem, createtxg, name */
	size_t count, capacity;
	struct zfs_list objects;	/* the strings point into these two */
	struct buffer holds;
};

/* "step-hold"; and back: LEFTOVER_KINDS if no kind has that name. */
const char *leftover_kind_name(enum leftover_kind kind);
enum leftover_kind leftover_kind_by_name(const char *name);

/* Why it is stale, in words. */
#define LEFTOVER_REASON_SIZE	512
void	leftover_reason(const struct leftover *item,
	    char text[LEFTOVER_REASON_SIZE]);

/*
 * Everything on these filesystems (checked names, NULL-terminated) and below
 * them; NULL: on all pools.  Runs zfs once, and once more for every few thousand held
 * snapshots.  Call leftover_list_free() also after an error.
 */
int	leftover_read(struct leftover_list *list, const char *const filesystems[],
	    struct error *error);
void	leftover_list_free(struct leftover_list *list);

/*
 * The parts of leftover_read() that run no process.  This one adds the bookmarks of
 * list->objects and returns the held snapshots, sorted by name; held has room for all.
 */
struct leftover_held {
	const struct zfs_object *snapshot;
	size_t lines;			/* lines of "zfs holds" that name it */
};
int	leftover_take_objects(struct leftover_list *list,
	    struct leftover_held held[], size_t *count, struct error *error);

/*
 * Add the holds in list->holds, the output of "zfs holds -H" for these snapshots.  If
 * a snapshot has more lines than holds, the holds of its filesystem are left out.
 */
int	leftover_take_holds(struct leftover_list *list,
	    struct leftover_held held[], size_t count, struct error *error);

/* Sort, and set stale and newer. */
void	leftover_judge(struct leftover *items, size_t count);

/*
 * Release or destroy the items for which chosen is true, and call done for each, with
 * NULL or its error.  One that has disappeared counts as done.  -1 with the last error
 * if any failed.
 */
int	leftover_release(const struct leftover *items, const bool *chosen,
	    size_t count, void (*done)(const struct leftover *item,
	    const struct error *failure), struct error *error);

#endif
