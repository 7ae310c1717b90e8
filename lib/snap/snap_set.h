#ifndef ZR_SNAP_SET_H
#define ZR_SNAP_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "zfs/zfs_object.h"

/*
 * The filesystems and volumes of which zr-snap takes snapshots.
 */

/* As the command line has it; valid names, borrowed. */
struct snap_request {
	const char **datasets;
	size_t count;
	bool recursive;			/* and everything below them */
	const char **left_out;		/* with everything below them */
	size_t left_out_count;
};

#define SNAP_NEVER INT64_MIN

enum snap_choice {
	SNAP_CHOSEN,
	SNAP_LEFT_OUT,
	SNAP_INCOMPLETE	/* its first receive is not complete: zfs takes no snapshot */
};

struct snap_dataset {
	const char *name;
	bool operand;			/* one of request->datasets */
	enum snap_choice choice;
	bool has_snapshot;		/* any; this and the next two: with snapshots */
	uint64_t written;		/* bytes since the newest of these */
	int64_t newest;			/* creation of the newest with the prefix, in */
					/* seconds since the epoch, or SNAP_NEVER */
	char *snapshot;			/* "tank/a@name"; owned; NULL: left out, or not */
					/* named yet */
	bool taken;			/* snapshot is there */
};

struct snap_set {
	struct snap_dataset *datasets;	/* by components, so that pools follow each */
	size_t count;			/* other */
	bool recursive;
	struct zfs_list list;		/* private: the names point into it */
};

/*
 * Remove duplicates from the request's datasets and, with recursive, those below another.
 * -1 (EXIT_USAGE): one that is to be left out is not below any of them.
 */
int	snap_request_collapse(struct snap_request *request, struct error *error);

/*
 * Read them, by one zfs process.  With snapshots, also the fields that depend on those,
 * which takes longer the more there are.  -1 (EXIT_FAILED): one of the request does not
 * exist.  Call snap_set_free() also after an error.
 */
int	snap_set_read(struct snap_set *set, const struct snap_request *request,
	    bool snapshots, const char *prefix, struct error *error);

/* Leave out those that have a snapshot and no byte written since. */
void	snap_set_leave_unwritten(struct snap_set *set);

/* How many are not left out? */
size_t	snap_set_left(const struct snap_set *set);

/* Set the name of each snapshot.  -1 (EXIT_FAILED): one is longer than ZFS allows. */
int	snap_set_name(struct snap_set *set, const char *name, struct error *error);

void	snap_set_free(struct snap_set *set);

/* Is it this dataset, or one below it? */
bool	snap_is_within(const char *name, const char *dataset);

#endif
