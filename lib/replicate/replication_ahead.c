#include <stdlib.h>

#include "base/diag.h"
#include "base/io.h"
#include "replicate/replication.h"
#include "replicate/table.h"

/*
 * A connection takes two round trips, and a small step one: with two connections ahead
 * for each step that may run, the next step never waits for its own.  With many of those,
 * there is always one that has been waiting.
 */
#define PER_LANE	2
#define LIMIT		8

/*
 * An unused connection is closed after this time.  A server takes a client that is silent
 * for 10 seconds to be dead, and a step that lasts so long does not need the next one to
 * begin sooner.
 */
#define UNUSED_MS	8000

/* If they end by themselves, the server does not want them: wait longer each time. */
#define WAIT_MS		1000
#define WAIT_MAX_MS	60000

size_t
ahead_limit(const struct replicate_options *options)
{
	const size_t wanted = PER_LANE * options->parallel;

	if (options->dry_run ||
	    !transfer_can_wait(options->sender, options->receiver))
		return (0);
	return (wanted < LIMIT ? wanted : LIMIT);
}

/* The number of steps still to come, as far as known. */
static size_t
steps_to_come(const struct replication *replication)
{
	size_t count = plan_order_ready(replication->order);

	for (size_t i = 0; i < replication->options->parallel; i++) {
		const struct work *work = replication->slots[i].work;

		if (work != NULL)
			count += work->plan->step_count - work->step - 1;
	}
	return (count);
}

static void
start_one(struct replication *replication, struct ahead *ahead, int64_t now)
{
	const struct replicate_options *options = replication->options;
	struct error ignored;

	/* If that is impossible, a step will say why. */
	*ahead = (struct ahead){ .until = now + UNUSED_MS };
	ahead->used = transfer_prepare(&ahead->transfer, options->sender,
	    options->receiver, &ignored) == 0;
}

void
ahead_start(struct replication *replication, int64_t now)
{
	struct aheads *aheads = &replication->aheads;
	size_t wanted;

	if (aheads->count == 0 || aheads->stale > 0 || now < aheads->again_at)
		return;
	wanted = steps_to_come(replication);
	for (size_t i = 0; i < aheads->count && wanted > 0; i++)
		wanted -= aheads->all[i].used;
	for (size_t i = 0; i < aheads->count && wanted > 0; i++)
		if (!aheads->all[i].used) {
			start_one(replication, &aheads->all[i], now);
			wanted--;
		}
}

static void
release(struct ahead *ahead)
{
	transfer_free(&ahead->transfer, NULL, 0);
	ahead->used = false;
}

bool
ahead_take(struct replication *replication, struct transfer *transfer)
{
	struct aheads *aheads = &replication->aheads;
	struct ahead *oldest = NULL;

	for (size_t i = 0; i < aheads->count; i++) {
		struct ahead *ahead = &aheads->all[i];

		if (ahead->used && !ahead->ending &&
		    (oldest == NULL || ahead->until < oldest->until))
			oldest = ahead;
	}
	if (oldest == NULL)
		return (false);
	*transfer = oldest->transfer;
	oldest->used = false;
	return (true);
}

void
ahead_poll(const struct replication *replication, struct pollfd *entries)
{
	const struct aheads *aheads = &replication->aheads;

	for (size_t i = 0; i < aheads->count; i++, entries += TRANSFER_ENTRIES)
		if (aheads->all[i].used)
			transfer_poll(&aheads->all[i].transfer, entries);
		else
			for (int j = 0; j < TRANSFER_ENTRIES; j++)
				entries[j].fd = -1;
}

int64_t
ahead_deadline(const struct replication *replication)
{
	const struct aheads *aheads = &replication->aheads;
	int64_t deadline = IO_FOREVER;

	for (size_t i = 0; i < aheads->count; i++) {
		const struct ahead *ahead = &aheads->all[i];

		if (!ahead->used)
			continue;
		deadline = io_earlier(deadline, transfer_deadline(&ahead->transfer));
		if (!ahead->ending)
			deadline = io_earlier(deadline, ahead->until);
	}
	return (deadline);
}

static void
end_one(struct ahead *ahead, int64_t now)
{
	struct error unused;

	error_set(&unused, EXIT_FAILED, "not needed");
	ahead->ending = true;
	transfer_end(&ahead->transfer, FAILURE_OTHER, &unused, now);
}

static void
wait_longer(struct aheads *aheads, int64_t now)
{
	aheads->wait_ms = aheads->wait_ms == 0 ? WAIT_MS :
	    2 * aheads->wait_ms < WAIT_MAX_MS ? 2 * aheads->wait_ms : WAIT_MAX_MS;
	aheads->again_at = now + aheads->wait_ms;
}

static void
on_lost(struct replication *replication, const struct error *why, int64_t now)
{
	if (replication->options->verbose) {
		table_clear();
		diag("a connection for a step to come is lost: %s", why->text);
	}
	wait_longer(&replication->aheads, now);
}

void
ahead_handle(struct replication *replication, const struct pollfd *entries,
    int64_t now)
{
	struct aheads *aheads = &replication->aheads;
	struct error why;

	for (size_t i = 0; i < aheads->count; i++, entries += TRANSFER_ENTRIES) {
		struct ahead *ahead = &aheads->all[i];

		if (!ahead->used)
			continue;
		transfer_handle(&ahead->transfer, entries, now);
		if (ahead->ending) {
			if (ahead->transfer.phase == TRANSFER_FAILED)
				release(ahead);
			continue;
		}
		if (!transfer_waits(&ahead->transfer, &why))
			release(ahead);
		else if (now >= ahead->until)
			end_one(ahead, now);
		if (why.code != EXIT_DONE)
			on_lost(replication, &why, now);
	}
}

void
ahead_distrust(struct replication *replication, struct work *work, int64_t now)
{
	work->was_stale = true;
	replication->aheads.stale++;
	ahead_end(replication, now);
	wait_longer(&replication->aheads, now);
}

void
ahead_trust(struct replication *replication, struct work *work)
{
	if (work->was_stale)
		replication->aheads.stale--;
	work->was_stale = false;
}

void
ahead_end(struct replication *replication, int64_t now)
{
	struct aheads *aheads = &replication->aheads;

	for (size_t i = 0; i < aheads->count; i++)
		if (aheads->all[i].used && !aheads->all[i].ending)
			end_one(&aheads->all[i], now);
}

bool
ahead_left(const struct replication *replication)
{
	for (size_t i = 0; i < replication->aheads.count; i++)
		if (replication->aheads.all[i].used)
			return (true);
	return (false);
}
