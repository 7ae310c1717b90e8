#include <sha2.h>
#include <stdlib.h>
#include <string.h>

#include "streamsum/sha256.h"

#include "unit.h"

#define LONGEST 300000

static void
check_sum(struct sha256 *sha256, const uint8_t *bytes, size_t length, size_t piece)
{
	uint8_t sum[SHA256_SIZE], expected[SHA256_SIZE];
	SHA2_CTX context;

	SHA256Init(&context);
	SHA256Update(&context, bytes, length);
	SHA256Final(expected, &context);
	sha256_begin(sha256);
	for (size_t at = 0; at < length; at += piece)
		sha256_add(sha256, bytes + at, length - at < piece ? length - at : piece);
	sha256_end(sha256, sum);
	CHECK(!sha256->failed);
	CHECK(memcmp(sum, expected, sizeof(sum)) == 0);
}

int
main(void)
{
	static const size_t lengths[] = { 0, 1, 63, 64, 65, 16383, 16384, 16385, 65536,
	    LONGEST };
	static const size_t pieces[] = { 1, 7, 4096, 16384, 16385, LONGEST };
	uint8_t *bytes = malloc(LONGEST);
	struct sha256 small = { .failed = false }, sha256 = { .failed = false };

	for (size_t i = 0; i < LONGEST; i++)
		bytes[i] = (uint8_t)(i * 2654435761u >> 13);
	/* From 256 KiB on they are OpenSSL's. */
	TEST("each of many small sums is that of its bytes") {
		for (size_t i = 0; i < 200; i++)
			check_sum(&small, bytes + i, 4000, 1000);
	}
	TEST("a sum of any length, in pieces of any size, is that of all its bytes") {
		for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
			for (size_t j = 0; j < sizeof(pieces) / sizeof(pieces[0]); j++)
				check_sum(&sha256, bytes, lengths[i], pieces[j]);
	}
	sha256_free(&small);
	sha256_free(&sha256);
	free(bytes);
	return (unit_end());
}
