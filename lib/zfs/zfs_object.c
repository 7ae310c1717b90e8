#include <stdlib.h>
#include <string.h>

#include "format/zrepl_name.h"
#include "zfs/zfs_command.h"
#include "zfs/zfs_object.h"
#include "zfs/zfs_output.h"

/* The names are in the order of the bits of enum zfs_wanted. */
static const struct {
	enum zfs_wanted wanted;
	const char *names;
} columns[] = {
	{ ZFS_WANT_IDENTITY, ",guid,createtxg,creation" },
	{ ZFS_WANT_HOLDS, ",userrefs" },
	{ ZFS_WANT_ENCRYPTION, ",encryption" },
	{ ZFS_WANT_TOKEN, ",receive_resume_token" },
	{ ZFS_WANT_PLACEHOLDER, "," ZREPL_PLACEHOLDER_PROPERTY },
	{ ZFS_WANT_CREATION, ",creation" },
	{ ZFS_WANT_WRITTEN, ",written" },
	/* Hidden from zfs's list of properties, but in all versions of OpenZFS. */
	{ ZFS_WANT_INCONSISTENT, ",inconsistent" }
};

#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

/* Is it this filesystem, one below it, or a version of one of these? */
static bool
belongs_to(const char *name, const char *one)
{
	const size_t length = strlen(one);

	return (strncmp(name, one, length) == 0 &&
	    (name[length] == '\0' || strchr("/@#", name[length]) != NULL));
}

/* Does each object in the list belong to one of the names asked for? */
static int
check_names(const struct zfs_list *list, const char *const names[],
    struct error *error)
{
	const char *name;
	size_t at = 0;

	for (size_t i = 0; i < list->count; i++) {
		name = list->objects[i].name;
		/* It usually belongs to the same name as the object before. */
		if (names[at] != NULL && belongs_to(name, names[at]))
			continue;
		for (at = 0; names[at] != NULL; at++)
			if (belongs_to(name, names[at]))
				break;
		if (names[at] == NULL)
			return (error_set(error, EXIT_FAILED, "zfs get printed %s, "
			    "which it was not asked for", name));
	}
	return (0);
}

/*
 * Ask for no received values: they may contain tabs and newlines, and could imitate
 * other lines.
 */
#define SOURCES "local,default,none"
#define EVERY_TYPE "filesystem,volume,snapshot,bookmark"

static int
run(struct zfs_list *list, const char *const names[], const char *depth,
    const char *types, enum zfs_wanted wanted, struct zfs_report *report,
    struct error *error)
{
	struct zfs_arguments arguments;
	char properties[256] = "type";
	int result;

	*list = (struct zfs_list){ .text = BUFFER_EMPTY(ZFS_OUTPUT_MAX) };
	for (size_t i = 0; i < COLUMNS; i++)
		if ((wanted & columns[i].wanted) != 0)
			strlcat(properties, columns[i].names, sizeof(properties));
	arguments = zfs_arguments("get", "-Hp", "-o", "name,property,value,source",
	    "-s", SOURCES, "-t", types, NULL);
	if (names != NULL) {
		zfs_arguments_add(&arguments, depth == NULL ? "-r" : "-d");
		if (depth != NULL)
			zfs_arguments_add(&arguments, depth);
	}
	zfs_arguments_add(&arguments, properties);
	for (size_t i = 0; names != NULL && names[i] != NULL; i++)
		zfs_arguments_add(&arguments, names[i]);
	result = zfs_run(&arguments, 0, &list->text, report, error);
	zfs_arguments_free(&arguments);
	return (result);
}

int
zfs_list_read(struct zfs_list *list, const char *const names[],
    const char *depth, const char *types, enum zfs_wanted wanted,
    bool missing_is_fine, struct error *error)
{
	static const char *const missing[] = { "': dataset does not exist", NULL };
	struct zfs_report report;

	if (run(list, names, depth, types, wanted, &report, error) == -1)
		return (-1);
	if (report.exit_code != 0 &&
	    !(missing_is_fine && zfs_words_all(&report, missing)))
		return (zfs_failed(&report, error));
	if (zfs_output_list(list, error) == -1)
		return (-1);
	return (names == NULL ? 0 : check_names(list, names, error));
}

/* By createtxg, a bookmark before its snapshot. */
static int
older_first(const void *a, const void *b)
{
	const struct zfs_object *one = a, *other = b;

	if (one->createtxg != other->createtxg)
		return (one->createtxg < other->createtxg ? -1 : 1);
	if (one->type != other->type)
		return (one->type == ZFS_BOOKMARK ? -1 : 1);
	return (strcmp(one->name, other->name));
}

int
zfs_filesystem_read(struct zfs_list *list, const char *name,
    enum zfs_wanted wanted, bool missing_is_fine, struct error *error)
{
	const char *const names[] = { name, NULL };
	size_t kept = 0;

	if (zfs_list_read(list, names, "1", EVERY_TYPE,
	    wanted | ZFS_WANT_IDENTITY, missing_is_fine, error) == -1)
		return (-1);
	if (list->count == 0)
		return (missing_is_fine ? 0 : error_set(error, EXIT_FAILED,
		    "zfs get printed nothing of %s", name));
	if (strcmp(list->objects[0].name, name) != 0)
		return (error_set(error, EXIT_FAILED,
		    "zfs get %s began with %s", name, list->objects[0].name));
	/* Leave out its children and their versions. */
	for (size_t i = 0; i < list->count; i++)
		if (i == 0 || list->objects[i].version ==
		    list->objects[i].name + strlen(name) + 1)
			list->objects[kept++] = list->objects[i];
	list->count = kept;
	qsort(list->objects + 1, kept - 1, sizeof(*list->objects), older_first);
	return (0);
}

/* --- several at once --- */

static size_t
filesystem_length(const struct zfs_object *object)
{
	return (object->version == NULL ? strlen(object->name) :
	    (size_t)(object->version - 1 - object->name));
}

/* Sort: each filesystem, followed by its versions. */
static int
by_filesystem(const void *a, const void *b)
{
	const struct zfs_object *one = a, *other = b;
	const size_t length = filesystem_length(one);
	const size_t other_length = filesystem_length(other);
	const int order = memcmp(one->name, other->name,
	    length < other_length ? length : other_length);

	if (order != 0)
		return (order);
	if (length != other_length)
		return (length < other_length ? -1 : 1);
	if (one->version == NULL || other->version == NULL)
		return ((one->version != NULL) - (other->version != NULL));
	return (older_first(one, other));
}

/* Skip this name at the beginning of the text; false if the text begins with another. */
static bool
leave_out(const char *text, const char *const names[], struct zfs_part parts[])
{
	const size_t length = strcspn(text, "'");
	bool found = false;

	for (size_t i = 0; names[i] != NULL; i++)
		if (strlen(names[i]) == length &&
		    memcmp(names[i], text, length) == 0) {
			parts[i].count = 0;
			found = true;
		}
	return (found);
}

/*
 * Do the words name the filesystems that zfs could not open, and say nothing else?  Such
 * a filesystem may still be in the list, without its versions, if zfs found it as a child
 * of another and it was destroyed before its own turn.
 */
static bool
only_cannot_open(const struct zfs_report *report, const char *const names[],
    struct zfs_part parts[])
{
	static const char cannot[] = "cannot open '";
	const char *line = report->words, *end;

	if (report->exit_code != 1 || *line == '\0' ||
	    strlen(line) == ZFS_WORDS_MAX)
		return (false);
	for (; (end = strchr(line, '\n')) != NULL; line = end + 1)
		if (strncmp(line, cannot, strlen(cannot)) != 0 ||
		    !leave_out(line + strlen(cannot), names, parts))
			return (false);
	return (*line == '\0');
}

static int
sort_parts(struct zfs_list *list, struct error *error)
{
	qsort(list->objects, list->count, sizeof(*list->objects), by_filesystem);
	for (size_t i = 1; i < list->count; i++)
		if (by_filesystem(&list->objects[i - 1], &list->objects[i]) == 0)
			return (error_set(error, EXIT_FAILED,
			    "zfs get printed %s twice", list->objects[i].name));
	return (0);
}

static struct zfs_part
find_part(const struct zfs_list *list, const char *name)
{
	const struct zfs_object key = { .name = name };
	const struct zfs_object *const end = list->objects + list->count;
	struct zfs_part part = { .count = 0 };

	if (list->count > 0)
		part.objects = bsearch(&key, list->objects, list->count, sizeof(key),
		    by_filesystem);
	/* The next filesystem ends the versions of this one. */
	if (part.objects != NULL)
		do
			part.count++;
		while (part.objects + part.count < end &&
		    part.objects[part.count].version != NULL);
	return (part);
}

int
zfs_filesystems_read(struct zfs_list *list, const char *const names[],
    enum zfs_wanted wanted, struct zfs_part parts[], struct error *error)
{
	struct zfs_report report;

	for (size_t i = 0; names[i] != NULL; i++)
		parts[i] = (struct zfs_part){ .count = 1 };
	if (run(list, names, "1", EVERY_TYPE, wanted | ZFS_WANT_IDENTITY, &report,
	    error) == -1)
		return (-1);
	if (report.exit_code != 0 && !only_cannot_open(&report, names, parts))
		return (zfs_failed(&report, error));
	if (zfs_output_list(list, error) == -1 ||
	    check_names(list, names, error) == -1 || sort_parts(list, error) == -1)
		return (-1);
	for (size_t i = 0; names[i] != NULL; i++)
		if (parts[i].count > 0)
			parts[i] = find_part(list, names[i]);
	return (0);
}

const struct zfs_object *
zfs_list_find(const struct zfs_list *list, enum zfs_type type,
    const char *version)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->objects[i].type == type &&
		    (version == NULL || (list->objects[i].version != NULL &&
		    strcmp(list->objects[i].version, version) == 0)))
			return (&list->objects[i]);
	return (NULL);
}

void
zfs_list_free(struct zfs_list *list)
{
	free(list->objects);
	buffer_free(&list->text);
	*list = (struct zfs_list){ .text = BUFFER_EMPTY(ZFS_OUTPUT_MAX) };
}
