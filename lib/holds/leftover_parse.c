#include <stdlib.h>
#include <string.h>

#include "format/zrepl_name.h"
#include "holds/leftover.h"

static struct leftover *
add(struct leftover_list *list, const struct zfs_object *object,
    enum leftover_kind kind, const char *job)
{
	struct leftover *grown;

	if (list->count == list->capacity) {
		list->capacity = list->capacity * 2 + 64;
		grown = reallocarray(list->items, list->capacity, sizeof(*grown));
		if (grown == NULL)
			return (NULL);
		list->items = grown;
	}
	grown = &list->items[list->count++];
	*grown = (struct leftover){ .name = object->name,
	    .filesystem_length = strcspn(object->name, "@#"), .kind = kind,
	    .job = job, .guid = object->guid, .createtxg = object->createtxg,
	    .creation = object->creation };
	return (grown);
}

/* Names that zrepl gave bookmarks before there were tentative cursors. */
static bool
old_bookmark(const char *name, const char **job)
{
	static const char step[] = "zrepl_STEP_bm_G_";
	const char *at;

	*job = "";
	if (strcmp(name, "zrepl_replication_cursor") == 0)
		return (true);
	if (strncmp(name, step, strlen(step)) != 0)
		return (false);
	at = name + strlen(step);
	at += strspn(at, "0123456789abcdef");
	if (strncmp(at, "_J_", 3) != 0 || !zrepl_job_valid(at + 3))
		return (false);
	*job = at + 3;
	return (true);
}

static int
add_bookmark(struct leftover_list *list, const struct zfs_object *object,
    struct error *error)
{
	enum zrepl_cursor cursor;
	struct leftover *item;
	const char *job;
	uint64_t guid;

	if (zrepl_cursor_parse(object->version, &cursor, &guid, &job)) {
		item = add(list, object, cursor == ZREPL_CURSOR ?
		    LEFTOVER_CURSOR : LEFTOVER_TENTATIVE_CURSOR, job);
		if (item != NULL && guid != object->guid)
			item->stale = LEFTOVER_WRONG_GUID;
	} else if (old_bookmark(object->version, &job)) {
		item = add(list, object, LEFTOVER_OLD_BOOKMARK, job);
		if (item != NULL)
			item->stale = LEFTOVER_UNUSED;
	} else
		return (0);
	return (item != NULL ? 0 : error_errno(error, "zfs get"));
}

static int
by_name(const void *a, const void *b)
{
	const struct leftover_held *one = a, *other = b;

	return (strcmp(one->snapshot->name, other->snapshot->name));
}

static struct leftover_held *
find_held(struct leftover_held held[], size_t count, const char *name)
{
	const struct zfs_object snapshot = { .name = name };
	const struct leftover_held key = { .snapshot = &snapshot };

	return (bsearch(&key, held, count, sizeof(*held), by_name));
}

/* A line of "zfs holds -H": snapshot, tag, time.  Tags may be anything. */
static int
add_hold(struct leftover_list *list, char *line, struct leftover_held held[],
    size_t count, struct error *error)
{
	static const char *const prefixes[] = {
		[LEFTOVER_STEP_HOLD] = ZREPL_STEP_TAG,
		[LEFTOVER_LAST_RECEIVED_HOLD] = ZREPL_LAST_RECEIVED_TAG
	};
	struct leftover_held *const found = find_held(held, count, strsep(&line, "\t"));
	const char *const tag = strsep(&line, "\t");
	struct leftover *item;
	size_t length;

	if (tag == NULL || line == NULL || found == NULL)
		return (0);
	found->lines++;
	for (size_t kind = 0; kind < 2; kind++) {
		length = strlen(prefixes[kind]);
		if (strncmp(tag, prefixes[kind], length) != 0 ||
		    !zrepl_job_valid(tag + length))
			continue;
		item = add(list, found->snapshot, (enum leftover_kind)kind, tag + length);
		if (item == NULL)
			return (error_errno(error, "zfs holds"));
		item->tag = tag;
	}
	return (0);
}

/* Forget the holds on snapshots of the filesystem that this one is of. */
static void
drop_holds(struct leftover_list *list, const char *snapshot)
{
	const size_t length = strcspn(snapshot, "@") + 1;
	const struct leftover *item;
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++) {
		item = &list->items[i];
		if (item->tag == NULL || strncmp(item->name, snapshot, length) != 0)
			list->items[kept++] = *item;
	}
	list->count = kept;
}

int
leftover_take_objects(struct leftover_list *list, struct leftover_held held[],
    size_t *count, struct error *error)
{
	const struct zfs_object *object;

	*count = 0;
	for (size_t i = 0; i < list->objects.count; i++) {
		object = &list->objects.objects[i];
		if (object->type == ZFS_BOOKMARK &&
		    add_bookmark(list, object, error) == -1)
			return (-1);
		if (object->type == ZFS_SNAPSHOT && object->holds > 0)
			held[(*count)++] =
			    (struct leftover_held){ .snapshot = object };
	}
	qsort(held, *count, sizeof(*held), by_name);
	return (0);
}

/*
 * A tag may contain a newline and a text that looks like the hold of another snapshot,
 * which then has more lines than holds.  We cannot tell which of them are real, nor, as a
 * consequence, which others of the filesystem are stale.
 */
int
leftover_take_holds(struct leftover_list *list, struct leftover_held held[],
    size_t count, struct error *error)
{
	char *line, *rest;

	rest = buffer_text(&list->holds);
	if (rest == NULL)
		return (error_errno(error, "zfs holds"));
	while ((line = strsep(&rest, "\n")) != NULL)
		if (add_hold(list, line, held, count, error) == -1)
			return (-1);
	for (size_t i = 0; i < count; i++)
		if (held[i].lines > held[i].snapshot->holds)
			drop_holds(list, held[i].snapshot->name);
	return (0);
}
