/*
 * From a message, or from its bytes on the wire, to JSON text.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "message/arena.h"
#include "message/json_text.h"
#include "message/pbjson.h"
#include "message/pbjson_wire.h"
#include "message/protobuf_field.h"

struct printer {
	struct buffer *out;
	struct error *error;
	/* The outermost message's lists are read from its bytes, if not NULL. */
	const struct wire *wire;
	pbjson_check *check;
	struct arena arena;		/* for one element */
};

static int	print_message(struct printer *printer,
	    const ProtobufCMessage *message, const struct wire *wire);

/* Turn a result of buffer_append() or json_text.h into 0, or -1 with an error. */
static int
appended(struct printer *printer, int result, const char *name)
{
	if (result == 0)
		return (0);
	if (errno == EILSEQ)
		return (error_set(printer->error, EXIT_PROTOCOL,
		    "%s: is not UTF-8", name));
	return (error_errno(printer->error, "%s", name));
}

static int
print_enum(struct printer *printer, int value,
    const ProtobufCEnumDescriptor *descriptor)
{
	const ProtobufCEnumValue *known =
	    protobuf_c_enum_descriptor_get_value(descriptor, value);

	return (known == NULL ? json_text_integer(printer->out, value) :
	    json_text_string(printer->out, known->name, strlen(known->name)));
}

static int
print_value(struct printer *printer, const void *place,
    const ProtobufCFieldDescriptor *field)
{
	const ProtobufCMessage *message;
	const char *text;
	int result;

	switch (field->type) {
	case PROTOBUF_C_TYPE_UINT64:
		result = json_text_uint64(printer->out, *(const uint64_t *)place);
		break;
	case PROTOBUF_C_TYPE_ENUM:
		result = print_enum(printer, *(const int *)place, field->descriptor);
		break;
	case PROTOBUF_C_TYPE_BOOL:
		result = json_text_raw(printer->out,
		    *(const protobuf_c_boolean *)place ? "true" : "false");
		break;
	case PROTOBUF_C_TYPE_STRING:
		memcpy(&text, place, sizeof(text));
		result = json_text_string(printer->out, text, strlen(text));
		break;
	case PROTOBUF_C_TYPE_MESSAGE:
		memcpy(&message, place, sizeof(message));
		return (print_message(printer, message, NULL));
	default:
		return (error_set(printer->error, EXIT_SYSTEM,
		    "%s: has a type that is not supported", field->name));
	}
	return (appended(printer, result, field->name));
}

/* Is the field absent, or its value the default?  Then it is left out. */
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

static int
print_elements(struct printer *printer, const ProtobufCMessage *message,
    const ProtobufCFieldDescriptor *field)
{
	ProtobufCMessage **elements;
	const size_t count = count_of(message, field);

	memcpy(&elements, member_of(message, field), sizeof(elements));
	for (size_t i = 0; i < count; i++)
		if (appended(printer, json_text_raw(printer->out,
		    i == 0 ? "[" : ","), field->name) == -1 ||
		    print_value(printer, &elements[i], field) == -1)
			return (-1);
	return (0);
}

/* Each element is unpacked, checked, printed and freed. */
static int
print_elements_of_wire(struct printer *printer, struct wire wire,
    const ProtobufCFieldDescriptor *field)
{
	const char *before = "[";
	ProtobufCMessage *element;
	struct wire_field found;

	while (wire_next(&wire, &found) == 1) {
		if (found.number != field->id)
			continue;
		arena_reset(&printer->arena);
		element = wire_unpack(field->descriptor, &found.value,
		    &printer->arena, printer->error);
		if (element == NULL || (printer->check != NULL &&
		    printer->check(element, printer->error) == -1))
			return (error_prefix(printer->error, "%s", field->name));
		if (appended(printer, json_text_raw(printer->out, before),
		    field->name) == -1 ||
		    print_message(printer, element, NULL) == -1)
			return (-1);
		before = ",";
	}
	return (0);
}

static bool
has_elements(const ProtobufCMessage *message, const struct wire *wire,
    const ProtobufCFieldDescriptor *field)
{
	return (wire != NULL ? wire_has(*wire, field->id) :
	    count_of(message, field) > 0);
}

static int
print_field(struct printer *printer, const ProtobufCMessage *message,
    const struct wire *wire, const ProtobufCFieldDescriptor *field)
{
	if (field->label != PROTOBUF_C_LABEL_REPEATED)
		return (print_value(printer, member_of(message, field), field));
	if ((wire != NULL ? print_elements_of_wire(printer, *wire, field) :
	    print_elements(printer, message, field)) == -1)
		return (-1);
	return (appended(printer, json_text_raw(printer->out, "]"), field->name));
}

static int
print_message(struct printer *printer, const ProtobufCMessage *message,
    const struct wire *wire)
{
	const ProtobufCMessageDescriptor *descriptor = message->descriptor;
	const ProtobufCFieldDescriptor *field;
	const char *before = "{\"";

	for (unsigned int i = 0; i < descriptor->n_fields; i++) {
		field = &descriptor->fields[i];
		if (field->label == PROTOBUF_C_LABEL_REPEATED ?
		    !has_elements(message, wire, field) :
		    is_default(message, field))
			continue;
		if (appended(printer, json_text_raw(printer->out, before),
		    field->name) == -1 ||
		    appended(printer, json_text_raw(printer->out, field->name),
		    field->name) == -1 ||
		    appended(printer, json_text_raw(printer->out, "\":"),
		    field->name) == -1 ||
		    print_field(printer, message, wire, field) == -1)
			return (-1);
		before = ",\"";
	}
	return (appended(printer, json_text_raw(printer->out,
	    before[0] == '{' ? "{}" : "}"), descriptor->short_name));
}

/* The text of the buffer, unless the result was -1. */
static char *
finish(struct printer *printer, int result, size_t *length)
{
	char *text = NULL;

	if (result == 0 &&
	    (text = buffer_release(printer->out, length)) == NULL)
		error_errno(printer->error, "JSON");
	buffer_free(printer->out);
	return (text);
}

int
pbjson_append(struct buffer *out, const ProtobufCMessage *message,
    struct error *error)
{
	struct printer printer = { .out = out, .error = error };

	if (print_message(&printer, message, NULL) == 0)
		return (0);
	return (error_prefix(error, "%s", message->descriptor->short_name));
}

char *
pbjson_print(const ProtobufCMessage *message, size_t *length,
    struct error *error)
{
	struct buffer out = BUFFER_EMPTY(SIZE_MAX / 4);
	struct printer printer = { .out = &out, .error = error };

	return (finish(&printer, pbjson_append(&out, message, error), length));
}

char *
pbjson_from_wire(const ProtobufCMessageDescriptor *descriptor,
    pbjson_check *check, const void *bytes, size_t length,
    size_t *text_length, struct error *error)
{
	struct buffer out = BUFFER_EMPTY(SIZE_MAX / 4);
	struct arena arena = ARENA_EMPTY;
	const struct wire wire = { bytes, (const uint8_t *)bytes + length };
	struct printer printer = { .out = &out, .error = error, .check = check,
	    .arena = ARENA_EMPTY };
	ProtobufCMessage *message;
	int result = -1;

	/* The message has all fields except its lists, which stay on the wire. */
	message = wire_unpack(descriptor, &wire, &arena, error);
	if (message != NULL &&
	    (check == NULL || check(message, error) == 0))
		result = print_message(&printer, message, &wire);
	arena_free(&printer.arena);
	arena_free(&arena);
	return (finish(&printer, result, text_length));
}

void *
pbjson_pack(const ProtobufCMessage *message, size_t *length,
    struct error *error)
{
	void *bytes;

	*length = protobuf_c_message_get_packed_size(message);
	bytes = malloc(*length + 1);
	if (bytes == NULL)
		error_errno(error, "%s", message->descriptor->short_name);
	else
		protobuf_c_message_pack(message, bytes);
	return (bytes);
}
