#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "archive/archive_list.h"
#include "archive/archive_record.h"

/* --- reading --- */

/* The size of its stream, 0 if that is missing. */
static int
stream_size(int directory, uint64_t guid, uint64_t *size, struct error *error)
{
	char name[ARCHIVE_FILE_MAX];
	struct stat status;

	archive_file_name(name, guid, ARCHIVE_STREAM_SUFFIX);
	*size = 0;
	if (fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) == 0)
		*size = S_ISREG(status.st_mode) ? (uint64_t)status.st_size : 0;
	else if (errno != ENOENT)
		return (error_errno(error, "archive: %s", name));
	return (0);
}

/*
 * It may be removed or replaced meanwhile, its record first: if the two disagree, look
 * again.
 */
int
archive_read_entry(int directory, uint64_t guid, struct archive_entry *entry,
    struct error *error)
{
	for (int i = 0; i < 2; i++) {
		*entry = (struct archive_entry){ .defect = ARCHIVE_SOUND };
		switch (archive_record_read(directory, guid, &entry->snapshot,
		    error)) {
		case -1:
			return (-1);
		case ARCHIVE_RECORD_ABSENT:
			return (0);
		case ARCHIVE_RECORD_DAMAGED:
			entry->snapshot = (struct archive_snapshot){ .guid = guid,
			    .changed = entry->snapshot.changed };
			entry->defect = ARCHIVE_NO_RECORD;
			return (1);
		}
		if (stream_size(directory, guid, &entry->found, error) == -1)
			return (-1);
		if (entry->found == entry->snapshot.size) {
			if (entry->snapshot.damaged != 0)
				entry->defect = ARCHIVE_MARKED;
			return (1);
		}
	}
	entry->defect = ARCHIVE_NO_STREAM;
	return (1);
}

static int
read_entries(int directory, struct archive_list *list, struct error *error)
{
	const struct archive_scan *scan = &list->scan;
	int found = 0;

	if (archive_scan(directory, &list->scan, error) == -1)
		return (-1);
	list->entries = calloc(scan->record_count + 1, sizeof(*list->entries));
	if (list->entries == NULL)
		found = error_errno(error, "archive");
	for (size_t i = 0; i < scan->record_count && found != -1; i++) {
		found = archive_read_entry(directory, scan->records[i].guid,
		    &list->entries[list->count], error);
		scan->records[i].changed = list->entries[list->count].snapshot.changed;
		if (found != 1)
			continue;
		if (list->entries[list->count].snapshot.arrival > list->last_arrival)
			list->last_arrival =
			    list->entries[list->count].snapshot.arrival;
		list->count++;
	}
	return (found == -1 ? -1 : 0);
}

/* --- finding --- */

static int
compare_guids(const void *a, const void *b)
{
	const struct archive_entry *const *left = a, *const *right = b;
	const uint64_t l = (*left)->snapshot.guid, r = (*right)->snapshot.guid;

	return (l < r ? -1 : l > r);
}

static int
compare_names(const void *a, const void *b)
{
	const struct archive_entry *const *left = a, *const *right = b;

	return (strcmp((*left)->snapshot.name, (*right)->snapshot.name));
}

static const struct archive_entry *
find(const struct archive_list *list, const struct archive_entry **index,
    const struct archive_entry *key, int (*compare)(const void *, const void *))
{
	const struct archive_entry **found;

	if (list->count == 0)
		return (NULL);
	found = bsearch(&key, index, list->count, sizeof(*index), compare);
	return (found == NULL ? NULL : *found);
}

const struct archive_entry *
archive_find_guid(const struct archive_list *list, uint64_t guid)
{
	const struct archive_entry key = { .snapshot.guid = guid };

	return (find(list, list->by_guid, &key, compare_guids));
}

const struct archive_entry *
archive_find_name(const struct archive_list *list, const char *name)
{
	struct archive_entry key = { .defect = ARCHIVE_SOUND };

	/* An empty one is that of a damaged record. */
	if (*name == '\0' || strlcpy(key.snapshot.name, name,
	    sizeof(key.snapshot.name)) >= sizeof(key.snapshot.name))
		return (NULL);
	return (find(list, list->by_name, &key, compare_names));
}

/* --- the order --- */

static int
compare_ages(const void *a, const void *b)
{
	const struct archive_entry *first = a, *second = b;
	const struct archive_snapshot *left = &first->snapshot;
	const struct archive_snapshot *right = &second->snapshot;

	if (first->since != second->since)
		return (first->since < second->since ? -1 : 1);
	if (left->createtxg != right->createtxg)
		return (left->createtxg < right->createtxg ? -1 : 1);
	if (left->guid != right->guid)
		return (left->guid < right->guid ? -1 : 1);
	return (0);
}

/* Find again what by_guid and by_name point to. */
static void
index_entries(struct archive_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		list->by_guid[i] = list->by_name[i] = &list->entries[i];
	qsort(list->by_guid, list->count, sizeof(*list->by_guid), compare_guids);
	qsort(list->by_name, list->count, sizeof(*list->by_name), compare_names);
	for (size_t i = 0; i < list->count; i++)
		list->entries[i].base =
		    list->entries[i].snapshot.from_guid == 0 ? NULL :
		    archive_find_guid(list, list->entries[i].snapshot.from_guid);
}

/*
 * Put the entries in order: before each entry those that it builds on, unless they came
 * already.  Sets the defect of those whose base is missing or not sound; order, chain:
 * room for all.
 */
static void
order_entries(const struct archive_list *list, size_t *order, size_t *chain)
{
	enum { NEW, CHAINED, ORDERED };
	uint8_t *state = (uint8_t *)(chain + list->count);
	size_t ordered = 0, length, at;
	const struct archive_entry *base;
	struct archive_entry *entry;
	bool sound;

	memset(state, NEW, list->count);
	for (size_t i = 0; i < list->count; i++) {
		length = 0;
		for (at = i; state[at] == NEW;
		    at = (size_t)(base - list->entries)) {
			state[at] = CHAINED;
			chain[length++] = at;
			base = list->entries[at].base;
			if (base == NULL)
				break;
		}
		while (length-- > 0) {
			at = chain[length];
			entry = &list->entries[at];
			base = entry->base;
			/* CHAINED: a circle, which leads to no full stream. */
			sound = entry->snapshot.from_guid == 0 || (base != NULL &&
			    state[base - list->entries] == ORDERED &&
			    base->defect == ARCHIVE_SOUND);
			if (entry->defect == ARCHIVE_SOUND && !sound)
				entry->defect = ARCHIVE_NO_BASE;
			state[at] = ORDERED;
			order[ordered++] = at;
		}
	}
}

/* The entries in that order, the sound ones first. */
static void
arrange(struct archive_list *list, const size_t *order,
    struct archive_entry *sorted)
{
	size_t at = 0;

	for (size_t i = 0; i < list->count; i++)
		if (list->entries[order[i]].defect == ARCHIVE_SOUND)
			sorted[at++] = list->entries[order[i]];
	list->sound = at;
	for (size_t i = 0; i < list->count; i++)
		if (list->entries[order[i]].defect != ARCHIVE_SOUND)
			sorted[at++] = list->entries[order[i]];
}

/* A clock that was set back does not put a chain before older snapshots. */
static void
sort_by_age(struct archive_list *list, const size_t *order)
{
	struct archive_entry *entry;

	for (size_t i = 0; i < list->count; i++) {
		entry = &list->entries[order[i]];
		entry->since = entry->snapshot.creation;
		if (entry->base != NULL && entry->base->since > entry->since)
			entry->since = entry->base->since;
	}
	qsort(list->entries, list->count, sizeof(*list->entries), compare_ages);
	index_entries(list);
}

static int
sort_entries(struct archive_list *list, struct error *error)
{
	size_t *order = calloc(list->count + 1, sizeof(*order));
	/* And a byte for each, behind them. */
	size_t *chain = calloc(list->count + 1, sizeof(*chain) + 1);
	struct archive_entry *sorted = calloc(list->count + 1, sizeof(*sorted));
	int result = 0;

	if (order == NULL || chain == NULL || sorted == NULL) {
		result = error_errno(error, "archive");
		free(sorted);
	} else {
		index_entries(list);
		order_entries(list, order, chain);
		sort_by_age(list, order);
		order_entries(list, order, chain);
		arrange(list, order, sorted);
		free(list->entries);
		list->entries = sorted;
		index_entries(list);
	}
	free(order);
	free(chain);
	return (result);
}

/* Let createtxg ascend; no sender's comes near 2^63. */
static void
raise_createtxg(struct archive_list *list)
{
	uint64_t last = 0, *createtxg;

	for (size_t i = 0; i < list->sound; i++) {
		createtxg = &list->entries[i].snapshot.createtxg;
		if (*createtxg > INT64_MAX)
			*createtxg = INT64_MAX;
		if (*createtxg <= last)
			*createtxg = last + 1;
		last = *createtxg;
	}
}

int
archive_list(int directory, struct archive_list *list, struct error *error)
{
	*list = (struct archive_list){ .count = 0 };
	if (read_entries(directory, list, error) == -1)
		goto fail;
	list->by_guid = calloc(list->count + 1, sizeof(*list->by_guid));
	list->by_name = calloc(list->count + 1, sizeof(*list->by_name));
	if (list->by_guid == NULL || list->by_name == NULL) {
		error_errno(error, "archive");
		goto fail;
	}
	if (sort_entries(list, error) == -1)
		goto fail;
	raise_createtxg(list);
	return (0);
fail:
	archive_list_free(list);
	return (-1);
}

static int
compare_arrivals(const void *a, const void *b)
{
	/* Pointers into one array, whose order stays where the times are equal. */
	const struct archive_entry *const *left = a, *const *right = b;
	const uint64_t l = (*left)->snapshot.arrival, r = (*right)->snapshot.arrival;

	if (l != r)
		return (l < r ? -1 : 1);
	return (*left < *right ? -1 : *left > *right);
}

int
archive_list_number_by_arrival(struct archive_list *list, struct error *error)
{
	struct archive_entry **order = calloc(list->sound + 1, sizeof(*order));

	if (order == NULL)
		return (error_errno(error, "archive"));
	for (size_t i = 0; i < list->sound; i++)
		order[i] = &list->entries[i];
	qsort(order, list->sound, sizeof(*order), compare_arrivals);
	for (size_t i = 0; i < list->sound; i++)
		order[i]->snapshot.createtxg = i + 1;
	free(order);
	return (0);
}

void
archive_list_free(struct archive_list *list)
{
	free(list->entries);
	free(list->by_guid);
	free(list->by_name);
	archive_scan_free(&list->scan);
	*list = (struct archive_list){ .count = 0 };
}
