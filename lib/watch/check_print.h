#ifndef ZR_CHECK_PRINT_H
#define ZR_CHECK_PRINT_H

#include "base/buffer.h"
#include "watch/check.h"

/*
 * The three forms of a result (zr-check(1)): a line for a monitor, a line of JSON for
 * each filesystem, metrics.  -1 with errno as buffer_append().
 */
#define CHECK_TEXT_MAX	((size_t)1 << 30)	/* bytes, of one result */

/* There is a filesystem. */
int	check_print_text(struct buffer *out, const struct check_set *set,
	    const struct check_rules *rules);
int	check_print_json(struct buffer *out, const struct check *check,
	    const struct check_rules *rules);

/* comparing: there were two listings. */
int	check_print_metrics(struct buffer *out, const struct check_set *set,
	    bool comparing);

/* A message of a peer for a monitor, in one line: after "|" it would be read as numbers. */
int	check_print_message(struct buffer *out, const char *text);

#endif
