#include <stdlib.h>

#include "base/io.h"
#include "replicate/events.h"

/*
 * SendDry of each step, a few at a time, in the order of the filesystems: an estimate is
 * for somebody who looks at it and never delays a step.
 */

/* The next step that has not begun; false if all have. */
static bool
find_next(struct replication *replication, struct work **work, size_t *step)
{
	struct sizes *sizes = &replication->sizes;

	for (; sizes->work < replication->set.count; sizes->work++, sizes->step = 0) {
		*work = &replication->works[sizes->work];
		if ((*work)->state == WORK_OVER)
			continue;
		if (sizes->step < (*work)->step)
			sizes->step = (*work)->step;
		if (sizes->step < (*work)->plan->step_count) {
			*step = sizes->step++;
			return (true);
		}
	}
	return (false);
}

static struct question *
free_question(const struct replication *replication)
{
	struct question *question = replication->sizes.questions;

	while (question->work != NULL)
		question++;
	return (question);
}

static int
ask(struct replication *replication, struct work *work, size_t step, int64_t now)
{
	struct side *sender = &replication->sides[SIDE_SENDER];
	struct question *question = free_question(replication);
	struct plan_request request;

	if (work->sizes == NULL)
		work->sizes = calloc(work->plan->step_count, sizeof(*work->sizes));
	if (work->sizes == NULL)
		return (-1);
	*question = (struct question){ work, work->plans, step };
	plan_request(&request, work->plan, &work->plan->steps[step],
	    &replication->options->plan.rules);
	side_call(replication, sender, "SendDry", &request.request.base,
	    now + replication->options->call_ms, question);
	replication->sizes.pending++;
	return (0);
}

void
sizes_ask(struct replication *replication, int64_t now)
{
	struct work *work;
	size_t step;

	while (replication->sizes.pending < replication->options->sizes &&
	    !replication->sides[SIDE_SENDER].lost &&
	    find_next(replication, &work, &step))
		if (ask(replication, work, step, now) == -1)
			return;
}

/* One that fails is unknown: the step itself will say why. */
void
sizes_take(struct replication *replication, struct reply *reply)
{
	struct question *question = reply->context;
	struct work *work = question->work;

	replication->sizes.pending--;
	if (reply->answer != NULL && work->sizes != NULL &&
	    work->plans == question->plan) {
		work->sizes[question->step] =
		    ((SendRes *)reply->answer)->expectedsize;
		events_size(replication, work, question->step);
	}
	question->work = NULL;
}

uint64_t
sizes_total(const struct replication *replication, bool *unknown)
{
	const struct work *work;
	uint64_t total = 0, size;

	*unknown = false;
	for (size_t i = 0; i < replication->set.count; i++) {
		work = &replication->works[i];
		for (size_t j = 0; j < work->plan->step_count; j++) {
			size = work->sizes == NULL ? 0 : work->sizes[j];
			*unknown = *unknown || size == 0;
			if (total + size >= total)
				total += size;
		}
	}
	return (total);
}
