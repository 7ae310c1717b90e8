/*
 * From JSON text to a message, or to its bytes on the wire.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message/arena.h"
#include "message/json_scan.h"
#include "message/pbjson.h"
#include "message/protobuf_field.h"

#define NAME_MAX_BYTES	64	/* of a field or an enum's value, with its NUL */
#define NO_INDEX	SIZE_MAX

/* Where we are, for errors: "SendReq.To.Guid", "SendReq.To[3]". */
struct path {
	const struct path *above;
	const char *name;
	size_t index;
};

struct parser {
	struct json_scan scan;
	pbjson_check *check;
	struct arena *arena;		/* for what is being parsed */
	struct arena elements;		/* and for the elements of a list, */
	struct buffer *wire;		/* where they go to the wire one by one */
	struct error *error;
};

/* What a message was allocated with: pbjson_free() finds it before it. */
struct owned {
	struct arena arena;
	ProtobufCMessage message;	/* and the rest of it */
};

static int	parse_message(struct parser *parser, ProtobufCMessage *message,
	    const struct path *path);

static size_t
write_path(char *out, size_t size, const struct path *path)
{
	size_t used = 0;

	if (path->above != NULL) {
		used = write_path(out, size, path->above);
		if (path->index == NO_INDEX)
			used = strlcat(out, ".", size);
	}
	if (path->index == NO_INDEX)
		return (strlcat(out, path->name, size));
	if (used < size)
		snprintf(out + used, size - used, "[%zu]", path->index);
	return (strlen(out));
}

static int
refuse(struct parser *parser, const struct path *path, const char *what)
{
	char text[256] = "";

	write_path(text, sizeof(text), path);
	return (error_set(parser->error, EXIT_USAGE, "%s: %s", text, what));
}

static int
no_memory(struct parser *parser)
{
	return (error_set(parser->error, EXIT_SYSTEM, "out of memory"));
}

/* --- values --- */

static int
parse_uint64(struct parser *parser, uint64_t *value, const struct path *path)
{
	const char type = json_scan_peek(&parser->scan);
	struct json_slice digits;

	if (type != '0' && type != '"')
		return (refuse(parser, path, "is not an unsigned 64-bit integer"));
	if ((type == '0' ? json_scan_number(&parser->scan, &digits, parser->error) :
	    json_scan_string(&parser->scan, &digits, parser->error)) == -1)
		return (-1);
	return (json_slice_uint64(value, &digits) ? 0 :
	    refuse(parser, path, "is not an unsigned 64-bit integer"));
}

static int
parse_enum_number(struct parser *parser, int *value, const struct path *path)
{
	struct json_slice number;
	char text[16], *end;
	long parsed;

	if (json_scan_number(&parser->scan, &number, parser->error) == -1)
		return (-1);
	if (!json_slice_copy(text, sizeof(text), &number))
		return (refuse(parser, path, "is neither a name nor a number"));
	parsed = strtol(text, &end, 10);
	if (*end != '\0' || parsed < INT_MIN || parsed > INT_MAX)
		return (refuse(parser, path, "is neither a name nor a number"));
	*value = (int)parsed;
	return (0);
}

static int
parse_enum(struct parser *parser, int *value,
    const ProtobufCEnumDescriptor *descriptor, const struct path *path)
{
	const ProtobufCEnumValue *known = NULL;
	const char type = json_scan_peek(&parser->scan);
	struct json_slice name;
	char text[NAME_MAX_BYTES], what[128];

	if (type == '0')
		return (parse_enum_number(parser, value, path));
	if (type != '"')
		return (refuse(parser, path, "is neither a name nor a number"));
	if (json_scan_string(&parser->scan, &name, parser->error) == -1)
		return (-1);
	if (json_slice_copy(text, sizeof(text), &name))
		known = protobuf_c_enum_descriptor_get_value_by_name(descriptor,
		    text);
	if (known == NULL) {
		snprintf(what, sizeof(what), "there is no %s named \"%.*s\"",
		    descriptor->short_name, (int)(name.length < NAME_MAX_BYTES ?
		    name.length : NAME_MAX_BYTES), name.text);
		return (refuse(parser, path, what));
	}
	*value = known->value;
	return (0);
}

static int
parse_string(struct parser *parser, char **value, const struct path *path)
{
	struct json_slice string;
	size_t length;

	if (json_scan_peek(&parser->scan) != '"')
		return (refuse(parser, path, "is not a string"));
	if (json_scan_string(&parser->scan, &string, parser->error) == -1)
		return (-1);
	*value = arena_text(parser->arena, string.length + 1);
	if (*value == NULL)
		return (no_memory(parser));
	length = json_slice_decode(*value, &string);
	return (strlen(*value) == length ? 0 :
	    refuse(parser, path, "holds a NUL character"));
}

static int
parse_bool(struct parser *parser, void *place, const struct path *path)
{
	const char type = json_scan_peek(&parser->scan);
	const protobuf_c_boolean truth = type == 't';

	if (type != 't' && type != 'f')
		return (refuse(parser, path, "is neither true nor false"));
	memcpy(place, &truth, sizeof(truth));
	return (json_scan_word(&parser->scan, parser->error));
}

static ProtobufCMessage *
new_message(struct parser *parser, const ProtobufCMessageDescriptor *descriptor)
{
	ProtobufCMessage *message = arena_object(parser->arena,
	    descriptor->sizeof_message);

	if (message != NULL)
		descriptor->message_init(message);
	else
		no_memory(parser);
	return (message);
}

/* One value into its place (a member, or an element of a repeated one). */
static int
parse_value(struct parser *parser, void *place,
    const ProtobufCFieldDescriptor *field, const struct path *path)
{
	ProtobufCMessage *message;

	switch (field->type) {
	case PROTOBUF_C_TYPE_UINT64:
		return (parse_uint64(parser, place, path));
	case PROTOBUF_C_TYPE_ENUM:
		return (parse_enum(parser, place, field->descriptor, path));
	case PROTOBUF_C_TYPE_STRING:
		return (parse_string(parser, place, path));
	case PROTOBUF_C_TYPE_BOOL:
		return (parse_bool(parser, place, path));
	case PROTOBUF_C_TYPE_MESSAGE:
		message = new_message(parser, field->descriptor);
		if (message == NULL)
			return (-1);
		memcpy(place, &message, sizeof(message));
		return (parse_message(parser, message, path));
	default:
		return (refuse(parser, path, "has a type that is not supported"));
	}
}

/* --- lists: the protocol's are all of messages --- */

static int
check_element(struct parser *parser, const ProtobufCMessage *element,
    const char *name)
{
	if (parser->check == NULL || parser->check(element, parser->error) == 0)
		return (0);
	return (error_prefix(parser->error, "%s", name));
}

/* How many elements follow, behind the '['. */
static int
count_elements(struct parser *parser, size_t *count)
{
	struct json_scan ahead = parser->scan;
	int more;

	for (*count = 0; (more = json_scan_element(&ahead, parser->error)) == 1;
	    ++*count)
		if (json_scan_skip(&ahead, NULL, parser->error) == -1)
			break;
	parser->scan.broken = ahead.broken;
	return (ahead.broken ? -1 : more);
}

static int
parse_elements(struct parser *parser, ProtobufCMessage *message,
    const ProtobufCFieldDescriptor *field, const struct path *path)
{
	struct path at = { path, NULL, 0 };
	ProtobufCMessage **elements;
	size_t count;

	if (count_elements(parser, &count) == -1)
		return (-1);
	elements = arena_object(parser->arena, (count + 1) * sizeof(*elements));
	if (elements == NULL)
		return (no_memory(parser));
	memcpy(member_of(message, field), &elements, sizeof(elements));
	for (; at.index < count; at.index++)
		if (json_scan_element(&parser->scan, parser->error) != 1 ||
		    parse_value(parser, &elements[at.index], field, &at) == -1 ||
		    check_element(parser, elements[at.index], field->name) == -1)
			return (-1);
	memcpy(quantifier_of(message, field), &count, sizeof(count));
	return (json_scan_element(&parser->scan, parser->error));
}

static int
append_varint(struct buffer *out, uint64_t value)
{
	uint8_t bytes[10];
	size_t used = 0;

	for (; value >= 0x80; value >>= 7)
		bytes[used++] = (uint8_t)(value | 0x80);
	bytes[used++] = (uint8_t)value;
	return (buffer_append(out, bytes, used));
}

/* What protobuf-c writes a message to. */
struct sink {
	ProtobufCBuffer base;
	struct buffer *out;
	bool failed;
};

static void
append_packed(ProtobufCBuffer *buffer, size_t length, const uint8_t *bytes)
{
	struct sink *sink = (struct sink *)buffer;

	sink->failed = sink->failed ||
	    buffer_append(sink->out, bytes, length) == -1;
}

static int
append_message(struct buffer *out, const ProtobufCMessage *message)
{
	struct sink sink = { { append_packed }, out, false };

	protobuf_c_message_pack_to_buffer(message, &sink.base);
	return (sink.failed ? -1 : 0);
}

/* Each element becomes bytes as soon as it is read, and is forgotten. */
static int
elements_to_wire(struct parser *parser, const ProtobufCFieldDescriptor *field,
    const struct path *path)
{
	struct arena *const outer = parser->arena;
	struct path at = { path, NULL, 0 };
	ProtobufCMessage *element;
	int more;

	parser->arena = &parser->elements;
	for (; (more = json_scan_element(&parser->scan, parser->error)) == 1;
	    at.index++) {
		arena_reset(&parser->elements);
		if (parse_value(parser, &element, field, &at) == -1 ||
		    check_element(parser, element, field->name) == -1) {
			more = -1;
			break;
		}
		if (append_varint(parser->wire, field->id << 3 | 2) == -1 ||
		    append_varint(parser->wire,
		    protobuf_c_message_get_packed_size(element)) == -1 ||
		    append_message(parser->wire, element) == -1) {
			more = no_memory(parser);
			break;
		}
	}
	parser->arena = outer;
	return (more);
}

static int
parse_list(struct parser *parser, ProtobufCMessage *message,
    const ProtobufCFieldDescriptor *field, const struct path *path)
{
	if (json_scan_peek(&parser->scan) != '[')
		return (refuse(parser, path, "is not an array"));
	if (field->type != PROTOBUF_C_TYPE_MESSAGE)
		return (refuse(parser, path, "has a type that is not supported"));
	if (json_scan_enter(&parser->scan, '[', parser->error) == -1)
		return (-1);
	if (parser->wire != NULL && path->above->above == NULL)
		return (elements_to_wire(parser, field, path));
	return (parse_elements(parser, message, field, path));
}

/* --- messages --- */

static int
parse_field(struct parser *parser, ProtobufCMessage *message,
    const ProtobufCFieldDescriptor *field, const struct path *path)
{
	if (json_scan_peek(&parser->scan) == 'n')
		return (json_scan_word(&parser->scan, parser->error));
	if (field->label == PROTOBUF_C_LABEL_REPEATED)
		return (parse_list(parser, message, field, path));
	if (in_oneof(field)) {
		uint32_t number;

		memcpy(&number, quantifier_of(message, field), sizeof(number));
		if (number != 0)
			return (refuse(parser, path,
			    "excludes another field that is given too"));
		memcpy(quantifier_of(message, field), &field->id,
		    sizeof(field->id));
	}
	return (parse_value(parser, member_of(message, field), field, path));
}

static int
parse_message(struct parser *parser, ProtobufCMessage *message,
    const struct path *path)
{
	const ProtobufCMessageDescriptor *descriptor = message->descriptor;
	const ProtobufCFieldDescriptor *field;
	char name[NAME_MAX_BYTES];
	struct path here = { path, name, NO_INDEX };
	struct json_slice key;
	uint64_t seen = 0, bit;
	int more;

	if (json_scan_peek(&parser->scan) != '{')
		return (refuse(parser, path, "is not an object"));
	if (json_scan_enter(&parser->scan, '{', parser->error) == -1)
		return (-1);
	while ((more = json_scan_key(&parser->scan, &key, parser->error)) == 1) {
		field = json_slice_copy(name, sizeof(name), &key) ?
		    protobuf_c_message_descriptor_get_field_by_name(descriptor,
		    name) : NULL;
		if (key.length >= sizeof(name))
			snprintf(name, sizeof(name), "%.32s", key.text);
		if (field == NULL)
			return (refuse(parser, &here, "there is no such field"));
		bit = UINT64_C(1) << ((size_t)(field - descriptor->fields) & 63);
		if ((seen & bit) != 0)
			return (refuse(parser, &here, "duplicate field"));
		seen |= bit;
		if (parse_field(parser, message, field, &here) == -1)
			return (-1);
	}
	return (more);
}

/* All of it; the error says of what if it is not even JSON. */
static int
parse_all(struct parser *parser, ProtobufCMessage *message)
{
	const char *name = message->descriptor->short_name;
	const struct path path = { NULL, name, NO_INDEX };

	/* At the end of the text, or before what begins no value, it is broken. */
	if (json_scan_peek(&parser->scan) == '\0' ?
	    json_scan_word(&parser->scan, parser->error) == -1 :
	    parse_message(parser, message, &path) == -1 ||
	    json_scan_end(&parser->scan, parser->error) == -1) {
		if (parser->scan.broken)
			error_prefix(parser->error, "not JSON for %s", name);
		return (-1);
	}
	return (parser->check == NULL ? 0 : parser->check(message, parser->error));
}

ProtobufCMessage *
pbjson_parse(const ProtobufCMessageDescriptor *descriptor, pbjson_check *check,
    const char *text, size_t length, struct error *error)
{
	struct owned *owned = calloc(1, offsetof(struct owned, message) +
	    descriptor->sizeof_message);
	struct parser parser = { .check = check, .error = error };

	if (owned == NULL) {
		error_errno(error, "%s", descriptor->short_name);
		return (NULL);
	}
	json_scan_init(&parser.scan, text, length);
	parser.arena = &owned->arena;
	descriptor->message_init(&owned->message);
	if (parse_all(&parser, &owned->message) == 0)
		return (&owned->message);
	pbjson_free(&owned->message);
	return (NULL);
}

void
pbjson_free(ProtobufCMessage *message)
{
	struct owned *owned;

	if (message == NULL)
		return;
	owned = (struct owned *)(void *)((char *)message -
	    offsetof(struct owned, message));
	arena_free(&owned->arena);
	free(owned);
}

/* The lists come last, behind what else there is: no message has it otherwise. */
void *
pbjson_to_wire(const ProtobufCMessageDescriptor *descriptor,
    pbjson_check *check, const char *text, size_t length, size_t *size,
    struct error *error)
{
	struct buffer lists = BUFFER_EMPTY(SIZE_MAX / 4), rest = lists;
	uint8_t *bytes = NULL;
	struct arena arena = ARENA_EMPTY;
	struct parser parser = { .check = check, .arena = &arena,
	    .elements = ARENA_EMPTY, .wire = &lists, .error = error };
	ProtobufCMessage *message = new_message(&parser, descriptor);

	json_scan_init(&parser.scan, text, length);
	if (message == NULL || parse_all(&parser, message) == -1)
		goto out;
	if (append_message(&rest, message) == -1 ||
	    buffer_append(&lists, buffer_front(&rest), buffer_length(&rest)) == -1 ||
	    buffer_append(&lists, "", 1) == -1) {
		no_memory(&parser);
		goto out;
	}
	/* The lists can be long: what goes before them is put there in place. */
	bytes = lists.bytes;
	*size = buffer_length(&lists) - 1;
	memmove(bytes + buffer_length(&rest), bytes, *size - buffer_length(&rest));
	if (buffer_length(&rest) > 0)
		memcpy(bytes, buffer_front(&rest), buffer_length(&rest));
out:
	if (bytes == NULL)
		buffer_free(&lists);
	buffer_free(&rest);
	arena_free(&parser.elements);
	arena_free(&arena);
	return (bytes);
}
