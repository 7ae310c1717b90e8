/*
 * From JSON text to a message, or to its bytes on the wire.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message/pbjson.h"
#include "message/pbjson_value.h"
#include "message/protobuf_field.h"

#define VARINT_MAX	10	/* bytes */

struct parser {
	struct pbjson_reader reader;
	pbjson_check *check;
	struct arena elements;		/* for those of a list, */
	struct buffer *wire;		/* where they go to the wire one by one */
};

/* A message with its arena before it, where pbjson_free() finds the arena. */
struct owned {
	struct arena arena;
	ProtobufCMessage message;	/* followed by its other fields */
};

static int	parse_message(struct parser *parser, ProtobufCMessage *message,
	    const struct pbjson_path *path);

static ProtobufCMessage *
new_message(struct parser *parser, const ProtobufCMessageDescriptor *descriptor)
{
	ProtobufCMessage *message = arena_object(parser->reader.arena,
	    descriptor->sizeof_message);

	if (message != NULL)
		descriptor->message_init(message);
	else
		pbjson_no_memory(&parser->reader);
	return (message);
}

/* One value into its place (a member, or an element of a repeated one). */
static int
parse_value(struct parser *parser, void *place,
    const ProtobufCFieldDescriptor *field, const struct pbjson_path *path)
{
	ProtobufCMessage *message;

	if (field->type != PROTOBUF_C_TYPE_MESSAGE)
		return (pbjson_value(&parser->reader, place, field, path));
	message = new_message(parser, field->descriptor);
	if (message == NULL)
		return (-1);
	memcpy(place, &message, sizeof(message));
	return (parse_message(parser, message, path));
}

/* --- lists: the protocol's are all of messages --- */

static int
check_element(struct parser *parser, const ProtobufCMessage *element,
    const char *name)
{
	if (parser->check == NULL || parser->check(element, parser->reader.error) == 0)
		return (0);
	return (error_prefix(parser->reader.error, "%s", name));
}

/* How many elements follow, behind the '['. */
static int
count_elements(struct parser *parser, size_t *count)
{
	struct json_scan ahead = parser->reader.scan;
	int more;

	for (*count = 0; (more = json_scan_element(&ahead, parser->reader.error)) == 1;
	    ++*count)
		if (json_scan_skip(&ahead, NULL, parser->reader.error) == -1)
			break;
	parser->reader.scan.broken = ahead.broken;
	return (ahead.broken ? -1 : more);
}

static int
parse_elements(struct parser *parser, ProtobufCMessage *message,
    const ProtobufCFieldDescriptor *field, const struct pbjson_path *path)
{
	struct pbjson_path at = { path, NULL, 0 };
	ProtobufCMessage **elements;
	size_t count;

	if (count_elements(parser, &count) == -1)
		return (-1);
	elements = arena_object(parser->reader.arena, (count + 1) * sizeof(*elements));
	if (elements == NULL)
		return (pbjson_no_memory(&parser->reader));
	memcpy(member_of(message, field), &elements, sizeof(elements));
	for (; at.index < count; at.index++)
		if (json_scan_element(&parser->reader.scan, parser->reader.error) != 1 ||
		    parse_value(parser, &elements[at.index], field, &at) == -1 ||
		    check_element(parser, elements[at.index], field->name) == -1)
			return (-1);
	memcpy(quantifier_of(message, field), &count, sizeof(count));
	return (json_scan_element(&parser->reader.scan, parser->reader.error));
}

static uint8_t *
put_varint(uint8_t *at, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		*at++ = (uint8_t)(value | 0x80);
	*at++ = (uint8_t)value;
	return (at);
}

static int
append_element(struct parser *parser, const ProtobufCFieldDescriptor *field,
    const ProtobufCMessage *element)
{
	const size_t size = protobuf_c_message_get_packed_size(element);
	uint8_t *const bytes = (uint8_t *)arena_text(parser->reader.arena,
	    2 * VARINT_MAX + size), *end;

	if (bytes == NULL)
		return (pbjson_no_memory(&parser->reader));
	end = put_varint(bytes, field->id << 3 | 2);
	end = put_varint(end, size);
	end += protobuf_c_message_pack(element, end);
	return (buffer_append(parser->wire, bytes, (size_t)(end - bytes)) == 0 ?
	    0 : pbjson_no_memory(&parser->reader));
}

/* Each element is turned into bytes as soon as it is read, and then freed. */
static int
elements_to_wire(struct parser *parser, const ProtobufCFieldDescriptor *field,
    const struct pbjson_path *path)
{
	struct arena *const outer = parser->reader.arena;
	struct pbjson_path at = { path, NULL, 0 };
	ProtobufCMessage *element;
	int more;

	parser->reader.arena = &parser->elements;
	for (; (more = json_scan_element(&parser->reader.scan,
	    parser->reader.error)) == 1; at.index++) {
		arena_reset(&parser->elements);
		if (parse_value(parser, &element, field, &at) == -1 ||
		    check_element(parser, element, field->name) == -1 ||
		    append_element(parser, field, element) == -1) {
			more = -1;
			break;
		}
	}
	parser->reader.arena = outer;
	return (more);
}

static int
parse_list(struct parser *parser, ProtobufCMessage *message,
    const ProtobufCFieldDescriptor *field, const struct pbjson_path *path)
{
	if (json_scan_peek(&parser->reader.scan) != '[')
		return (pbjson_refuse(&parser->reader, path, "is not an array"));
	if (field->type != PROTOBUF_C_TYPE_MESSAGE)
		return (pbjson_refuse(&parser->reader, path,
		    "has a type that is not supported"));
	if (json_scan_enter(&parser->reader.scan, '[', parser->reader.error) == -1)
		return (-1);
	if (parser->wire != NULL && path->above->above == NULL)
		return (elements_to_wire(parser, field, path));
	return (parse_elements(parser, message, field, path));
}

/* --- messages --- */

static int
parse_field(struct parser *parser, ProtobufCMessage *message,
    const ProtobufCFieldDescriptor *field, const struct pbjson_path *path)
{
	if (json_scan_peek(&parser->reader.scan) == 'n')
		return (json_scan_word(&parser->reader.scan, parser->reader.error));
	if (field->label == PROTOBUF_C_LABEL_REPEATED)
		return (parse_list(parser, message, field, path));
	if (in_oneof(field)) {
		uint32_t number;

		memcpy(&number, quantifier_of(message, field), sizeof(number));
		if (number != 0)
			return (pbjson_refuse(&parser->reader, path,
			    "excludes another field that is given too"));
		memcpy(quantifier_of(message, field), &field->id,
		    sizeof(field->id));
	}
	return (parse_value(parser, member_of(message, field), field, path));
}

static int
parse_message(struct parser *parser, ProtobufCMessage *message,
    const struct pbjson_path *path)
{
	const ProtobufCMessageDescriptor *descriptor = message->descriptor;
	const ProtobufCFieldDescriptor *field;
	char name[PBJSON_NAME_MAX];
	struct pbjson_path here = { path, name, PBJSON_NO_INDEX };
	struct json_slice key;
	uint64_t seen = 0, bit;
	int more;

	if (json_scan_peek(&parser->reader.scan) != '{')
		return (pbjson_refuse(&parser->reader, path, "is not an object"));
	if (json_scan_enter(&parser->reader.scan, '{', parser->reader.error) == -1)
		return (-1);
	while ((more = json_scan_key(&parser->reader.scan, &key,
	    parser->reader.error)) == 1) {
		field = json_slice_copy(name, sizeof(name), &key) ?
		    protobuf_c_message_descriptor_get_field_by_name(descriptor,
		    name) : NULL;
		if (key.length >= sizeof(name))
			snprintf(name, sizeof(name), "%.32s", key.text);
		if (field == NULL)
			return (pbjson_refuse(&parser->reader, &here,
			    "there is no such field"));
		bit = UINT64_C(1) << ((size_t)(field - descriptor->fields) & 63);
		if ((seen & bit) != 0)
			return (pbjson_refuse(&parser->reader, &here, "duplicate field"));
		seen |= bit;
		if (parse_field(parser, message, field, &here) == -1)
			return (-1);
	}
	return (more);
}

/* Parse the whole text; if it is not JSON at all, the error names the message. */
static int
parse_all(struct parser *parser, ProtobufCMessage *message)
{
	const char *name = message->descriptor->short_name;
	const struct pbjson_path path = { NULL, name, PBJSON_NO_INDEX };

	/* At the end of the text, or before what begins no value, it is broken. */
	if (json_scan_peek(&parser->reader.scan) == '\0' ?
	    json_scan_word(&parser->reader.scan, parser->reader.error) == -1 :
	    parse_message(parser, message, &path) == -1 ||
	    json_scan_end(&parser->reader.scan, parser->reader.error) == -1) {
		if (parser->reader.scan.broken)
			error_prefix(parser->reader.error, "not JSON for %s", name);
		return (-1);
	}
	return (parser->check == NULL ? 0 : parser->check(message, parser->reader.error));
}

ProtobufCMessage *
pbjson_parse(const ProtobufCMessageDescriptor *descriptor, pbjson_check *check,
    const char *text, size_t length, struct error *error)
{
	struct owned *owned = calloc(1, offsetof(struct owned, message) +
	    descriptor->sizeof_message);
	struct parser parser = { .check = check, .reader.error = error };

	if (owned == NULL) {
		error_errno(error, "%s", descriptor->short_name);
		return (NULL);
	}
	json_scan_init(&parser.reader.scan, text, length);
	parser.reader.arena = &owned->arena;
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

/* The lists come after all other fields, as in every message of the protocol. */
void *
pbjson_to_wire(const ProtobufCMessageDescriptor *descriptor,
    pbjson_check *check, const char *text, size_t length, size_t *size,
    struct error *error)
{
	struct buffer wire = BUFFER_EMPTY(SIZE_MAX / 4);
	struct arena arena = ARENA_EMPTY;
	struct parser parser = { .reader.arena = &arena, .reader.error = error,
	    .check = check, .elements = ARENA_EMPTY, .wire = &wire };
	ProtobufCMessage *message = new_message(&parser, descriptor);
	uint8_t *bytes = NULL, *rest;
	size_t rest_size;

	json_scan_init(&parser.reader.scan, text, length);
	if (message == NULL || parse_all(&parser, message) == -1)
		goto out;
	rest_size = protobuf_c_message_get_packed_size(message);
	rest = (uint8_t *)arena_text(&arena, rest_size + 1);
	if (rest == NULL ||
	    buffer_append(&wire, rest, rest_size) == -1 ||
	    (bytes = buffer_release(&wire, size)) == NULL) {
		pbjson_no_memory(&parser.reader);
		goto out;
	}
	/* The lists can be long: what goes before them is put there in place. */
	protobuf_c_message_pack(message, rest);
	memmove(bytes + rest_size, bytes, *size - rest_size);
	memcpy(bytes, rest, rest_size);
out:
	buffer_free(&wire);
	arena_free(&parser.elements);
	arena_free(&arena);
	return (bytes);
}
