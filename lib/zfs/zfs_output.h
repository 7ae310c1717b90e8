#ifndef ZR_ZFS_OUTPUT_H
#define ZR_ZFS_OUTPUT_H

#include <stddef.h>

#include "base/error.h"
#include "zfs/zfs_object.h"

/*
 * What zfs(8) printed, read.  Names, tags and values may have come from a peer
 * in a stream, so that none of it is believed.  Pure.
 */

/*
 * list->text is what "zfs get -Hp -o name,property,value,source type,..."
 * printed; fill in list->objects, whose strings point into it.
 */
int	zfs_output_list(struct zfs_list *list, struct error *error);

/*
 * ZFS's reason in its bare words, from "cannot destroy snapshot F@S: reason"
 * or "cannot destroy 'F@S': reason", where S is this name; else NULL.  Points
 * into line, which is length bytes and a newline or NUL behind them.
 */
const char *zfs_output_reason(const char *filesystem, const char *name,
	    const char *line, size_t length);

/*
 * The tag in the first line of "zfs holds -H snapshot", if it can stand in a
 * shell's single quotes; NULL: it cannot, or the line is odd.  Cuts lines up;
 * points into it.
 */
const char *zfs_output_tag(char *lines, const char *snapshot);

#endif
