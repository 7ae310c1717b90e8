#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "format/fs_name.h"
#include "format/rfc3339.h"
#include "format/zrepl_name.h"
#include "zfs/zfs_output.h"

/* --- zfs get: a line is name, property, value, source --- */

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

/* A number, or "-" if the property does not apply. */
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
	if (strcmp(property, "written") == 0)
		return (parse_number(value, &object->written));
	if (strcmp(property, "inconsistent") == 0) {
		if (!parse_number(value, &number))
			return (false);
		object->inconsistent = number != 0;
	} else if (strcmp(property, "creation") == 0) {
		if (!parse_number(value, &number))
			return (false);
		/* It came with a stream, from a clock that may be wrong. */
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

/* Begin an object, whose first property is its type. */
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

int
zfs_output_list(struct zfs_list *list, struct error *error)
{
	char *line, *fields[4], *end;
	size_t capacity = 0, field;

	if (memchr(buffer_front(&list->text), '\0', buffer_length(&list->text)) != NULL)
		return (error_set(error, EXIT_FAILED, "zfs get printed a NUL"));
	line = buffer_text(&list->text);
	if (line == NULL)
		return (error_errno(error, "zfs get"));
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

/* --- zfs destroy --- */

const char *
zfs_output_reason(const char *filesystem, const char *name, const char *line,
    size_t length)
{
	char whole[2 * FS_NAME_MAX + 8];
	const char *reason;

	snprintf(whole, sizeof(whole), "%s@%s", filesystem, name);
	reason = memmem(line, length, whole, strlen(whole));
	if (reason == NULL)
		return (NULL);
	reason += strlen(whole);
	if (*reason == '\'')
		reason++;
	return (strncmp(reason, ": ", 2) == 0 ? reason + 2 : NULL);
}

/* --- zfs holds --- */

const char *
zfs_output_tag(char *lines, const char *snapshot)
{
	char *line = strsep(&lines, "\n");
	const char *const name = strsep(&line, "\t"), *tag, *at;

	tag = strsep(&line, "\t");
	if (line == NULL || strchr(line, '\t') != NULL || tag[0] == '\0' ||
	    strcmp(name, snapshot) != 0)
		return (NULL);
	/* A tag may contain any other character, including those special to a shell. */
	for (at = tag; *at != '\0'; at++)
		if (*at == '\'' || iscntrl((unsigned char)*at))
			return (NULL);
	return (tag);
}
