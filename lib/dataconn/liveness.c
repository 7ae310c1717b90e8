#include <stddef.h>

#include "dataconn/liveness.h"

void
liveness_init(struct liveness *liveness, int64_t now)
{
	*liveness = (struct liveness){ .sent = now, .heard = now, .written = now,
	    .due = INT64_MAX };
}

void
liveness_pending(struct liveness *liveness, bool reading, bool writing,
    bool blind, int64_t now)
{
	if (reading && !liveness->reading)
		liveness->heard = now;
	if (writing && !liveness->writing)
		liveness->written = now;
	liveness->reading = reading;
	liveness->writing = writing;
	liveness->blind = blind;
}

void
liveness_heard(struct liveness *liveness, int64_t now)
{
	liveness->heard = now;
}

void
liveness_wrote(struct liveness *liveness, int64_t now)
{
	liveness->written = now;
}

void
liveness_sent_frame(struct liveness *liveness, int64_t now)
{
	liveness->sent = now;
}

void
liveness_expect(struct liveness *liveness, int64_t due, const char *overdue)
{
	liveness->due = due;
	liveness->overdue = overdue;
}

bool
liveness_heartbeat_due(const struct liveness *liveness, int64_t now)
{
	return (!liveness->mute && !liveness->writing &&
	    now - liveness->sent >= LIVENESS_HEARTBEAT_MS);
}

/*
 * The time since which nothing was written although bytes wait; bytes from the peer renew
 * it.  While we do not read we cannot know whether it sent any.
 */
static int64_t
write_limit(const struct liveness *liveness)
{
	if (!liveness->writing || liveness->blind)
		return (INT64_MAX);
	return ((liveness->written > liveness->heard ? liveness->written :
	    liveness->heard) + LIVENESS_TIMEOUT_MS);
}

const char *
liveness_failure(const struct liveness *liveness, int64_t now)
{
	if (now >= liveness->due)
		return (liveness->overdue);
	if (now >= write_limit(liveness))
		return ("the peer has taken nothing for 10 seconds");
	if (liveness->reading && now - liveness->heard >= LIVENESS_TIMEOUT_MS)
		return ("the peer has sent nothing for 10 seconds");
	return (NULL);
}

int64_t
liveness_deadline(const struct liveness *liveness)
{
	int64_t deadline = write_limit(liveness);

	if (liveness->due < deadline)
		deadline = liveness->due;
	if (liveness->reading && liveness->heard + LIVENESS_TIMEOUT_MS < deadline)
		deadline = liveness->heard + LIVENESS_TIMEOUT_MS;
	if (!liveness->mute && !liveness->writing &&
	    liveness->sent + LIVENESS_HEARTBEAT_MS < deadline)
		deadline = liveness->sent + LIVENESS_HEARTBEAT_MS;
	return (deadline);
}
