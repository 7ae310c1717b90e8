#ifndef ZR_SUM_CHECK_H
#define ZR_SUM_CHECK_H

#include "streamsum/sum_line.h"

/*
 * Comparing a snapshot with the lines that zr-streamsum wrote of another one, as its own
 * come: both ascend, so that one line at a time is held.
 */
struct sum_check;

/* fd is borrowed; name is the file's, for errors.  NULL: out of memory. */
struct sum_check *sum_check_new(int fd, const char *name);

/*
 * Before the first line: the snapshot's own kind and guid.  -1 (EXIT_FAILED): the file is
 * a regular one, and its end says that it is of another.
 */
int	sum_check_begin(const struct sum_check *check, const struct stream_sum *sum,
	    struct error *error);

/*
 * The next line of the snapshot's own.  Each part that differs is printed (diag.h) if the
 * file has parts.  -1: the file cannot be read or is not one of zr-streamsum; or, for
 * the last line, the sum, the snapshot is not the same (EXIT_FAILED).
 */
int	sum_check_line(struct sum_check *check, const struct sum_line *line,
	    struct error *error);

void	sum_check_free(struct sum_check *check);

#endif
