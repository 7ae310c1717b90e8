#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message/pbjson_value.h"

static size_t
write_path(char *out, size_t size, const struct pbjson_path *path)
{
	size_t used = 0;

	if (path->above != NULL) {
		used = write_path(out, size, path->above);
		if (path->index == PBJSON_NO_INDEX)
			used = strlcat(out, ".", size);
	}
	if (path->index == PBJSON_NO_INDEX)
		return (strlcat(out, path->name, size));
	if (used < size)
		snprintf(out + used, size - used, "[%zu]", path->index);
	return (strlen(out));
}

int
pbjson_refuse(struct pbjson_reader *reader, const struct pbjson_path *path,
    const char *what)
{
	char text[256] = "";

	write_path(text, sizeof(text), path);
	return (error_set(reader->error, EXIT_USAGE, "%s: %s", text, what));
}

int
pbjson_no_memory(struct pbjson_reader *reader)
{
	return (error_set(reader->error, EXIT_SYSTEM, "out of memory"));
}

static int
parse_uint64(struct pbjson_reader *reader, uint64_t *value,
    const struct pbjson_path *path)
{
	const char type = json_scan_peek(&reader->scan);
	struct json_slice digits = { .length = 0 };

	if ((type == '0' &&
	    json_scan_number(&reader->scan, &digits, reader->error) == -1) ||
	    (type == '"' &&
	    json_scan_string(&reader->scan, &digits, reader->error) == -1))
		return (-1);
	return (json_slice_uint64(value, &digits) ? 0 : pbjson_refuse(reader,
	    path, "is not an unsigned 64-bit integer"));
}

static bool
enum_number(int *value, const struct json_slice *number)
{
	char text[16], *end;
	long parsed;

	if (!json_slice_copy(text, sizeof(text), number))
		return (false);
	parsed = strtol(text, &end, 10);
	*value = (int)parsed;
	return (*end == '\0' && parsed >= INT_MIN && parsed <= INT_MAX);
}

static int
parse_enum(struct pbjson_reader *reader, int *value,
    const ProtobufCEnumDescriptor *descriptor, const struct pbjson_path *path)
{
	const ProtobufCEnumValue *known = NULL;
	const char type = json_scan_peek(&reader->scan);
	struct json_slice name;
	char text[PBJSON_NAME_MAX], what[128];

	if (type == '0' &&
	    json_scan_number(&reader->scan, &name, reader->error) == -1)
		return (-1);
	if (type == '0' && enum_number(value, &name))
		return (0);
	if (type != '"')
		return (pbjson_refuse(reader, path, "is neither a name nor a number"));
	if (json_scan_string(&reader->scan, &name, reader->error) == -1)
		return (-1);
	if (json_slice_copy(text, sizeof(text), &name))
		known = protobuf_c_enum_descriptor_get_value_by_name(descriptor,
		    text);
	if (known == NULL) {
		snprintf(what, sizeof(what), "there is no %s named \"%.*s\"",
		    descriptor->short_name, (int)(name.length < PBJSON_NAME_MAX ?
		    name.length : PBJSON_NAME_MAX), name.text);
		return (pbjson_refuse(reader, path, what));
	}
	*value = known->value;
	return (0);
}

static int
parse_string(struct pbjson_reader *reader, char **value,
    const struct pbjson_path *path)
{
	struct json_slice string;
	size_t length;

	if (json_scan_peek(&reader->scan) != '"')
		return (pbjson_refuse(reader, path, "is not a string"));
	if (json_scan_string(&reader->scan, &string, reader->error) == -1)
		return (-1);
	*value = arena_text(reader->arena, string.length + 1);
	if (*value == NULL)
		return (pbjson_no_memory(reader));
	length = json_slice_decode(*value, &string);
	return (strlen(*value) == length ? 0 :
	    pbjson_refuse(reader, path, "holds a NUL character"));
}

static int
parse_bool(struct pbjson_reader *reader, void *place,
    const struct pbjson_path *path)
{
	const char type = json_scan_peek(&reader->scan);
	const protobuf_c_boolean truth = type == 't';

	if (type != 't' && type != 'f')
		return (pbjson_refuse(reader, path, "is neither true nor false"));
	memcpy(place, &truth, sizeof(truth));
	return (json_scan_word(&reader->scan, reader->error));
}

int
pbjson_value(struct pbjson_reader *reader, void *place,
    const ProtobufCFieldDescriptor *field, const struct pbjson_path *path)
{
	switch (field->type) {
	case PROTOBUF_C_TYPE_UINT64:
		return (parse_uint64(reader, place, path));
	case PROTOBUF_C_TYPE_ENUM:
		return (parse_enum(reader, place, field->descriptor, path));
	case PROTOBUF_C_TYPE_STRING:
		return (parse_string(reader, place, path));
	case PROTOBUF_C_TYPE_BOOL:
		return (parse_bool(reader, place, path));
	default:
		return (pbjson_refuse(reader, path,
		    "has a type that is not supported"));
	}
}
