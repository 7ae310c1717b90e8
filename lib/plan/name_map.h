#ifndef ZR_NAME_MAP_H
#define ZR_NAME_MAP_H

#include <stddef.h>

#include "base/error.h"
#include "format/fs_name.h"

/*
 * The receiver's names for filesystems of the sender (zr-plan(1), -m): FROM=TO renames
 * FROM and everything below it.  The longest FROM that matches counts; a name without one
 * stays as it is.
 */
struct name_map {
	struct name_rule {
		const char *from;	/* in the rule's own copy, owned */
		const char *to;
		char *text;
	} *rules;			/* owned */
	size_t count;
};

/* Add FROM=TO; -1 (EXIT_USAGE): it is invalid, or FROM was mapped before. */
int	name_map_add(struct name_map *map, const char *rule, struct error *error);

/* -1 (EXIT_FAILED): the new name is longer than ZFS allows. */
int	name_map_apply(const struct name_map *map, const char *name,
	    char mapped[FS_NAME_MAX + 1], struct error *error);

void	name_map_free(struct name_map *map);

#endif
