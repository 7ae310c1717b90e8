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
#define RFC3339_LAST INT64_C(253402300799)	/* the end of year 9999 */

/* Seconds since the epoch in *seconds (NULL: only check); false if malformed. */
bool	rfc3339_parse(const char *text, int64_t *seconds);

/* In UTC, "2006-01-02T15:04:05Z"; seconds must lie in the years 0 to 9999. */
void	rfc3339_format(char text[RFC3339_SIZE], int64_t seconds);

#endif
