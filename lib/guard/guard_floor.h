#ifndef ZR_GUARD_FLOOR_H
#define ZR_GUARD_FLOOR_H

#include <stddef.h>

#include "guard/guard.h"
#include "retention/retention.h"

/* The snapshots that an endpoint has of a filesystem, as the floor judges them. */
struct guard_floor {
	ListFilesystemVersionsRes *listing;
	struct retained *snapshots;	/* in the order of their names */
	uint64_t *guids;		/* of each */
	size_t count;
};

/*
 * Ask the endpoint and judge.  -1: it failed, or it lists a name twice or a
 * snapshot without CreateTXG, whose place in the order of arrival is unknown
 * (EXIT_PROTOCOL).
 * Call guard_floor_free() in any case.
 */
int	guard_floor_read(struct guard_floor *floor, const struct guard *guard,
	    const char *filesystem, struct error *error);
void	guard_floor_free(struct guard_floor *floor);

/* Of the snapshot with this name: *index, and true if there is one. */
bool	guard_floor_find(const struct guard_floor *floor, const char *name,
	    size_t *index);

/*
 * Why a snapshot is kept, for the client: in words, with by as in struct retained (any
 * value if append only).
 */
#define GUARD_REASON_SIZE 1024
void	guard_floor_reason(char text[GUARD_REASON_SIZE], const struct guard *guard,
	    uint64_t by, const char *filesystem, const char *name);

#endif
