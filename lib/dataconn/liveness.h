#ifndef ZR_LIVENESS_H
#define ZR_LIVENESS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Is the peer of a data connection alive, and does it know that we are
 * (zr-protocol(7), Liveness)?  Pure: the clock is the caller's, in
 * milliseconds.
 */
#define LIVENESS_HEARTBEAT_MS	5000	/* of our silence before a heartbeat */
#define LIVENESS_TIMEOUT_MS	10000	/* of the peer's silence: it is dead */

struct liveness {
	int64_t sent;		/* our last frame */
	int64_t heard;		/* the peer's last bytes, or the start of waiting */
	int64_t written;	/* our last progress, or the start of waiting */
	bool reading;		/* a read is pending */
	bool writing;		/* bytes wait to be written */
	bool blind;		/* we do not look at what the peer may have sent */
	bool mute;		/* no heartbeats any more */
	int64_t due;		/* heartbeats do not renew it; INT64_MAX: none */
	const char *overdue;	/* the failure at that time */
};

void	liveness_init(struct liveness *liveness, int64_t now);

/*
 * Set which operations are pending from now on; a limit runs only while one is.  blind:
 * not reading, although the peer may be sending (a slow consumer).
 */
void	liveness_pending(struct liveness *liveness, bool reading, bool writing,
	    bool blind, int64_t now);

void	liveness_heard(struct liveness *liveness, int64_t now);
void	liveness_wrote(struct liveness *liveness, int64_t now);
void	liveness_sent_frame(struct liveness *liveness, int64_t now);

/*
 * Set the time by which something other than heartbeats must have come (INT64_MAX:
 * never); if it has not, overdue, a text of the caller's, is the failure.
 */
void	liveness_expect(struct liveness *liveness, int64_t due,
	    const char *overdue);

/* Is a heartbeat due?  Not while other bytes wait to be written. */
bool	liveness_heartbeat_due(const struct liveness *liveness, int64_t now);

/* The failure if the peer has been silent or slow for too long; otherwise NULL. */
const char *liveness_failure(const struct liveness *liveness, int64_t now);

/* When to ask the two above again. */
int64_t	liveness_deadline(const struct liveness *liveness);

#endif
