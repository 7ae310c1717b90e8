#include <stdlib.h>
#include <string.h>

#include "format/zrepl_name.h"
#include "zfs/zfs_command.h"
#include "zfs/zfs_object.h"
#include "zfs/zfs_output.h"

/* The order of the names is that of the bits of enum zfs_wanted. */
static const struct {
	enum zfs_wanted wanted;
	const char *names;
} columns[] = {
	{ ZFS_WANT_IDENTITY, ",guid,createtxg,creation" },
	{ ZFS_WANT_HOLDS, ",userrefs" },
	{ ZFS_WANT_ENCRYPTION, ",encryption" },
	{ ZFS_WANT_TOKEN, ",receive_resume_token" },
	{ ZFS_WANT_PLACEHOLDER, "," ZREPL_PLACEHOLDER_PROPERTY }
};

#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

/* Is it one of these, below one, or a version of such? */
static bool
belongs(const char *name, const char *const names[])
{
	size_t length;

	for (; *names != NULL; names++) {
		length = strlen(*names);
		if (strncmp(name, *names, length) == 0 &&
		    (name[length] == '\0' || strchr("/@#", name[length]) != NULL))
			return (true);
	}
	return (false);
}

/*
 * Of properties only our own ones count, and only they are asked for: a value
 * that was received may hold tabs and newlines, and look like more of our lines.
 */
#define SOURCES "local,default,none"

int
zfs_list_read(struct zfs_list *list, const char *const names[],
    const char *depth, const char *types, enum zfs_wanted wanted,
    bool missing_is_fine, struct error *error)
{
	static const char *const missing[] = { "': dataset does not exist", NULL };
	struct zfs_arguments arguments;
	struct zfs_report report;
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
	result = zfs_run(&arguments, 0, &list->text, &report, error);
	zfs_arguments_free(&arguments);
	if (result == -1)
		return (-1);
	if (report.exit_code != 0 &&
	    !(missing_is_fine && zfs_words_all(&report, missing)))
		return (zfs_failed(&report, error));
	if (zfs_output_list(list, error) == -1)
		return (-1);
	for (size_t i = 0; names != NULL && i < list->count; i++)
		if (!belongs(list->objects[i].name, names))
			return (error_set(error, EXIT_FAILED, "zfs get printed %s, "
			    "which it was not asked for", list->objects[i].name));
	return (0);
}

/* By the transaction of their making, a bookmark before its snapshot. */
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

	if (zfs_list_read(list, names, "1", "filesystem,volume,snapshot,bookmark",
	    wanted | ZFS_WANT_IDENTITY, missing_is_fine, error) == -1)
		return (-1);
	if (list->count == 0)
		return (missing_is_fine ? 0 : error_set(error, EXIT_FAILED,
		    "zfs get printed nothing of %s", name));
	if (strcmp(list->objects[0].name, name) != 0)
		return (error_set(error, EXIT_FAILED,
		    "zfs get %s began with %s", name, list->objects[0].name));
	/* Not its children, nor versions of them. */
	for (size_t i = 0; i < list->count; i++)
		if (i == 0 || list->objects[i].version ==
		    list->objects[i].name + strlen(name) + 1)
			list->objects[kept++] = list->objects[i];
	list->count = kept;
	qsort(list->objects + 1, kept - 1, sizeof(*list->objects), older_first);
	return (0);
}

const struct zfs_object *
zfs_list_find(const struct zfs_list *list, enum zfs_type type,
    const char *version)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->objects[i].type == type &&
		    list->objects[i].version != NULL &&
		    strcmp(list->objects[i].version, version) == 0)
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
