#ifndef ZR_LIVENESS_H
#define ZR_LIVENESS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Is the peer of a data connection alive, and does it know that we are
 * (zr-protocol(7), Liveness)?  Pure: the clock is the caller's, in
 * milliseconds.
 */
#define LIVENESS_HEARTBEAT_MS	5000	/* our silence that a heartbeat ends */
#define LIVENESS_TIMEOUT_MS	10000	/* the peer's silence that is the end */

struct liveness {
	int64_t sent;		/* our last frame */
	int64_t heard;		/* the peer's last bytes, or the start of waiting */
	int64_t written;	/* our last progress, or the start of waiting */
	bool reading;		/* a read is pending */
	bool writing;		/* bytes wait to be written */
	bool blind;		/* we do not look at what the peer may have sent */
	bool mute;		/* no heartbeats any more */
	int64_t due;		/* what heartbeats do not renew; INT64_MAX: none */
	const char *overdue;	/* and what to say then */
};

void	liveness_init(struct liveness *liveness, int64_t now);

/*
 * What is pending from now on; a limit runs only while something is.  blind:
 * not reading, although the peer may be sending (a slow consumer).
 */
void	liveness_pending(struct liveness *liveness, bool reading, bool writing,
	    bool blind, int64_t now);

void	liveness_heard(struct liveness *liveness, int64_t now);
void	liveness_wrote(struct liveness *liveness, int64_t now);
void	liveness_sent_frame(struct liveness *liveness, int64_t now);

/*
 * By then something else than heartbeats has to have come, or overdue (which
 * stays the caller's) is the failure; INT64_MAX: nothing has to.
 */
void	liveness_expect(struct liveness *liveness, int64_t due,
	    const char *overdue);

/* A heartbeat is due (and nothing that waits to be written forbids it). */
bool	liveness_heartbeat_due(const struct liveness *liveness, int64_t now);

/* NULL, or what the peer failed to do in its time. */
const char *liveness_failure(const struct liveness *liveness, int64_t now);

/* When to ask the two above again. */
int64_t	liveness_deadline(const struct liveness *liveness);

#endif
