#ifndef ZR_RFC3339_H
#define ZR_RFC3339_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Times in the protocol's Creation field: RFC 3339.  An invalid time makes a zrepl
 * peer crash.
 */
#define RFC3339_SIZE 40		/* bytes that rfc3339_format() needs */
#define RFC3339_FIRST INT64_C(-62167219200)	/* the beginning of year 0 */
#define RFC3339_LAST INT64_C(253402300799)	/* the end of year 9999 */

/*
 * Seconds since the epoch in *seconds (NULL: only check); false if malformed, or if it is
 * in UTC before RFC3339_FIRST or after RFC3339_LAST.
 */
bool	rfc3339_parse(const char *text, int64_t *seconds);

/* In UTC, "2006-01-02T15:04:05Z"; RFC3339_FIRST to RFC3339_LAST. */
void	rfc3339_format(char text[RFC3339_SIZE], int64_t seconds);

#endif
