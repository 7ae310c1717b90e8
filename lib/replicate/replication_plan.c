#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/io.h"
#include "replicate/events.h"

static void
start_listing(struct replication *replication, struct side *side,
    char *const names[], size_t count)
{
	side->lister = lister_new(side->session, names, count,
	    replication->options->call_ms);
	if (side->lister == NULL)
		error_errno(&replication->fatal, "listing");
	else
		lister_start(side->lister, io_now(), &replication->fatal);
}

static void
gather(struct replication *replication, struct side *side)
{
	Listing *entry;

	while (replication_goes_on(replication) && lister_next(side->lister, &entry, io_now(),
	    &replication->fatal) == 0 && entry != NULL)
		listing_append(&side->listing, entry, &replication->fatal);
	if (lister_failure(side->lister) != NULL &&
	    replication->fatal.code == EXIT_DONE)
		replication->fatal = lister_failure(side->lister)->error;
}

/* The receiver's names of the filesystems asked for; freed with their first. */
static char **
map_names(struct replication *replication)
{
	const struct replicate_options *options = replication->options;
	const size_t count = options->filesystem_count;
	char **names = calloc(count + 1, sizeof(*names) + FS_NAME_MAX + 1);
	char *text;

	if (names == NULL) {
		error_errno(&replication->fatal, "listing");
		return (NULL);
	}
	text = (char *)(names + count + 1);
	for (size_t i = 0; i < count; i++, text += FS_NAME_MAX + 1) {
		names[i] = text;
		if (name_map_apply(&options->plan.map, options->filesystems[i],
		    text, &replication->fatal) == -1)
			break;
	}
	return (names);
}

static void
report_unmatched(struct replication *replication)
{
	const char *name;
	size_t at = 0;

	while ((name = lister_unmatched(replication->sides[SIDE_SENDER].lister,
	    &at)) != NULL) {
		diag("%s: the sender has no such filesystem", name);
		replication->unmatched = true;
	}
}

/* Both sides at once, and all of them: the plan's order is over all filesystems. */
void
replication_list(struct replication *replication)
{
	const struct replicate_options *options = replication->options;
	struct side *sender = &replication->sides[SIDE_SENDER];
	struct side *receiver = &replication->sides[SIDE_RECEIVER];
	char **names = map_names(replication);

	if (replication_goes_on(replication))
		start_listing(replication, sender, options->filesystems,
		    options->filesystem_count);
	if (replication_goes_on(replication))
		start_listing(replication, receiver, names,
		    options->filesystem_count);
	while (replication_goes_on(replication) && (!lister_done(sender->lister) ||
	    !lister_done(receiver->lister))) {
		replication_turn(replication);
		gather(replication, sender);
		gather(replication, receiver);
	}
	if (replication_goes_on(replication))
		report_unmatched(replication);
	for (int i = 0; i < SIDES; i++) {
		lister_free(replication->sides[i].lister);
		replication->sides[i].lister = NULL;
	}
	free(names);
}

/* Was a side lost while its versions were listed? */
static enum failure
failure_of_plan(const struct plan *plan)
{
	const ListingError *error = plan->sender->error;

	if (error == NULL && plan->receiver != NULL)
		error = plan->receiver->error;
	return (error == NULL ? FAILURE_OTHER :
	    failure_of((int)error->code, NULL, error->message));
}

/* What is over before it has begun. */
static void
settle(struct replication *replication, struct work *work)
{
	const struct plan *plan = work->plan;
	struct error error;

	if (plan_failed(plan)) {
		work_plan_error(work, &error);
		work->failure = failure_of_plan(plan);
		work_keep_error(work, &error);
		work_end(replication, work, END_FAILED);
	} else if (plan->step_count == 0)
		work_end(replication, work, plan->verdict == PLAN_PLACEHOLDER ?
		    END_PLACEHOLDER : END_UP_TO_DATE);
	else
		work->target =
		    plan->steps[plan->step_count - 1].to->createtxg;
}

void
replication_plan(struct replication *replication)
{
	struct plan_set *set = &replication->set;

	events_listed(replication);
	if (plan_set_make(set, &replication->options->plan,
	    &replication->sides[SIDE_SENDER].listing,
	    &replication->sides[SIDE_RECEIVER].listing,
	    &replication->fatal) == -1)
		return;
	if (set->count == 0) {
		error_set(&replication->fatal, EXIT_FAILED, "the sender lists no "
		    "filesystem: nothing was replicated");
		return;
	}
	replication->works = calloc(set->count, sizeof(*replication->works));
	replication->order = plan_order_new(set->plans, set->count);
	if (replication->works == NULL || replication->order == NULL) {
		error_errno(&replication->fatal, "plans");
		return;
	}
	replication->open = set->count;
	for (size_t i = 0; i < set->count; i++) {
		replication->works[i].plan = &set->plans[i];
		report_plan(replication, &replication->works[i]);
		settle(replication, &replication->works[i]);
	}
}
