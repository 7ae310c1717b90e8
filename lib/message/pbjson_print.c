#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "message/pbjson.h"
#include "message/protobuf_field.h"

static json_t *
uint64_to(uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	return (json_string_nocheck(text));
}

static json_t *
enum_to(int value, const ProtobufCEnumDescriptor *descriptor)
{
	const ProtobufCEnumValue *known =
	    protobuf_c_enum_descriptor_get_value(descriptor, value);

	return (known == NULL ? json_integer(value) :
	    json_string_nocheck(known->name));
}

/* NULL with *error for what cannot be said in JSON. */
static json_t *
value_to(const void *place, const ProtobufCFieldDescriptor *field,
    struct error *error)
{
	const ProtobufCMessage *message;
	const char *text;
	json_t *json = NULL;

	switch (field->type) {
	case PROTOBUF_C_TYPE_UINT64:
		json = uint64_to(*(const uint64_t *)place);
		break;
	case PROTOBUF_C_TYPE_ENUM:
		json = enum_to(*(const int *)place, field->descriptor);
		break;
	case PROTOBUF_C_TYPE_BOOL:
		json = json_boolean(*(const protobuf_c_boolean *)place);
		break;
	case PROTOBUF_C_TYPE_STRING:
		memcpy(&text, place, sizeof(text));
		json = json_string(text);
		if (json == NULL) {
			error_set(error, EXIT_PROTOCOL, "%s: is not UTF-8",
			    field->name);
			return (NULL);
		}
		break;
	case PROTOBUF_C_TYPE_MESSAGE:
		memcpy(&message, place, sizeof(message));
		return (pbjson_to_json(message, error));
	default:
		break;
	}
	if (json == NULL)
		error_set(error, EXIT_SYSTEM, "%s: cannot be written as JSON",
		    field->name);
	return (json);
}

/* Absent, or its default: left out. */
static bool
is_default(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
	const void *place = member_of(message, field);
	const void *pointer;

	if (in_oneof(field))
		return (!is_chosen(message, field));
	switch (field->type) {
	case PROTOBUF_C_TYPE_UINT64:
		return (*(const uint64_t *)place == 0);
	case PROTOBUF_C_TYPE_ENUM:
		return (*(const int *)place == 0);
	case PROTOBUF_C_TYPE_BOOL:
		return (!*(const protobuf_c_boolean *)place);
	default:
		memcpy(&pointer, place, sizeof(pointer));
		return (pointer == NULL || (field->type == PROTOBUF_C_TYPE_STRING &&
		    *(const char *)pointer == '\0'));
	}
}

static json_t *
array_to(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
    struct error *error)
{
	ProtobufCMessage **elements;
	json_t *array = json_array(), *element;
	const size_t count = count_of(message, field);

	memcpy(&elements, member_of(message, field), sizeof(elements));
	for (size_t i = 0; i < count; i++) {
		element = value_to(&elements[i], field, error);
		if (element == NULL || json_array_append_new(array, element) == -1) {
			json_decref(array);
			return (NULL);
		}
	}
	return (array);
}

json_t *
pbjson_to_json(const ProtobufCMessage *message, struct error *error)
{
	const ProtobufCMessageDescriptor *descriptor = message->descriptor;
	const ProtobufCFieldDescriptor *field;
	json_t *object = json_object(), *value;

	for (unsigned int i = 0; i < descriptor->n_fields; i++) {
		field = &descriptor->fields[i];
		if (field->label == PROTOBUF_C_LABEL_REPEATED) {
			if (count_of(message, field) == 0)
				continue;
			value = array_to(message, field, error);
		} else if (is_default(message, field))
			continue;
		else
			value = value_to(member_of(message, field), field, error);
		if (value == NULL ||
		    json_object_set_new_nocheck(object, field->name, value) == -1) {
			error_prefix(error, "%s", descriptor->short_name);
			json_decref(object);
			return (NULL);
		}
	}
	return (object);
}

char *
pbjson_print(const ProtobufCMessage *message, size_t *length,
    struct error *error)
{
	json_t *json = pbjson_to_json(message, error);
	char *text;

	if (json == NULL)
		return (NULL);
	text = json_dumps(json, JSON_COMPACT);
	json_decref(json);
	if (text == NULL) {
		error_set(error, EXIT_SYSTEM, "%s: cannot be written as JSON",
		    message->descriptor->short_name);
		return (NULL);
	}
	if (length != NULL)
		*length = strlen(text);
	return (text);
}
