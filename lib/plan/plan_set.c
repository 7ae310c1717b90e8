#include <stdlib.h>
#include <string.h>

#include "plan/plan_set.h"
#include "plan/rename.h"

static int
compare_destinations(const void *left, const void *right)
{
	return (strcmp((*(const struct plan *const *)left)->destination,
	    (*(const struct plan *const *)right)->destination));
}

/* Two filesystems cannot become one. */
static int
check_destinations(const struct plan_set *set, struct error *error)
{
	const struct plan **sorted = calloc(set->count + 1, sizeof(*sorted));
	int result = 0;

	if (sorted == NULL)
		return (error_errno(error, "plans"));
	for (size_t i = 0; i < set->count; i++)
		sorted[i] = &set->plans[i];
	qsort(sorted, set->count, sizeof(*sorted), compare_destinations);
	for (size_t i = 1; i < set->count && result == 0; i++)
		if (compare_destinations(&sorted[i - 1], &sorted[i]) == 0)
			result = error_set(error, EXIT_USAGE, "%s and %s would both "
			    "be %s at the receiver",
			    sorted[i - 1]->sender->filesystem,
			    sorted[i]->sender->filesystem, sorted[i]->destination);
	free(sorted);
	return (result);
}

/* A name that is too long there is a problem of its filesystem alone. */
static int
make(struct plan_set *set, const struct plan_options *options,
    const Listing *filesystem, const struct listing *receiver,
    struct error *error)
{
	char *name = set->destinations[set->count];
	struct plan *plan = &set->plans[set->count];

	if (name_map_apply(&options->map, filesystem->filesystem, name,
	    error) == 0) {
		if (plan_make(plan, &options->rules, filesystem,
		    listing_find(receiver, name), name, error) == -1)
			return (-1);
	} else {
		*plan = (struct plan){ .sender = filesystem,
		    .destination = filesystem->filesystem };
		plan_fail(plan, PLAN_ERROR, PLAN_LISTING, "%s", error->text);
	}
	set->count++;
	return (0);
}

static int
make_all(struct plan_set *set, const struct plan_options *options,
    const struct listing *sender, const struct listing *receiver,
    struct error *error)
{
	struct rename_index *renames;

	for (size_t i = 0; i < sender->count; i++)
		if (make(set, options, sender->filesystems[i], receiver,
		    error) == -1)
			return (-1);
	if (check_destinations(set, error) == -1)
		return (-1);
	renames = rename_index_new(receiver, set->plans, set->count);
	if (renames == NULL)
		return (error_errno(error, "plans"));
	for (size_t i = 0; i < set->count; i++)
		rename_advise(renames, &set->plans[i]);
	rename_index_free(renames);
	return (0);
}

int
plan_set_make(struct plan_set *set, const struct plan_options *options,
    const struct listing *sender, const struct listing *receiver,
    struct error *error)
{
	*set = (struct plan_set){
	    .plans = calloc(sender->count + 1, sizeof(*set->plans)),
	    .destinations = calloc(sender->count + 1,
	    sizeof(*set->destinations)) };
	if (set->plans == NULL || set->destinations == NULL)
		error_errno(error, "plans");
	else if (make_all(set, options, sender, receiver, error) == 0)
		return (0);
	plan_set_free(set);
	return (-1);
}

void
plan_set_free(struct plan_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		plan_free(&set->plans[i]);
	free(set->plans);
	free(set->destinations);
	*set = (struct plan_set){ .plans = NULL };
}
