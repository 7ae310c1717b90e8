#include <stdlib.h>
#include <string.h>

#include "replicate/events.h"

/* --- a step --- */

static void
start_step(struct replication *replication, struct slot *slot, struct plan *plan,
    size_t step, int64_t now)
{
	struct work *work = &replication->works[plan - replication->set.plans];
	const struct replicate_options *options = replication->options;
	struct error error;

	if (work->state != WORK_READY)
		return;		/* given up while it was in the order */
	work->step = step;
	work->figures = (struct step_figures){ .bytes = 0 };
	plan_request(&work->request, plan, &plan->steps[step],
	    &options->plan.rules);
	*slot = (struct slot){ .began = now, .moved_at = now, .told_at = now,
	    .order = { .sender = options->sender, .receiver = options->receiver,
	    .request = &work->request.request,
	    .destination = plan->destination } };
	if ((!work->was_stale && ahead_take(replication, &slot->transfer) ?
	    transfer_begin(&slot->transfer, &slot->order, &error) :
	    transfer_start(&slot->transfer, &slot->order, &error)) == -1) {
		work_fail(replication, work, FAILURE_TRANSPORT, &error, now);
		return;
	}
	slot->work = work;
	work->state = WORK_TRANSFER;
	replication->running++;
	events_begin(replication, work);
}

static struct slot *
free_slot(struct replication *replication)
{
	for (size_t i = 0; i < replication->options->parallel; i++)
		if (replication->slots[i].work == NULL)
			return (&replication->slots[i]);
	return (NULL);
}

void
work_start_steps(struct replication *replication, int64_t now)
{
	struct slot *slot;
	struct plan *plan;
	size_t step;
	bool any = false;

	if (replication->sides[SIDE_SENDER].lost ||
	    replication->sides[SIDE_RECEIVER].lost)
		return;
	while ((slot = free_slot(replication)) != NULL &&
	    (plan = plan_order_next(replication->order, &step)) != NULL) {
		start_step(replication, slot, plan, step, now);
		any = true;
	}
	if (any)
		ahead_start(replication, now);
}

void
work_complete(struct replication *replication, struct work *work, int64_t now)
{
	SendCompletedReq request = SEND_COMPLETED_REQ__INIT;

	work->state = WORK_COMPLETION;
	work->owes_completion = false;
	request.originalreq = &work->request.request;
	side_call(replication, &replication->sides[SIDE_SENDER], "SendCompleted",
	    &request.base, now + replication->options->call_ms, work);
}

void
work_on_transfer(struct replication *replication, struct slot *slot, int64_t now)
{
	struct transfer *transfer = &slot->transfer;
	struct work *work = slot->work;
	char hints[STEP_HINTS_MAX];
	struct error error;
	const enum failure failure = transfer->failure;
	const bool done = transfer->phase == TRANSFER_DONE;
	const bool stale = !done && !work->was_stale &&
	    transfer_was_stale(transfer, ahead_left(replication), now);
	const bool was_prepared = transfer_was_prepared(transfer);

	for (int i = 0; i < TRANSFER_SIDES; i++)
		replication_await_signal(replication,
		    transfer->sides[i].call.endpoint.exit_code);
	work->figures.used_resume_token = transfer->used_resume_token;
	work->figures.bytes_known = transfer_bytes(transfer, &work->figures.bytes);
	work->figures.elapsed_ms = now - slot->began;
	if (!done)
		error = transfer->error;
	hints[0] = '\0';
	transfer_free(transfer, hints, sizeof(hints));
	slot->work = NULL;
	replication->running--;
	work->bytes += work->figures.bytes;
	if (done) {
		if (was_prepared)
			replication->aheads.wait_ms = 0;
		work_complete(replication, work, now);
		return;
	}
	command_first_hint(error.hint, hints);
	if (stale && replication_goes_on(replication)) {
		/*
		 * Look how much has arrived, as soon as no connection waits any more, and
		 * without counting it as a failure.
		 */
		ahead_distrust(replication, work, now);
		work_keep_error(work, &error);
		work->failure = failure;
		work->state = WORK_WAITING;
		work->again_at = now;
		return;
	}
	work_fail(replication, work, failure, &error, now);
}

static void
step_is_done(struct replication *replication, struct work *work)
{
	work->failures = 0;
	work->received = 0;
	ahead_trust(replication, work);
	work->steps_done++;
	report_step(replication, work);
	work->step++;
	work->state = WORK_READY;
	plan_order_done(replication->order, work->plan, true);
	if (work->step == work->plan->step_count)
		work_end(replication, work, END_REPLICATED);
}

void
work_on_completion(struct replication *replication, struct work *work,
    struct reply *reply, int64_t now)
{
	if (reply->failure == FAILURE_NONE) {
		step_is_done(replication, work);
		return;
	}
	if (reply->failure == FAILURE_TRANSPORT)
		side_lose(&replication->sides[SIDE_SENDER], &reply->error, now);
	error_prefix(&reply->error, "received, but SendCompleted failed");
	work->owes_completion = true;
	work_fail(replication, work, reply->failure, &reply->error, now);
}

void
work_complete_again(struct replication *replication, int64_t now)
{
	if (replication->sides[SIDE_SENDER].lost)
		return;
	for (size_t i = 0; i < replication->set.count; i++) {
		struct work *work = &replication->works[i];

		if (work->state == WORK_WAITING && work->owes_completion &&
		    now >= work->again_at)
			work_complete(replication, work, now);
	}
}

/* --- failures --- */

void
work_plan_error(const struct work *work, struct error *error)
{
	error_set(error, EXIT_FAILED, "%s", work->plan->message);
	strlcpy(error->hint, work->plan->advice, sizeof(error->hint));
}

void
work_keep_error(struct work *work, const struct error *why)
{
	if (work->error == NULL)
		work->error = malloc(sizeof(*work->error));
	if (work->error != NULL && work->error != why)
		*work->error = *why;
}

void
work_fail(struct replication *replication, struct work *work,
    enum failure failure, const struct error *why, int64_t now)
{
	const bool waits = failure == FAILURE_TRANSPORT || failure == FAILURE_BUSY;

	ahead_trust(replication, work);
	if (!replication_goes_on(replication)) {
		work_end(replication, work, END_INTERRUPTED);
		return;
	}
	work->failure = failure;
	if (++work->failures >= replication->options->attempts ||
	    (work->owes_completion && !waits)) {
		work_give_up(replication, work, why);
		return;
	}
	work_keep_error(work, why);
	work->state = WORK_WAITING;
	work->again_at = waits ? failure_retry_at(now, work->failures) : now;
	/* A failure that a second look may mend is not worth a line. */
	if (waits)
		report_retry(replication, work, now);
}

void
work_on_plan(struct replication *replication, struct work *work, bool same,
    bool moved)
{
	struct plan *plan = work->plan;
	struct error error;

	work->state = WORK_READY;
	work->step = 0;
	if (moved)
		work->failures = 0;
	if (plan_failed(plan)) {
		work_plan_error(work, &error);
		work->failure = FAILURE_OTHER;
		work_give_up(replication, work, &error);
	} else if (same && work->failure == FAILURE_OTHER) {
		work_give_up(replication, work, work->error);
	} else {
		plan_order_again(replication->order, plan);
		if (plan->step_count == 0)
			work_end(replication, work, END_REPLICATED);
	}
}

/* The order has changed the plans of those whose parent cannot be made. */
static void
end_children(struct replication *replication, enum failure failure)
{
	struct error error;

	for (size_t i = 0; i < replication->set.count; i++) {
		struct work *work = &replication->works[i];

		if (work->state != WORK_READY || !plan_failed(work->plan))
			continue;
		work_plan_error(work, &error);
		work->failure = failure;
		work_keep_error(work, &error);
		work_end(replication, work, END_FAILED);
	}
}

void
work_give_up(struct replication *replication, struct work *work,
    const struct error *why)
{
	work_keep_error(work, why);
	work_end(replication, work, END_FAILED);
	/* A filesystem that only missed its SendCompleted is there for its children. */
	plan_order_done(replication->order, work->plan, work->owes_completion);
	end_children(replication, work->failure);
}

void
work_end(struct replication *replication, struct work *work, enum work_end end)
{
	ahead_trust(replication, work);
	work->state = WORK_OVER;
	work->end = end;
	replication->open--;
	report_filesystem(replication, work);
}

void
work_free(struct work *work)
{
	for (int i = 0; i < SIDES; i++) {
		listing_entry_free(work->relisted[i]);
		listing_entry_free(work->fresh[i]);
	}
	free(work->error);
	free(work->sizes);
}
