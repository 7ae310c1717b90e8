#include <stdlib.h>

#include "base/utf8.h"
#include "message/pbjson.h"
#include "message/protobuf_field.h"

/*
 * protobuf-c takes any bytes for a string; what is not UTF-8 JSON cannot say.
 * Nesting is bounded by the descriptors: no message of ours holds itself.
 */
static int	check_message(const ProtobufCMessage *message, struct error *error);

static int
check_value(const void *place, const ProtobufCFieldDescriptor *field,
    struct error *error)
{
	const void *pointer;

	if (field->type != PROTOBUF_C_TYPE_STRING &&
	    field->type != PROTOBUF_C_TYPE_MESSAGE)
		return (0);
	memcpy(&pointer, place, sizeof(pointer));
	if (pointer == NULL)
		return (0);
	if (field->type == PROTOBUF_C_TYPE_MESSAGE)
		return (check_message(pointer, error));
	if (utf8_valid(pointer, strlen(pointer)))
		return (0);
	return (error_set(error, EXIT_PROTOCOL, "%s: is not UTF-8", field->name));
}

static int
check_field(const ProtobufCMessage *message,
    const ProtobufCFieldDescriptor *field, struct error *error)
{
	void *const *elements;

	if (field->label != PROTOBUF_C_LABEL_REPEATED)
		return (is_chosen(message, field) ?
		    check_value(member_of(message, field), field, error) : 0);
	/* The protocol's repeated fields are all messages. */
	if (field->type != PROTOBUF_C_TYPE_MESSAGE)
		return (error_set(error, EXIT_SYSTEM, "%s: has a type that is "
		    "not supported", field->name));
	memcpy(&elements, member_of(message, field), sizeof(elements));
	for (size_t i = 0; i < count_of(message, field); i++)
		if (check_message(elements[i], error) == -1)
			return (-1);
	return (0);
}

static int
check_message(const ProtobufCMessage *message, struct error *error)
{
	const ProtobufCMessageDescriptor *descriptor = message->descriptor;

	for (unsigned int i = 0; i < descriptor->n_fields; i++)
		if (check_field(message, &descriptor->fields[i], error) == -1)
			return (error_prefix(error, "%s", descriptor->short_name));
	return (0);
}

ProtobufCMessage *
pbjson_unpack(const ProtobufCMessageDescriptor *descriptor, const void *bytes,
    size_t length, struct error *error)
{
	ProtobufCMessage *message;

	message = protobuf_c_message_unpack(descriptor, NULL, length, bytes);
	if (message == NULL) {
		error_set(error, EXIT_PROTOCOL, "%zu bytes are not a %s message",
		    length, descriptor->short_name);
		return (NULL);
	}
	if (check_message(message, error) == -1) {
		protobuf_c_message_free_unpacked(message, NULL);
		return (NULL);
	}
	return (message);
}

int
pbjson_pack(const ProtobufCMessage *message, void **bytes, size_t *length,
    struct error *error)
{
	*length = protobuf_c_message_get_packed_size(message);
	*bytes = malloc(*length + 1);
	if (*bytes == NULL)
		return (error_errno(error, "%s", message->descriptor->short_name));
	protobuf_c_message_pack(message, *bytes);
	return (0);
}
