/*
 * Feeds JSON, or a message's bytes, of the type that the first byte says,
 * from one form to the other and back.  What came out once must come out
 * again, the two ways to it (element by element, and as a message) must
 * agree, and protobuf-c must read the bytes as we do.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "message/method.h"
#include "message/pbjson.h"
#include "message/pbjson_wire.h"
#include "message/request_check.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct error error;

static void
must(int condition)
{
	if (!condition)
		__builtin_trap();
}

/* A line of ours: as a message, and through the wire, it stays the same. */
static void
round_trip(const ProtobufCMessageDescriptor *descriptor, const char *line,
    size_t length)
{
	ProtobufCMessage *message;
	size_t size, packed_size;
	void *bytes, *packed;
	char *again;

	must(strlen(line) == length);
	message = pbjson_parse(descriptor, NULL, line, length, &error);
	must(message != NULL);
	again = pbjson_print(message, NULL, &error);
	must(again != NULL && strcmp(line, again) == 0);
	free(again);
	packed = pbjson_pack(message, &packed_size, &error);
	bytes = pbjson_to_wire(descriptor, NULL, line, length, &size, &error);
	must(packed != NULL && bytes != NULL && size == packed_size &&
	    memcmp(bytes, packed, size) == 0);
	again = pbjson_from_wire(descriptor, NULL, bytes, size, NULL, &error);
	must(again != NULL && strcmp(line, again) == 0);
	free(again);
	free(bytes);
	free(packed);
	/* With the check both ways agree, too. */
	pbjson_free(message);
	message = pbjson_parse(descriptor, request_check, line, length, &error);
	bytes = pbjson_to_wire(descriptor, request_check, line, length, &size,
	    &error);
	must((message != NULL) == (bytes != NULL));
	free(bytes);
	pbjson_free(message);
}

/*
 * Does a message come twice?  The two are one then; protobuf-c forgets of the first
 * the enumerations that the second does not have.
 */
static bool
merges(const ProtobufCMessageDescriptor *descriptor, struct wire wire)
{
	const ProtobufCFieldDescriptor *field;
	struct wire_field found;
	uint64_t seen = 0;

	while (wire_next(&wire, &found) == 1) {
		field = protobuf_c_message_descriptor_get_field(descriptor,
		    found.number);
		if (field == NULL || field->type != PROTOBUF_C_TYPE_MESSAGE ||
		    found.type != 2)
			continue;
		if ((field->label != PROTOBUF_C_LABEL_REPEATED &&
		    (seen & (uint64_t)1 << found.number % 64) != 0) ||
		    merges(field->descriptor, found.value))
			return (true);
		seen |= (uint64_t)1 << found.number % 64;
	}
	return (false);
}

static void
from_wire(const ProtobufCMessageDescriptor *descriptor, const uint8_t *bytes,
    size_t size)
{
	ProtobufCMessage *oracle = protobuf_c_message_unpack(descriptor, NULL,
	    size, bytes);
	size_t length;
	char *line, *want = oracle == NULL ? NULL :
	    pbjson_print(oracle, &length, &error);

	line = pbjson_from_wire(descriptor, NULL, bytes, size, NULL, &error);
	/* protobuf-c takes all that we take, and reads the same. */
	must(line == NULL || (want != NULL && (strcmp(line, want) == 0 ||
	    merges(descriptor, (struct wire){ bytes, bytes + size }))));
	if (oracle != NULL)
		protobuf_c_message_free_unpacked(oracle, NULL);
	if (want != NULL)
		round_trip(descriptor, want, length);
	free(line);
	free(want);
}

static void
from_json(const ProtobufCMessageDescriptor *descriptor, const char *text,
    size_t size)
{
	ProtobufCMessage *message = pbjson_parse(descriptor, NULL, text, size,
	    &error);
	struct error other;
	size_t length;
	void *bytes = pbjson_to_wire(descriptor, NULL, text, size, &length, &other);
	char *line;

	must((message == NULL) == (bytes == NULL));
	if (message != NULL) {
		line = pbjson_print(message, &length, &error);
		must(line != NULL);
		round_trip(descriptor, line, length);
		free(line);
	}
	free(bytes);
	pbjson_free(message);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const ProtobufCMessageDescriptor *descriptor;

	if (size < 1)
		return (0);
	descriptor = data[0] & 1 ? methods[(data[0] >> 1) % 9].request :
	    methods[(data[0] >> 1) % 9].response;
	if (data[0] & 128)
		from_wire(descriptor, data + 1, size - 1);
	else
		from_json(descriptor, (const char *)data + 1, size - 1);
	return (0);
}
