#ifndef ZR_PROTOBUF_FIELD_H
#define ZR_PROTOBUF_FIELD_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/*
 * The places of a field inside its message, for code that walks any message by
 * descriptor: protobuf-c gives the offset, we give the type.
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

/* Is this the chosen member of its oneof?  True for other fields. */
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
