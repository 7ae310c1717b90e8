#ifndef ZR_RUN_PRINT_H
#define ZR_RUN_PRINT_H

#include "base/buffer.h"
#include "watch/run_file.h"

/*
 * The three forms of what is known about runs (zr-status(1)).  now is in seconds since
 * the epoch.  -1 with errno as buffer_append().
 */
#define RUN_TEXT_MAX	((size_t)1 << 30)	/* bytes */

/* A line, the table of a run that has not ended, a line for each failed filesystem. */
int	run_print_text(struct buffer *out, const struct run_file *file, int64_t now);

/* One object; out must be empty. */
int	run_print_json(struct buffer *out, const struct run_file *file);

/* All of them in one text; each has a job (run_file_job()), and no two the same. */
int	run_print_metrics(struct buffer *out, const struct run_file files[],
	    size_t count);

/*
 * How many filesystems have failed, as a metric: -1 if the run died or ended before it
 * knew any.  False: it is not known yet.
 */
bool	run_filesystem_errors(const struct run_file *file, int64_t *errors);

/* When the job last did all it had to do; false: not known. */
bool	run_last_successful(const struct run_file *file, int64_t *time);

#endif
