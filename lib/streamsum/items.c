#include "streamsum/items.h"

int
items_init(struct items *items)
{
	items->failed = false;
	items->context = EVP_MD_CTX_new();
	return (items->context == NULL ? -1 : 0);
}

void
items_begin(struct items *items)
{
	if (EVP_DigestInit_ex(items->context, EVP_sha256(), NULL) != 1)
		items->failed = true;
}

void
items_add(struct items *items, const void *bytes, size_t length)
{
	if (EVP_DigestUpdate(items->context, bytes, length) != 1)
		items->failed = true;
}

void
items_field(struct items *items, uint64_t value)
{
	uint8_t bytes[8];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(value >> 8 * i);
	items_add(items, bytes, sizeof(bytes));
}

void
items_end(struct items *items, char letter, uint64_t length)
{
	items_field(items, length);
	items_add(items, &letter, 1);
}

void
items_fields(struct items *items, const struct zstream *stream,
    const struct items_field *fields, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const size_t at = fields[i].offset;

		switch (fields[i].size) {
		case 1: items_field(items, stream->record[at]); break;
		case 4: items_field(items, zstream_u32(stream, at)); break;
		case 8: items_field(items, zstream_u64(stream, at)); break;
		default: items_add(items, stream->record + at, fields[i].size);
		}
	}
}

void
items_sum(struct items *items, uint8_t sum[ITEMS_SUM_SIZE])
{
	if (EVP_DigestFinal_ex(items->context, sum, NULL) != 1)
		items->failed = true;
}

void
items_free(struct items *items)
{
	EVP_MD_CTX_free(items->context);
	items->context = NULL;
}
