#ifndef ZR_ZFS_OUTPUT_H
#define ZR_ZFS_OUTPUT_H

#include <stddef.h>

#include "base/error.h"
#include "zfs/zfs_object.h"

/*
 * Parsing the output of zfs(8).  Names, tags and values may have come from a peer in a
 * stream, so that none of them is trusted.  Pure.
 */

/*
 * list->text is the output of "zfs get -Hp -o name,property,value,source type,...";
 * fill in list->objects, whose strings point into it.
 */
int	zfs_output_list(struct zfs_list *list, struct error *error);

/*
 * ZFS's short reason, from "cannot destroy snapshot F@S: reason" or "cannot destroy
 * 'F@S': reason", if S is this name; else NULL.  Points into line, which is length
 * bytes followed by a newline or NUL.
 */
const char *zfs_output_reason(const char *filesystem, const char *name,
	    const char *line, size_t length);

/*
 * The tag in the first line of "zfs holds -H snapshot"; NULL if the line is malformed or
 * the tag cannot stand in a shell's single quotes.  Points into lines, which it changes.
 */
const char *zfs_output_tag(char *lines, const char *snapshot);

#endif
