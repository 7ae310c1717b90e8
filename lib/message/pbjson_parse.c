#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message/pbjson.h"
#include "message/protobuf_field.h"

/* Where we are, for errors: "SendReq.To.Guid". */
struct path {
	char text[256];
};

static struct path
path_below(const struct path *path, const char *name)
{
	struct path below;

	strlcpy(below.text, path->text, sizeof(below.text));
	strlcat(below.text, ".", sizeof(below.text));
	strlcat(below.text, name, sizeof(below.text));
	return (below);
}

static int
refuse(struct error *error, const struct path *path, const char *what)
{
	return (error_set(error, EXIT_USAGE, "%s: %s", path->text, what));
}

static ProtobufCMessage *message_from(const ProtobufCMessageDescriptor *,
	    const json_t *, const struct path *, unsigned int, struct error *);

static int
uint64_from(uint64_t *value, const json_t *json, const struct path *path,
    struct error *error)
{
	const char *text, *digit;

	if (json_is_integer(json) && json_integer_value(json) >= 0) {
		*value = (uint64_t)json_integer_value(json);
		return (0);
	}
	if (!json_is_string(json))
		return (refuse(error, path, "is not an unsigned 64-bit integer"));
	text = json_string_value(json);
	for (digit = text; isdigit((unsigned char)*digit); digit++)
		;
	errno = 0;
	*value = strtoull(text, NULL, 10);
	if (digit == text || *digit != '\0' || errno == ERANGE)
		return (refuse(error, path, "is not an unsigned 64-bit integer"));
	return (0);
}

static int
enum_from(int *value, const ProtobufCEnumDescriptor *descriptor,
    const json_t *json, const struct path *path, struct error *error)
{
	const ProtobufCEnumValue *known;

	if (json_is_integer(json) && json_integer_value(json) >= INT32_MIN &&
	    json_integer_value(json) <= INT32_MAX) {
		*value = (int)json_integer_value(json);
		return (0);
	}
	if (!json_is_string(json))
		return (refuse(error, path, "is neither a name nor a number"));
	known = protobuf_c_enum_descriptor_get_value_by_name(descriptor,
	    json_string_value(json));
	if (known == NULL)
		return (error_set(error, EXIT_USAGE, "%s: there is no %s named "
		    "\"%s\"", path->text, descriptor->short_name,
		    json_string_value(json)));
	*value = known->value;
	return (0);
}

static int
string_from(char **value, const json_t *json, const struct path *path,
    struct error *error)
{
	if (!json_is_string(json))
		return (refuse(error, path, "is not a string"));
	if (strlen(json_string_value(json)) != json_string_length(json))
		return (refuse(error, path, "holds a NUL character"));
	*value = strdup(json_string_value(json));
	return (*value == NULL ? error_errno(error, "%s", path->text) : 0);
}

/* One value into its place (a member, or an element of a repeated one). */
static int
value_from(void *place, const ProtobufCFieldDescriptor *field,
    const json_t *json, const struct path *path, unsigned int depth,
    struct error *error)
{
	ProtobufCMessage *message;
	protobuf_c_boolean truth;

	switch (field->type) {
	case PROTOBUF_C_TYPE_UINT64:
		return (uint64_from(place, json, path, error));
	case PROTOBUF_C_TYPE_ENUM:
		return (enum_from(place, field->descriptor, json, path, error));
	case PROTOBUF_C_TYPE_STRING:
		return (string_from(place, json, path, error));
	case PROTOBUF_C_TYPE_BOOL:
		if (!json_is_boolean(json))
			return (refuse(error, path, "is neither true nor false"));
		truth = json_is_true(json);
		memcpy(place, &truth, sizeof(truth));
		return (0);
	case PROTOBUF_C_TYPE_MESSAGE:
		message = message_from(field->descriptor, json, path, depth + 1,
		    error);
		memcpy(place, &message, sizeof(message));
		return (message == NULL ? -1 : 0);
	default:
		return (refuse(error, path, "has a type that is not supported"));
	}
}

/* The protocol's repeated fields are all messages. */
static int
array_from(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
    const json_t *json, const struct path *path, unsigned int depth,
    struct error *error)
{
	const size_t count = json_array_size(json);
	ProtobufCMessage **elements;
	struct path at;

	if (!json_is_array(json))
		return (refuse(error, path, "is not an array"));
	if (field->type != PROTOBUF_C_TYPE_MESSAGE)
		return (refuse(error, path, "has a type that is not supported"));
	if (count == 0)
		return (0);
	elements = calloc(count, sizeof(*elements));
	if (elements == NULL)
		return (error_errno(error, "%s", path->text));
	memcpy(member_of(message, field), &elements, sizeof(elements));
	for (size_t i = 0; i < count; i++) {
		snprintf(at.text, sizeof(at.text), "%.200s[%zu]", path->text, i);
		if (value_from(&elements[i], field, json_array_get(json, i), &at,
		    depth, error) == -1)
			return (-1);
		/* Counted one by one: what is there can be freed at any time. */
		memcpy(quantifier_of(message, field), &(size_t){ i + 1 },
		    sizeof(size_t));
	}
	return (0);
}

static int
field_from(ProtobufCMessage *message, const char *key, const json_t *json,
    const struct path *path, unsigned int depth, struct error *error)
{
	const ProtobufCFieldDescriptor *field;
	const struct path here = path_below(path, key);
	uint32_t number;

	field = protobuf_c_message_descriptor_get_field_by_name(
	    message->descriptor, key);
	if (field == NULL)
		return (refuse(error, &here, "there is no such field"));
	if (json_is_null(json))
		return (0);
	if (field->label == PROTOBUF_C_LABEL_REPEATED)
		return (array_from(message, field, json, &here, depth, error));
	if (in_oneof(field)) {
		memcpy(&number, quantifier_of(message, field), sizeof(number));
		if (number != 0)
			return (refuse(error, &here,
			    "excludes another field that is given too"));
		memcpy(quantifier_of(message, field), &field->id,
		    sizeof(field->id));
	}
	return (value_from(member_of(message, field), field, json, &here, depth,
	    error));
}

static ProtobufCMessage *
message_from(const ProtobufCMessageDescriptor *descriptor, const json_t *json,
    const struct path *path, unsigned int depth, struct error *error)
{
	ProtobufCMessage *message;
	const char *key;
	json_t *value;

	if (!json_is_object(json)) {
		refuse(error, path, "is not an object");
		return (NULL);
	}
	if (depth > PBJSON_DEPTH_MAX) {
		refuse(error, path, "is nested too deeply");
		return (NULL);
	}
	message = calloc(1, descriptor->sizeof_message);
	if (message == NULL) {
		error_errno(error, "%s", path->text);
		return (NULL);
	}
	descriptor->message_init(message);
	json_object_foreach((json_t *)(uintptr_t)json, key, value)
		if (field_from(message, key, value, path, depth, error) == -1) {
			protobuf_c_message_free_unpacked(message, NULL);
			return (NULL);
		}
	return (message);
}

ProtobufCMessage *
pbjson_from_json(const ProtobufCMessageDescriptor *descriptor,
    const json_t *json, struct error *error)
{
	struct path path;

	strlcpy(path.text, descriptor->short_name, sizeof(path.text));
	return (message_from(descriptor, json, &path, 0, error));
}

/*
 * jansson's integers are signed: put quotes around numbers too long for it,
 * as our own output has them.  Also refuses what is nested too deeply before
 * anything recurses into it.  Returns a copy to be freed.
 */
static char *
prepare(const char *text, size_t length, size_t *prepared, struct error *error)
{
	char *out = malloc(length * 2 + 1);	/* two quotes for 18 digits */
	size_t used = 0, run;
	unsigned int depth = 0;
	bool quoted = false;

	if (out == NULL) {
		error_errno(error, "JSON");
		return (NULL);
	}
	for (size_t i = 0; i < length; i++) {
		if (quoted) {
			quoted = text[i] != '"';
			out[used++] = text[i];
			if (text[i] == '\\' && i + 1 < length)
				out[used++] = text[++i];
			continue;
		}
		quoted = text[i] == '"';
		if (text[i] == '{' || text[i] == '[')
			depth++;
		else if ((text[i] == '}' || text[i] == ']') && depth > 0)
			depth--;
		if (depth > PBJSON_DEPTH_MAX) {
			error_set(error, EXIT_USAGE, "JSON nested too deeply");
			free(out);
			return (NULL);
		}
		for (run = 0; i + run < length &&
		    isdigit((unsigned char)text[i + run]); run++)
			;
		if (run > 18 && (i == 0 || strchr("-.eE+", text[i - 1]) == NULL) &&
		    (i + run == length || strchr(".eE", text[i + run]) == NULL)) {
			out[used++] = '"';
			memcpy(out + used, text + i, run);
			used += run;
			out[used++] = '"';
		} else if (run > 0) {
			memcpy(out + used, text + i, run);
			used += run;
		} else {
			out[used++] = text[i];
			continue;
		}
		i += run - 1;
	}
	*prepared = used;
	return (out);
}

json_t *
pbjson_load(const char *text, size_t length, struct error *error)
{
	json_error_t where;
	size_t prepared;
	char *copy;
	json_t *json;

	copy = prepare(text, length, &prepared, error);
	if (copy == NULL)
		return (NULL);
	json = json_loadb(copy, prepared, JSON_REJECT_DUPLICATES |
	    JSON_ALLOW_NUL, &where);
	free(copy);
	if (json == NULL)
		error_set(error, EXIT_USAGE, "%s", where.text);
	return (json);
}

ProtobufCMessage *
pbjson_parse(const ProtobufCMessageDescriptor *descriptor, const char *text,
    size_t length, struct error *error)
{
	ProtobufCMessage *message;
	json_t *json = pbjson_load(text, length, error);

	if (json == NULL) {
		error_prefix(error, "not JSON for %s", descriptor->short_name);
		return (NULL);
	}
	message = pbjson_from_json(descriptor, json, error);
	json_decref(json);
	return (message);
}
