#include "streamsum/items.h"

void
items_field(struct sha256 *sha256, uint64_t value)
{
	uint8_t bytes[8];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(value >> 8 * i);
	sha256_add(sha256, bytes, sizeof(bytes));
}

void
items_end(struct sha256 *sha256, char letter, uint64_t length)
{
	items_field(sha256, length);
	sha256_add(sha256, &letter, 1);
}

void
items_fields(struct sha256 *sha256, const struct zstream *stream,
    const struct items_field *fields, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const size_t at = fields[i].offset;

		switch (fields[i].size) {
		case 1: items_field(sha256, stream->record[at]); break;
		case 4: items_field(sha256, zstream_u32(stream, at)); break;
		case 8: items_field(sha256, zstream_u64(stream, at)); break;
		default: sha256_add(sha256, stream->record + at, fields[i].size);
		}
	}
}
