#ifndef ZR_FS_NAME_H
#define ZR_FS_NAME_H

#include <stdbool.h>

/*
 * Names as ZFS has them: components of [0-9A-Za-z-_.: ], joined with "/", a
 * filesystem and its snapshot with "@", at most FS_NAME_MAX bytes in all; no
 * component is "." or "..".
 */
#define FS_NAME_MAX	255
#define FS_DEPTH_MAX	50	/* components */

/*
 * "pool/a/b": no leading, trailing or double slash, and no leading "-", which
 * no pool's name has: on a command line it would be an option.
 */
bool	fs_name_valid_filesystem(const char *name);

/* What stands behind the "@". */
bool	fs_name_valid_snapshot(const char *name);

#endif
