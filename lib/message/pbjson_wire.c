#include <string.h>

#include "base/utf8.h"
#include "message/pbjson_wire.h"
#include "message/protobuf_field.h"

static int	unpack_into(ProtobufCMessage *message, struct wire wire,
	    bool outermost, struct arena *arena, struct error *error);

/* -1: cut, or more than 64 bits. */
static int
take_varint(struct wire *wire, uint64_t *value)
{
	uint8_t byte;

	*value = 0;
	for (unsigned int shift = 0; wire->at < wire->end && shift < 64; shift += 7) {
		byte = *wire->at++;
		if (shift == 63 && byte > 1)
			return (-1);
		*value |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80)
			return (0);
	}
	return (-1);
}

static int
skip(struct wire *wire, uint64_t length)
{
	if (length > (uint64_t)(wire->end - wire->at))
		return (-1);
	wire->at += length;
	return (0);
}

int
wire_next(struct wire *wire, struct wire_field *field)
{
	const uint8_t *begin = wire->at;
	uint64_t tag, length;

	if (wire->at == wire->end)
		return (0);
	if (take_varint(wire, &tag) == -1 || wire->at - begin > 5 ||
	    tag >> 3 == 0 || tag > UINT32_MAX)
		return (-1);
	*field = (struct wire_field){ .number = (uint32_t)(tag >> 3),
	    .type = tag & 7 };
	switch (field->type) {
	case 0:
		return (take_varint(wire, &field->varint) == 0 ? 1 : -1);
	case 1:
		return (skip(wire, 8) == 0 ? 1 : -1);
	case 2:
		begin = wire->at;
		if (take_varint(wire, &length) == -1 || wire->at - begin > 5)
			return (-1);
		field->value.at = wire->at;
		if (skip(wire, length) == -1)
			return (-1);
		field->value.end = wire->at;
		return (1);
	case 5:
		return (skip(wire, 4) == 0 ? 1 : -1);
	default:
		return (-1);	/* groups are long gone */
	}
}

bool
wire_has(struct wire wire, uint32_t number)
{
	struct wire_field field;

	while (wire_next(&wire, &field) == 1)
		if (field.number == number)
			return (true);
	return (false);
}

static int
not_a_message(const ProtobufCMessage *message, size_t length, struct error *error)
{
	return (error_set(error, EXIT_PROTOCOL, "%zu bytes are not a %s message",
	    length, message->descriptor->short_name));
}

static int
unpack_string(const ProtobufCMessage *message,
    const ProtobufCFieldDescriptor *field, const struct wire *value,
    struct arena *arena, struct error *error)
{
	const char *const in = message->descriptor->short_name;
	const size_t length = (size_t)(value->end - value->at);
	char *text;

	if (!utf8_valid((const char *)value->at, length))
		return (error_set(error, EXIT_PROTOCOL, "%s: %s: is not UTF-8",
		    in, field->name));
	if (length > 0 && memchr(value->at, '\0', length) != NULL)
		return (error_set(error, EXIT_PROTOCOL,
		    "%s: %s: holds a NUL character", in, field->name));
	text = arena_text(arena, length + 1);
	if (text == NULL)
		return (error_errno(error, "%s", in));
	if (length > 0)
		memcpy(text, value->at, length);
	text[length] = '\0';
	memcpy(member_of(message, field), &text, sizeof(text));
	return (0);
}

/* If the field already has a message, the two are merged. */
static int
unpack_below(ProtobufCMessage **place, const ProtobufCFieldDescriptor *field,
    struct wire value, struct arena *arena, struct error *error)
{
	const ProtobufCMessageDescriptor *descriptor = field->descriptor;

	if (*place == NULL) {
		*place = arena_object(arena, descriptor->sizeof_message);
		if (*place == NULL)
			return (error_errno(error, "%s", field->name));
		descriptor->message_init(*place);
	}
	if (unpack_into(*place, value, false, arena, error) == -1)
		return (error_prefix(error, "%s", field->name));
	return (0);
}

/* One value of the right type into its place. */
static int
unpack_value(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
    const struct wire_field *found, struct arena *arena, struct error *error)
{
	void *const place = member_of(message, field);
	const protobuf_c_boolean truth = found->varint != 0;
	const int number = (int)(uint32_t)found->varint;

	switch (field->type) {
	case PROTOBUF_C_TYPE_UINT64:
		memcpy(place, &found->varint, sizeof(found->varint));
		break;
	case PROTOBUF_C_TYPE_ENUM:
		memcpy(place, &number, sizeof(number));
		break;
	case PROTOBUF_C_TYPE_BOOL:
		memcpy(place, &truth, sizeof(truth));
		break;
	case PROTOBUF_C_TYPE_STRING:
		return (unpack_string(message, field, &found->value, arena,
		    error));
	case PROTOBUF_C_TYPE_MESSAGE:
		return (unpack_below(place, field, found->value, arena, error));
	default:
		return (error_set(error, EXIT_SYSTEM,
		    "%s: has a type that is not supported", field->name));
	}
	if (in_oneof(field))
		memcpy(quantifier_of(message, field), &field->id,
		    sizeof(field->id));
	return (0);
}

static int
unpack_into(ProtobufCMessage *message, struct wire wire, bool outermost,
    struct arena *arena, struct error *error)
{
	const size_t length = (size_t)(wire.end - wire.at);
	const ProtobufCFieldDescriptor *field;
	struct wire_field found;
	int more;

	while ((more = wire_next(&wire, &found)) == 1) {
		field = protobuf_c_message_descriptor_get_field(
		    message->descriptor, found.number);
		if (field == NULL)
			continue;
		if (found.type != (field->type == PROTOBUF_C_TYPE_STRING ||
		    field->type == PROTOBUF_C_TYPE_MESSAGE ? 2 : 0))
			return (not_a_message(message, length, error));
		if (field->label != PROTOBUF_C_LABEL_REPEATED) {
			if (unpack_value(message, field, &found, arena, error) == -1)
				return (-1);
		} else if (!outermost || field->type != PROTOBUF_C_TYPE_MESSAGE)
			return (error_set(error, EXIT_SYSTEM,
			    "%s: has a type that is not supported", field->name));
	}
	return (more == 0 ? 0 : not_a_message(message, length, error));
}

ProtobufCMessage *
wire_unpack(const ProtobufCMessageDescriptor *descriptor,
    const struct wire *wire, struct arena *arena, struct error *error)
{
	ProtobufCMessage *message = arena_object(arena,
	    descriptor->sizeof_message);

	if (message == NULL) {
		error_errno(error, "%s", descriptor->short_name);
		return (NULL);
	}
	descriptor->message_init(message);
	return (unpack_into(message, *wire, true, arena, error) == 0 ?
	    message : NULL);
}
