#ifndef ZR_ARCHIVE_SCRUB_WALK_H
#define ZR_ARCHIVE_SCRUB_WALK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/*
 * All snapshots of an archive, those of every client included, in a fixed order: the
 * filesystems by name, parents first, in each the snapshots by guid.  Unlike
 * archive_walk() it changes nothing, and a client's name counts as a component.
 */
struct scrub_walk {
	int root;
	char *const *filesystems;	/* only these and what is below; NULL: all */
	/* -1 ends the walk. */
	int (*visit)(void *context, int directory, const char *filesystem,
	    uint64_t guid, struct error *error);
	/* What cannot be entered. */
	void (*on_unread)(void *context, const char *filesystem, const char *text);
	void *context;
};

int	scrub_walk(const struct scrub_walk *walk, struct error *error);

#endif
