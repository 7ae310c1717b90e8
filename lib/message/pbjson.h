#ifndef ZR_PBJSON_H
#define ZR_PBJSON_H

#include <stddef.h>
#include <jansson.h>
#include <protobuf-c/protobuf-c.h>

#include "base/error.h"

/*
 * JSON <-> protobuf by descriptor, for any message: the proto3 JSON mapping
 * (zr-endpoint-interface(7)).  Field names are those of zrepl.proto; 64-bit
 * integers are strings on the way out, strings or numbers on the way in;
 * enums by name on the way out (by number where the name is unknown), by
 * name or number on the way in.  Unknown and repeated keys, wrong types,
 * numbers out of range, text that is not UTF-8, two members of one oneof,
 * and nesting deeper than PBJSON_DEPTH_MAX are errors that name the field
 * ("SendReq.To.Guid: ...").  null means absent.  Fields with their default
 * value are left out on the way out, except members of a oneof.
 */
#define PBJSON_DEPTH_MAX 16

/*
 * Text (length bytes, one JSON object and nothing else) to a message, which
 * the caller frees with protobuf_c_message_free_unpacked(message, NULL).
 * NULL on error (EXIT_USAGE).
 */
ProtobufCMessage *pbjson_parse(const ProtobufCMessageDescriptor *descriptor,
	    const char *text, size_t length, struct error *error);

/*
 * Text to a JSON value, as above: integers of 64 bits without a sign become
 * strings, where jansson's are too short for them.  NULL on error.
 */
json_t	*pbjson_load(const char *text, size_t length, struct error *error);

/* A message from such a value. */
ProtobufCMessage *pbjson_from_json(const ProtobufCMessageDescriptor *descriptor,
	    const json_t *json, struct error *error);

/* A message as a JSON object; the caller decrefs.  NULL on error. */
json_t	*pbjson_to_json(const ProtobufCMessage *message, struct error *error);

/*
 * A message as one line of JSON without newline, keys in the order of the
 * fields; free(3) it.  *length is set unless length is NULL.
 */
char	*pbjson_print(const ProtobufCMessage *message, size_t *length,
	    struct error *error);

/*
 * From the wire: unpack and check that every string is UTF-8.  NULL on error
 * (EXIT_PROTOCOL).  And to the wire: *bytes is to be free(3)d.
 */
ProtobufCMessage *pbjson_unpack(const ProtobufCMessageDescriptor *descriptor,
	    const void *bytes, size_t length, struct error *error);
int	pbjson_pack(const ProtobufCMessage *message, void **bytes,
	    size_t *length, struct error *error);

#endif
