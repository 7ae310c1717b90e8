/* Feeds a zfs send stream to the parser, in pieces of the first byte's size. */
#include <stddef.h>
#include <stdint.h>

#include "zstream.h"

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct zstream stream;
	struct error error;
	size_t piece, take;

	if (size < 1)
		return (0);
	piece = (size_t)data[0] * 8 + 1;
	zstream_init(&stream);
	for (size_t at = 1; at < size; at += take) {
		take = size - at < piece ? size - at : piece;
		if (zstream_feed(&stream, data + at, take, &error) == -1)
			return (0);
	}
	zstream_finish(&stream, &error);
	return (0);
}
