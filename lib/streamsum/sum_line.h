#ifndef ZR_SUM_LINE_H
#define ZR_SUM_LINE_H

#include "base/buffer.h"
#include "streamsum/stream_digest.h"

/*
 * The lines of zr-streamsum(1): parts, in ascending order, then the sum.
 *
 *	object NUMBER DIGEST
 *	range NUMBER DIGEST
 *	logical GUID DIGEST	or "raw"
 */
#define SUM_LINE_MAX 128	/* bytes of a line, newline included */

struct sum_line {
	bool is_part;
	union {
		struct stream_part part;
		struct stream_sum sum;
	} of;
};

/* Append a line, or the same as JSON.  -1 with errno (buffer.h). */
int	sum_line_append(struct buffer *out, const struct sum_line *line);
int	sum_line_append_json(struct buffer *out, const struct sum_line *line,
	    const char *snapshot);	/* UTF-8 */

/* One line without its newline.  -1 (EXIT_FAILED): zr-streamsum writes no such line. */
int	sum_line_parse(struct sum_line *line, const char *text, size_t length,
	    struct error *error);

/*
 * The next lines of two copies, which both ascend.  Where only one has that part, its next
 * line is compared with the same one of the other; otherwise both go on, and two sums are
 * the end.
 */
enum sum_pair {
	SUM_EQUAL,
	SUM_DIFFERS,
	SUM_ONLY_FIRST,
	SUM_ONLY_SECOND
};

enum sum_pair sum_line_compare(const struct sum_line *first,
	    const struct sum_line *second);

/* "logical" or "raw" */
const char *sum_line_kind(enum stream_digest_kind kind);

#endif
