#include <stdlib.h>

#include "base/io.h"
#include "replicate/replication.h"

#define WAIT_MS		1000	/* the first wait is at most this long */
#define WAIT_MAX_MS	60000
#define PING_MS		30000	/* an answer to a Ping takes longer: it is lost */

/* A random time from now on, limit_ms from now at the latest. */
static int64_t
jitter(int64_t now, int64_t limit_ms)
{
	return (now + 1 + (int64_t)arc4random_uniform((uint32_t)limit_ms));
}

int
side_open(struct side *side, const char *role, const char *string)
{
	*side = (struct side){ .role = role, .ping_at = IO_FOREVER,
	    .session = session_new(role, string) };
	return (side->session == NULL ? -1 : 0);
}

void
side_lose(struct side *side, const struct error *why, int64_t now)
{
	side->error = *why;
	if (side->lost)
		return;
	side->lost = true;
	side->lost_at = now;
	side->wait_ms = WAIT_MS;
	side->ping_at = jitter(now, side->wait_ms);
}

void
side_call(struct replication *replication, struct side *side,
    const char *method, const ProtobufCMessage *request, int64_t deadline,
    void *context)
{
	if (replication->fatal.code == EXIT_DONE)
		session_call(side->session, method, request, deadline, context,
		    &replication->fatal);
}

void
side_tick(struct replication *replication, struct side *side, int64_t now)
{
	PingReq request = PING_REQ__INIT;

	if (!side->lost || side->pinging || now < side->ping_at)
		return;
	side->pinging = true;
	request.message = (char *)(uintptr_t)"zr-replicate";
	side_call(replication, side, "Ping", &request.base, now + PING_MS, side);
}

void
side_on_ping(struct side *side, const struct reply *reply, int64_t now)
{
	side->pinging = false;
	if (reply->failure != FAILURE_TRANSPORT) {
		side->lost = false;
		return;
	}
	side->error = reply->error;
	side->wait_ms = 2 * side->wait_ms < WAIT_MAX_MS ?
	    2 * side->wait_ms : WAIT_MAX_MS;
	side->ping_at = jitter(now, side->wait_ms);
}

void
side_free(struct side *side)
{
	session_free(side->session);
	lister_free(side->lister);
	listing_free(&side->listing);
}
