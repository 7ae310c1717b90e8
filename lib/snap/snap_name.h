#ifndef ZR_SNAP_NAME_H
#define ZR_SNAP_NAME_H

#include <stdint.h>

#include "base/error.h"
#include "format/fs_name.h"

/*
 * Names of snapshots: a prefix and the time in UTC.  format is one of zrepl's,
 *
 *	dense		20060102_150405_000
 *	human		2006-01-02_15:04:05
 *	iso-8601	2006-01-02T15:04:05.000Z
 *	unix-seconds	1136214245
 *
 * with milliseconds as the last three digits of the first and the third, or one for
 * strftime(3).  No "+" can be in a name: each one in the time becomes "_".  Pure.
 */
#define SNAP_NAME_SIZE	(FS_NAME_MAX + 1)

/*
 * Does the prefix with this format give valid names, on a day of winter and on one of
 * summer?  -1: EXIT_USAGE.
 */
int	snap_name_check(const char *prefix, const char *format, struct error *error);

/* The name at a time, in milliseconds since the epoch.  -1 (EXIT_USAGE): invalid. */
int	snap_name(char name[SNAP_NAME_SIZE], const char *prefix, const char *format,
	    int64_t time_ms, struct error *error);

#endif
