#include <stdlib.h>

#include "format/rfc3339.h"
#include "plan/plan_retention.h"
#include "retention/retention.h"

/* What the receiver is going to have. */
struct future {
	struct retained *snapshots;	/* owned */
	size_t count;
};

/* The sender's createtxg means nothing at the receiver: the place is that of arrival. */
static int
add(struct future *future, const FilesystemVersion *version, struct error *error)
{
	struct retained *retained = &future->snapshots[future->count];

	*retained = (struct retained){ .name = version->name,
	    .createtxg = future->count++ };
	if (rfc3339_parse(version->creation, &retained->creation))
		return (0);
	return (error_set(error, EXIT_FAILED, "@%s: Creation is not a time in RFC 3339",
	    version->name));
}

static int
add_all(struct future *future, const FilesystemVersion *const versions[],
    size_t count, struct error *error)
{
	for (size_t i = 0; i < count; i++)
		if (add(future, versions[i], error) == -1)
			return (-1);
	return (0);
}

/* Of the planned ones, the last that are there. */
static void
leave_out(struct plan *plan, const struct future *future,
    const FilesystemVersion *wanted[], size_t *count)
{
	const size_t planned = *count;
	const struct retained *retained =
	    future->snapshots + future->count - planned;

	*count = 0;
	for (size_t i = 0; i < planned; i++)
		if (retained[i].by != 0 || i == planned - 1)
			wanted[(*count)++] = wanted[i];
		else
			plan->skipped[plan->skipped_count++] = (struct plan_skipped){
			    wanted[i], "the receiver's rules would destroy it" };
}

int
plan_retention(struct plan *plan, const struct rules *rules,
    const FilesystemVersion *const theirs[], size_t their_count,
    const FilesystemVersion *base, const FilesystemVersion *wanted[],
    size_t *count, struct error *error)
{
	const bool has_base = base == NULL || (their_count > 0 &&
	    theirs[their_count - 1]->guid == base->guid);
	struct future future = { .snapshots = calloc(their_count + *count + 1,
	    sizeof(*future.snapshots)) };
	int result;

	if (future.snapshots == NULL)
		return (error_errno(error, "plan"));
	result = add_all(&future, theirs, their_count, error);
	if (result == 0 && !has_base)
		result = add(&future, base, error);
	if (result == 0)
		result = add_all(&future, wanted, *count, error);
	if (result == 0)
		result = retention_apply(rules, future.snapshots, future.count,
		    error);
	if (result == 0)
		leave_out(plan, &future, wanted, count);
	free(future.snapshots);
	return (result);
}
