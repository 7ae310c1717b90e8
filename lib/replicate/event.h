#ifndef ZR_EVENT_H
#define ZR_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "message/json_scan.h"

/*
 * Reading one event of a run, a line as events.h writes it (zr-replicate(1)).  A field
 * that this version does not know is skipped.  Pure.
 */
#define EVENT_LINE_MAX	(256u << 10)	/* bytes */
#define EVENT_NO_NUMBER	UINT64_MAX
#define EVENT_NO_TIME	INT64_MIN

struct event {
	char event[24];			/* ""; its name is longer than any that we know */
	int64_t time;			/* seconds since the epoch */

	/* Parts of the line, still escaped; text is NULL for one that is missing: */
	struct json_slice filesystem, job, base, from, to, snapshot, result, message;

	/* EVENT_NO_NUMBER for one that is missing: */
	uint64_t pid, steps, bytes, code;
	uint64_t ms;			/* "seconds" */

	/* EVENT_NO_TIME for one that is missing: */
	int64_t base_creation, creation, last_successful;

	bool dry_run;
	bool resumed;
};

/*
 * -1 (EXIT_USAGE): it is no event, or a field has the wrong type.  The event is valid
 * as long as the line is.
 */
int	event_parse(struct event *event, const char *line, size_t length,
	    struct error *error);

/* A copy of a text, to be free(3)d; NULL with errno (EINVAL: it contains a NUL). */
char	*event_text(const struct json_slice *slice);

#endif
