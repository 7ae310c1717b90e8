/*
 * Inflates frames.  For each: how many bytes it says that it inflates to, and how many
 * bytes it has, two bytes each, then those; the input's first byte says in which pieces
 * they come.
 */
#include <stddef.h>
#include <stdint.h>

#include "dataconn/compression.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t
number(const uint8_t *bytes)
{
	return ((size_t)bytes[0] << 8 | bytes[1]);
}

/* -1: it was refused. */
static int
inflate(struct decompressor *decompressor, const uint8_t *bytes, size_t size,
    size_t says, size_t piece)
{
	const uint8_t *made;
	size_t take, length, all = 0;
	struct error error;
	int result;

	decompressor_begin(decompressor, says);
	for (size_t at = 0; at < size; at += take) {
		take = size - at < piece ? size - at : piece;
		decompressor_feed(decompressor, bytes + at, take, at + take == size);
		while ((result = decompressor_next(decompressor, &made, &length,
		    &error)) == 1) {
			all += length;
			if (length == 0 || all > says)
				__builtin_trap();
		}
		if (result == -1)
			return (-1);
	}
	if (all != says)
		__builtin_trap();
	return (0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct decompressor decompressor = { .context = NULL };
	size_t length;

	for (size_t at = 1; at + 4 < size; at += 4 + length) {
		length = number(data + at + 2);
		if (length > size - at - 4)
			length = size - at - 4;
		if (length == 0 || inflate(&decompressor, data + at + 4, length,
		    1 + number(data + at), (size_t)data[0] + 1) == -1)
			break;
	}
	decompressor_free(&decompressor);
	return (0);
}
