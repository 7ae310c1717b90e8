#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "plan/rename.h"

struct holder {
	uint64_t guid;
	const Listing *filesystem;
	const FilesystemVersion *version;
};

struct rename_index {
	struct holder *holders;		/* by guid */
	size_t count;
};

static int
compare_holders(const void *left, const void *right)
{
	const struct holder *a = left, *b = right;

	if (a->guid != b->guid)
		return (a->guid < b->guid ? -1 : 1);
	return (listing_compare_names(a->filesystem->filesystem,
	    b->filesystem->filesystem));
}

static int
compare_texts(const void *left, const void *right)
{
	return (strcmp(*(const char *const *)left, *(const char *const *)right));
}

/* The destinations, sorted. */
static const char **
taken_names(const struct plan *plans, size_t count)
{
	const char **names = calloc(count + 1, sizeof(*names));

	if (names == NULL)
		return (NULL);
	for (size_t i = 0; i < count; i++)
		names[i] = plans[i].destination;
	qsort(names, count, sizeof(*names), compare_texts);
	return (names);
}

struct rename_index *
rename_index_new(const struct listing *receiver, const struct plan *plans,
    size_t count)
{
	struct rename_index *index = calloc(1, sizeof(*index));
	const char **taken = taken_names(plans, count);
	const Listing *filesystem;
	size_t room = 0;

	for (size_t i = 0; i < receiver->count; i++)
		room += receiver->filesystems[i]->n_versions;
	if (index != NULL)
		index->holders = calloc(room + 1, sizeof(*index->holders));
	if (index == NULL || index->holders == NULL || taken == NULL) {
		rename_index_free(index);
		free(taken);
		return (NULL);
	}
	for (size_t i = 0; i < receiver->count; i++) {
		filesystem = receiver->filesystems[i];
		if (bsearch(&filesystem->filesystem, taken, count, sizeof(*taken),
		    compare_texts) != NULL)
			continue;
		for (size_t j = 0; j < filesystem->n_versions; j++)
			if (version_is_snapshot(filesystem->versions[j]))
				index->holders[index->count++] = (struct holder){
				    filesystem->versions[j]->guid, filesystem,
				    filesystem->versions[j] };
	}
	qsort(index->holders, index->count, sizeof(*index->holders),
	    compare_holders);
	free(taken);
	return (index);
}

static int
compare_guid(const void *key, const void *entry)
{
	const uint64_t guid = *(const uint64_t *)key;
	const struct holder *holder = entry;

	return (guid < holder->guid ? -1 : guid > holder->guid);
}

void
rename_advise(const struct rename_index *index, struct plan *plan)
{
	const Listing *sender = plan->sender;
	const struct holder *holder = NULL;

	if (plan->problem != PLAN_NO_COMMON && plan->problem != PLAN_DIVERGED &&
	    plan->verdict != PLAN_INITIAL)
		return;
	for (size_t i = sender->n_versions; i > 0 && holder == NULL; i--)
		holder = bsearch(&sender->versions[i - 1]->guid, index->holders,
		    index->count, sizeof(*index->holders), compare_guid);
	if (holder == NULL)
		return;
	plan_advise(plan, "the receiver has @%s as %s: "
	    "rename that to %s on the receiver, or give -m %s=%s, and nothing is "
	    "sent again", holder->version->name, holder->filesystem->filesystem,
	    plan->destination, sender->filesystem, holder->filesystem->filesystem);
}

void
rename_index_free(struct rename_index *index)
{
	if (index != NULL)
		free(index->holders);
	free(index);
}
