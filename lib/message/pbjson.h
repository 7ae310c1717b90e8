#ifndef ZR_PBJSON_H
#define ZR_PBJSON_H

#include <stddef.h>
#include <protobuf-c/protobuf-c.h>

#include "base/buffer.h"
#include "base/error.h"

/*
 * JSON <-> protobuf by descriptor, for any message: the proto3 JSON mapping
 * (zr-endpoint-interface(7)).  Field names are those of zrepl.proto; 64-bit
 * integers are strings on the way out, strings or numbers on the way in;
 * enums by name on the way out (by number where the name is unknown), by
 * name or number on the way in.  Unknown and repeated keys, wrong types,
 * numbers out of range, text that is not UTF-8 or holds a NUL character, two
 * members of one oneof, and nesting deeper than JSON_DEPTH_MAX are errors
 * that name the field ("SendReq.To.Guid: ...").  null means absent.  Fields
 * with their default value are left out on the way out, except members of a
 * oneof.  What could steer a terminal is escaped on the way out (json_text.h).
 *
 * Memory: no tree of the JSON is built.  From one form to the other a list is
 * translated element by element, so that beside the text and the bytes only
 * one element exists at a time, however small the elements are.
 */

/* Is a message one that may stand?  Elements of a list are asked one by one. */
typedef int pbjson_check(const ProtobufCMessage *message, struct error *error);

/*
 * Text (length bytes, one JSON object and nothing else) to a message, which
 * the caller frees with pbjson_free().  check: NULL takes everything.  NULL on
 * error (EXIT_USAGE, or what check said).
 */
ProtobufCMessage *pbjson_parse(const ProtobufCMessageDescriptor *descriptor,
	    pbjson_check *check, const char *text, size_t length,
	    struct error *error);

/* Only what pbjson_parse() has made; NULL does nothing. */
void	pbjson_free(ProtobufCMessage *message);

/*
 * A message as one line of JSON without newline, keys in the order of the
 * fields; free(3) it.  *length is set unless length is NULL.
 */
char	*pbjson_print(const ProtobufCMessage *message, size_t *length,
	    struct error *error);

/* The same, appended. */
int	pbjson_append(struct buffer *out, const ProtobufCMessage *message,
	    struct error *error);

/* A message's bytes on the wire; free(3) them. */
void	*pbjson_pack(const ProtobufCMessage *message, size_t *length,
	    struct error *error);

/*
 * From the wire's bytes to a line of JSON, as pbjson_print() gives it, to be
 * free(3)d.  Unknown fields are passed over, of a field that comes twice the
 * last counts, messages are merged.  NULL on error (EXIT_PROTOCOL, or what
 * check said).
 */
char	*pbjson_from_wire(const ProtobufCMessageDescriptor *descriptor,
	    pbjson_check *check, const void *bytes, size_t length,
	    size_t *text_length, struct error *error);

/* From JSON text to the wire's bytes, to be free(3)d; NULL as pbjson_parse(). */
void	*pbjson_to_wire(const ProtobufCMessageDescriptor *descriptor,
	    pbjson_check *check, const char *text, size_t length, size_t *size,
	    struct error *error);

#endif
