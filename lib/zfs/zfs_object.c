#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "message/rfc3339.h"
#include "zfs/zfs_command.h"
#include "zfs/zfs_object.h"
#include "zfs/zrepl_name.h"

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

/* --- parsing a line: name, property, value, source --- */

static bool
parse_type(const char *value, enum zfs_type *type)
{
	static const char *const names[] = {
		[ZFS_FILESYSTEM] = "filesystem", [ZFS_VOLUME] = "volume",
		[ZFS_SNAPSHOT] = "snapshot", [ZFS_BOOKMARK] = "bookmark"
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(value, names[i]) == 0) {
			*type = (enum zfs_type)i;
			return (true);
		}
	return (false);
}

/* A number, or "-" where the property does not apply. */
static bool
parse_number(const char *value, uint64_t *number)
{
	*number = 0;
	return (strcmp(value, "-") == 0 ||
	    number_parse(number, value, 10, 0, UINT64_MAX));
}

static bool
set_property(struct zfs_object *object, const char *property, const char *value,
    const char *source)
{
	uint64_t number;

	if (strcmp(property, "guid") == 0)
		return (parse_number(value, &object->guid));
	if (strcmp(property, "createtxg") == 0)
		return (parse_number(value, &object->createtxg));
	if (strcmp(property, "userrefs") == 0)
		return (parse_number(value, &object->holds));
	if (strcmp(property, "creation") == 0) {
		if (!parse_number(value, &number))
			return (false);
		/* It came with a stream, from a clock that may be anything. */
		object->creation = number > RFC3339_LAST ? RFC3339_LAST :
		    (int64_t)number;
	} else if (strcmp(property, "encryption") == 0) {
		object->encrypted = strcmp(value, "off") != 0 &&
		    strcmp(value, "-") != 0;
	} else if (strcmp(property, "receive_resume_token") == 0) {
		object->resume_token = strcmp(value, "-") == 0 ? "" : value;
	} else if (strcmp(property, ZREPL_PLACEHOLDER_PROPERTY) == 0) {
		object->placeholder = strcmp(source, "local") == 0 &&
		    zrepl_placeholder_set(value, object->name);
	} else
		return (false);
	return (true);
}

/* Begin an object; its type is the first property of each. */
static int
add_object(struct zfs_list *list, size_t *capacity, const char *name,
    const char *type, struct error *error)
{
	struct zfs_object *grown, *object;
	char *at;

	if (list->count == *capacity) {
		*capacity = *capacity * 2 + 16;
		grown = reallocarray(list->objects, *capacity, sizeof(*grown));
		if (grown == NULL)
			return (error_errno(error, "zfs get"));
		list->objects = grown;
	}
	object = &list->objects[list->count];
	*object = (struct zfs_object){ .name = name, .resume_token = "" };
	if (!parse_type(type, &object->type))
		return (error_set(error, EXIT_FAILED,
		    "zfs get printed the unknown type \"%s\" for %s", type, name));
	at = strpbrk(name, "@#");
	object->version = at == NULL ? NULL : at + 1;
	if ((at != NULL) != (object->type == ZFS_SNAPSHOT ||
	    object->type == ZFS_BOOKMARK))
		return (error_set(error, EXIT_FAILED,
		    "zfs get says that %s is a %s", name, type));
	list->count++;
	return (0);
}

static int
parse(struct zfs_list *list, struct error *error)
{
	char *line = (char *)list->text.bytes, *fields[4], *end;
	size_t capacity = 0, field;

	for (; *line != '\0'; line = end + 1) {
		end = line + strcspn(line, "\n");
		if (*end == '\0')
			return (error_set(error, EXIT_FAILED,
			    "zfs get ended in the middle of a line"));
		*end = '\0';
		for (field = 0; field < 4; field++) {
			fields[field] = line;
			line += strcspn(line, "\t");
			if ((field < 3) != (*line == '\t'))
				return (error_set(error, EXIT_FAILED,
				    "zfs get printed a line that is not one: %s",
				    fields[0]));
			*line++ = '\0';
		}
		if (strcmp(fields[1], "type") == 0) {
			if (add_object(list, &capacity, fields[0], fields[2],
			    error) == -1)
				return (-1);
		} else if (list->count == 0 ||
		    strcmp(list->objects[list->count - 1].name, fields[0]) != 0 ||
		    !set_property(&list->objects[list->count - 1], fields[1],
		    fields[2], fields[3]))
			return (error_set(error, EXIT_FAILED,
			    "zfs get printed \"%s\" as %s of %s", fields[2],
			    fields[1], fields[0]));
	}
	return (0);
}

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
	if (memchr(buffer_front(&list->text), '\0', buffer_length(&list->text)) != NULL)
		return (error_set(error, EXIT_FAILED, "zfs get printed a NUL"));
	if (buffer_append(&list->text, "", 1) == -1)
		return (error_errno(error, "zfs get"));
	if (parse(list, error) == -1)
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
