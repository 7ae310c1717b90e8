#ifndef ZR_ITEMS_H
#define ZR_ITEMS_H

#include <stddef.h>
#include <stdint.h>

#include "format/zstream.h"
#include "streamsum/sha256.h"

/* What a digest is of (stream_digest.h): items, of fields and bytes. */
void	items_field(struct sha256 *sha256, uint64_t value);

/* The end of an item, of which length bytes were not fields. */
void	items_end(struct sha256 *sha256, char letter, uint64_t length);

/* Fields of the stream's record: 1, 4 or 8 bytes are a number, others bytes. */
struct items_field {
	size_t offset, size;
};

#define ITEMS_FIELDS(sha256, stream, fields)					\
	items_fields((sha256), (stream), (fields), sizeof(fields) / sizeof((fields)[0]))

void	items_fields(struct sha256 *sha256, const struct zstream *stream,
	    const struct items_field *fields, size_t count);

#endif
