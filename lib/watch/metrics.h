#ifndef ZR_METRICS_H
#define ZR_METRICS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"

/*
 * Metrics in the text format of Prometheus, version 0.0.4.  All samples of a family
 * follow its head.  Whatever fails is remembered until metrics_failed().
 */
struct metrics {
	struct buffer *out;
	const char *family;
	bool failed;
};

#define METRICS_TO(buffer) ((struct metrics){ .out = (buffer) })

/* All are gauges.  help is one line without a backslash. */
void	metrics_family(struct metrics *metrics, const char *name,
	    const char *help);

/*
 * A sample.  labels are pairs of a name and a value, the last one followed by NULL;
 * a value is encoded like a diagnostic (quote_line()), then as the format demands.
 */
void	metrics_sample(struct metrics *metrics, const char *const labels[],
	    const char *value);
void	metrics_integer(struct metrics *metrics, const char *const labels[],
	    int64_t value);

/* Out of memory, or of the buffer's room, with errno of then. */
bool	metrics_failed(const struct metrics *metrics);

#endif
