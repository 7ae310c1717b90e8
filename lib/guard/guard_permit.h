#ifndef ZR_GUARD_PERMIT_H
#define ZR_GUARD_PERMIT_H

#include <stdint.h>

#include "base/error.h"
#include "guard/guard.h"

/*
 * How often partial state may be thrown away: once an hour for each filesystem of each
 * client of an endpoint.  Each has a file in guard->directory, named by a SHA-256 of the
 * three, whose time of modification is that of the last permission.
 */
#define GUARD_PERMIT_S	3600

/*
 * 0: it may be thrown away now, and that has been noted.  -1: not now (EXIT_FAILED, with
 * the time from which it may), or it could not be noted.  Of several processes that ask
 * at once one gets the permission.
 */
int	guard_permit(const struct guard *guard, const char *filesystem, int64_t now,
	    struct error *error);

#endif
