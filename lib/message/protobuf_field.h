#ifndef ZR_PROTOBUF_FIELD_H
#define ZR_PROTOBUF_FIELD_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/*
 * The places of a field inside its message: protobuf-c says where, we say of
 * which type.  For those that walk over any message by descriptor.
 */
static inline void *
member_of(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
	return ((uint8_t *)(uintptr_t)message + field->offset);
}

static inline void *
quantifier_of(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
	return ((uint8_t *)(uintptr_t)message + field->quantifier_offset);
}

/* How many elements a repeated field has. */
static inline size_t
count_of(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
	size_t count;

	memcpy(&count, quantifier_of(message, field), sizeof(count));
	return (count);
}

static inline bool
in_oneof(const ProtobufCFieldDescriptor *field)
{
	return ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0);
}

/* Of a oneof: is this the member that is there?  True for other fields. */
static inline bool
is_chosen(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
	uint32_t number;

	if (!in_oneof(field))
		return (true);
	memcpy(&number, quantifier_of(message, field), sizeof(number));
	return (number == field->id);
}

#endif
