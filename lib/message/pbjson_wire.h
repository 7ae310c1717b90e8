#ifndef ZR_PBJSON_WIRE_H
#define ZR_PBJSON_WIRE_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "message/arena.h"

/*
 * A message's bytes on the wire, field by field: for pbjson.h.
 *
 * Stricter than protobuf-c, since JSON cannot express everything: strings are UTF-8
 * without a NUL.  More frugal, too: unknown fields cost no memory, and a string that
 * occurs again costs no more than its length.
 */
struct wire {
	const uint8_t *at, *end;
};

struct wire_field {
	uint32_t number;
	unsigned int type;	/* 0: varint, 1: 64 bits, 2: bytes, 5: 32 bits */
	uint64_t varint;
	struct wire value;	/* of type 2 */
};

/* The next field: 1; 0 at the end; -1 if the bytes are no fields. */
int	wire_next(struct wire *wire, struct wire_field *field);

/* Is there a field of this number? */
bool	wire_has(struct wire wire, uint32_t number);

/*
 * A message from all of its bytes, except for its lists: their elements are only
 * checked to be bytes.  It lives in the arena.  NULL on error (EXIT_PROTOCOL).
 */
ProtobufCMessage *wire_unpack(const ProtobufCMessageDescriptor *descriptor,
	    const struct wire *wire, struct arena *arena, struct error *error);

#endif
