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
 * oneof.  Characters that could control a terminal are escaped on the way out
 * (json_text.h).
 *
 * Memory: no tree of the JSON is built.  A list is translated from one form to the
 * other element by element, so that beside the text and the bytes only one element
 * exists at a time, however small the elements are.
 */

/* Is a message acceptable?  Called for each element of a list. */
typedef int pbjson_check(const ProtobufCMessage *message, struct error *error);

/*
 * Text (length bytes, one JSON object and nothing else) to a message, which
 * the caller frees with pbjson_free().  check: NULL accepts everything.  NULL on
 * error (EXIT_USAGE, or the error of check).
 */
ProtobufCMessage *pbjson_parse(const ProtobufCMessageDescriptor *descriptor,
	    pbjson_check *check, const char *text, size_t length,
	    struct error *error);

/* Only for messages of pbjson_parse(); NULL does nothing. */
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
 * From the wire's bytes to a line of JSON as from pbjson_print(); free(3) it.  Unknown
 * fields are skipped, the last one of a repeated scalar field counts, messages are
 * merged.  NULL on error (EXIT_PROTOCOL, or the error of check).
 */
char	*pbjson_from_wire(const ProtobufCMessageDescriptor *descriptor,
	    pbjson_check *check, const void *bytes, size_t length,
	    size_t *text_length, struct error *error);

/* From JSON text to the wire's bytes; free(3) them.  NULL as from pbjson_parse(). */
void	*pbjson_to_wire(const ProtobufCMessageDescriptor *descriptor,
	    pbjson_check *check, const char *text, size_t length, size_t *size,
	    struct error *error);

#endif
