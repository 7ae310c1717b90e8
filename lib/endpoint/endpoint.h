#ifndef ZR_ENDPOINT_H
#define ZR_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/process.h"

/*
 * Running an endpoint command for a peer (zr-endpoint-interface(7)): what zr-dataconn
 * serve and zr-rpc serve have in common.  The endpoint leads a process group; its 0, 1
 * and 2 are pipes whose other ends are non-blocking here, and the caller reads and writes
 * the first two.
 */
#define ENDPOINT_TEXT_MAX 4096	/* bytes of standard error that are kept */
#define ENDPOINT_TERM_MS 5000	/* from SIGTERM to SIGKILL */
#define ENDPOINT_HOLD_MS 1000	/* its last line may be the reason for its end */
#define ENDPOINT_KILL_MS 5000	/* from SIGKILL to going on although it has not ended */

struct endpoint {
	struct process process;
	char text[ENDPOINT_TEXT_MAX];	/* the last of its standard error */
	size_t text_length;
	bool ended;			/* exit_code is known */
	int exit_code;			/* process_exit_code() */
	bool ending;			/* endpoint_end() was called */
	int64_t kill_at;		/* SIGKILL then; INT64_MAX: never */
	bool killed;			/* SIGKILL was sent; at kill_at it is given up */
	const char *show;		/* not NULL: its standard error is shown */
					/* at once, with this before each line */
	char line[1024];		/* its unfinished line */
	size_t line_length;
	char held[2048];		/* its last line and the hints after it, */
	size_t held_length;		/* not shown yet */
	int64_t held_until;		/* show them then; INT64_MAX: never */
};

#define ENDPOINT_NONE ((struct endpoint){ .process = PROCESS_NONE, \
	    .kill_at = INT64_MAX, .held_until = INT64_MAX })

/* Start "argv... method".  argv is NULL-terminated. */
int	endpoint_start(struct endpoint *endpoint, char *const argv[],
	    const char *method, struct error *error);

/*
 * Read its standard error; call when process.errors is readable.  Everything is kept for
 * endpoint_text().  If show is set, it is also shown, except for the last line and its
 * hints (diag.h): the report of its failure repeats that line, which must not be shown
 * twice.
 */
void	endpoint_read_errors(struct endpoint *endpoint);

/*
 * From now on its standard error is shown, with this before each line, and so is what it
 * has written so far.
 */
void	endpoint_show(struct endpoint *endpoint, const char *before);

/*
 * Show the lines that are held: at held_until, or if they are not the reason for a
 * failure, such as after status 0 (endpoint_check_held() decides).  endpoint_take_held()
 * forgets the first line and returns the hints, lines with a newline each, in the
 * endpoint's own buffer.
 */
void	endpoint_check_held(struct endpoint *endpoint, int64_t now);
void	endpoint_show_held(struct endpoint *endpoint);
const char *endpoint_take_held(struct endpoint *endpoint);

/* After SIGCHLD, and when a deadline came: reap it, SIGKILL it when due. */
void	endpoint_check(struct endpoint *endpoint, int64_t now);

/*
 * End it: SIGTERM to the group, its input closed, SIGKILL after
 * ENDPOINT_TERM_MS (by endpoint_check()).  Does nothing the second time.
 */
void	endpoint_end(struct endpoint *endpoint, int64_t now);

/*
 * The number of endpoints that we gave up and that have not ended yet; caps include them.
 */
size_t	endpoint_left_behind(void);

/*
 * Why it failed, for the peer: its last 4 KiB of standard error, without lines that are
 * for the log alone (DIAG_LOG in diag.h), made valid UTF-8, without trailing white space,
 * at least two bytes; if it wrote nothing, "endpoint ended with status N" (or "by signal
 * N").  Two calls share one buffer.  Valid once ended.
 */
const char *endpoint_text(const struct endpoint *endpoint);

/* Write its standard error to the log (diag_lines). */
void	endpoint_log(const struct endpoint *endpoint);

/* Blocking: SIGTERM, SIGKILL, wait; close what is open. */
void	endpoint_free(struct endpoint *endpoint);

#endif
