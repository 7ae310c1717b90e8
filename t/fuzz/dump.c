/*
 * Feeds zr-dump's decoder with what the first byte says is the client's or
 * the server's side, and of which method, in two pieces.
 */
#include <stdint.h>
#include <stdio.h>

#include "dump/dump.h"

int	LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static FILE *null;
	struct dump_connection connection = { .method = NULL };
	struct error error;
	struct dump dump;
	size_t half;

	if (null == NULL)
		null = fopen("/dev/null", "w");
	if (size < 2)
		return (0);
	if (bytes[0] & 2)
		connection.method = &methods[(bytes[0] >> 2) % 9];
	half = (size - 2) * bytes[1] / 256;
	if (dump_init(&dump, bytes[0] & 1 ? DUMP_SERVER : DUMP_CLIENT,
	    &connection, null, &error) == 0 &&
	    dump_feed(&dump, bytes + 2, half, &error) == 0 &&
	    dump_feed(&dump, bytes + 2 + half, size - 2 - half, &error) == 0)
		dump_end(&dump, &error);
	dump_free(&dump);
	dump_connection_free(&connection);
	return (0);
}
