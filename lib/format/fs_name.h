#ifndef ZR_FS_NAME_H
#define ZR_FS_NAME_H

#include <stdbool.h>

/*
 * Names in ZFS: components of [0-9A-Za-z-_.: ] joined by "/", a filesystem and its
 * snapshot joined by "@", at most FS_NAME_MAX bytes in all.  No component is "." or
 * "..".
 */
#define FS_NAME_MAX	255
#define FS_DEPTH_MAX	50	/* components */

/*
 * "pool/a/b": no leading, trailing or double slash, and no leading "-": no pool's name
 * has one, and on a command line it would be an option.
 */
bool	fs_name_valid_filesystem(const char *name);

/* The part after the "@". */
bool	fs_name_valid_snapshot(const char *name);

#endif
