#include <stdlib.h>

#include "plan/guid_index.h"

static int
compare_guids(const void *left, const void *right, void *versions)
{
	FilesystemVersion *const *const all = versions;
	const size_t a = *(const size_t *)left, b = *(const size_t *)right;

	if (all[a]->guid != all[b]->guid)
		return (all[a]->guid < all[b]->guid ? -1 : 1);
	return (a < b ? -1 : a > b);
}

int
guid_index_make(struct guid_index *index, const Listing *filesystem)
{
	index->versions = filesystem->versions;
	index->count = filesystem->n_versions;
	index->order = calloc(index->count + 1, sizeof(*index->order));
	if (index->order == NULL)
		return (-1);
	for (size_t i = 0; i < index->count; i++)
		index->order[i] = i;
	qsort_r(index->order, index->count, sizeof(*index->order), compare_guids,
	    filesystem->versions);
	return (0);
}

/* How many entries have this guid or a smaller one. */
static size_t
count_up_to(const struct guid_index *index, uint64_t guid)
{
	size_t low = 0, high = index->count, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (index->versions[index->order[middle]]->guid <= guid)
			low = middle + 1;
		else
			high = middle;
	}
	return (low);
}

size_t
guid_index_find(const struct guid_index *index, uint64_t guid)
{
	const size_t end = count_up_to(index, guid);

	if (end == 0 || index->versions[index->order[end - 1]]->guid != guid)
		return (GUID_NOT_FOUND);
	return (index->order[end - 1]);
}

size_t
guid_index_find_snapshot(const struct guid_index *index, uint64_t guid)
{
	const FilesystemVersion *version;

	for (size_t end = count_up_to(index, guid); end > 0; end--) {
		version = index->versions[index->order[end - 1]];
		if (version->guid != guid)
			break;
		if (version_is_snapshot(version))
			return (index->order[end - 1]);
	}
	return (GUID_NOT_FOUND);
}

void
guid_index_free(struct guid_index *index)
{
	free(index->order);
	*index = (struct guid_index){ .count = 0 };
}
