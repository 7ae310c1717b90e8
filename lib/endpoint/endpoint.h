#ifndef ZR_ENDPOINT_H
#define ZR_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/process.h"

/*
 * Running an endpoint command for a peer (zr-endpoint-interface(7)): what
 * zr-dataconn serve and zr-rpc serve have in common.  The endpoint leads a
 * process group; its 0, 1 and 2 are pipes whose other ends are non-blocking
 * here, and the caller moves what goes through the first two.
 */
#define ENDPOINT_TEXT_MAX 4096	/* bytes of standard error that are kept */
#define ENDPOINT_TERM_MS 5000	/* from SIGTERM to SIGKILL */
#define ENDPOINT_HOLD_MS 1000	/* its last line may be the reason of its end */
#define ENDPOINT_KILL_MS 5000	/* and from there to going on without its end */

struct endpoint {
	struct process process;
	char text[ENDPOINT_TEXT_MAX];	/* the last of its standard error */
	size_t text_length;
	bool ended;			/* exit_code is known */
	int exit_code;			/* process_exit_code() */
	bool ending;			/* endpoint_end() was called */
	int64_t kill_at;		/* SIGKILL then; INT64_MAX: never */
	bool killed;			/* that was; at kill_at it is given up */
	const char *show;		/* not NULL: its standard error is shown */
					/* as it comes, each line after this */
	char line[1024];		/* the unfinished line of it */
	size_t line_length;
	char held[2048];		/* its last line and the hints after it, */
	size_t held_length;		/* not shown yet */
	int64_t held_until;		/* show them then; INT64_MAX: never */
};

#define ENDPOINT_NONE ((struct endpoint){ .process = PROCESS_NONE, .kill_at = INT64_MAX, .held_until = INT64_MAX })

/* Start "argv... method".  argv is NULL-terminated. */
int	endpoint_start(struct endpoint *endpoint, char *const argv[],
	    const char *method, struct error *error);

/*
 * Take what its standard error holds; call when process.errors is readable.
 * Everything is kept for endpoint_text().  Where show says so it is also shown,
 * but for the last line and its hints (diag.h): whoever reports why it failed
 * says that line, which is not to be said twice.
 */
void	endpoint_read_errors(struct endpoint *endpoint);

/*
 * Show what is held back: at held_until, or because it is not the reason of
 * anything, as of an endpoint that ended with status 0 (endpoint_check_held()
 * knows).  endpoint_take_held() forgets its first line and returns the hints,
 * lines with a newline each, in the endpoint's own buffer.
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

/* How many given up by this process have not ended yet; a cap counts them, too. */
size_t	endpoint_left_behind(void);

/*
 * Why it failed, for the peer: its last 4 KiB of standard error, without
 * lines that are for the log alone (DIAG_LOG in diag.h), made valid
 * UTF-8, without trailing white space, at least two bytes; where it wrote
 * nothing, "endpoint ended with status N" (or "by signal N").  Two calls
 * share one buffer.  Valid once ended.
 */
const char *endpoint_text(const struct endpoint *endpoint);

/* Let the log have what it wrote on standard error (diag_lines). */
void	endpoint_log(const struct endpoint *endpoint);

/* Blocking: SIGTERM, SIGKILL, wait; close what is open. */
void	endpoint_free(struct endpoint *endpoint);

#endif
